"""Every reader of files, each as a function of bytes: it reads, or it says what is wrong; anything else is a fault.

Also the samples from which hostile bytes are made, for the tests here and for `benchmarks/fuzz`.
"""

import json
import random
import sqlite3
from typing import Any

from hostile.files import Read, Scratch, tolerant

from textaxa.config import read_config
from textaxa.data import iterate_rows
from textaxa.feedback import open_feedback, read_feedback
from textaxa.taxonomy import Taxonomy, read_edits, read_mapping, read_taxonomy

TREE = Taxonomy.from_paths([("Games", "Sports"), ("Games", "Cards"), ("Media", "Photo", "Edit")])
ROWS = 200
"""So many rows of a table are read: a fault shows in the first ones."""

NASTY = [
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"../../etc/passwd",
    b"-1", b"1e309", b"NaN", b"null", b"[]",
    b"{}", b"[" * 400, b'{"a":' * 400, b"9" * 400, b'"', b"'", b"\r", b"\n\n", b"\t", b" > ", b",,,",
    b"!!python/object:os",
    b"&a [*a,*a]", b"<!DOCTYPE x [<!ENTITY a 'a'>]>", b"true", b"18446744073709551616", b"\xe2\x80\xae",
    b"file:///etc/passwd",
]  # fmt: skip
"""What is put into samples: ends of numbers, other encodings, depths, and what other readers fell for."""

ODD = (
    None, True, -1, 0, 2**70, 1e308, float("nan"), float("inf"), "", "x", "../x", "\ud800", [], [[]], {}, {"a": 1},
    [None] * 50, "é" * 300,
)  # fmt: skip
"""Values that take the place of others in JSON."""

TAXONOMIES: dict[str, bytes] = {
    "codes": b"code,parent,name\n1,,Games\n2,1,Sports\n3,1,Cards\n",
    "paths": b"path,description\nGames > Sports,ball\nGames > Cards,\n",
    "levels": b"category,subcategory\nGames,Sports\nGames,Cards\n",
    "lines": b"Games > Sports\nGames > Cards\n",
    "indented": b"Games\n\tSports\n\tCards\nMedia\n",
    "yaml": b"Games:\n  - Sports\n  - Cards: {description: poker}\nMedia: [Photo]\n",
    "json": b'{"Games": ["Sports", "Cards"], "Media": {"Photo": ["Edit"]}}',
    "skos": b"@prefix skos: <http://www.w3.org/2004/02/skos/core#> .\n"
    b"<http://a> a skos:Concept ; skos:prefLabel 'Games'@en .\n"
    b"<http://b> a skos:Concept ; skos:prefLabel 'Sports'@en ; skos:broader <http://a> .\n",
}
TABLES: dict[str, bytes] = {
    "csv": b'text,category\n"chess, fast",Games\nphoto,Media\n',
    "tsv": b"text\tcategory\nchess\tGames\n",
    "jsonl": b'{"text": "chess", "labels": ["Games"], "n": 1.5}\n{"text": null}\n',
    "label-studio": b'[{"id": 1, "data": {"text": "chess"}, "annotations": [{"result": [{"type": "choices", '
    b'"from_name": "c", "to_name": "t", "value": {"choices": ["Games"]}}]}]}]',
    "argilla": b'[{"id": "1", "status": "completed", "fields": {"text": "chess"}, "responses": {"path": [{"value": '
    b'"Games", "user_id": "u", "status": "submitted"}]}}]',
}
CONFIG = (
    b'[data]\ntable = "a.csv"\nlabels = ["category"]\n[encoder]\nfrozen = true\n[head]\nname = "flat"\n'
    b"[training]\nepochs = 3\n"
)
EDITS = b'[{"edit": "add", "path": ["Games", "Chess"]}, {"edit": "rename", "path": ["Media"], "name": "Pictures"}]'
MAPPING = b"old,new,share\nGames > Sports,Games > Cards,1.0\nMedia,Media,\n"
FEEDBACK = (
    b'{"id": "a", "time": "2026-11-23T00:00:00+00:00", "text": "chess", "paths": [["Games"]], "predicted": null, '
    b'"probability": 0.5, "model": "m", "version": "v", "by": "me", "comment": ""}\n'
)


