"""``textaxa explain``, ``textaxa.explain`` and the page: what they show, and that hostile text stays text."""

import html.parser
import json
import re

import pytest
from training.apps import rows
from typer.testing import CliRunner

import textaxa
from textaxa.cli import app
from textaxa.errors import ConfigError, TaxonomyError
from textaxa.explanation import Explanation, LevelExplanation, Word, explanation_html
from textaxa.linear import LinearModel
from textaxa.persistence import save_model
from textaxa.taxonomy import Taxonomy

HOSTILE = "<script>alert(1)</script> \"><img src=x onerror=alert(2)> & football ' --> </style>"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    texts, labels = rows()
    taxonomy = Taxonomy.from_paths(path for paths in labels for path in paths)
    folder = tmp_path_factory.mktemp("models") / "linear"
    return save_model(LinearModel.fit(texts, labels, taxonomy), folder)


@pytest.fixture
def run():
    return lambda *args, **options: CliRunner().invoke(app, ["explain", *map(str, args)], **options)


def test_the_words_are_listed_level_by_level(run, model):
    done = run(model, "Football club match", "--path", "Games > Sports", "--against", "Games > Puzzle")
    assert done.exit_code == 0, done.stderr
    assert "Games > Sports" in done.stdout
    assert re.search(r"Sports \d+\.\d % against Games > Puzzle \d+\.\d %: [+]\d", done.stdout)
    assert re.search(r"for +Football [+]\d+\.\d\d", done.stdout)
    assert "without words" in done.stdout
    assert "\x1b[" not in done.stdout


def test_json_is_the_explanation(run, model):
    done = run(model, "Football club", "--json")
    found = json.loads(done.stdout)
    assert found == json.loads(json.dumps(textaxa.explain(model, "Football club").to_dict()))
    for level in found["levels"]:
        total = level["baseline"] + sum(word["weight"] for word in level["words"]) + sum(level["elsewhere"].values())
        assert total + level["error"] == pytest.approx(level["score"])
        assert all("Football club"[word["start"] : word["end"]] == word["word"] for word in level["words"])


def test_the_text_comes_from_the_command_line_a_file_or_stdin(run, model, tmp_path):
    file = tmp_path / "text.txt"
    file.write_bytes("\ufeffFüßball 😀 match\r\n".encode())
    of_file = json.loads(run(model, "--file", file, "--json").stdout)
    assert of_file["text"] == "Füßball 😀 match"
    assert json.loads(run(model, "-", "--json", input="Füßball 😀 match\n").stdout) == of_file
    assert json.loads(run(model, "Füßball 😀 match", "--json").stdout) == of_file


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "Give the text"),
        (("a", "--file", "b.txt"), "one of them"),
        (("--file", "missing.txt"), "missing.txt"),
        (("a", "--path", "Gaems"), "Gaems"),
        (("a", "--path", "Games > Sports", "--against", "Games > Sports"), "cannot be measured"),
    ],
)
def test_mistakes_are_one_paragraph(run, model, args, message):
    done = run(model, *args)
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_utf_8_is_refused(run, model, tmp_path):
    (tmp_path / "latin.txt").write_bytes("Fußball".encode("latin-1"))
    done = run(model, "--file", tmp_path / "latin.txt")
    assert done.exit_code == 2
    assert "byte 3" in done.stderr


class _Reader(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data):
        self.text += data


def test_a_page_shows_hostile_text_as_text(run, model, tmp_path):
    page = tmp_path / "why.html"
    done = run(model, HOSTILE, "--html", page)
    assert done.exit_code == 0, done.stderr
    reader = _Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    assert not {"script", "img", "link", "iframe", "object"} & set(reader.tags)
    assert not any(name.startswith("on") or name in ("src", "href") for name in reader.attributes)
    assert reader.text.count(HOSTILE) >= 1
    assert "url(" not in page.read_text(encoding="utf-8")


def test_names_of_nodes_are_escaped_too():
    level = LevelExplanation(
        ("<b>A", "<i>B"), 0.5, "named", against=("<u>C",), against_probability=0.1, elsewhere={"<s>": 1.0}
    )
    page = explanation_html(Explanation("text", (("<b>A", "<i>B"),), (level,), "<q>method"))
    assert not re.search(r"<(b>A|i>B|u>C|s>|q>)", page)


def test_a_page_marks_every_word_that_matters_and_adds_up():
    words = (Word(0, 4, 2.0), Word(5, 7, -1.0), Word(8, 11, 0.001))
    level = LevelExplanation(("A",), 0.9, "log-odds", score=1.251, baseline=0.25, words=words)
    page = explanation_html(Explanation("good no meh", (("A",),), (level,), "m"))
    assert re.search(r'<span class=for style="--s:1.00" title="good: \+2.000">good</span>', page)
    assert re.search(r'<span class=against style="--s:0.50"[^>]*>no</span> meh', page)
    assert "+0.25 without the words" in page
    assert "<b>+1.25</b>" in page


def test_a_page_is_not_overwritten_unasked(run, model, tmp_path):
    page = tmp_path / "why.html"
    page.write_text("mine", encoding="utf-8")
    assert run(model, "football", "--html", page).exit_code == 2
    assert page.read_text(encoding="utf-8") == "mine"
    assert run(model, "football", "--html", page, "--overwrite").exit_code == 0
    assert page.read_text(encoding="utf-8") != "mine"


def test_in_python_a_path_may_be_names_or_a_string(model):
    by_names = textaxa.explain(model, "football", path=("Games", "Sports"), against=("Games", "Puzzle"))
    assert textaxa.explain(model, "football", path="Games > Sports", against="Games > Puzzle") == by_names
    assert textaxa.explain(model, "football", path="Games/Sports", separator="/").paths == (("Games", "Sports"),)
    with pytest.raises(ConfigError, match="separator"):
        textaxa.explain(model, "football", path="Games > Sports", separator="")
    with pytest.raises(TaxonomyError, match="Gaems"):
        textaxa.explain(model, "football", path="Gaems > Sports")


def test_the_terminal_colours_words_unless_told_not_to(model, monkeypatch):
    from rich.console import Console

    from textaxa.cli._explain import _show

    found = textaxa.explain(model, "football club [bold]x")
    for forbidden in (False, True):
        if forbidden:
            monkeypatch.setenv("NO_COLOR", "1")
        out = Console(force_terminal=True, width=200, record=True, color_system="truecolor")
        with out.capture() as shown:
            _show(found, 5, out)
        assert ("\x1b[1;32m" in shown.get()) == (not forbidden)
        assert ("[bold]x" in shown.get()) or forbidden
