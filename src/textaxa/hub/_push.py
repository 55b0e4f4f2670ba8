"""A model folder to a repository of a hub, as one commit."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textaxa._version import __version__
from textaxa.fast_path import PARTS
from textaxa.hub._told import hub, told
from textaxa.persistence import read_config, save_model, verify

if TYPE_CHECKING:
    from textaxa.model import Model

MESSAGE = "Push a textaxa model"


def push(
    model: "Model | str | Path",
    repository: str,
    *,
    private: bool = True,
    message: str = MESSAGE,
    branch: str | None = None,
    create_pr: bool = False,
    token: str | bool | None = None,
    endpoint: str | None = None,
) -> str:
    """Give the address of the commit by which a model went to a hub.

    The repository is made where it is not there. Files of an earlier model that the new one does not have are removed
    in the same commit.

    Parameters
    ----------
    model
        A model, or the folder of one.
    repository
        ``owner/name``.
    private
        Whether a repository that is made now is seen by its owner alone. A model knows words of the texts that it was
        trained on: let the world see it on purpose. One that is there already stays as it is.
    message, branch, create_pr
        Of the commit.
    token
        Of the hub; None: as ``hf auth login`` left it.
    endpoint
        The address of the hub; None: the variable ``HF_ENDPOINT``, else https://huggingface.co.

    Raises
    ------
    ConfigError
        The name cannot be one of a repository.
    MissingExtraError
        huggingface_hub is not installed (extra ``hub``).
    ModelFileError
        The folder is not a whole model, or the hub refused it.
    """
    hub()
    if not isinstance(model, str | Path):
        with tempfile.TemporaryDirectory() as place:
            folder = save_model(model, Path(place) / "model")
            return _push(folder, repository, private, message, branch, create_pr, token, endpoint)
    return _push(Path(model), repository, private, message, branch, create_pr, token, endpoint)


def _push(  # noqa: PLR0917 - passed on as they came
    folder: Path,
    repository: str,
    private: bool,
    message: str,
    branch: str | None,
    create_pr: bool,
    token: str | bool | None,
    endpoint: str | None,
) -> str:
    files = _files(folder)
    with told(f"Pushing {folder} to {repository!r}"):
        api: Any = hub().HfApi(endpoint=endpoint, token=token, library_name="textaxa", library_version=__version__)
        made = api.create_repo(repository, private=private, exist_ok=True)
        if branch is not None:
            api.create_branch(made.repo_id, branch=branch, exist_ok=True)
        done = api.upload_folder(
            repo_id=made.repo_id,
            folder_path=folder,
            commit_message=message,
            revision=branch,
            create_pr=create_pr,
            allow_patterns=files,
            delete_patterns="*",
        )
    return str(getattr(done, "pr_url", None) or done.commit_url)


def _files(folder: Path) -> list[str]:
    """Give the files of a model folder that was found whole: what else lies in it stays at home."""
    config = read_config(folder)
    verify(folder, config["files"])
    parts = (name for name in PARTS if (folder / name / "config.json").is_file())
    nested = [f"{name}/{file}" for name in parts for file in _files(folder / name)]
    return ["config.json", "README.md", *config["files"], *nested]
