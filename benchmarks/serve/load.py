"""How long one text takes over HTTP, and how many a second there can be, beside ``textaxa predict`` on the same texts.

    python benchmarks/serve/load.py          # about four minutes on two cores
    python benchmarks/serve/load.py --dry

One short text a request, 20 requests a second at random times, each sent when it is due (an open loop): the median and
the 99th percentile from then to the answer. Then as much as goes, in turn, round by round: ``textaxa predict`` on a
table; the service with one text a request from 64 clients; with 32 texts a request from 8 clients. The load generator
runs on the same cores, and what it uses is taken from the service.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Any

from _client import at_a_rate, posted, run, saturated
from _serving import arrivals, keep, options, percentile, predicted, served_model, textaxa_serve, texts_of

RATE, CLIENTS, TEXTS_EACH, FEW_CLIENTS = 20, 64, 32, 8


def main() -> None:
    given = options(__doc__, texts=(int, 9000, 300), seconds=(float, 30.0, 3.0), rounds=(int, 3, 1))
    folder = served_model(given.set, given.precision)
    texts = texts_of(given.set, given.texts)
    with tempfile.TemporaryDirectory() as scratch, textaxa_serve(folder) as (port, _):
        found = run(lambda: _measured(port, folder, texts, given, Path(scratch)))
    keep("serve_load", {"set": given.set, "precision": given.precision, **found}, _table(given, found), dry=given.dry)


async def _measured(port: int, folder: Path, texts: list[str], given: Any, scratch: Path) -> dict[str, Any]:
    single = [posted("/v1/classify", {"text": text}) for text in texts]
    many = [posted("/v1/classify", {"texts": texts[i : i + TEXTS_EACH]}) for i in range(0, len(texts), TEXTS_EACH)]
    await saturated(port, single[:256], CLIENTS)  # a service that has just begun is not what is asked about
    count = int(given.seconds * RATE)
    latencies = [await at_a_rate(port, single[:count], arrivals(count, RATE)) for _ in range(given.rounds)]
    rates: dict[str, list[float]] = {"predict": [], "one": [], "many": []}
    for _ in range(given.rounds):
        seconds, runtime, _ = predicted(folder, texts, scratch)
        rates["predict"].append(len(texts) / seconds)
        rates["one"].append(len(texts) / await saturated(port, single, CLIENTS))
        rates["many"].append(len(texts) / await saturated(port, many, FEW_CLIENTS))
    return {
        "runtime": runtime,
        "threads": given.threads,
        "texts": len(texts),
        "characters": statistics.median(map(len, texts)),
        "p50_ms": statistics.median(percentile(one, 0.5) for one in latencies),
        "p99_ms": statistics.median(percentile(one, 0.99) for one in latencies),
        "longest_ms": max(percentile(one, 1.0) for one in latencies),
        "texts_per_second": {way: statistics.median(of) for way, of in rates.items()},
        "shares": {
            way: statistics.median(a / b for a, b in zip(rates[way], rates["predict"], strict=True))
            for way in ("one", "many")
        },
        "rounds": {"p50_ms": [percentile(one, 0.5) for one in latencies], **rates},
    }


def _table(given: Any, found: dict[str, Any]) -> list[str]:
    rates, shares = found["texts_per_second"], found["shares"]
    return [
        "One text over HTTP, and many",
        f"The model fine-tuned on {given.set}, {found['runtime']}, {given.threads} threads; {found['texts']:,} "
        f"different texts of {found['characters']:.0f} characters (median). Medians of {given.rounds} rounds in turn; "
        "server and load generator share the machine.",
        "",
        f"At {RATE} requests a second, at random times, one text each:",
        "",
        "| median | 99th percentile | longest |",
        "| --: | --: | --: |",
        f"| {found['p50_ms']:.1f} ms | {found['p99_ms']:.1f} ms | {found['longest_ms']:.1f} ms |",
        "",
        "As much as goes:",
        "",
        "| way | texts a second | share of `textaxa predict` |",
        "| --- | --: | --: |",
        f"| `textaxa predict`, table to table | {rates['predict']:,.0f} | 100 % |",
        f"| one text a request, {CLIENTS} clients | {rates['one']:,.0f} | {shares['one']:.0%} |",
        f"| {TEXTS_EACH} texts a request, {FEW_CLIENTS} clients | {rates['many']:,.0f} | {shares['many']:.0%} |",
    ]


if __name__ == "__main__":
    main()
