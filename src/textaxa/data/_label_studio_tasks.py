"""Files for import into Label Studio: the labelling interface (XML) and tasks (JSON) with the model's suggestion.

Comes in: a taxonomy, rows, and the paths that a model suggests. Goes out: plain text and plain values.

Source: the pages "Taxonomy", "Choice", "Import pre-annotated data" in the documentation of Label Studio.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import quoteattr  # nosec B406 -- writes XML, reads none

from textaxa.data._label_studio import ESCAPED
from textaxa.errors import DataError
from textaxa.taxonomy import DEFAULT_SEPARATOR, Path, Taxonomy

CONTROL = "taxonomy"
"""Name of the control, by which results are known."""

MOST_CHOICES = 100_000
"""Choices in one interface. A node with several parents is a choice under each of them, which may be very many."""

_SEPARATORS = (DEFAULT_SEPARATOR, " / ", " » ", " | ", " :: ", " → ")
"""What may stand between names where Label Studio shows a path; the first that is in no name is taken."""

_NOT_XML = re.compile("[^\\t\\n\\r\\x20-\\ud7ff\\ue000-\\ufffd\\U00010000-\\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even escaped."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def label_studio_config(taxonomy: Taxonomy, *, task: str = "single", shown: str = "text") -> str:
    """Give the labelling interface: the text, and a `<Taxonomy>` of nested choices.

    Parameters
    ----------
    taxonomy
        A node with several parents is shown under each of them.
    task
        ``single``: one choice a text; ``multi``: any number.
    shown
        The key of a task's data under which the text stands.

    Raises
    ------
    DataError
        The taxonomy makes more than 100,000 choices.

    Examples
    --------
    >>> from textaxa.taxonomy import Taxonomy
    >>> print(label_studio_config(Taxonomy.from_paths([("Games", "Sports"), ("R&D",)])))
    <View>
      <Text name="text" value="$text"/>
      <Taxonomy name="taxonomy" toName="text" required="true" showFullPath="true" pathSeparator=" &gt; " \
leafsOnly="true" maxUsages="1">
        <Choice value="Games">
          <Choice value="Sports"/>
        </Choice>
        <Choice value="R&amp;D"/>
      </Taxonomy>
    </View>
    """
    leaves_only = bool((taxonomy.is_leaf == taxonomy.is_terminal).all())
    attributes = {
        "name": CONTROL,
        "toName": "text",
        "required": "true",
        "showFullPath": "true",
        "pathSeparator": _separator(taxonomy),
        "leafsOnly": str(leaves_only).lower(),
    } | ({"maxUsages": "1"} if task == "single" else {})
    lines = ["<View>", f'  <Text name="text" value={quoteattr("$" + shown)}/>']
    lines += [f"  <Taxonomy{_attributes(attributes)}>", *_choices(taxonomy), "  </Taxonomy>", "</View>"]
    return "\n".join(lines)


def label_studio_task(
    data: Mapping[str, Any], suggested: Sequence[Path] = (), *, probability: float | None = None, model: str = "textaxa"
) -> dict[str, Any]:
    """Give one task; what the model suggests becomes a prediction, which the annotator confirms or corrects.

    Examples
    --------
    >>> task = label_studio_task({"text": "Chess"}, [("Games", "Board")], probability=0.7)
    >>> task["predictions"][0]["result"][0]["value"]
    {'taxonomy': [['Games', 'Board']]}
    """
    task: dict[str, Any] = {"data": dict(data)}
    if suggested:
        value = {"taxonomy": [[result_name(name) for name in path] for path in suggested]}
        result = {"id": "suggested", "from_name": CONTROL, "to_name": "text", "type": "taxonomy", "value": value}
        prediction: dict[str, Any] = {"model_version": model, "result": [result]}
        task["predictions"] = [prediction | ({} if probability is None else {"score": probability})]
    return task


def result_name(name: str) -> str:
    """Give a name as it stands in results: itself, or its alias where XML or an attribute would change it.

    Examples
    --------
    >>> result_name("AC/DC & co"), result_name("tab\\tand bell\\a")
    ('AC/DC & co', 'json:"tab\\\\tand bell\\\\u0007"')
    """
    return ESCAPED + json.dumps(name) if _is_hostile(name) else name


def is_plain_key(name: str) -> bool:
    """Tell whether ``$name`` in the interface can stand for a column."""
    return _PLAIN_KEY.fullmatch(name) is not None


def _is_hostile(name: str) -> bool:
    changed = _NOT_XML.search(name) or "\n" in name or "\t" in name or "\r" in name
    return bool(changed) or name != name.strip() or name.startswith(ESCAPED)


def _choices(taxonomy: Taxonomy) -> Iterator[str]:
    left = MOST_CHOICES
    waiting: list[tuple[int, int]] = [(int(node), 2) for node in taxonomy.level(1)[::-1]]
    while waiting:
        node, depth = waiting.pop()
        indent = "  " * depth
        if node < 0:
            yield f"{indent}</Choice>"
            continue
        left -= 1
        if left < 0:
            raise DataError(
                f"The taxonomy makes more than {MOST_CHOICES:,} choices, too many for one labelling interface. "
                "Write CSV instead, or label one branch at a time."
            )
        children = taxonomy.children.row(node)
        yield f"{indent}<Choice{_attributes(_names(taxonomy.names[node]))}{'' if len(children) else '/'}>"
        if len(children):
            waiting.append((-1, depth))
            waiting += [(int(child), depth + 1) for child in children[::-1]]


def _names(name: str) -> dict[str, str]:
    if not _is_hostile(name):
        return {"value": name}
    shown = " ".join(_NOT_XML.sub("\ufffd", name).split())
    return {"value": shown or "\ufffd", "alias": result_name(name)}


def _attributes(values: Mapping[str, str]) -> str:
    return "".join(f" {key}={quoteattr(value)}" for key, value in values.items())


def _separator(taxonomy: Taxonomy) -> str:
    return next((one for one in _SEPARATORS if not any(one in name for name in taxonomy.names)), _SEPARATORS[0])
