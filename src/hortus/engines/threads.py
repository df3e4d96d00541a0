"""How many threads does an engine compute with where its deployment does not say?

Threads of an engine wait for one another at every step of every layer. Where another program takes the processor from
one of them, all wait: measured with llama.cpp on two busy cores, 2026-11, 24 MB of weights gave 13 tokens/s on two
threads and 536 on one. Hortus itself, its trainer and further engines run beside every engine.
"""

from __future__ import annotations

from hortus.engines.cgroups import processors
from hortus.engines.memory import MIB
from hortus.snapshot.model import Deployment

_WORTH_A_THREAD_BYTES = 32 * MIB
"""Weights that one thread reads so fast that a second one would gain little more than it waits."""


def threads_of(deployment: Deployment, *, weights_bytes: int) -> int:
    """Return the threads a deployment says, else what its weights are worth, one processor left for all others.

    >>> threads_of(Deployment(name="small", engine="auto", model_path="m.gguf"), weights_bytes=8 * MIB)
    1
    """
    if deployment.threads:
        return deployment.threads
    worth = -(-weights_bytes // _WORTH_A_THREAD_BYTES)
    return max(1, min(worth, processors() - 1))
