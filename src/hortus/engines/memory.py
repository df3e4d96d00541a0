"""Does a model fit into memory? An estimate of its need against what the machine and its limits leave."""

from __future__ import annotations

from pathlib import Path

from hortus.engines import cgroups
from hortus.engines.errors import MemoryShortError
from hortus.engines.gguf import GgufHeader

MIB = 1024 * 1024

PROCESS_BYTES = 64 * MIB
"""Interpreter, libraries and the server of an engine process without a model (about 40 MiB were measured)."""

BATCH_TOKENS = 512
"""Tokens that the engine computes at once; its scratch memory grows with them."""

_FLOAT_BYTES = 4
_SCRATCH_ROWS = 4
"""Rows of the model's width that are alive at once in a layer, beside the feed-forward ones."""


def estimate_need_bytes(header: GgufHeader, *, context_tokens: int, slots: int, prompt_cache_bytes: int) -> int:
    """Return about how much memory an engine takes: weights, context of all slots, scratch, caches, process."""
    context = header.kv_bytes_per_token * context_tokens * slots
    widest = max(header.vocabulary, header.feed_forward * 2 + header.width * _SCRATCH_ROWS)
    batch = min(BATCH_TOKENS, context_tokens * slots)
    scratch = batch * _FLOAT_BYTES * (widest + context_tokens * slots)
    return header.file_bytes + context + scratch + prompt_cache_bytes + PROCESS_BYTES


def available_bytes(*, proc: Path = Path("/proc"), sys: Path = Path("/sys/fs/cgroup")) -> int:
    """Return what a new process may take now: the machine's `MemAvailable`, or less under a cgroup's limit."""
    limit = cgroups.memory_left_bytes(proc=proc, sys=sys)
    machine = _machine_available_bytes(proc / "meminfo")
    return machine if limit is None else min(machine, limit)


def _machine_available_bytes(meminfo: Path) -> int:
    for line in meminfo.read_text("ascii").splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    raise MemoryShortError("the kernel does not say how much memory is available.", path=str(meminfo))


def admit(need: int, *, available: int, reserved: int, name: str) -> None:
    """Refuse a start that would not fit; `reserved` is what engines that are just starting will still take.

    Raises:
        MemoryShortError: It needs more than there is.
    """
    left = max(0, available - reserved)
    if need > left:
        error = MemoryShortError(
            f"memory is short: needs {show_bytes(need)}, has {show_bytes(left)}.",
            path=f"deployment {name}",
            hint="Use a smaller quantisation, fewer slots or a shorter context, or stop another deployment.",
        )
        error.lacking_bytes = need - left
        raise error


def show_bytes(count: int) -> str:
    """Return a size for people.

    >>> show_bytes(1536 * 1024 * 1024), show_bytes(200_000)
    ('1.5 GiB', '0.2 MiB')
    """
    mib = count / MIB
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{mib:.1f} MiB"  # noqa: PLR2004 - MiB in a GiB
