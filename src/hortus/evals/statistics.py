"""How sure is a score, and how sure is a gain? Pure arithmetic; the same figures give the same bounds.

All intervals are two-sided: with confidence 0.95 the lower bound is wrong at most about once in forty times.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from math import floor, fsum, sqrt
from statistics import NormalDist

import msgspec

SEED = 20_261_123
"""Of the draws of the bootstrap: any number would do, but always the same."""
DRAWS = 2000


class Interval(msgspec.Struct, frozen=True):
    """Lower and upper bound."""

    low: float
    high: float


class Pairs(msgspec.Struct, frozen=True):
    """How often product and base were right on the same question."""

    both: int = 0
    product_only: int = 0
    base_only: int = 0
    neither: int = 0

    @property
    def count(self) -> int:
        """All questions."""
        return self.both + self.product_only + self.base_only + self.neither


def wilson(right: float, count: int, *, confidence: float) -> Interval:
    """Return Wilson's score interval of a share (Wilson 1927; Newcombe 1998, Statistics in Medicine 17:857, method 3).

    Nothing is known of no questions: 0 to 1.

    >>> bounds = wilson(12, 12, confidence=0.95)
    >>> round(bounds.low, 3), bounds.high
    (0.757, 1.0)
    """
    if not count:
        return Interval(0.0, 1.0)
    z = _z(confidence)
    share, spread = right / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z * sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    low = 0.0 if right <= 0 else max(0.0, middle - half)
    return Interval(low, 1.0 if right >= count else min(1.0, middle + half))


def paired_difference(pairs: Pairs, *, confidence: float) -> Interval:
    """Return bounds of product's share minus base's share on the same questions.

    Newcombe 1998, Statistics in Medicine 17:2635, method 10: Wilson's bounds of both shares, put together with the
    correlation of the two, which is corrected for continuity and never helps more than it should.
    """
    count = pairs.count
    if not count:
        return Interval(-1.0, 1.0)
    product, base = pairs.both + pairs.product_only, pairs.both + pairs.base_only
    ours, theirs = wilson(product, count, confidence=confidence), wilson(base, count, confidence=confidence)
    gain, related = (product - base) / count, _related(pairs)
    below = _joined(product / count - ours.low, theirs.high - base / count, related)
    above = _joined(ours.high - product / count, base / count - theirs.low, related)
    return Interval(max(-1.0, gain - below), min(1.0, gain + above))


def _related(pairs: Pairs) -> float:
    count = pairs.count
    product, base = pairs.both + pairs.product_only, pairs.both + pairs.base_only
    scale = product * (count - product) * base * (count - base)
    cross = pairs.both * pairs.neither - pairs.product_only * pairs.base_only
    if not scale:
        return 0.0
    return (max(cross - count / 2, 0.0) if cross > 0 else cross) / sqrt(scale)


def _joined(one: float, other: float, related: float) -> float:
    return sqrt(max(0.0, one * one - 2 * related * one * other + other * other))


def mcnemar(product_only: int, base_only: int) -> float:
    """Return the exact two-sided p of McNemar's test: how likely so uneven a split is if both are equally good.

    >>> mcnemar(8, 0)
    0.0078125
    """
    split = product_only + base_only
    ways = tail = 1
    for k in range(min(product_only, base_only)):
        ways = ways * (split - k) // (k + 1)
        tail += ways
    return min(1.0, float(Fraction(2 * tail, 1 << split)))


def bootstrap(values: Sequence[float], *, confidence: float, lowest: float, highest: float) -> Interval:
    """Return bounds of the mean of values that lie between `lowest` and `highest`, drawn again and again.

    One value of each extreme is put beside the others before drawing, as Agresti and Min (2005, Statistics in Medicine
    24:729) do for shares: else a few values that happen to be equal would seem to be certain.
    """
    if not values:
        return Interval(lowest, highest)
    drawn_from = [*values, lowest, highest]
    draw = random.Random(SEED)  # noqa: S311 -- repeatable draws are wanted, nothing is kept secret by them
    size = len(drawn_from)
    means = sorted(fsum(draw.choices(drawn_from, k=size)) / size for _ in range(DRAWS))
    outside = floor((1 - confidence) / 2 * DRAWS)
    mean = fsum(values) / len(values)
    return Interval(min(mean, means[outside]), max(mean, means[-1 - outside]))


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)
