"""Findings about a file: what the checks of taxonomies and of tables give back.

A check never stops at the first fault. It gives a `Report` with every kind of fault as one `Finding`: how often it
occurs, the first few places, and what to do about it.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from itertools import islice
from typing import Any, Literal, get_args

Severity = Literal["error", "warning", "note"]
"""error: cannot be used as it is; warning: can be used, but probably not meant; note: worth knowing."""

MAX_EXAMPLES = 10
"""So many places are shown a finding: enough to see the pattern, few enough to read."""

_ORDER = {severity: rank for rank, severity in enumerate(get_args(Severity))}


@dataclass(frozen=True)
class Finding:
    """One kind of fault, with how often and where it occurs.

    Attributes
    ----------
    kind
        A short stable name, for machines: ``"duplicate-sibling"``.
    severity
        ``"error"``, ``"warning"`` or ``"note"``.
    message
        What was found, in one sentence.
    count
        How often.
    examples
        The first few places, ready to be read: rows, paths, values.
    advice
        What to do about it.
    """

    kind: str
    severity: Severity
    message: str
    count: int = 1
    examples: tuple[str, ...] = ()
    advice: str = ""

    def __post_init__(self) -> None:
        if self.severity not in _ORDER:
            raise ValueError(f"Severity {self.severity!r} is not one of {', '.join(_ORDER)}.")


@dataclass(frozen=True)
class Report:
    """Everything that a check found, errors first.

    Attributes
    ----------
    title
        What was checked.
    findings
        Errors, then warnings, then notes; within a severity in the order in which the check gave them.
    facts
        Pairs of name and value that describe what was checked: ``("nodes", "58")``.

    Examples
    --------
    >>> report = Report("apps.csv", (Finding("blank-text", "warning", "2 texts are blank.", 2, ("row 3", "row 9")),))
    >>> report.ok
    True
    >>> print(report.to_text())
    apps.csv
    warning: 2 texts are blank. [row 3; row 9]
    """

    title: str
    findings: tuple[Finding, ...] = ()
    facts: tuple[tuple[str, str], ...] = field(default=())

    def __post_init__(self) -> None:
        ordered = sorted(self.findings, key=lambda finding: _ORDER[finding.severity])
        object.__setattr__(self, "findings", tuple(ordered))

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stand in the way of using what was checked."""
        return self.of("error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings that are probably not meant."""
        return self.of("warning")

    @property
    def notes(self) -> tuple[Finding, ...]:
        """The findings that are worth knowing."""
        return self.of("note")

    @property
    def ok(self) -> bool:
        """Whether there is no error (there may be warnings and notes)."""
        return not self.errors

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        """Give the findings of one severity."""
        return tuple(finding for finding in self.findings if finding.severity == severity)

    def find(self, kind: str) -> Finding | None:
        """Give the finding of one kind, or None where there is none."""
        return next((finding for finding in self.findings if finding.kind == kind), None)

    def to_dict(self) -> dict[str, Any]:
        """Give the report as values that JSON can hold."""
        return {
            "title": self.title,
            "ok": self.ok,
            "facts": dict(self.facts),
            "findings": [asdict(finding) | {"examples": list(finding.examples)} for finding in self.findings],
        }

    def to_text(self) -> str:
        """Give the report as plain text, one line a fact and one or two a finding."""
        lines = [self.title, *(f"{name}: {value}" for name, value in self.facts)]
        for finding in self.findings:
            lines.append(f"{finding.severity}: {finding.message}{_places(finding)}")
            if finding.advice:
                lines.append(f"  {finding.advice}")
        return "\n".join(lines)


def _places(finding: Finding) -> str:
    if not finding.examples:
        return ""
    more = finding.count - len(finding.examples)
    return f" [{'; '.join(finding.examples)}{f'; and {more} more' if more > 0 else ''}]"


def first_examples(places: Iterable[str], limit: int = MAX_EXAMPLES) -> tuple[str, ...]:
    """Give the first ``limit`` places, without reading further than that."""
    return tuple(islice(places, limit))
