"""The model folder: written atomically, read with suspicion. Needs the extra ``train``."""

from textaxa.persistence._folder import FORMAT_VERSION, is_model_folder, load_model, read_config, save_model

__all__ = ["FORMAT_VERSION", "is_model_folder", "load_model", "read_config", "save_model"]
