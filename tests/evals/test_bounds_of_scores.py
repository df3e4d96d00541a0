"""Bounds of scores and gains: published figures, coverage by simulation, and what must hold for all of them."""

from __future__ import annotations

import random
from math import comb, fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.evals.statistics import Pairs, bootstrap, mcnemar, paired_difference, wilson

counts = st.integers(0, 40)
tables = st.builds(Pairs, counts, counts, counts, counts)


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [
        # https://rstudio-pubs-static.s3.amazonaws.com/1367507_eef7a4d0fb5347a8a820fe3c10141369.html, read 2026-11
        (6, 32, 0.0889, 0.3531),
        # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3; recalled 2026-11
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_the_published_one(right: int, count: int, low: float, high: float) -> None:
    bounds = wilson(right, count, confidence=0.95)
    assert (bounds.low, bounds.high) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


@pytest.mark.parametrize(
    ("pairs", "low", "high"),
    [
        # https://github.com/ocbe-uio/contingencytables, tests/testthat/test-ch8.R (Cavo et al. 2012), read 2026-11
        (Pairs(59, 6, 16, 80), -0.1186, -0.0046),
        # The same package's other data (Bentur et al. 2009), Fagerland, Lydersen and Laake's figures; recalled 2026-11
        (Pairs(1, 1, 7, 12), -0.507, -0.0256),
    ],
)
def test_newcombes_interval_is_the_published_one(pairs: Pairs, low: float, high: float) -> None:
    bounds = paired_difference(pairs, confidence=0.95)
    assert (bounds.low, bounds.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


def test_mcnemars_p_is_the_published_one() -> None:
    # https://github.com/ocbe-uio/contingencytables, tests/testthat/test-ch8.R, read 2026-11
    assert mcnemar(6, 16) == pytest.approx(0.052479, abs=5e-7)


def test_mcnemars_p_of_no_difference_is_one() -> None:
    assert mcnemar(0, 0) == 1.0


def test_mcnemars_p_of_very_many_pairs_is_a_number() -> None:
    assert 0 <= mcnemar(6000, 3000) < 1e-200


@given(counts, counts)
def test_mcnemars_p_is_the_binomial_tail_and_the_same_for_both_sides(one: int, other: int) -> None:
    split = one + other
    tail = fsum(comb(split, k) / 2**split for k in range(min(one, other) + 1))
    assert mcnemar(one, other) == mcnemar(other, one) == pytest.approx(min(1.0, 2 * tail))


@given(st.integers(1, 200).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_a_share_lies_within_its_bounds(seen: tuple[int, int]) -> None:
    right, count = seen
    bounds = wilson(right, count, confidence=0.95)
    assert 0 <= bounds.low <= right / count <= bounds.high <= 1


@given(tables)
def test_a_gain_lies_within_its_bounds(pairs: Pairs) -> None:
    bounds = paired_difference(pairs, confidence=0.95)
    gain = (pairs.product_only - pairs.base_only) / pairs.count if pairs.count else 0.0
    assert -1 <= bounds.low <= gain + 1e-12
    assert gain - 1e-12 <= bounds.high <= 1


@given(tables)
def test_a_gain_turned_round_has_its_bounds_turned_round(pairs: Pairs) -> None:
    turned = Pairs(pairs.both, pairs.base_only, pairs.product_only, pairs.neither)
    one, other = paired_difference(pairs, confidence=0.95), paired_difference(turned, confidence=0.95)
    assert (one.low, one.high) == (pytest.approx(-other.high), pytest.approx(-other.low))


@given(tables)
def test_more_confidence_never_makes_bounds_narrower(pairs: Pairs) -> None:
    sure, surer = paired_difference(pairs, confidence=0.9), paired_difference(pairs, confidence=0.99)
    assert surer.low <= sure.low + 1e-12
    assert sure.high <= surer.high + 1e-12


def test_of_no_questions_nothing_is_known() -> None:
    bounds = paired_difference(Pairs(), confidence=0.95)
    assert (bounds.low, bounds.high) == (-1.0, 1.0)


def draw_pairs(draw: random.Random, count: int, shares: tuple[float, ...]) -> Pairs:
    drawn = draw.choices(range(4), weights=shares, k=count)
    return Pairs(*(drawn.count(kind) for kind in range(4)))


@pytest.mark.parametrize("shares", [(0.1, 0.6, 0.02, 0.28), (0.7, 0.15, 0.05, 0.1), (0.4, 0.1, 0.1, 0.4)])
def test_the_lower_bound_of_a_gain_is_too_high_about_as_rarely_as_stated(shares: tuple[float, ...]) -> None:
    draw = random.Random(7)
    gain = shares[1] - shares[2]
    runs = 2000
    above = sum(paired_difference(draw_pairs(draw, 60, shares), confidence=0.95).low > gain for _ in range(runs))
    assert above / runs < 0.04  # 0.025 is stated; the method is an approximation


def test_the_lower_bound_of_drawn_gains_is_too_high_about_as_rarely_as_stated() -> None:
    draw = random.Random(11)
    runs = 120
    above = 0
    for _ in range(runs):
        gains = [draw.triangular(-0.4, 0.8, 0.2) for _ in range(40)]
        above += bootstrap(gains, confidence=0.95, lowest=-1.0, highest=1.0).low > 0.2
    assert above / runs <= 0.05


def test_few_equal_values_are_not_taken_for_certainty() -> None:
    assert bootstrap([0.5] * 5, confidence=0.95, lowest=-1.0, highest=1.0).low < 0.2


def test_many_equal_values_are_nearly_certain() -> None:
    assert bootstrap([0.5] * 400, confidence=0.95, lowest=-1.0, highest=1.0).low > 0.48


def test_drawing_is_the_same_every_time() -> None:
    values = [number / 50 for number in range(50)]
    bounds = [bootstrap(values, confidence=0.95, lowest=0.0, highest=1.0) for _ in range(2)]
    assert bounds[0] == bounds[1]


def test_of_no_values_nothing_is_known() -> None:
    bounds = bootstrap([], confidence=0.95, lowest=-1.0, highest=1.0)
    assert (bounds.low, bounds.high) == (-1.0, 1.0)