def readers(scratch: Scratch, kinds: tuple[str, ...] = ("linear",)) -> dict[str, tuple[Read, bytes]]:
    """Give each reader with a sample that it reads; those of model folders of some kinds only (`hostile.folders`)."""
    found: dict[str, tuple[Read, bytes]] = {}
    for name, sample in TAXONOMIES.items():
        suffix = {"json": "json", "yaml": "yaml", "skos": "ttl", "indented": "txt", "lines": "txt"}.get(name, "csv")
        found[f"taxonomy {name}"] = (_taxonomy(scratch, suffix, name), sample)
    for name, sample in TABLES.items():
        suffix = "json" if name in ("label-studio", "argilla") else name
        found[f"table {name}"] = (_table(scratch, suffix, name), sample)
    found["configuration"] = (tolerant(lambda c: read_config(scratch.file("a.toml", c)).head_settings), CONFIG)
    found["edits"] = (tolerant(lambda c: read_edits(scratch.file("edits.json", c))), EDITS)
    found["mapping"] = (tolerant(lambda c: read_mapping(scratch.file("map.csv", c), TREE, TREE)), MAPPING)
    found["corrections jsonl"] = (tolerant(lambda c: read_feedback([scratch.file("f.jsonl", c)])), FEEDBACK)
    found["corrections sqlite"] = (tolerant(lambda c: read_feedback([scratch.file("f.db", c)])), _sqlite(scratch))
    if kinds:
        from hostile.folders import folder_readers

        found.update(folder_readers(scratch, kinds))
    return found


def _taxonomy(scratch: Scratch, suffix: str, name: str) -> Read:
    return tolerant(lambda content: read_taxonomy(scratch.file(f"t.{suffix}", content), format=name))


def _table(scratch: Scratch, suffix: str, name: str) -> Read:
    def read(content: bytes) -> None:
        with iterate_rows(scratch.file(f"t.{suffix}", content), format=name) as stream:
            for _, _row in zip(range(ROWS), stream, strict=False):
                pass

    return tolerant(read)


def _sqlite(scratch: Scratch) -> bytes:
    from textaxa.feedback import Correction

    file = scratch.folder / "sample.db"
    open_feedback(file).append(Correction(text="chess", paths=(("Games",),)))
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return file.read_bytes()


def damaged(sample: bytes, rng: random.Random) -> bytes:
    """Give a sample with one to five damages: bytes changed, cut, doubled, or something nasty put in."""
    content = bytearray(sample)
    for _ in range(rng.randint(1, 5)):
        place = rng.randrange(len(content) + 1)
        kind = rng.randrange(5)
        if kind == 0 and content:
            content[place % len(content)] = rng.randrange(256)
        elif kind == 1:
            del content[place : place + rng.randint(1, 30)]
        elif kind == 2:
            content[place:place] = content[: rng.randint(0, 60)]
        else:
            stop = place + (rng.randint(0, 8) if kind == 3 else 0)
            content[place:stop] = rng.choice(NASTY)
    return bytes(content)


def changed_json(sample: bytes, rng: random.Random) -> bytes:
    """Give a JSON sample in which one value, anywhere, is another: what a change of bytes seldom reaches."""
    try:
        value = json.loads(sample)
    except ValueError:
        return damaged(sample, rng)
    places: list[tuple[Any, Any]] = []

    def walk(part: Any) -> None:
        items = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
        for key, inner in items:
            places.append((part, key))
            walk(inner)

    walk(value)
    if not places:
        return damaged(sample, rng)
    part, key = rng.choice(places)
    part[key] = rng.choice([*ODD, [part[key]], {"b": part[key]}])
    return json.dumps(value).encode("utf-8", "surrogatepass")
