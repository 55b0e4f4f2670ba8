"""The command line: thin doors. Flags come in, a job is called, tables or JSON go out.

Nothing heavy is imported here: `textaxa --help` must answer at once, so every command imports its job when it runs.
"""

from textaxa.cli._app import app, main

__all__ = ["app", "main"]
