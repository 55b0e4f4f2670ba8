"""``textaxa serve``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from textaxa.cli import _options as options
from textaxa.cli._door import note

if TYPE_CHECKING:
    from textaxa.server import ServerSettings

WHERE = "Where"
WHO = "Who may use it"
LIMITS = "Limits"
WORK = "Computing"
PAGE = "The page"
SEEN = "What can be seen of it"

MEGABYTE = 1_000_000


def serve(
    models: Annotated[
        list[str],
        typer.Argument(help="Folders of models, or NAME=FOLDER; the first is the default.", metavar="MODEL..."),
    ],
    host: Annotated[
        str, typer.Option(help="Address to listen on; 0.0.0.0 is all of this machine's.", rich_help_panel=WHERE)
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 is any free one.", rich_help_panel=WHERE)] = 8000,
    root_path: Annotated[
        str, typer.Option(help="Prefix that a proxy takes off: /textaxa.", metavar="PATH", rich_help_panel=WHERE)
    ] = "",
    keys_file: Annotated[
        Path | None,
        typer.Option(
            help="File of API keys, one a line. Also: the variable TEXTAXA_KEYS, with commas.",
            metavar="FILE",
            rich_help_panel=WHO,
        ),
    ] = None,
    cors: Annotated[
        list[str] | None,
        typer.Option(
            help="Origin whose pages may call the service, https://example.org; again for more.",
            metavar="ORIGIN",
            rich_help_panel=WHO,
        ),
    ] = None,
    max_texts: Annotated[int, typer.Option(help="Texts of a request.", rich_help_panel=LIMITS)] = 1000,
    max_characters: Annotated[int, typer.Option(help="Characters of a text.", rich_help_panel=LIMITS)] = 100_000,
    max_body: Annotated[float, typer.Option(help="Megabytes of a request.", rich_help_panel=LIMITS)] = 8,
    max_connections: Annotated[int, typer.Option(help="Open connections, a worker.", rich_help_panel=LIMITS)] = 1000,
    timeout: Annotated[str, typer.Option(help="Time to answer a request: 30s, 2m.", rich_help_panel=LIMITS)] = "30s",
    body_timeout: Annotated[str, typer.Option(help="Time to send a request.", rich_help_panel=LIMITS)] = "20s",
    max_queue_tokens: Annotated[
        int, typer.Option(help="Tokens that may wait; beyond: status 429.", rich_help_panel=LIMITS)
    ] = 200_000,
    drain: Annotated[
        str, typer.Option(help="Time to answer what was taken, once asked to end.", rich_help_panel=LIMITS)
    ] = "30s",
    workers: Annotated[int, typer.Option(help="Processes that answer.", rich_help_panel=WORK)] = 1,
    threads: Annotated[
        int | None, typer.Option(help="Threads of a worker. Default: the cores, shared.", rich_help_panel=WORK)
    ] = None,
    runtime: options.Runtime = "auto",
    max_batch_tokens: Annotated[int, typer.Option(help="Tokens computed together.", rich_help_panel=WORK)] = 4096,
    max_wait_ms: Annotated[
        float, typer.Option(help="Milliseconds that a text waits for others.", rich_help_panel=WORK)
    ] = 4.0,
    feedback: Annotated[
        Path | None,
        typer.Option(
            help="Keep people's corrections: a .jsonl or .sqlite file, read by train --feedback.",
            metavar="FILE",
            rich_help_panel=PAGE,
        ),
    ] = None,
    labelled: Annotated[
        Path | None,
        typer.Option(
            help="Labelled rows, for scores, confusions and examples of each node.",
            metavar="TABLE",
            rich_help_panel=PAGE,
        ),
    ] = None,
    names: Annotated[
        list[str] | None,
        typer.Option(
            help="Names in other languages: LANG=TABLE, or a table with a column a language.",
            metavar="[LANG=]TABLE",
            rich_help_panel=PAGE,
        ),
    ] = None,
    edit: Annotated[
        bool, typer.Option("--edit", help="Let people change the taxonomy on the page.", rich_help_panel=PAGE)
    ] = False,
    edit_folder: Annotated[
        Path | None,
        typer.Option(
            help="Where drafts and new versions go. Default: beside the model.", metavar="DIR", rich_help_panel=PAGE
        ),
    ] = None,
    log_texts: Annotated[
        bool, typer.Option("--log-texts", help="Write the texts into the log, too.", rich_help_panel=SEEN)
    ] = False,
    otlp: Annotated[
        str | None,
        typer.Option(
            help="Send traces to an OpenTelemetry collector: http://localhost:4318/v1/traces.",
            metavar="URL",
            rich_help_panel=SEEN,
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No line for every request.")] = False,
) -> None:
    """Answer over HTTP: JSON for programs, a page for people."""
    import os

    from textaxa.jobs.serve import named
    from textaxa.jobs.serve import serve as job
    from textaxa.server import ServerSettings, admin_token_of, keys_of

    settings = ServerSettings(
        host=host,
        port=port,
        root_path=root_path.rstrip("/"),
        keys=keys_of(os.environ, keys_file),
        admin_token=admin_token_of(os.environ),
        cors_origins=tuple(cors or ()),
        max_texts=max_texts,
        max_characters=max_characters,
        max_body=round(max_body * MEGABYTE),
        max_connections=max_connections,
        timeout=options.seconds_of(timeout) or 0,
        body_timeout=options.seconds_of(body_timeout) or 0,
        max_queue_tokens=max_queue_tokens,
        drain=options.seconds_of(drain) or 0,
        workers=workers,
        threads=threads,
        runtime=runtime,
        max_batch_tokens=max_batch_tokens,
        max_wait_ms=max_wait_ms,
        feedback=feedback,
        labelled=labelled,
        names=tuple(map(_named_table, names or ())),
        edit=edit,
        edit_folder=edit_folder,
        access_log=not quiet,
        log_texts=log_texts,
        otlp_endpoint=otlp,
    )
    _warn(settings)
    job(named(models), settings, ready=_tell)
    note("Ended; what was taken is answered.")


def _tell(url: str) -> None:
    note(f"Serving at {url} (page: {url}/, for programs: {url}/openapi.json). Ctrl-C ends it.")


def _warn(settings: "ServerSettings") -> None:
    """Say what is open to others that may not be meant to be."""
    if not settings.is_local and not settings.keys:
        note(
            f"Warning: the service listens on {settings.host} without API keys: whoever reaches this machine may use "
            "it. Set TEXTAXA_KEYS or --keys-file."
        )
    if settings.edit and not settings.is_local and settings.admin_token is None:
        note("Warning: whoever reaches it may also change the taxonomy (--edit). Set TEXTAXA_ADMIN_TOKEN.")
    if settings.log_texts:
        note("Warning: the log will have all texts (--log-texts).")


def _named_table(given: str) -> tuple[str, Path]:
    """Give language and file of ``LANG=FILE``; no language where the table names its own.

    >>> _named_table("de=names.csv")[0], _named_table("names.csv")[0]
    ('de', '')
    """
    language, equals, file = given.partition("=")
    return (language, Path(file)) if equals else ("", Path(given))
