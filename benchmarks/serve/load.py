"""How long one text takes over HTTP, and how many a second there can be, beside ``textaxa predict`` on the same texts.

    python benchmarks/serve/load.py          # about six minutes on two cores
    python benchmarks/serve/load.py --dry

One short text a request, 20 requests a second at random times, each sent when it is due (an open loop): the median and
the 99th percentile from then to the answer. Then as much as goes, in turn, round by round: ``textaxa predict`` on a
table; the service with one text a request from 64 clients; with 32 texts a request from 8 clients. With one worker
that computes with all threads, and with two that share them. The load generator runs on the same cores, and what it
uses is taken from the service.
"""

import statistics
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from _client import at_a_rate, posted, run, saturated
from _serving import arrivals, keep, options, percentile, predicted, served_model, textaxa_serve, texts_of

RATE, CLIENTS, TEXTS_EACH, FEW_CLIENTS = 20, 64, 32, 8
WORKERS = (1, 2)


def main() -> None:
    given = options(__doc__, texts=(int, 6000, 300), seconds=(float, 20.0, 3.0), rounds=(int, 3, 1))
    folder = served_model(given.set, given.precision)
    texts = texts_of(given.set, given.texts)
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as running:
        started = {n: running.enter_context(textaxa_serve(folder, "--workers", str(n))) for n in WORKERS}
        ports = {n: port for n, (port, _) in started.items()}
        found = run(lambda: _measured(ports, folder, texts, given, Path(scratch)))
    keep("serve_load", {"set": given.set, "precision": given.precision, **found}, _table(given, found), dry=given.dry)


async def _measured(ports: dict[int, int], folder: Path, texts: list[str], given: Any, scratch: Path) -> dict[str, Any]:
    single = [posted("/v1/classify", {"text": text}) for text in texts]
    many = [posted("/v1/classify", {"texts": texts[i : i + TEXTS_EACH]}) for i in range(0, len(texts), TEXTS_EACH)]
    count = int(given.seconds * RATE)
    rounds: dict[str, list[Any]] = {"predict": []}
    rounds |= {f"{what} {n}": [] for n in ports for what in ("p50_ms", "p99_ms", "longest_ms", "one", "many")}
    for port in ports.values():
        await saturated(port, single[:256], CLIENTS)  # a service that has just begun is not what is asked about
    for _ in range(given.rounds):
        seconds, runtime, _ = predicted(folder, texts, scratch)
        rounds["predict"].append(len(texts) / seconds)
        for n, port in ports.items():
            latencies = await at_a_rate(port, single[:count], arrivals(count, RATE))
            for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99), ("longest_ms", 1.0)):
                rounds[f"{name} {n}"].append(percentile(latencies, share))
            rounds[f"one {n}"].append(len(texts) / await saturated(port, single, CLIENTS))
            rounds[f"many {n}"].append(len(texts) / await saturated(port, many, FEW_CLIENTS))
    shares = {
        name: statistics.median(a / b for a, b in zip(of, rounds["predict"], strict=True))
        for name, of in rounds.items()
        if name.startswith(("one", "many"))
    }
    return {
        "runtime": runtime,
        "threads": given.threads,
        "texts": len(texts),
        "characters": statistics.median(map(len, texts)),
        "medians": {name: statistics.median(of) for name, of in rounds.items()},
        "shares": shares,
        "rounds": rounds,
    }


def _table(given: Any, found: dict[str, Any]) -> list[str]:
    medians, shares = found["medians"], found["shares"]
    return [
        "One text over HTTP, and many",
        f"The model fine-tuned on {given.set}, {found['runtime']}, {given.threads} threads; {found['texts']:,} "
        f"different texts of {found['characters']:.0f} characters (median). Medians of {given.rounds} rounds in turn; "
        "server and load generator share the machine.",
        "",
        f"At {RATE} requests a second, at random times, one text each:",
        "",
        "| workers | median | 99th percentile | longest |",
        "| --: | --: | --: | --: |",
        *(
            f"| {n} | {medians[f'p50_ms {n}']:.1f} ms | {medians[f'p99_ms {n}']:.1f} ms | "
            f"{medians[f'longest_ms {n}']:.1f} ms |"
            for n in WORKERS
        ),
        "",
        "As much as goes:",
        "",
        "| way | workers | texts a second | share of `textaxa predict` |",
        "| --- | --: | --: | --: |",
        f"| `textaxa predict`, table to table | | {medians['predict']:,.0f} | 100 % |",
        *(
            f"| {told} | {n} | {medians[f'{what} {n}']:,.0f} | {shares[f'{what} {n}']:.0%} |"
            for what, told in (
                ("one", f"one text a request, {CLIENTS} clients"),
                ("many", f"{TEXTS_EACH} texts a request, {FEW_CLIENTS} clients"),
            )
            for n in WORKERS
        ),
    ]


if __name__ == "__main__":
    main()
