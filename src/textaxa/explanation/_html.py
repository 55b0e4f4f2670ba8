"""An explanation as one page: no script, no request, every name and text escaped."""

from collections.abc import Iterator
from html import escape

from textaxa.explanation._explanation import ENDS_HERE, LOG_ODDS, NAMED, NO_CHOICE, Explanation, LevelExplanation
from textaxa.explanation._words import Listed, listed

_ROWS = 12
"""Words that a table lists, for and against each."""

_FAINT = 0.04
"""Words below this share of the largest contribution are not marked: thousands of them would be a slow page."""


def explanation_html(explanation: Explanation) -> str:
    """Give a page with the text once a level, its words marked, and a table of the strongest.

    Examples
    --------
    >>> page = explanation_html(Explanation("<b>", (("A",),), (LevelExplanation(("A",), 1.0, "no choice"),), "weights"))
    >>> "<b>" in page, "&lt;b&gt;" in page
    (False, True)
    """
    paths = "".join(f"<li>{_path(path)}</li>" for path in explanation.paths)
    levels = "".join(_level(explanation.text, level) for level in explanation.levels)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>Why {escape(' > '.join(explanation.paths[0]) if explanation.paths else 'no path')}</title>"
        f"<style>{_STYLE}</style></head><body><main><h1>Why this path?</h1><ul class=paths>{paths}</ul>"
        f"<p class=legend><span class=for>for</span> <span class=against>against</span> {_LEGEND} "
        f"Method: {escape(explanation.method)}.</p>{levels}</main></body></html>\n"
    )


def _level(text: str, level: LevelExplanation) -> str:
    head = f"<section><h2>{_path(level.path)} <small>{_percent(level.probability)}</small></h2>"
    if level.kind == NO_CHOICE:
        return f"{head}<p>{_QUESTIONS[NO_CHOICE]}</p><p class=text>{escape(text)}</p></section>"
    largest = max((abs(word.weight) for word in level.words), default=0.0) or 1.0
    return (
        f"{head}<p>{_question(level)}: <b>{level.score:+.2f}</b></p>"
        f"<p class=text dir=auto>{''.join(_marked(text, level, largest))}</p>{_tables(text, level)}{_sum(level)}"
        "</section>"
    )


_QUESTIONS = {
    ENDS_HERE: "against ending at {against} {percent}",
    LOG_ODDS: "against not belonging there",
    NAMED: "against {against} {percent}",
    NO_CHOICE: "There is no other way on here, so no word decided anything.",
}


def _question(level: LevelExplanation) -> str:
    form = _QUESTIONS.get(level.kind, "against the runner-up {against} {percent}")
    percent = "" if level.against_probability is None else f"<small>{_percent(level.against_probability)}</small>"
    return "Log-odds " + form.format(against=f"<b>{_path(level.against or ())}</b>", percent=percent).rstrip()


def _marked(text: str, level: LevelExplanation, largest: float) -> Iterator[str]:
    done = 0
    for word in level.words:
        share = abs(word.weight) / largest
        if share < _FAINT:
            continue
        yield escape(text[done : word.start])
        spelled, side = escape(text[word.start : word.end]), "for" if word.weight > 0 else "against"
        title = escape(f"{text[word.start : word.end]}: {word.weight:+.3f}")
        yield f'<span class={side} style="--s:{share:.2f}" title="{title}">{spelled}</span>'
        done = word.end
    yield escape(text[done:])


def _tables(text: str, level: LevelExplanation) -> str:
    found = listed(text, level.words)
    sides = ("for", [one for one in found if one.weight > 0]), ("against", [one for one in found if one.weight < 0])
    largest = abs(found[0].weight) if found else 1.0
    return f"<div class=tables>{''.join(_table(side, words, largest) for side, words in sides)}</div>"


