"""Training on two hosts that share nothing but a cable and a folder: two network namespaces, joined by a virtual one.

    sudo python benchmarks/distributed/hosts.py    # Linux, `ip` of iproute2; half a minute

Each host has two processes. Their model's scores on validation rows are compared with those of one process on the same
rows; the head draws nothing at random, so at most a text or two of some hundred may differ. Namespaces and cable are
removed at the end. Writes results/distributed_hosts.jsonl.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from _machine import describe  # noqa: E402 - after the path, as the neighbours

FILE = HERE.parent / "results" / "distributed_hosts.jsonl"
NOISE = 0.01
HOSTS = {"textaxa-a": "10.231.7.1", "textaxa-b": "10.231.7.2"}
PORT = 29471
IP = shutil.which("ip") or ""


def main() -> None:
    if not IP:
        sys.exit("This needs `ip` (Debian: apt install iproute2) and the right to make network namespaces.")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        table = _table(folder)
        alone = [sys.executable, "-m", "textaxa", *_train(table, folder / "one")]
        subprocess.run(alone, check=True, env=_environment(), stdout=subprocess.DEVNULL)
        _connect()
        try:
            running = [_start(rank, host, table, folder / "two-hosts") for rank, host in enumerate(HOSTS)]
            ended = [process.wait(300) for process in running]
        finally:
            _remove()
        if any(ended):
            sys.exit(f"The hosts ended with {ended}.")
        scores = {one: _scores(folder / one) for one in ("one", "two-hosts")}
    print(json.dumps(scores))
    apart = max(abs(scores["one"][name] - value) for name, value in scores["two-hosts"].items())
    if apart > NOISE:
        sys.exit(f"The scores differ by {apart:.3f}.")
    with FILE.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"hosts": 2, "processes": 4, **scores, "machine": describe()}) + "\n")


def _environment(**more: str) -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1"} | more


def _table(folder: Path) -> Path:
    from importlib.resources import files

    table = folder / "apps.csv"
    lines = files("textaxa.demo_data").joinpath("open-apps.csv").read_text(encoding="utf-8")
    table.write_text(lines, encoding="utf-8")
    return table


def _train(table: Path, out: Path) -> list[str]:
    rows = ["--text", "text", "--labels", "category,subcategory", "--no-references", "--overwrite"]
    return [
        "train",
        str(table),
        *rows,
        "--frozen",
        "--head",
        "flat",
        "--set",
        "head.dropout=0",
        "--epochs",
        "5",
        "--out",
        str(out),
    ]


def _connect() -> None:
    first, second = HOSTS
    _ip("link", "add", "textaxa-0", "type", "veth", "peer", "name", "textaxa-1")
    for host, end in ((first, "textaxa-0"), (second, "textaxa-1")):
        _ip("netns", "add", host)
        _ip("link", "set", end, "netns", host)
        _ip("-n", host, "address", "add", f"{HOSTS[host]}/24", "dev", end)
        _ip("-n", host, "link", "set", end, "up")
        _ip("-n", host, "link", "set", "lo", "up")


def _remove() -> None:
    for host in HOSTS:
        subprocess.run([IP, "netns", "delete", host], check=False)  # the cable goes with it


def _ip(*words: str) -> None:
    subprocess.run([IP, *words], check=True)


def _start(rank: int, host: str, table: Path, out: Path) -> subprocess.Popen:
    end = f"textaxa-{rank}"
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", f"--node-rank={rank}"]
    launcher += ["--nproc-per-node=2", f"--master-addr={HOSTS['textaxa-a']}", f"--master-port={PORT}"]
    command = [IP, "netns", "exec", host, *launcher, "-m", "textaxa", *_train(table, out)]
    return subprocess.Popen(command, env=_environment(GLOO_SOCKET_IFNAME=end), stdout=subprocess.DEVNULL)


def _scores(model: Path) -> dict:
    told = [sys.executable, "-m", "textaxa", "info", str(model), "--json"]
    found = json.loads(subprocess.run(told, check=True, capture_output=True, text=True).stdout)
    (scores,) = found["summary"]["evaluations"].values()
    return {"path_accuracy": scores["path_accuracy"], "hierarchical_f1": scores["hierarchical"]["f1"]}


if __name__ == "__main__":
    main()
