"""What results of batches say was used: added up while they pass, whatever parts they come in, or not known at all."""

from __future__ import annotations

import msgspec
import pytest

from hortus.canon.usage import Usage
from hortus.dialects.anthropic_batches.results import Results

DONE = {"type": "succeeded", "message": {"id": "msg_1", "usage": {"input_tokens": 9, "output_tokens": 2}}}
FAILED = {"type": "errored", "error": {"type": "error"}}


def lines(*results: object) -> bytes:
    return b"".join(msgspec.json.encode({"custom_id": "c", "result": one}) + b"\n" for one in results)


def used(data: bytes, size: int) -> Usage | None:
    reader = Results()
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    assert b"".join([*map(reader.feed, parts), reader.close()]) == data
    return reader.work_used


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_what_succeeded_is_added_up(size: int) -> None:
    assert used(lines(DONE, FAILED, DONE), size) == Usage(18, 4, service_tier="batch")


def test_a_last_line_without_an_end_counts() -> None:
    assert used(lines(DONE)[:-1], 5) == Usage(9, 2, service_tier="batch")


@pytest.mark.parametrize("data", [b"", b"no\n", lines({"type": "succeeded"}), lines(DONE) + b"{}\n"])
def test_what_cannot_be_read_sets_nothing_right(data: bytes) -> None:
    assert used(data, 4) is None
