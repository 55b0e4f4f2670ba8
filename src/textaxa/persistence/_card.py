"""The model card: what a person who finds a model folder wants to know, as ``README.md`` in it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textaxa.decisions import promises_of
from textaxa.fast_path import NAME as FAST_PATH
from textaxa.heads import uses_encoder
from textaxa.persistence._card_header import card_header
from textaxa.taxonomy import format_path

if TYPE_CHECKING:
    from textaxa.guarantee import Promise
    from textaxa.model import Model

_SHOWN = 15
"""Most frequent labels that the card lists."""


def model_card(model: "Model") -> str:
    """Write the card as Markdown with the metadata header that Hugging Face reads."""
    parts = [
        card_header(model),
        _intended(model),
        _use(),
        _data(model),
        _scores(model.summary),
        _sure(model),
        _settings(model),
        _exported(model.summary),
        _optimised(model.summary),
        _history(model.summary),
        _versions(model.summary),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _intended(model: "Model") -> str:
    taxonomy = model.taxonomy
    paths = "one path" if model.task == "single" else "one or several paths"
    return (
        "# A textaxa model\n\n"
        f"It gives a text {paths} in a taxonomy of {len(taxonomy):,} nodes on {taxonomy.n_levels} levels "
        f"({len(taxonomy.terminals):,} of them can be an answer), with a probability for every node. "
        + _knows(model.summary)
    )


def _knows(summary: Mapping[str, Any]) -> str:
    if summary.get("rows") == 0:
        return (
            "It has seen no training row: it compares a text with the names and descriptions of the nodes. Its "
            "probabilities rank the nodes and mean little else."
        )
    return "It knows only the kind of texts that it was trained on; on others its probabilities mean little."


def _use() -> str:
    return (
        "## How to use it\n\n```\ntextaxa predict THIS_FOLDER new.csv -o answers.csv\n```\n\n"
        "```python\nfrom textaxa import HierarchicalTextClassifier\n\n"
        'classifier = HierarchicalTextClassifier.load("THIS_FOLDER")\n'
        'classifier.predict(["a text"])\n```'
    )


def _data(model: "Model") -> str:
    summary = model.summary
    if "rows" not in summary:
        return ""
    lines = [f"- training rows: {summary['rows']:,}", f"- validation rows: {summary.get('valid_rows', 0):,}"]
    if summary.get("feedback"):
        counts = {name: count for name, count in summary["feedback"].items() if isinstance(count, int) and count}
        told = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        lines.append(f"- corrections by people: {told.replace('_', ' ')}")
    if summary.get("source"):
        lines.append(f"- from: {summary['source']}")
    counts = summary.get("counts", [])
    nodes = model.taxonomy.terminals if model.task == "single" else range(len(model.taxonomy))
    if len(counts) == len(nodes):
        unseen = sum(count == 0 for count in counts)
        remark = "; they are hardly ever the answer" if unseen else ""
        lines.append(f"- nodes without a training row: {unseen:,} of {len(counts):,}{remark}")
        ranked = sorted(zip(counts, nodes, strict=True), key=lambda pair: -pair[0])[:_SHOWN]
        named = [(format_path(model.taxonomy.path(int(node))), count) for count, node in ranked if count]
        table = [f"| {_cell(name)} | {count:,} |" for name, count in named]
        lines += ["", "| most frequent | rows |", "| --- | --: |", *table]
    return "## Data\n\n" + "\n".join(lines)


def _cell(text: str) -> str:
    """Make a name safe inside a Markdown table."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _scores(summary: Mapping[str, Any]) -> str:
    if summary.get("validation_table"):
        return f"## Scores on the validation rows\n\n{summary['validation_table']}"
    best = summary.get("best")
    if not best:
        return ""
    lines = [f"- {name.replace('_', ' ')}: {value:.4f}" for name, value in best.items() if isinstance(value, float)]
    return "## Scores on the validation rows\n\n" + "\n".join(lines)


def _sure(model: "Model") -> str:
    """Say how the probabilities were calibrated, and which accuracy can be promised."""
    lines = []
    calibration = model.calibration
    if calibration is not None:
        scores = calibration.scores
        loss = f", log loss {scores['none']:.3f} before" if "none" in scores else ""
        loss += f" and {scores[calibration.method]:.3f} after" if loss and calibration.method in scores else ""
        lines.append(f"- calibration: {calibration.method}, on {calibration.rows:,} rows{loss} (cross-validated)")
    if model.evidence is not None:
        for accuracy, kept in promises_of(model).items():
            lines.append(f"- {accuracy:.0%} accuracy with 95% confidence: {_promised(kept)}")
    return "## How sure it is\n\n" + "\n".join(lines) if lines else ""


