"""Date, machine and versions, for the head of a results file."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_INSTRUCTIONS = {
    "AVX2": ("avx2",),
    "AVX-512": ("avx512f",),
    "VNNI": ("avx512_vnni", "avx_vnni"),
    "AVX512-BF16": ("avx512_bf16",),
    "AMX": ("amx_tile",),
}
"""What decides how fast 8-bit and bf16 products are, by Linux's names."""

PEAK_MIB = "int(next(one for one in open('/proc/self/status') if one.startswith('VmHWM')).split()[1]) / 1024"
"""An expression for scripts that run in a process of their own: the most memory that it had resident. Not
``ru_maxrss``, which a process inherits from the one that started it, however large that was."""


def describe() -> str:
    """Give one line: date, processor, cores, versions of what was measured."""
    found = {}
    for name in ("textaxa", "torch", "transformers", "scikit-learn", "numpy", "onnxruntime", "openvino"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    versions = ", ".join(f"{name} {number}" for name, number in found.items())
    today = datetime.now(UTC).date().isoformat()
    cores = f"{os.cpu_count()} cores ({', '.join(instructions()) or 'instructions not told'})"
    return f"{today}; {processor()}, {cores}; Python {platform.python_version()}, {versions}."


def processor() -> str:
    """Give the processor's name as the system tells it."""
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def instructions() -> list[str]:
    """Give which of the instructions that decide the results the processor has; nothing where Linux does not say."""
    flags = set(_cpuinfo("flags").split())
    return [name for name, spelled in _INSTRUCTIONS.items() if flags & set(spelled)]


def _cpuinfo(key: str) -> str:
    info = Path("/proc/cpuinfo")
    for line in info.read_text().splitlines() if info.is_file() else ():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return " ".join(value.split())
    return ""
