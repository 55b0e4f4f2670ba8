"""``textaxa push`` and ``textaxa pull``."""

from typing import Annotated

import typer

from textaxa.cli import _options as options
from textaxa.cli._door import note

Repository = Annotated[str, typer.Argument(help="Repository of a hub: owner/name.", metavar="REPOSITORY")]
Endpoint = Annotated[
    str | None, typer.Option(help="Address of the hub. Default: HF_ENDPOINT, else huggingface.co.", metavar="URL")
]


def push(
    model: Annotated[str, typer.Argument(help="Folder of the model.")],
    repository: Repository,
    public: Annotated[bool, typer.Option("--public", help="Let the world see a repository that is made now.")] = False,
    message: Annotated[str, typer.Option("-m", "--message", help="Message of the commit.")] = "Push a textaxa model",
    branch: Annotated[str | None, typer.Option(help="Branch; made where it is not there.")] = None,
    create_pr: Annotated[bool, typer.Option("--create-pr", help="Ask for a review: open a pull request.")] = False,
    endpoint: Endpoint = None,
) -> None:
    """Push a model folder to the Hugging Face Hub: one commit, in a private repository unless told otherwise."""
    from textaxa.hub import push as job

    typer.echo(
        job(
            model,
            repository,
            private=not public,
            message=message,
            branch=branch,
            create_pr=create_pr,
            endpoint=endpoint,
        )
    )


def pull(
    repository: Repository,
    out: Annotated[str, typer.Option("-o", "--out", help="Folder for the model.", metavar="FOLDER")],
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit. Default: the newest.")] = None,
    endpoint: Endpoint = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Pull a model from the Hugging Face Hub into a folder, every file checked; from then on no network is needed."""
    from textaxa.hub import pull as job

    folder = job(repository, out, revision=revision, endpoint=endpoint, overwrite=overwrite)
    note(f"The model is in {folder}.")