def _promised(kept: "Promise | str") -> str:
    if isinstance(kept, str):
        return "cannot be promised with the held-out rows that it has"
    (part,) = kept.parts
    return f"can be promised; {part.answered / part.rows:.1%} of the texts then get an answer (`--accuracy`)"


def _settings(model: "Model") -> str:
    settings = model.settings
    if settings.head == FAST_PATH:
        return "## Settings\n\n- a fast path of two models, `cheap/` and `strong/`: their cards tell theirs"
    lines = [f"- head: `{settings.head}`"]
    groups: dict[str, Any] = {"head": settings.head_settings}
    if uses_encoder(settings.head, settings.head_settings):
        groups |= {"encoder": settings.encoder, "training": settings.training}
    else:
        lines.append(f"- no encoder; seed {settings.training.seed}")
    for title, group in groups.items():
        values = ", ".join(f"`{name} = {value}`" for name, value in vars(group).items())
        lines.append(f"- {title} settings: {values}")
    return "## Settings\n\n" + "\n".join(lines + _thresholds(model))


def _thresholds(model: "Model") -> list[str]:
    """Say from which probability on a node is an answer, level by level, where that is not 0.5."""
    if model.thresholds is None:
        return []
    taxonomy, levels = model.taxonomy, []
    for level in range(1, taxonomy.n_levels + 1):
        low, *_, high = [f"{t:.3g}" for t in sorted(model.thresholds[taxonomy.level_slice(level)])] * 2
        levels.append(f"level {level}: {low if low == high else f'{low} to {high}'}")
    return [f"- a node is an answer from this probability on: {'; '.join(levels)}"]


def _exported(summary: Mapping[str, Any]) -> str:
    """Say what the ``onnx/`` part is, and what was measured of it."""
    kept = summary.get("onnx")
    if not kept:
        return ""
    how = {"int8": "with 8-bit weights", "bf16": "in bf16 where OpenVINO and the processor can, else in fp32"}
    told = f"- `onnx/`: for ONNX Runtime, {how.get(kept['precision'], 'in fp32')}; predicts without PyTorch"
    measured = kept.get("measured")
    if not measured:
        return f"## Exported\n\n{told}; its accuracy was not measured"
    scores = f"{measured['torch']:.4f} with PyTorch, {measured['onnx']:.4f} exported"
    return f"## Exported\n\n{told}\n- {measured['metric']} on {measured['rows']:,} validation rows: {scores}"


def _optimised(summary: Mapping[str, Any]) -> str:
    """Say what `textaxa optimise` made of which model, and what it measured."""
    kept = summary.get("optimised")
    if not kept:
        return ""
    low, high = kept["interval"]
    return (
        f"## Made by `textaxa optimise`\n\n- {kept['name']}: {kept['what']}\n"
        f"- on {kept['proving_rows']:,} labelled rows that chose nothing: {kept['metric']} {kept['score']:.4f}, "
        f"{kept['loss_points']:.2f} points less than the model it was made of (95 % interval {low:.2f} to {high:.2f})\n"
        f"- {kept['texts_per_second']:,.0f} texts a second there and then, {kept['times']:.1f} times as many as by "
        "PyTorch"
    )


def _history(summary: Mapping[str, Any]) -> str:
    """Say how the taxonomy changed since training, what was taught, and what does not hold any more."""
    lines = []
    for entry in summary.get("history") or []:
        since = f" from version {entry['from_version']}" if entry.get("from_version") else ""
        done = _taught(entry) if entry.get("what") == "taught" else _changes(entry)
        lines.append(f"- {entry['date']}{since}: {done}")
        lines += [f"  - {sentence}" for sentence in entry.get("void", ())]
    told = "What happened after training. Scores on validation rows were those before, unless others are told."
    return f"## History\n\n{told}\n\n" + "\n".join(lines) if lines else ""


def _changes(entry: Mapping[str, Any]) -> str:
    counts = entry.get("counts", {})
    changes = ", ".join(f"{what} {count:,}" for what, count in counts.items() if count and what != "kept")
    return changes or "no node changed"


def _taught(entry: Mapping[str, Any]) -> str:
    kept = f"{entry['remembered']:,} old rows learned along" if entry["remembered"] else "no old rows at hand"
    valid = f", calibrated on {entry['valid_rows']:,} rows" if entry["valid_rows"] else ""
    return f"taught {entry['rows']:,} texts of {entry['nodes']:,} nodes, {kept}{valid}"


def _versions(summary: Mapping[str, Any]) -> str:
    versions = summary.get("versions")
    if not versions:
        return ""
    lines = [f"- {name} {version}" for name, version in versions.items()]
    trained = f"Trained on {summary['trained']}.\n\n" if summary.get("trained") else ""
    told = "\n\n`textaxa reproduce` with this folder and the table trains it again and compares bit for bit."
    again = told if summary.get("provenance") else ""
    return f"## Versions\n\n{trained}" + "\n".join(lines) + again
