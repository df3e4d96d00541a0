"""Tokens become text that may be sent: whole characters, nothing of a stop text, nothing lost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.engines.drivers.chat_request import Refusal, read_chat
from hortus.engines.drivers.words import Words


def _decode(tokens: Sequence[int]) -> str:
    return bytes(tokens).decode("utf-8", "replace")


def _say(text: bytes, stops: Sequence[str] = ()) -> tuple[list[str], Words]:
    words = Words(_decode, stops=stops)
    pieces = []
    for token in text:
        pieces.append(words.take(token))
        if words.has_stopped:
            break
    return [*pieces, words.rest()], words


@given(text=st.text(max_size=40))
def test_the_pieces_are_the_text_and_no_character_comes_broken(text: str) -> None:
    pieces, _ = _say(text.encode())
    assert "".join(pieces) == text


@given(text=st.text(alphabet="ab-", max_size=30), stop=st.text(alphabet="ab-", min_size=1, max_size=4))
def test_nothing_of_a_stop_text_is_ever_given(text: str, stop: str) -> None:
    pieces, words = _say(text.encode(), [stop])
    assert "".join(pieces) == text.partition(stop)[0]
    assert words.has_stopped == (stop in text)


def test_a_character_that_never_becomes_whole_is_given_as_it_is() -> None:
    pieces, _ = _say(b"\xff" * 20)
    assert "".join(pieces) == "\N{REPLACEMENT CHARACTER}" * 20


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"messages": []}', b'{"messages": [{"role": "user"}], "max_tokens": 0}', b'{"messages": 1}'],
)
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal):
        read_chat(body)


@pytest.mark.parametrize(
    "turn", [b'{"role": "tool", "content": "4", "tool_call_id": "a"}', b'{"role": "assistant", "tool_calls": [{}]}']
)
def test_a_turn_of_tools_is_refused_and_not_dropped(turn: bytes) -> None:
    with pytest.raises(Refusal, match="knows no tools"):
        read_chat(b'{"messages": [' + turn + b"]}")
