"""Whether any answer is lost or mixed up: 200 clients over HTTP, each answer checked against the offline one.

    python benchmarks/serve/integrity.py     # about three minutes on two cores
    python benchmarks/serve/integrity.py --dry

Three parts: undisturbed; while the model's folder is replaced by that of another model and back and the service gets
SIGHUP, so that each answer must be that of the version that it names; and under SIGTERM. *Lost*: a whole request was
sent and no answer came. *Mixed up*: another path than `textaxa predict` gave to this text with this version, unless the
two best were as probable; or a probability that is further away than rounding in the precision explains.
*Refused*: told with 503 or by a connection that could not be opened, which is not lost.
"""

import asyncio
import hashlib
import json
import os
import random
import signal
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from shutil import copytree
from typing import Any

from _client import Connection, LostAnswer, connected, posted, run
from _serving import keep, options, predicted, served_model, textaxa_serve, texts_of

CLIENTS = 200
TOLERANCE = {"fp32": 1e-5, "bf16": 0.03, "int8": 0.1}
"""Of a probability: what the order of sums in another batch may change."""

Rows = list[dict[str, Any]]


@dataclass
class Checked:
    """What came of the requests of one part."""

    expected: dict[str, Rows]
    tolerance: float
    counts: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)

    def take(self, chosen: list[int], status: int, body: bytes) -> None:
        """Count one answer."""
        if status != 200:
            self.counts["refused" if status in (429, 503) else f"status {status}"] += 1
            return
        told = json.loads(body)
        self.versions[told["version"]] += 1
        rows = self.expected[told["version"]]
        right = len(told["answers"]) == len(chosen) and all(
            self._same(one, rows[i]) for one, i in zip(told["answers"], chosen, strict=True)
        )
        self.counts["right" if right else "mixed up"] += 1

    def _same(self, found: dict[str, Any], expected: dict[str, Any]) -> bool:
        """Tell whether an answer is the expected one: the same path, or the second best where both are as probable."""
        for rank in ("", "_2"):
            path, probability = expected.get(f"path{rank}"), expected.get(f"probability{rank}") or 0.0
            if found["path"] == path and abs((found["probability"] or 0.0) - probability) <= self.tolerance:
                return rank == "" or (expected["probability"] or 0.0) - probability <= self.tolerance
        return False


def main() -> None:
    given = options(
        __doc__, texts=(int, 2000, 200), requests=(int, 8000, 600), reloads=(int, 6, 2), other=(str, "trec", "trec")
    )
    texts = texts_of(given.set, given.texts)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        folders = [served_model(given.set, given.precision), served_model(given.other, given.precision)]
        expected = {version(folder): predicted(folder, texts, place, top=2)[2] for folder in folders}
        parts: dict[str, Checked] = {}
        for part in ("undisturbed", "reloads", "SIGTERM"):
            parts[part] = Checked(expected, TOLERANCE[given.precision])
            live = place / "live"
            _replace(live, folders[0])
            with textaxa_serve(live) as (port, server):
                run(partial(_part, part, port, server, live, folders, texts, parts[part], given))
            print(part, dict(parts[part].counts), dict(parts[part].versions), flush=True)
    found = {
        "set": given.set,
        "precision": given.precision,
        "clients": CLIENTS,
        "parts": {part: {"counts": dict(of.counts), "versions": dict(of.versions)} for part, of in parts.items()},
    }
    keep("serve_integrity", found, _table(found), dry=given.dry)


def version(folder: Path) -> str:
    """Give the version that the service tells of a folder."""
    return hashlib.sha256((folder / "config.json").read_bytes()).hexdigest()[:12]


def _replace(live: Path, folder: Path) -> None:
    """Put another model in the place of a served one: written beside it, then renamed."""
    fresh, old = live.with_suffix(".fresh"), live.with_suffix(".old")
    copytree(folder, fresh)
    if live.exists():
        live.rename(old)
    fresh.rename(live)
    if old.exists():
        for file in sorted(old.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        old.rmdir()


async def _part(  # noqa: PLR0917 -- one place calls it
    part: str, port: int, server: Any, live: Path, folders: list[Path], texts: list[str], checked: Checked, given: Any
) -> None:
    """Let 200 clients ask until enough was asked, or the service has ended."""
    asked = iter(range(given.requests))
    disturbed = asyncio.Event()
    clients = [asyncio.ensure_future(_client(port, i, asked, disturbed, texts, checked)) for i in range(CLIENTS)]
    if part == "reloads":
        for i in range(given.reloads):
            await asyncio.sleep(0.5)
            await asyncio.to_thread(_replace, live, folders[(i + 1) % 2])
            before = checked.versions.copy()
            os.kill(server.pid, signal.SIGHUP)
            await _until_served(checked, version(folders[(i + 1) % 2]), before)
    if part == "SIGTERM":
        while sum(checked.counts.values()) < given.requests // 3:
            await asyncio.sleep(0.01)
        os.kill(server.pid, signal.SIGTERM)
        disturbed.set()
    else:
        disturbed.set()
    await asyncio.gather(*clients)


async def _until_served(checked: Checked, wanted: str, before: Counter[str]) -> None:
    for _ in range(600):
        if checked.versions[wanted] > before[wanted]:
            return
        await asyncio.sleep(0.1)
    raise RuntimeError("The service did not take the new version within a minute.")


async def _client(  # noqa: PLR0917 -- as above
    port: int, number: int, asked: Any, disturbed: asyncio.Event, texts: list[str], checked: Checked
) -> None:
    """Ask one request after the other, of one to three texts; go on at least until the disturbances are over."""
    draw = random.Random(number)  # noqa: S311
    connection: Connection | None = None
    while next(asked, None) is not None or not disturbed.is_set():
        chosen = [draw.randrange(len(texts)) for _ in range(draw.randint(1, 3))]
        try:
            connection = connection if connection is not None and connection.open else await connected(port)
        except OSError:
            checked.counts["refused"] += 1
            return
        try:
            status, body = await connection.ask(posted("/v1/classify", {"texts": [texts[i] for i in chosen]}))
        except LostAnswer:
            checked.counts["lost"] += 1
            connection = None
            continue
        checked.take(chosen, status, body)


def _table(found: dict[str, Any]) -> list[str]:
    names = ("right", "mixed up", "lost", "refused")
    lines = []
    for part, of in found["parts"].items():
        counts = of["counts"]
        other = sum(count for name, count in counts.items() if name not in names)
        told = " | ".join(f"{counts.get(name, 0):,}" for name in names)
        lines.append(f"| {part} | {sum(counts.values()):,} | {told} | {other:,} | {len(of['versions'])} |")
    return [
        "Lost and mixed-up answers",
        f"{found['clients']} clients at once, one to three texts a request, each answer checked against `textaxa "
        f"predict` with the version that it names (models fine-tuned on {found['set']} and another set, export "
        f"{found['precision']}).",
        "",
        "| part | requests | right | mixed up | lost | refused | other status | versions that answered |",
        "| --- | --: | --: | --: | --: | --: | --: | --: |",
        *lines,
    ]


if __name__ == "__main__":
    main()
