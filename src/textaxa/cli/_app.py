"""The commands, put together."""

from collections.abc import Callable
from typing import Annotated

import typer

from textaxa._version import __version__
from textaxa.cli._audit import audit
from textaxa.cli._calibrate import calibrate
from textaxa.cli._check import check
from textaxa.cli._compare import compare
from textaxa.cli._demo import demo
from textaxa.cli._door import door
from textaxa.cli._evaluate import evaluate
from textaxa.cli._explain import explain
from textaxa.cli._export import export
from textaxa.cli._hub import pull, push
from textaxa.cli._info import info
from textaxa.cli._init import init
from textaxa.cli._migrate import migrate
from textaxa.cli._optimise import optimise
from textaxa.cli._plugins import plugins
from textaxa.cli._predict import predict
from textaxa.cli._reproduce import reproduce
from textaxa.cli._select import select
from textaxa.cli._serve import serve
from textaxa.cli._streams import prepare_streams
from textaxa.cli._taxonomy import taxonomy
from textaxa.cli._teach import teach
from textaxa.cli._train import train
from textaxa.cli._tune import tune

app = typer.Typer(
    name="textaxa",
    help="Put texts into the categories of a taxonomy that you own.",
    epilog=(
        "Example:\n\ntextaxa train apps.csv --text text --labels category,subcategory --out model/\n\n"
        "textaxa predict model/ new.csv -o out.csv"
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"textaxa {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Put texts into the categories of a taxonomy that you own."""


_EXAMPLES: dict[Callable[..., None], str] = {
    train: "textaxa train apps.csv --text text --labels category,subcategory --out model/",
    predict: "textaxa predict model/ new.csv --text text -o out.csv --top 3",
    teach: "textaxa teach model/ new-rows.csv --remember apps.csv --out newer/",
    evaluate: "textaxa evaluate model/ test.csv --labels category,subcategory --train apps.csv",
    calibrate: "textaxa calibrate model/ labelled.csv --labels category,subcategory",
    tune: "textaxa tune apps.csv --text text --labels category,subcategory --frozen --trials 30 --out tuned/",
    compare: "textaxa compare apps.csv --text text --labels category,subcategory --frozen --html compare.html",
    select: "textaxa select new.csv --model model/ --n 200 -o next.csv",
    check: "textaxa check apps.csv --text text --labels category,subcategory",
    audit: "textaxa audit apps.csv --text text --labels category,subcategory -o errors.csv",
    export: "textaxa export model/ --precision int8 --valid labelled.csv",
    optimise: "textaxa optimise model/ labelled.csv --train apps.csv --max-loss 0.3 --out faster/",
    init: "textaxa init apps.csv -o textaxa.toml, then: textaxa train --config textaxa.toml --out model/\n\n"
    "textaxa init --taxonomy categories.yaml --out model/",
    migrate: "textaxa migrate model/ --to new.csv --map map.csv --report report.csv --out newer/",
    reproduce: "textaxa reproduce model/ apps.csv",
    explain: 'textaxa explain model/ "Online football game: build your club" --html why.html',
    info: "textaxa info model/",
    plugins: "textaxa plugins --check",
    push: "textaxa push model/ anna/apps",
    pull: "textaxa pull anna/apps -o model/",
    serve: "textaxa serve model/ --keys-file keys.txt --feedback corrections.jsonl",
    demo: "echo 'Online football game: build your club' | textaxa demo",
}

for _command, _example in _EXAMPLES.items():
    app.command(epilog=f"Example:\n\n{_example}")(door(_command))
app.add_typer(taxonomy, name="taxonomy")


def main() -> None:
    """Run the command line."""
    prepare_streams()
    app()
