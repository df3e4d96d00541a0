"""Sound as it passes: what requests may use, and what answers of every form say was used."""

from __future__ import annotations

import msgspec
import pytest

from framing.forms import BOUNDARY, field, file, form
from hortus.canon.dialect import Asked, Operation
from hortus.canon.errors import BrokenStream, InvalidRequest
from hortus.canon.units import Units
from hortus.canon.usage import Usage
from hortus.dialects.openai_audio import DIALECT
from hortus.framing import media_events
from hortus.framing.media_events import open_events
from hortus.framing.multipart import MultipartReader

OPERATIONS: dict[str, Operation] = {one.name: one for one in reversed(DIALECT.operations)}
SPEECH, TRANSCRIPTIONS = OPERATIONS["speech"], OPERATIONS["transcriptions"]

WANTS_USAGE = True


def asked_for(text: str, **more: object) -> Asked:
    body = msgspec.json.encode({"model": "r", "input": text, "voice": "alloy", **more})
    return DIALECT.read_request(SPEECH, body, None)


def uploaded(*parts: bytes) -> Asked:
    assert DIALECT.read_form is not None
    reader = MultipartReader(BOUNDARY)
    reader.feed(form(field("model", b"r"), *parts))
    return DIALECT.read_form(TRANSCRIPTIONS, reader.close(), None)


def used(answer: bytes, *, input_bytes: int = 32_000) -> Usage:
    return DIALECT.read_answer(TRANSCRIPTIONS, answer, input_bytes).usage


def test_paths_are_openai_s_and_azure_s() -> None:
    assert [one.path for one in DIALECT.operations] == [
        *("/v1/audio/speech", "/v1/audio/transcriptions", "/v1/audio/translations"),
        *(f"/deployments/{{route}}/audio/{name}" for name in ("speech", "transcriptions", "translations")),
    ]
    assert [one.host_path for one in DIALECT.operations][:3] == [one.host_path for one in DIALECT.operations][3:]


def test_speech_may_use_what_its_text_can_take_at_the_slowest() -> None:
    assert DIALECT.weigh(SPEECH, asked_for("é" * 4000), b"") == Units(output_tokens=32_000, characters=4000)


def test_short_speech_may_use_what_a_model_gives_at_most() -> None:
    assert DIALECT.weigh(SPEECH, asked_for("Hi"), b"") == Units(output_tokens=2000, characters=2)


def test_a_transcription_may_use_what_its_sound_can_hold() -> None:
    asked = uploaded(file("file", bytes(3000)))

    assert DIALECT.weigh(TRANSCRIPTIONS, asked, b"") == Units(output_tokens=600, file_bytes=3000, sound_bytes=3000)


@pytest.mark.parametrize(("wanted", "is_stream"), [("sse", True), ("audio", False), (None, False)])
def test_speech_is_a_stream_where_events_are_wanted(wanted: str | None, is_stream: bool) -> None:  # noqa: FBT001 -- a case
    assert asked_for("Hi", stream_format=wanted).is_stream is is_stream


def test_refuses_a_form_of_streams_that_is_no_text() -> None:
    with pytest.raises(InvalidRequest, match="stream_format"):
        asked_for("Hi", stream_format=1)


def test_sound_passes_unchanged_and_what_was_spoken_is_counted() -> None:
    assert DIALECT.open_bytes is not None
    reader = DIALECT.open_bytes(asked_for("Grüße"))
    counted = reader.estimate(input_bytes=0)

    assert reader.usage is None
    assert reader.feed(b"\x00sound") == b"\x00sound"
    assert (reader.close(), reader.is_finished) == (b"", True)
    assert reader.usage == counted
    assert (counted.characters, counted.output_audio_tokens, counted.is_estimated) == (5, 7, True)


def test_no_sound_used_nothing_that_is_known() -> None:
    assert DIALECT.read_answer(SPEECH, b"", 10).usage == Usage(is_estimated=True)


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        (b'{"text":"a","usage":{"type":"duration","seconds":7.2}}', Usage(seconds=8)),
        (b'{"text":"a","duration":7.0}', Usage(seconds=7)),
        (b'{"text":"a","duration":"8.5"}', Usage(seconds=9)),
        (b'{"text":"a","usage":{"prompt_tokens":4,"completion_tokens":2}}', Usage(4, 2)),  # vLLM
        (b'{"text":"abcd"}', Usage(output_tokens=1, seconds=2, is_estimated=True)),
        (b'{"text":"abcd","duration":"long"}', Usage(output_tokens=1, seconds=2, is_estimated=True)),
        (b"abcd", Usage(output_tokens=1, seconds=2, is_estimated=True)),
        (b"", Usage(seconds=2, is_estimated=True)),
    ],
)
def test_an_answer_says_what_it_used_or_it_is_estimated(answer: bytes, usage: Usage) -> None:
    assert used(answer) == usage


def test_events_are_told_from_each_other_and_summed_up() -> None:
    reader = DIALECT.open_stream(WANTS_USAGE)
    passed = reader.feed(b': hush\n\ndata: {"type":"transcript.text.delta","delta":"abcdefgh"}\n\ndata: no JSON\n\n')

    assert not reader.is_finished
    assert reader.estimate(input_bytes=9) == Usage(output_tokens=2, is_estimated=True)
    passed += reader.feed(b'data: {"type":"transcript.text.done","model":"m","usage":{"seconds":3}}')
    passed += reader.close()
    assert (reader.is_finished, reader.usage, reader.served_model) == (True, Usage(seconds=3), "m")
    assert passed.count(b"\n\n") == 3


def test_half_an_event_at_the_end_is_not_passed_on() -> None:
    reader = DIALECT.open_stream(WANTS_USAGE)

    assert reader.feed(b'data: {"type":"transcr') + reader.close() == b""
    assert reader.close() == b""


@pytest.mark.parametrize("event", [b'{"type":"error","message":"No."}', b'{"error":{"message":"No."}}'])
def test_an_error_among_the_events_is_seen(event: bytes) -> None:
    reader = DIALECT.open_stream(WANTS_USAGE)
    reader.feed(b"data: " + event + b"\n\n")

    assert reader.is_failed


def test_a_stream_that_ends_as_chats_do_is_finished() -> None:
    reader = DIALECT.open_stream(WANTS_USAGE)
    reader.feed(b'data: {"choices":[],"usage":{"prompt_tokens":4,"completion_tokens":2}}\n\ndata: [DONE]\n\n')

    assert (reader.is_finished, reader.usage) == (True, Usage(4, 2))


def test_what_is_no_usage_is_none() -> None:
    assert media_events.read_media_usage("openai_audio", b"[]") is None


def test_every_picture_that_is_complete_counts() -> None:
    reader = open_events("openai_images")
    done = b'data: {"type":"image_generation.completed","usage":{"input_tokens":9,"output_tokens":40}}\n\n'
    reader.feed(done + done + b'data: {"type":"image_edit.completed"}\n\n')

    assert reader.usage == Usage(18, 80, images=3)


def test_an_event_without_end_breaks_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_events, "FRAME_LIMIT_BYTES", 10)
    reader = open_events("openai_images")
    with pytest.raises(BrokenStream):
        reader.feed(b"data: " + b"x" * 20)
