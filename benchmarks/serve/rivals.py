"""The service beside LitServe with the same model, in the same run and in turn: one text alone, and as many as go.

    python benchmarks/serve/rivals.py        # about five minutes on two cores; needs litserve
    python benchmarks/serve/rivals.py --dry

Both read the same model folder with the same tokenizer and engine, and give the same answers; what differs is HTTP, the
queue and how batches are made. LitServe makes batches of up to 64 and is run with two waits: none, and 4 ms. Each
server is started anew in every round, so that none idles beside the one that is measured. Every tenth answer is
compared.

text-embeddings-inference is no Python package and was not run. It is said to batch by tokens, with a bound of tokens a
batch and of concurrent requests (https://huggingface.co/docs/inference-endpoints/engines/tei), as the service does; no
number was found for a model and a machine like these.
"""

import json
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from _client import at_a_rate, connected, posted, run, saturated
from _serving import (
    HERE,
    arrivals,
    free_port,
    keep,
    options,
    percentile,
    process,
    served_model,
    textaxa_serve,
    texts_of,
)

RATE, CLIENTS = 20, 64

TEI = (
    "text-embeddings-inference was not run: it is no Python package. It is said to [batch by tokens]"
    "(https://huggingface.co/docs/inference-endpoints/engines/tei), with a bound of tokens a batch and of concurrent "
    "requests, as the service does; no number was found for a model and a machine like these."
)
OURS = "textaxa serve"
WAITS = {"LitServe, no wait": 0.0, "LitServe, waits 4 ms": 0.004}


def main() -> None:
    given = options(__doc__, texts=(int, 4000, 200), seconds=(float, 12.0, 2.0), rounds=(int, 3, 1))
    folder = served_model(given.set, given.precision)
    texts = texts_of(given.set, given.texts)
    found: dict[str, dict[str, list[float]]] = {
        way: {"p50_ms": [], "p99_ms": [], "texts_per_second": []} for way in (OURS, *WAITS)
    }
    paths: dict[str, list[Any]] = {}
    for _ in range(given.rounds):
        for way, kept in found.items():
            with _started(way, folder) as (port, route):
                measured = run(lambda port=port, route=route: _measured(port, route, texts, given))
            paths[way] = measured.pop("paths")
            for name, value in measured.items():
                kept[name].append(value)
            print(way, measured, flush=True)
    medians = {way: {name: statistics.median(of) for name, of in kept.items()} for way, kept in found.items()}
    same = {way: sum(map(str.__eq__, of, paths[OURS])) / len(of) for way, of in paths.items()}
    about = {"set": given.set, "precision": given.precision, "threads": given.threads, "texts": len(texts)}
    keep(
        "serve_rivals",
        {**about, "ways": medians, "same": same, "rounds": found},
        _table(given, medians, same),
        dry=given.dry,
    )


@contextmanager
def _started(way: str, folder: Path) -> Iterator[tuple[int, str]]:
    """Start a server; give its port and route."""
    if way == OURS:
        with textaxa_serve(folder) as (port, _):
            yield port, "/v1/classify"
        return
    port = free_port()
    with process([str(HERE / "_litserve_app.py"), str(folder), str(port), str(WAITS[way])], port, "/health"):
        yield port, "/predict"


async def _measured(port: int, route: str, texts: list[str], given: Any) -> dict[str, Any]:
    requests = [posted(route, {"text": text}) for text in texts]
    await saturated(port, requests[:256], CLIENTS)
    count = int(given.seconds * RATE)
    latencies = await at_a_rate(port, requests[:count], arrivals(count, RATE))
    seconds = await saturated(port, requests, CLIENTS)
    connection = await connected(port)
    told = [json.loads((await connection.ask(request))[1]) for request in requests[::10]]
    connection.transport.close()
    return {
        "p50_ms": percentile(latencies, 0.5),
        "p99_ms": percentile(latencies, 0.99),
        "texts_per_second": len(texts) / seconds,
        "paths": [one["answers"][0]["path"] for one in told],
    }


def _table(given: Any, medians: dict[str, Any], same: dict[str, float]) -> list[str]:
    lines = [
        f"| {way} | {of['p50_ms']:.1f} ms | {of['p99_ms']:.1f} ms | {of['texts_per_second']:,.0f} | {same[way]:.1%} |"
        for way, of in medians.items()
    ]
    return [
        "The service beside LitServe",
        f"The same model (fine-tuned on {given.set}, export {given.precision}, {given.threads} threads), the same "
        f"engine and answers; medians of {given.rounds} rounds in turn, server and load generator on the same machine. "
        f"Median and 99th percentile at {RATE} requests a second at random times; texts a second from {CLIENTS} "
        "clients, one text a request; equal paths on every tenth text.",
        "",
        "| server | median | 99th percentile | texts a second | same paths |",
        "| --- | --: | --: | --: | --: |",
        *lines,
        "",
        TEI,
    ]


if __name__ == "__main__":
    main()
