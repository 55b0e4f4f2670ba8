"""``textaxa reproduce``."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from textaxa._processes import launched
from textaxa.cli import _options as options

if TYPE_CHECKING:
    from textaxa.jobs.reproduce import Reproduced

DIFFERENT = 1
"""The status where the new model is not the same."""


def reproduce(
    model: Annotated[str, typer.Argument(help="Folder of the model; it is left as it is.")],
    table: Annotated[
        str | None, typer.Argument(help="Its training table. Default: where it was then, seen from here.")
    ] = None,
    valid: Annotated[str | None, typer.Option(help="Its validation table.", metavar="TABLE")] = None,
    taxonomy: Annotated[str | None, typer.Option(help="The file of its taxonomy.", metavar="FILE")] = None,
    feedback: Annotated[
        list[str] | None,
        typer.Option("--feedback", help="Its files of corrections, again for each, in their order.", metavar="FILE"),
    ] = None,
    encoder: Annotated[str | None, typer.Option(help="The encoder that it started from.", metavar="NAME")] = None,
    out: Annotated[
        str | None, typer.Option("--out", help="Keep the new model. Default: it is removed.", metavar="FOLDER")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on after an interruption; needs --out.")] = False,
    overwrite: options.Overwrite = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Train a model again from what its folder tells, and compare the two bit for bit."""
    from textaxa.cli._progress import training_progress
    from textaxa.cli._tables import show_json
    from textaxa.jobs._listener import nobody
    from textaxa.jobs.reproduce import reproduce as job

    silent = quiet or as_json or not launched().main
    with nullcontext(nobody) if silent else training_progress() as listener:
        result = job(
            model,
            table=table,
            valid=valid,
            taxonomy=taxonomy,
            feedback=feedback or (),
            encoder=encoder,
            out=out,
            overwrite=overwrite,
            resume=resume,
            listener=listener,
        )
    if result is None:
        return
    if as_json:
        show_json(result.to_dict())
    else:
        _show(result)
    if not result.same:
        raise typer.Exit(DIFFERENT)


def _show(result: "Reproduced") -> None:
    if result.same:
        typer.echo(f"The same model, to the last bit: {result.files} files compared.")
    else:
        typer.echo(f"Not the same bits: {len(result.differences)} of {result.files} files differ.")
        for difference in result.differences:
            typer.echo(f"  {difference.sentence()}")
    for name, (then, now) in result.scores.items():
        typer.echo(f"{name.replace('_', ' ')} on validation rows: {then:.4f} then, {now:.4f} now")
    for title, told in (("Other than then", result.surroundings), ("Note", result.remarks)):
        if told:
            typer.echo("\n".join([f"{title}:", *(f"  {one}" for one in told)]))
    kept = "" if result.out is None else f" Saved: {result.out}"
    typer.echo(f"Trained in {result.seconds:,.0f} s.{kept}")
