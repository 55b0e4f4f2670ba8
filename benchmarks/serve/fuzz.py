"""Fuzz a running service with its own OpenAPI document: schemathesis, all checks, until so many cases were tried.

    python benchmarks/serve/fuzz.py                  # 20,000 cases; writes results/serve_fuzz.md and .jsonl
    python benchmarks/serve/fuzz.py --seconds 200    # stops after that time; the next call goes on
    python benchmarks/serve/fuzz.py --dry            # some hundred cases; writes nothing

The service has everything switched on: keys, admin token, feedback, editing, labelled rows. Its model is a linear one,
trained on the packaged app descriptions, so that a case costs little. schemathesis must be installed
(``pip install schemathesis==4.32.5``).

Of its checks one is set differently: *positive data acceptance* lets 422 pass. A request can be of the right form and
still ask for what a model cannot give (a promise without evidence, a path that its taxonomy has not). In its place a
check of our own (`fuzz_checks.py`) holds that no request of the documented form is ever refused for its form.
"""

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from importlib.resources import files
from pathlib import Path
from typing import Any

from _serving import HERE, RESULTS, RUNS, describe, options, textaxa_serve

PLACE = RUNS / "serve_fuzz"
DONE = PLACE / "pieces.jsonl"
KEY, TOKEN = "the-key-of-the-fuzzer", "the-token-of-the-fuzzer"
PIECE_SECONDS = 60

CONFIG = f"""
[auth.openapi.bearer]
bearer = "{KEY}"

[headers]
X-Admin-Token = "{TOKEN}"

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "401", "403", "404", "409", "422"]
"""


MODEL = """
[parameters]
"query.model" = "m"
"""


def main() -> None:
    """Fuzz, and write what was found."""
    told = options(__doc__.partition("\n")[0], cases=(int, 20_000, 300), seconds=(int, 0, 20), seed=(int, 1, 1))
    folder, end = _model(), time.monotonic() + (told.seconds or 1e9)
    done = [] if told.dry else _done()
    with textaxa_serve(folder, *_everything()) as (port, running):
        while _cases(done) < told.cases and time.monotonic() < end:
            seconds = max(10, min(PIECE_SECONDS, int(end - time.monotonic())))
            piece = _piece(port, told.seed + len(done), seconds)
            piece["alive"] = running.poll() is None
            done.append(piece)
            print(json.dumps(piece), flush=True)
            if not told.dry:
                DONE.write_text("".join(json.dumps(one) + "\n" for one in done), encoding="utf-8")
    if not told.dry and _cases(done) >= told.cases:
        _write(done)
    print(_table(done))


def _model() -> Path:
    """Give the folder of the model; trained where it is not there."""
    folder = PLACE / "apps"
    if not folder.is_dir():
        PLACE.mkdir(parents=True, exist_ok=True)
        table = str(files("textaxa") / "demo_data" / "open-apps.csv")
        train = ["train", table, "--text", "text", "--labels", "category,subcategory", "--head", "linear"]
        subprocess.run([sys.executable, "-m", "textaxa", *train, "--out", str(folder), "-q"], check=True)
    return folder


def _everything() -> list[str]:
    """Give the options that switch everything on."""
    os.environ |= {"TEXTAXA_KEYS": KEY, "TEXTAXA_ADMIN_TOKEN": TOKEN}
    labelled = PLACE / "labelled.csv"
    lines = (files("textaxa") / "demo_data" / "open-apps.csv").read_text(encoding="utf-8").splitlines(keepends=True)
    labelled.write_text("".join(lines[:100]), encoding="utf-8")
    parts = ["--feedback", str(PLACE / "corrections.jsonl"), "--labelled", str(labelled)]
    return [*parts, "--edit", "--edit-folder", str(PLACE / "drafts"), "--quiet"]


