"""A Hugging Face transformer as an encoder: texts come in, one vector a text goes out."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from textaxa._pieces import flop_of, tokenizer_faults
from textaxa._quiet import quiet_transformers
from textaxa.encoders._asked import UNREADABLE, check_asked
from textaxa.encoders._cut import LayerCut
from textaxa.encoders._encoder import Encoder
from textaxa.encoders._light import attention_that_learns_fast, lighten_dropout
from textaxa.encoders._tokens import TextTokeniser, TokenStates
from textaxa.errors import ConfigError
from textaxa.settings import EncoderSettings

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class TransformerEncoder(Encoder):
    """A transformer, its tokenizer, and the pooling that makes one vector of a text.

    Attributes
    ----------
    width : int
        Features of a text vector, D.
    settings : EncoderSettings
        With ``pooling`` resolved: never ``auto``.
    """

    backbone: "PreTrainedModel"
    state_width: int

    def __init__(self, backbone: "PreTrainedModel", tokenizer: Any, settings: EncoderSettings) -> None:
        super().__init__()
        self.backbone = backbone
        self.tokenise = TextTokeniser(tokenizer, settings)
        self.settings = settings
        self.width: int = backbone.config.hidden_size
        self.tokenise.known = _n_embeddings(backbone)
        self.state_width = self.width
        self.cut: LayerCut | None = None

    @property
    def depth(self) -> int | None:
        """How many layers could be frozen or trained one by one; None where no list of layers was found."""
        found = _list_of_layers(self.backbone)
        return None if found is None else len(found)

    @property
    def layers(self) -> Sequence[nn.Module]:
        """Its layers, from the bottom up; none where no list of them was found."""
        return list(_list_of_layers(self.backbone) or ())

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        text_of: torch.Tensor,
        below: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """Encode pieces (W, L) of B texts to text vectors (B, D); the vectors of a text's windows are averaged.

        ``below`` are the states at the cut (W, L, D), where they were computed before.
        """
        states = self._last_states(input_ids, attention_mask, below)
        pieces = pool(states, attention_mask, self.settings.pooling)
        n_texts = int(text_of[-1]) + 1
        if n_texts == len(pieces):
            return pieces
        sums = pieces.new_zeros(n_texts, pieces.shape[1]).index_add_(0, text_of, pieces)
        return sums / torch.bincount(text_of, minlength=n_texts).unsqueeze(1).to(pieces.dtype)

    def states(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        text_of: torch.Tensor,
        below: torch.Tensor | None = None,
    ) -> TokenStates:
        """Give the token states of B texts, (B, L, D) with a mask (B, L); the windows of a text follow each other."""
        states = self._last_states(input_ids, attention_mask, below)
        n_texts = int(text_of[-1]) + 1
        if n_texts == len(states):
            return TokenStates(states, attention_mask.bool())
        per_text = torch.bincount(text_of, minlength=n_texts).tolist()
        joined = [part.flatten(0, 1) for part in states.split(per_text)]
        real = [part.flatten() for part in attention_mask.bool().split(per_text)]
        pad = nn.utils.rnn.pad_sequence
        return TokenStates(pad(joined, batch_first=True), pad(real, batch_first=True))

    def flop(self, lengths: Sequence[int]) -> float:
        """Give the useful floating-point operations over pieces of these lengths."""
        return flop_of(lengths, **sizes_of(self.backbone.config))

    def _last_states(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, below: torch.Tensor | None
    ) -> torch.Tensor:
        with attention_that_learns_fast(input_ids.device):
            if below is not None and self.cut is not None:
                return self.cut.last_states(below, input_ids, attention_mask)
            states: torch.Tensor = self.backbone(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            return states

    def lighten_dropout(self) -> None:
        """Train with dropout that costs less on a CPU; prediction has none."""
        lighten_dropout(self.backbone)

    def train(self, mode: bool = True) -> "TransformerEncoder":
        """Switch dropout on or off; in layers that are frozen it stays off."""
        super().train(mode)
        if mode and self.cut is not None:
            self.backbone.eval()
            for layer in self.cut.upper:
                layer.train()
        return self

    def freeze_below(self, trainable_layers: int) -> None:
        """Let only the top layers learn; the token embeddings and the layers below stay as they are, without dropout.

        Raises
        ------
        ConfigError
            The encoder has no list of layers, or fewer than asked for.
        """
        layers = _layers(self.backbone)
        if trainable_layers > len(layers):
            raise ConfigError(f"trainable_layers = {trainable_layers}, but this encoder has only {len(layers)} layers.")
        self.backbone.requires_grad_(False)
        self.cut = LayerCut(self.backbone, list(layers), len(layers) - trainable_layers)
        for layer in self.cut.upper:
            layer.requires_grad_(True)

    def save(self, folder: Path) -> None:
        """Write weights, configuration and tokenizer as an ordinary Hugging Face model folder."""
        with quiet_transformers():
            self.backbone.save_pretrained(folder)
            self.tokenise.tokenizer.save_pretrained(folder)


def _n_embeddings(backbone: "PreTrainedModel") -> int | None:
    """Give how many token ids a transformer knows; None where it has no plain table of them."""
    try:
        table = backbone.get_input_embeddings()
    except NotImplementedError:
        return None
    return table.num_embeddings if isinstance(table, nn.Embedding) else None


def sizes_of(config: Any) -> dict[str, int]:
    """Give ``width``, ``layers`` and ``feed_forward`` of a Hugging Face configuration; 0 for what it does not name.

    Models of one family name them in their own way: DistilBERT says n_layers and hidden_dim.
    """

    def first(*names: str) -> int:
        return next((value for name in names if isinstance(value := getattr(config, name, None), int)), 0)

    return {
        "width": first("hidden_size", "dim", "d_model"),
        "layers": first("num_hidden_layers", "n_layers"),
        "feed_forward": first("intermediate_size", "hidden_dim", "ffn_dim"),
    }


def load_transformer(settings: EncoderSettings, name: str) -> TransformerEncoder:
    """Load a transformer by its Hugging Face name or from a folder.

    Raises
    ------
    ConfigError
        The model cannot be found or read, has no safetensors file, needs code of its own, or is shorter than
        ``max_length``.
    """
    backbone, tokenizer = _from_pretrained(name)
    limit = _positions(backbone, tokenizer)
    if settings.max_length > limit:
        raise ConfigError(
            f"max_length = {settings.max_length}, but the encoder {name!r} reads at most {limit} tokens. "
            f"Use max_length = {limit}, and long_text = windows to read more of a text."
        )
    if settings.pooling == "auto":
        settings = replace(settings, pooling=_own_pooling(name) or "mean")
    return TransformerEncoder(backbone, tokenizer, settings)


def _from_pretrained(name: str) -> tuple["PreTrainedModel", Any]:
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415 - a second of import that only this step needs

    if name.startswith((".", "/", "~", "\\")) and not Path(name).exists():
        raise ConfigError(f"There is no folder {name!r} to load an encoder from. Check the path.")
    if Path(name).exists() and not (Path(name) / "config.json").is_file():
        raise ConfigError(f"The folder {name!r} is not a Hugging Face model: it has no config.json.")
    try:
        with quiet_transformers(), tokenizer_faults():
            if Path(name).exists():
                check_asked(Path(name))
            # nosec below: which revision is the business of whoever names a model of the Hub.
            tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)  # nosec B615
            options = {"trust_remote_code": False, "use_safetensors": True, "dtype": torch.float32}
            backbone, told = AutoModel.from_pretrained(name, **options, output_loading_info=True)  # nosec B615
    except UNREADABLE as error:
        raise ConfigError(
            f"The encoder {name!r} could not be loaded: {_first_line(error)} Give a local folder with config.json, "
            "tokenizer.json and model.safetensors, or the name of a Hugging Face model that this machine can reach; "
            "leave it out for the packaged MiniLM, which works offline."
        ) from error
    if getattr(backbone.config, "is_encoder_decoder", False):
        backbone = backbone.get_encoder()
    if getattr(backbone, "pooler", None) is not None:
        backbone.pooler = None  # its output is not used: it would be trained by nothing and saved for nothing
    _check_whole(backbone, name, told["missing_keys"])
    return backbone, tokenizer


def _check_whole(backbone: "PreTrainedModel", name: str, missing: Iterable[str]) -> None:
    """Refuse weights that are no numbers, or that transformers made up at random because the file lacks them."""
    lacking = sorted(dict(backbone.named_parameters()).keys() & set(missing))
    if lacking:
        raise ConfigError(
            f"The encoder {name!r} is not whole: its file lacks {len(lacking)} of the weights that its config.json "
            f"asks for ({', '.join(lacking[:3])}). Get the whole folder again."
        )
    for part, value in backbone.named_parameters():
        # The extremes, and no array of truths: they are not finite where any number is not.
        if value.numel() and not torch.isfinite(torch.stack(torch.aminmax(value))).all():
            raise ConfigError(
                f"The encoder {name!r} is damaged: {part} holds values that are not finite. Its training went wrong, "
                "or its file was changed. Get the whole folder again."
            )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    first = lines[0].strip() if lines else type(error).__name__
    return first if first.endswith(".") else f"{first}."


def _own_pooling(name: str) -> str | None:
    """Read the pooling that a sentence-transformers folder was trained with."""
    file = Path(name, "1_Pooling", "config.json")
    if not file.is_file():
        return None
    try:
        modes = dict(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise ConfigError(f"{file} is damaged: {error}. Name the pooling, or get the whole folder again.") from error
    for key, pooling in (("cls_token", "cls"), ("mean_tokens", "mean"), ("max_tokens", "max")):
        if modes.get(f"pooling_mode_{key}"):
            return pooling
    return None


def _positions(backbone: "PreTrainedModel", tokenizer: Any) -> int:
    """Give the longest input in tokens. RoBERTa-like models keep two positions for padding: their tokenizer knows."""
    own = getattr(backbone.config, "max_position_embeddings", None) or _NO_LIMIT
    return int(min(own, tokenizer.model_max_length))


_NO_LIMIT = 1_000_000
"""For models with relative positions, which set no limit."""


def _layers(backbone: "PreTrainedModel") -> nn.ModuleList:
    found = _list_of_layers(backbone)
    if found is None:
        raise ConfigError(f"trainable_layers cannot be used: no list of layers was found in {type(backbone).__name__}.")
    return found


def _list_of_layers(backbone: "PreTrainedModel") -> nn.ModuleList | None:
    depth = getattr(backbone.config, "num_hidden_layers", None)
    lists = (module for module in backbone.modules() if isinstance(module, nn.ModuleList) and len(module) == depth)
    return next(lists, None)


def pool(states: torch.Tensor, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Pool token states (W, L, D) under a mask (W, L) to vectors (W, D)."""
    if pooling == "cls":
        return states[:, 0]
    real = mask.unsqueeze(-1).to(states.dtype)
    if pooling == "max":
        return states.masked_fill(real == 0, -torch.inf).amax(1)
    return (states * real).sum(1) / real.sum(1).clamp_min(1)
