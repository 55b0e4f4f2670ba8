"""HTML that is safe by construction: text is escaped wherever it goes in, and only `Html` goes in as it is."""

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, TypeAlias

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta"})

_JSON_ESCAPES = {
    ord("<"): "\\u003c",
    ord(">"): "\\u003e",
    ord("&"): "\\u0026",
    0x2028: "\\u2028",
    0x2029: "\\u2029",
}
"""No text can end the script element or open a comment in it; old JavaScript took the last two for line ends."""


class Html(str):
    """Text that is HTML already. Anything else is escaped by `element` and `joined`."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[Child] | None"


def element(tag: str, *children: Child, **attributes: str | int | float | bool | None) -> Html:
    """Give an element with its children.

    Parameters
    ----------
    tag
        Its name.
    children
        `Html` goes in as it is, text is escaped, an iterable gives its items, None gives nothing.
    attributes
        ``class_`` is ``class``, ``data_sort`` is ``data-sort``. True: without a value; False and None: left out.

    Examples
    --------
    >>> element("td", "a < b", class_="number", hidden=False)
    '<td class="number">a &lt; b</td>'
    >>> element("p", "one", element("br"), ["two", " & three"])
    '<p>one<br>two &amp; three</p>'
    """
    told = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID:
        return Html(f"<{tag}{told}>")
    return Html(f"<{tag}{told}>{joined(*children)}</{tag}>")


def joined(*children: Child) -> Html:
    """Give children one after another, text escaped.

    >>> joined("<b>", Html("<i>x</i>"))
    '&lt;b&gt;<i>x</i>'
    """
    return Html("".join(_child(one) for one in children))


def json_block(identifier: str, value: Mapping[str, Any]) -> Html:
    """Give a data block whose text is JSON and can hold any text, ``</script>`` too.

    >>> json_block("data", {"name": "</script>"})
    '<script type="application/json" id="data">{"name":"\\\\u003c/script\\\\u003e"}</script>'
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_JSON_ESCAPES)
    return Html(f'<script type="application/json" id="{escape(identifier)}">{text}</script>')


def _child(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return str(child)
    if isinstance(child, str):
        return escape(child, quote=False)
    return "".join(_child(one) for one in child)


def _attribute(name: str, value: str | int | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    shown = name.rstrip("_").replace("_", "-")
    inside = escape(str(value), quote=False).replace('"', "&quot;")  # single quotes may stand: policies have many
    return f" {shown}" if value is True else f' {shown}="{inside}"'
