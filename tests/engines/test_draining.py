"""When may an engine that was replaced end? When nothing runs at it and nothing it wrote is still on its way."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING

import pytest

from hortus.engines.attempt import sum_of
from hortus.engines.draining import drained, unsent_bytes

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = 1
"""A port at which nothing listens."""


class Hours:
    """A clock that is an hour later at each look."""

    def __init__(self) -> None:
        self._now_s = 0.0

    def monotonic_s(self) -> float:
        self._now_s += 3600.0
        return self._now_s

    def now_ms(self) -> int:
        return 0


def _says(counts: Iterable[int | None]) -> Callable[[], Awaitable[int | None]]:
    left = list(counts)

    async def count() -> int | None:
        return left.pop(0)

    return count


async def test_one_quiet_look_is_not_enough() -> None:
    count = _says([2, 0, 1, None, 0, 0, 99])
    assert await drained(count, port=NOBODY, clock=Hours(), grace_s=0, drain_s=1e9)
    assert await count() == 99


async def test_an_engine_that_is_never_done_is_given_up() -> None:
    assert not await drained(_says([1] * 9), port=NOBODY, clock=Hours(), grace_s=0, drain_s=3600.0)


async def test_an_engine_that_does_not_say_is_not_taken_for_idle() -> None:
    assert not await drained(_says([None] * 9), port=NOBODY, clock=Hours(), grace_s=0, drain_s=3600.0)


def _fill(writer: socket.socket) -> None:
    while True:
        writer.send(b"x" * 65536)


def test_what_a_slow_reader_has_not_taken_counts_until_it_has(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as reader, listening.accept()[0] as writer:
            assert unsent_bytes(port) == 0
            writer.settimeout(0)
            with pytest.raises(BlockingIOError):
                _fill(writer)
            assert unsent_bytes(port) > 0
            assert reader.recv(1) == b"x"


def test_figures_of_several_rows_are_added_and_a_missing_one_is_none() -> None:
    metrics = b'# HELP a something\na{slot="1"} 2\na{slot="2"} 1.0\nb 0\n'
    assert sum_of(("a", "b"), metrics) == 3
    assert sum_of(("a", "c"), metrics) is None
