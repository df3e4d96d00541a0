"""The split hangs on what examples say, and on nothing else."""

from __future__ import annotations

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hortus.tuning.datasets.splitting import Groups, held_out

LAW = settings(
    max_examples=100, derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
ROWS = st.lists(st.tuples(st.binary(min_size=1, max_size=2), st.sampled_from("abc")), max_size=60)
SHARES = st.floats(min_value=0.01, max_value=0.9)


def split(rows: list[tuple[bytes, str]], share: float) -> frozenset[bytes]:
    return held_out([key for key, _ in rows], [label for _, label in rows], share=share)


@LAW
@given(ROWS, SHARES)
def test_is_the_same_each_time(rows: list[tuple[bytes, str]], share: float) -> None:
    assert split(rows, share) == split(rows, share)


@LAW
@given(ROWS, SHARES, st.randoms(use_true_random=False))
def test_does_not_hang_on_the_order(rows: list[tuple[bytes, str]], share: float, chance: random.Random) -> None:
    mixed = list(rows)
    chance.shuffle(mixed)
    assert split(mixed, share) == split(rows, share)


@LAW
@given(ROWS, SHARES)
def test_holds_out_something_and_never_all(rows: list[tuple[bytes, str]], share: float) -> None:
    groups = {key for key, _ in rows}
    chosen = split(rows, share)
    assert chosen <= groups
    assert bool(chosen) == (len(groups) > 1)
    assert not groups or chosen != groups


@LAW
@given(st.integers(min_value=20, max_value=200), SHARES)
def test_comes_as_near_to_the_share_as_single_examples_can(count: int, share: float) -> None:
    keys = [number.to_bytes(2, "big") for number in range(count)]
    assert abs(len(held_out(keys, None, share=share)) - share * count) <= 1


@LAW
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=40), st.randoms(use_true_random=False))
def test_groups_are_called_the_same_in_any_order(pairs: list[tuple[int, int]], chance: random.Random) -> None:
    def keys(joined: list[tuple[int, int]]) -> dict[int, bytes]:
        groups = Groups()
        for one, other in joined:
            groups.join(groups.number(bytes([one]))[0], groups.number(bytes([other]))[0])
        return {one: groups.key(groups.number(bytes([one]))[0]) for pair in joined for one in pair}

    mixed = [pair[::-1] for pair in pairs]
    chance.shuffle(mixed)
    assert keys(mixed) == keys(pairs)
