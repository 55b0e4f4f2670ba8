"""Whether memory stays flat: resident memory of the service over 100,000 requests.

    python benchmarks/serve/memory.py        # as long as 100,000 texts take: minutes on two cores
    python benchmarks/serve/memory.py --dry

Texts of all lengths that the data set has, 64 clients, one text a request; every hundredth request asks for the most
probable nodes, too. The first tenth of the requests is not judged: engines keep what they prepare for a shape.
The table has memory as a share of what it was after that tenth; the aim is ± 5 %.
"""

from pathlib import Path
from typing import Any

from _client import posted, run, saturated
from _serving import keep, options, served_model, textaxa_serve, texts_of

CLIENTS, POINTS = 64, 20


def main() -> None:
    given = options(__doc__, requests=(int, 100_000, 400))
    folder = served_model(given.set, given.precision)
    texts = texts_of(given.set, min(20_000, given.requests))
    requests = [
        posted("/v1/classify", {"text": text, **({"nodes": 10} if i % 100 == 0 else {})})
        for i, text in enumerate(texts)
    ]
    step = given.requests // POINTS
    seen: list[float] = []
    with textaxa_serve(folder) as (port, server):
        seen.append(resident(server.pid))
        for point in range(POINTS):
            some = [requests[(point * step + i) % len(requests)] for i in range(step)]
            run(lambda some=some: saturated(port, some, CLIENTS))
            seen.append(resident(server.pid))
            print(f"{(point + 1) * step:,} requests: {seen[-1]:.0f} MiB", flush=True)
        largest = _status(server.pid, "VmHWM")
    judged = seen[POINTS // 10 :]
    spread = (min(judged) / judged[0] - 1, max(judged) / judged[0] - 1)
    found = {"set": given.set, "precision": given.precision, "requests": step * POINTS, "resident_mib": seen}
    found |= {
        "peak_mib": largest,
        "least": spread[0],
        "most": spread[1],
        "flat": -0.05 <= spread[0] <= spread[1] <= 0.05,
    }
    keep("serve_memory", found, _table(found), dry=given.dry)


def resident(pid: int) -> float:
    """Give a process's resident memory in MiB."""
    return _status(pid, "VmRSS")


def _status(pid: int, key: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1]) / 1024


def _table(found: dict[str, Any]) -> list[str]:
    seen, step = found["resident_mib"], found["requests"] // POINTS
    chosen = [0, POINTS // 10, POINTS // 4, POINTS // 2, 3 * POINTS // 4, POINTS]
    base = seen[POINTS // 10]
    return [
        "Memory over many requests",
        f"The model fine-tuned on {found['set']} (export {found['precision']}), one text a request from {CLIENTS} "
        f"clients. After the first tenth it stayed within {found['least']:+.1%} and {found['most']:+.1%} (aim: ± 5 %); "
        f"the most was {found['peak_mib']:.0f} MiB.",
        "",
        "| requests | resident memory | of that after a tenth |",
        "| --: | --: | --: |",
        *(f"| {point * step:,} | {seen[point]:.0f} MiB | {seen[point] / base:.1%} |" for point in chosen),
    ]


if __name__ == "__main__":
    main()
