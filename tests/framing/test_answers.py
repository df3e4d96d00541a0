"""A host's answer that cannot be read as one."""

from __future__ import annotations

import pytest

from hortus.canon.errors import BrokenStream, InvalidRequest
from hortus.framing.answers import read_whole


def refuse(body: bytes) -> bytes:
    raise InvalidRequest("no", path="results[0]")


def test_what_would_be_the_clients_fault_is_the_hosts_here_and_says_where() -> None:
    with pytest.raises(BrokenStream) as refused:
        read_whole(b"{}", refuse)
    assert refused.value.path == "results[0]"


def test_what_is_not_utf_8_is_refused_before_it_is_read() -> None:
    with pytest.raises(BrokenStream):
        read_whole(b"\xff", bytes)


def test_a_sound_answer_is_what_was_read_of_it() -> None:
    assert read_whole(b"{}", len) == 2
