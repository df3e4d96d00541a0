"""What the gateway must know of sound as it passes: the route of a request, and what an answer says was used."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hortus.canon.dialect import Answer, Asked, Operation, StreamUsage
from hortus.canon.errors import InvalidRequest
from hortus.canon.usage import Usage
from hortus.framing import plain
from hortus.framing.asking import name_route
from hortus.framing.counting import UNREADABLE, estimate, estimate_whole, read_served_model
from hortus.framing.media_events import open_events, read_media_usage
from hortus.framing.passed_bytes import PassedBytes
from hortus.framing.shallow import read_members
from hortus.framing.sound import usual_seconds
from hortus.framing.weighing import text_of

NAME: Final = "openai_audio"
SPEECH: Final = "speech"
TRANSCRIPTIONS: Final = "transcriptions"
TRANSLATIONS: Final = "translations"

SPOKEN_TOKENS_PER_CHARACTER: Final = 1.4
"""Of sound, for each character that is spoken: 15 characters and 21 tokens a second, by rule of thumb."""

_NOTHING: Final = Raw(b"null")
_CUE: Final = re.compile(rb"--> *(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})")
"""The end of a cue in subtitles, SRT's or WebVTT's."""


class _Body(msgspec.Struct):
    usage: Raw = _NOTHING
    duration: float | str | None = None
    model: Raw = _NOTHING
    text: str | None = None


_DECODE = msgspec.json.Decoder(_Body).decode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read the route out of a request for speech, and whether its sound shall come in events.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: `model` is missing, or `stream_format` is no text.
    """
    del operation
    asked = plain.ask(name_route(read_members(body), route))
    wanted = asked.members.get("stream_format", _NOTHING)
    if bytes(wanted) != b"null" and text_of(asked.members, "stream_format") is None:
        raise InvalidRequest("`stream_format` must be a text.", path="stream_format", hint="Such as `audio`.")
    return replace(asked, is_stream=text_of(asked.members, "stream_format") == "sse")


def open_stream(wants_usage: bool) -> StreamUsage:  # noqa: FBT001 -- as `Dialect.open_stream` is called
    """Return a reader of events."""
    del wants_usage
    return open_events(NAME)


def count_speech(asked: Asked) -> PassedBytes:
    """Return a reader of sound, which does not say what it cost: the text that was spoken does."""
    text = text_of(asked.members, "input") or ""
    spoken = round(len(text) * SPOKEN_TOKENS_PER_CHARACTER)
    usage = estimate(input_bytes=len(text.encode("utf-8", "replace")), output_tokens=spoken)
    return PassedBytes(replace(usage, characters=len(text), output_audio_tokens=spoken))


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return what an answer in JSON, plain text or subtitles says was used; what it leaves out is estimated."""
    if operation.name == SPEECH:  # no sound came
        return Answer(usage=Usage(is_estimated=True), served_model=None)
    try:
        said = _DECODE(body)
    except UNREADABLE:
        return Answer(usage=_of_text(body, input_bytes=input_bytes), served_model=None)
    usage = read_media_usage(NAME, said.usage) or _of_duration(said.duration)
    usage = usage or _of_text((said.text or "").encode("utf-8", "replace"), input_bytes=input_bytes)
    return Answer(usage=usage, served_model=read_served_model(said.model))


def _of_duration(said: float | str | None) -> Usage | None:
    """Return the length of the sound, which `verbose_json` has as a number, or as a text of one."""
    members = {"seconds": float(said) if isinstance(said, str) and _is_number(said) else said}
    return read_media_usage(NAME, msgspec.json.encode(members))


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdecimal()


def _of_text(text: bytes, *, input_bytes: int) -> Usage:
    """Return what words were written for, by subtitles' last cue, else by how long such sound usually is."""
    cues = _CUE.findall(text)
    if cues:
        hours, minutes, seconds, _ = cues[-1]
        length_s = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + 1
    else:
        length_s = usual_seconds(input_bytes)
    return replace(estimate_whole(input_bytes=0, output_bytes=len(text)), seconds=length_s)