def _table(side: str, words: list[Listed], largest: float) -> str:
    title = {"for": "Words for it", "against": "Words against it"}[side]
    if not words:
        return f"<table><caption>{title}</caption><tr><td>none</td></tr></table>"
    rows = "".join(
        f"<tr><th scope=row dir=auto>{escape(one.word)}{f' <small>× {one.times}</small>' if one.times > 1 else ''}</th>"
        f'<td class=bar><i class={side} style="width:{100 * abs(one.weight) / largest:.0f}%"></i></td>'
        f"<td class=number>{one.weight:+.2f}</td></tr>"
        for one in words[:_ROWS]
    )
    more = words[_ROWS:]
    if more:
        rest = sum(one.weight for one in more)
        rows += f"<tr><td colspan=2>{len(more):,} more</td><td class=number>{rest:+.2f}</td></tr>"
    return f"<table><caption>{title}</caption>{rows}</table>"


def _sum(level: LevelExplanation) -> str:
    """Tell that the numbers add up."""
    terms = [("without the words", level.baseline), ("words", sum(word.weight for word in level.words))]
    terms += list(level.elsewhere.items())
    if abs(level.error) >= 0.005:
        terms.append(("inexactness", level.error))
    told = " ".join(f"<span>{value:+.2f} {escape(name)}</span>" for name, value in terms)
    return f"<p class=sum>{told} <span>= <b>{level.score:+.2f}</b></span></p>"


def _path(path: tuple[str, ...]) -> str:
    return " › ".join(f"<bdi>{escape(name)}</bdi>" for name in path)


def _percent(probability: float) -> str:
    return f"{100 * probability:.1f} %"


_LEGEND = (
    "The stronger the colour, the more a word moved the log-odds (natural logarithm, before calibration of the "
    "model's probabilities): +0.7 doubles the odds, −0.7 halves them."
)

_STYLE = """
:root{color-scheme:light dark;--for:37 99 235;--against:217 89 4;--ink:#1f2328;--soft:#57606a;--line:#d0d7de;
--page:#fff;--card:#f6f8fa}
@media (prefers-color-scheme:dark){:root{--for:96 165 250;--against:251 146 60;--ink:#e6edf3;--soft:#9ba5b0;
--line:#30363d;--page:#0d1117;--card:#161b22}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.6 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.5rem;margin:0 0 .5rem}h2{font-size:1.15rem;margin:0}small{color:var(--soft);font-weight:400}
.paths{margin:0 0 .75rem;padding-left:1.2rem;font-weight:600}
.legend,.sum{color:var(--soft);font-size:.875rem}.sum span{display:inline-block;margin-right:.5rem}
section{border-top:1px solid var(--line);margin-top:1.5rem;padding-top:1.25rem}section>p{margin:.4rem 0}
.text{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.9rem 1rem;white-space:pre-wrap;
overflow-wrap:anywhere;line-height:2;max-height:30rem;overflow:auto}
span.for,span.against{border-radius:3px;padding:.1em .15em;--s:.5}
span.for{background:rgb(var(--for)/calc(.08 + .47*var(--s)));box-shadow:inset 0 -2px rgb(var(--for)/var(--s))}
span.against{background:rgb(var(--against)/calc(.08 + .47*var(--s)));
text-decoration:underline dotted rgb(var(--against));text-underline-offset:.25em}
.tables{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));gap:1rem 2rem;margin:.75rem 0}
table{border-collapse:collapse;width:100%;font-size:.925rem;align-self:start;table-layout:fixed}
caption{text-align:left;font-weight:600;padding-bottom:.25rem}
th,td{text-align:left;font-weight:400;padding:.15rem .5rem .15rem 0;border-top:1px solid var(--line);
overflow-wrap:anywhere}th{width:45%}
.number{width:4.5rem;text-align:right;font-variant-numeric:tabular-nums;padding-right:0}
.bar i{display:block;height:.65rem;border-radius:2px;min-width:1px}
i.for{background:rgb(var(--for)/.75)}i.against{background:rgb(var(--against)/.75)}
@media print{body{font-size:11pt}.text{max-height:none}section{break-inside:avoid}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
""".strip().replace("\n", "")
