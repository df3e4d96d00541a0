"""Mistral's sound as it passes: what a request may use, and what an answer says was used."""

from __future__ import annotations

import pytest

from framing.forms import BOUNDARY, field, file, form
from hortus.canon.dialect import Asked
from hortus.canon.units import Units
from hortus.canon.usage import Usage
from hortus.dialects.mistral import DIALECT
from hortus.framing.multipart import MultipartReader

TRANSCRIPTIONS = next(one for one in DIALECT.operations if one.name == "transcriptions")
WANTS_USAGE = True


def uploaded(*parts: bytes) -> Asked:
    assert DIALECT.read_form is not None
    reader = MultipartReader(BOUNDARY)
    reader.feed(form(field("model", b"r"), *parts))
    return DIALECT.read_form(TRANSCRIPTIONS, reader.close(), None)


def test_a_file_may_use_what_its_sound_can_hold() -> None:
    weighed = DIALECT.weigh(TRANSCRIPTIONS, uploaded(file("file", bytes(3000))), b"")

    assert weighed == Units(output_tokens=600, file_bytes=3000, sound_bytes=3000)


@pytest.mark.parametrize("name", ["file_id", "file_url"])
def test_nobody_knows_how_long_sound_is_that_lies_elsewhere(name: str) -> None:
    weighed = DIALECT.weigh(TRANSCRIPTIONS, uploaded(field(name, b"x")), b"")

    assert (weighed.seconds, weighed.output_tokens) == (None, None)


def test_a_file_that_a_host_keeps_is_named() -> None:
    assert uploaded(field("file_id", b"0b1c")).host_ids == (("file", "0b1c"),)


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        (b'{"usage":{"prompt_tokens":4,"completion_tokens":6,"prompt_audio_seconds":7}}', Usage(4, 6, seconds=7)),
        (b'{"text":"a"}', Usage(seconds=2, is_estimated=True)),
        (b"no JSON", Usage(seconds=2, is_estimated=True)),
    ],
)
def test_an_answer_says_what_it_used_or_it_is_estimated(answer: bytes, usage: Usage) -> None:
    assert DIALECT.read_answer(TRANSCRIPTIONS, answer, 32_000).usage == usage


def test_a_stream_ends_with_what_was_used() -> None:
    reader = DIALECT.open_stream(WANTS_USAGE)
    reader.feed(b'data: {"type":"transcription.text.delta","text":"a"}\n\n')
    assert not reader.is_finished
    reader.feed(b'data: {"type":"transcription.done","usage":{"prompt_tokens":4,"completion_tokens":6}}\n\n')

    assert (reader.is_finished, reader.usage) == (True, Usage(4, 6))
