"""The steps of the Containerfile as plain commands, where no container engine is at hand: does what it builds work?

    python benchmarks/serve/container.py             # needs the package index; about two minutes
    python benchmarks/serve/container.py --keep DIR  # leaves the environment there

Wheel, environment of its own, ``textaxa[serve]`` in pinned versions, then what the image would run: its entry point,
from a folder that cannot be written, with the health check of the file, a request with and without a key, and SIGTERM.
Fails with a message where anything is not as it should be; no PyTorch may come along.
"""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
KEY = "the-key-of-this-trial"
UNWANTED = ("torch", "transformers", "sklearn", "scipy", "pandas")


def main() -> None:
    """Go through the steps."""
    parser = ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--keep", type=Path, help="a folder; else one that is removed afterwards")
    keep = parser.parse_args().keep
    with tempfile.TemporaryDirectory(prefix="textaxa-container-") as made:
        place = (keep or Path(made)).resolve()
        place.mkdir(parents=True, exist_ok=True)
        installed(place)
        check_what_came(place)
        serve(place, exported_model(place))
    print("All steps of the Containerfile work.")


def installed(place: Path) -> None:
    """Build the wheel and install it as the file does."""
    wheels, environment = place / "wheels", place / "environment"
    step(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", wheels, ROOT)
    step(sys.executable, "-m", "venv", environment)
    (wheel,) = wheels.glob("textaxa-*.whl")
    install = [python(place), "-m", "pip", "install", "-q", "--constraint", ROOT / "constraints.txt", f"{wheel}[serve]"]
    step(*install)
    step(python(place), "-m", "pip", "uninstall", "-q", "--yes", "pip")


def check_what_came(place: Path) -> None:
    """Hold that the light core came alone, with the page's files."""
    code = f"import importlib.util as u; print([name for name in {UNWANTED!r} if u.find_spec(name)])"
    found = step(python(place), "-c", code)
    expect(found.strip() == "[]", f"the environment has {found.strip()}, which the light core does not need")
    (package,) = (place / "environment").glob("lib/python*/site-packages/textaxa")
    page = package / "server" / "static" / "index.html"
    expect(page.is_file(), f"the wheel has no {page.name}: the page was not built into the package")
    size = sum(file.stat().st_size for file in (place / "environment").rglob("*") if file.is_file())
    print(f"The environment has {size / 1e6:,.0f} MB.")


def exported_model(place: Path) -> Path:
    """Give a model with an export and without what PyTorch needs: made by this interpreter, which has everything."""
    folder = place / "model"
    if not folder.is_dir():
        table = ROOT / "src" / "textaxa" / "demo_data" / "open-apps.csv"
        train = [
            "train",
            table,
            "--text",
            "text",
            "--labels",
            "category,subcategory",
            "--frozen",
            "--epochs",
            "3",
            "-q",
        ]
        step(sys.executable, "-m", "textaxa", *train, "--out", folder)
        step(sys.executable, "-m", "textaxa", "export", folder)
    return folder


def serve(place: Path, folder: Path) -> None:
    """Start what the image starts, ask it, and end it."""
    steps = (ROOT / "Containerfile").read_text(encoding="utf-8")
    entry = json.loads(re.findall(r"^ENTRYPOINT (\[.*\])$", steps, re.MULTILINE)[0])
    check = json.loads(re.findall(r"^\s+CMD (\[.*\])$", steps, re.MULTILINE)[0])
    empty = place / "empty"
    empty.mkdir(exist_ok=True)
    empty.chmod(0o555)
    port = "8765"
    entry[entry.index("--port") + 1], check[-1] = port, check[-1].replace(":8000", f":{port}")
    environment = {
        "PATH": f"{place / 'environment' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "TEXTAXA_KEYS": KEY,
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    print("$", shlex.join([*entry, str(folder)]))
    running = subprocess.Popen([*entry, str(folder)], env=environment, cwd=empty, stderr=subprocess.DEVNULL)
    try:
        wait_until_healthy(running, check, environment)
        expect(ask(port, None)[0] == 401, "a request without a key was answered")
        status, answer = ask(port, KEY)
        expect(status == 200 and answer["answers"][0]["path"].startswith("Games"), f"{status}: {answer}")
        print(f"Answered: {answer['answers'][0]['path']} ({answer['answers'][0]['probability']:.2f})")
        running.send_signal(signal.SIGTERM)
        expect(running.wait(45) == 0, f"it ended with status {running.returncode}")
    finally:
        if running.poll() is None:
            running.kill()
        empty.chmod(0o755)


def wait_until_healthy(running: subprocess.Popen[bytes], check: list[str], environment: dict[str, str]) -> None:
    """Run the health check until it says yes."""
    end = time.monotonic() + 60
    while subprocess.run(check, env=environment, stderr=subprocess.DEVNULL, check=False).returncode:
        expect(running.poll() is None, f"it ended by itself with status {running.returncode}")
        expect(time.monotonic() < end, "it was not healthy within 60 s")
        time.sleep(0.3)


def ask(port: str, key: str | None) -> tuple[int, Any]:
    """Classify a text."""
    body = json.dumps({"text": "Online football game: build your club and play the season"}).encode()
    headers = {"Content-Type": "application/json"} | ({"X-API-Key": key} if key else {})
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/classify", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def python(place: Path) -> Path:
    """Give the interpreter of the environment."""
    return place / "environment" / "bin" / "python"


def step(*command: object) -> str:
    """Run a command and give what it prints."""
    words = [str(word) for word in command]
    print("$", shlex.join(words), flush=True)
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def expect(so: bool, otherwise: str) -> None:
    """Leave with a message where something is not as it should be."""
    if not so:
        raise SystemExit(f"Not as it should be: {otherwise}")


if __name__ == "__main__":
    main()