def _piece(port: int, seed: int, seconds: int) -> dict[str, Any]:
    """Run schemathesis once, and give what it found."""
    named = MODEL if seed % 2 else ""  # every other piece asks for models of any name, mostly unknown ones
    (PLACE / "schemathesis.toml").write_text(CONFIG + named, encoding="utf-8")
    report, before = PLACE / "report.json", _statuses(port)
    target = f"http://127.0.0.1:{port}/openapi.json"
    how = "--checks all --phases examples,coverage,fuzzing,stateful --continue-on-failure --no-shrink --no-color"
    many = f"--max-examples 100 --seed {seed} --max-time {seconds} --request-timeout 35"
    kept = ["--report", "json", "--report-json-path", str(report)]
    program = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(PLACE / "schemathesis.toml")]
    command = [*program, "run", target, *how.split(), *many.split(), *kept]
    hooks = {"SCHEMATHESIS_HOOKS": "fuzz_checks", "PYTHONPATH": f"{HERE}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}
    report.unlink(missing_ok=True)
    ran = subprocess.run(command, capture_output=True, text=True, env=os.environ | hooks, cwd=PLACE, check=False)
    (PLACE / f"said-{seed}.txt").write_text(ran.stdout + ran.stderr, encoding="utf-8")
    if not report.is_file():
        raise RuntimeError(f"schemathesis gave no report:\n{ran.stdout[-3000:]}{ran.stderr[-3000:]}")
    found = json.loads(report.read_text(encoding="utf-8"))
    after = _statuses(port)
    return {
        "seed": seed,
        "seconds": round(found["running_time"], 1),
        "cases": found["test_cases"]["generated"],
        "operations": found["operations"]["tested"],
        "failures": {f"{one['title']}: {', '.join(one['operations'])}": one["count"] for one in found["failures"]},
        "errors": found["test_cases"]["errored"],
        "statuses": {status: after[status] - before.get(status, 0) for status in sorted(after)},
    }


def _statuses(port: int) -> Counter[str]:
    """Give how many requests were answered with which status, as the service counts them."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"X-API-Key": KEY})
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        lines = answer.read().decode().splitlines()
    counted: Counter[str] = Counter()
    for line in lines:
        if match := re.match(r'textaxa_requests_total\{.*status="(\d+)"\} (\S+)', line):
            counted[match[1]] += int(float(match[2]))
    return counted


def _done() -> list[dict[str, Any]]:
    return [json.loads(line) for line in DONE.read_text(encoding="utf-8").splitlines()] if DONE.is_file() else []


def _cases(done: list[dict[str, Any]]) -> int:
    return sum(piece["cases"] for piece in done)


def _table(done: list[dict[str, Any]]) -> str:
    """Write the counts."""
    statuses: Counter[str] = Counter()
    failures: Counter[str] = Counter()
    for piece in done:
        statuses.update(piece["statuses"])
        failures.update(piece["failures"])
    # 501 and 503 are documented answers: a part that is not installed, a queue that took too long.
    broken = sum(count for status, count in statuses.items() if status.startswith("5") and status not in ("501", "503"))
    rows = [
        ("cases", f"{_cases(done):,}"),
        ("requests, as the service counts them", f"{sum(statuses.values()):,}"),
        ("operations", max((piece["operations"] for piece in done), default=0)),
        ("seconds", f"{sum(piece['seconds'] for piece in done):,.0f}"),
        ("answers with status 500", broken),
        ("requests that got no answer in 35 s, or broke the tool", sum(piece["errors"] for piece in done)),
        ("service alive at the end", "yes" if done and done[-1]["alive"] else "no"),
        ("checks that failed", sum(failures.values())),
    ]
    lines = ["| | |", "| --- | --: |", *(f"| {name} | {value} |" for name, value in rows)]
    lines += [
        "",
        "| status | answers |",
        "| --- | --: |",
        *(f"| {name} | {statuses[name]:,} |" for name in sorted(statuses)),
    ]
    if failures:
        lines += ["", "Failed checks:", "", *(f"- {name}: {count}" for name, count in failures.most_common())]
    return "\n".join(lines) + "\n"


def _write(done: list[dict[str, Any]]) -> None:
    (RESULTS / "serve_fuzz.jsonl").write_text("".join(json.dumps(one) + "\n" for one in done), encoding="utf-8")
    head = f"# Fuzzing the OpenAPI document\n\n`python benchmarks/serve/fuzz.py`; {describe()}\n\n"
    about = " ".join(__doc__.rpartition("Of its checks")[2].split())
    text = f"{head}{_table(done)}\nAll checks of schemathesis 4.32.5. Of these{about}\n".replace("Of theseone", "One")
    (RESULTS / "serve_fuzz.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
