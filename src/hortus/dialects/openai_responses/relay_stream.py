"""One stream as it passes, unchanged: usage, end, errors and given ids are read from copies."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.dialect import HostId
from hortus.canon.usage import Usage
from hortus.dialects.openai_responses.relay_ids import given_ids
from hortus.dialects.openai_responses.usage import Told, count
from hortus.framing.counting import UNREADABLE, estimate, read_served_model
from hortus.framing.opening import NULL
from hortus.framing.sse import Frame, SseSplitter, is_whole, whole_rest

_ENDS = frozenset(("response.completed", "response.incomplete", "response.failed"))
_BEGINNINGS = frozenset(("response.created", "response.in_progress", "response.queued"))


class _Event(msgspec.Struct):
    type: str = ""
    response: Raw = NULL
    error: Raw = NULL


class _Response(Told):
    model: Raw = NULL


_DECODE = msgspec.json.Decoder(_Event).decode
_DECODE_RESPONSE = msgspec.json.Decoder(_Response).decode


class Stream:
    """Reads one stream; see `canon.dialect.StreamUsage`.

    Args:
        wants_usage: Has no say here: streams of this dialect always report it.
    """

    __slots__ = ("_deltas", "_given", "_is_failed", "_is_finished", "_model", "_splitter", "_usage")

    def __init__(self, wants_usage: bool) -> None:  # noqa: FBT001 -- the record calls it with one argument
        del wants_usage
        self._splitter = SseSplitter()
        self._deltas = 0
        self._usage: Usage | None = None
        self._model: Raw | None = None
        self._given: tuple[HostId, ...] = ()
        self._is_finished = False
        self._is_failed = False

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the host, return the events that are whole: half a one is no place for an error.

        Raises:
            BrokenStream: A frame is too long.
        """
        frames = self._splitter.feed(data)
        for frame in frames:
            self._read(frame)
        return b"".join([frame.raw for frame in frames])

    def close(self) -> bytes:
        """The host ended the stream: return what was held back, if only its blank line is missing."""
        frame = self._splitter.close()
        if frame is None or not is_whole(frame):
            return b""
        self._read(frame)
        return whole_rest(frame.raw, is_last=self._is_finished or self._is_failed)

    @property
    def usage(self) -> Usage | None:
        """What the host reported, None before."""
        return self._usage

    @property
    def served_model(self) -> str | None:
        """What the host says answers."""
        return read_served_model(self._model)

    @property
    def is_finished(self) -> bool:
        """Whether the whole answer at the end was seen."""
        return self._is_finished

    @property
    def is_failed(self) -> bool:
        """Whether an error was seen."""
        return self._is_failed

    @property
    def given_ids(self) -> tuple[HostId, ...]:
        """The answer and its items, where the host keeps them."""
        return self._given

    def estimate(self, *, input_bytes: int) -> Usage:
        """Count each delta as one token, which is how most hosts stream."""
        return estimate(input_bytes=input_bytes, output_tokens=self._deltas)

    def _read(self, frame: Frame) -> None:
        if frame.data is None:
            return
        if frame.event is not None and frame.event.endswith(b".delta"):  # nearly always
            self._deltas += 1
            return
        try:
            event = _DECODE(frame.data)
            if event.type.endswith(".delta"):
                self._deltas += 1
            elif event.type == "error" or event.error != NULL:
                self._is_failed = True
            elif event.type in _ENDS or event.type in _BEGINNINGS:
                self._read_response(event)
        except UNREADABLE:
            return  # `[DONE]`, or not ours to judge: it passes as it is

    def _read_response(self, event: _Event) -> None:
        response = _DECODE_RESPONSE(event.response)
        if self._model is None and response.model != NULL:
            self._model = response.model
        self._given = given_ids(event.response) or self._given
        self._usage = count(response) or self._usage
        self._is_failed |= event.type == "response.failed"
        self._is_finished |= event.type in _ENDS and event.type != "response.failed"
