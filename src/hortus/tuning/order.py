"""In which order are the examples learnt: settled before the first step, from the seed alone.

A run that goes on after a kill therefore needs no memory of how the order was drawn.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

_ALIKE = 16
"""Batches that are filled together, sorted by length: little is computed on padding, much is left to chance."""


def draw_order(lengths: Sequence[int], *, seed: int, batch: int, count: int) -> list[int]:
    """Return the indices of `count` examples: epoch after epoch shuffled, batches of similar length in any order.

    >>> sorted(draw_order([3, 1, 2, 5], seed=0, batch=2, count=4))
    [0, 1, 2, 3]
    """
    draw = random.Random(seed)  # noqa: S311  # an order, no secret
    drawn: list[int] = []
    while len(drawn) < count:
        epoch = list(range(len(lengths)))
        draw.shuffle(epoch)
        drawn += epoch
    order: list[int] = []
    for start in range(0, count, batch * _ALIKE):
        pool = sorted(drawn[start : min(count, start + batch * _ALIKE)], key=lambda index: lengths[index])
        batches = [pool[first : first + batch] for first in range(0, len(pool), batch)]
        last = batches.pop() if len(batches[-1]) < batch else []
        draw.shuffle(batches)
        order += [index for one in batches for index in one] + last
    return order
