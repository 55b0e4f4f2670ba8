"""How many threads to compute with: the cores that this process may use, not those that the machine has."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_ROOT = Path("/")


def available_threads(root: Path = _ROOT) -> int:
    """Give the threads to compute with, at least one.

    ``OMP_NUM_THREADS`` where that is set; else the cores that the process may run on, or fewer where its control group
    (a container's ``--cpus``) has a quota. Of a part of a core nothing is made: threads that wait for their quota hold
    up the others.

    Parameters
    ----------
    root
        Where ``proc`` and ``sys`` are; tests give another place.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([cores, *(int(quota) for quota in _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Give the cores that each control group around this process allows, where it says a number.

    Source: docs.kernel.org, admin-guide/cgroup-v2 (cpu.max) and scheduler/sched-bwc (cpu.cfs_quota_us of version 1).
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, place = [*line.split(":", 2), "", ""][:3]
        if controllers == "":
            for folder in _upwards(root / "sys/fs/cgroup", place):
                quota, _, period = _read(folder / "cpu.max").strip().partition(" ")
                yield from _ratio(quota, period)
        elif "cpu" in controllers.split(","):
            for folder in _upwards(root / "sys/fs/cgroup" / controllers, place):
                yield from _ratio(_read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us"))


def _upwards(top: Path, place: str) -> list[Path]:
    """Give the folders from the top to a control group: in a container its own may be mounted as the top."""
    folders = [top]
    for name in PurePosixPath(place).parts[1:]:
        folders.append(folders[-1] / name)
    return folders


def _ratio(quota: str, period: str) -> Iterator[float]:
    """Give quota / period where both are numbers; no limit is "max", or -1."""
    quota, period = quota.strip(), period.strip()
    if quota.isdigit() and period.isdigit() and int(quota) > 0 and int(period) > 0:
        yield int(quota) / int(period)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except (OSError, ValueError):
        return ""
