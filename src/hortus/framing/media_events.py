"""Streams about sound and pictures as they pass: every byte goes on, usage, end and errors are read from copies.

Each event names its type; one that ends in `.done` or `.completed` is the last of its kind and reports what was used.
vLLM ends as chats do. https://developers.openai.com/api/reference/resources/audio, recalled 2026-11.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.dialect import HostId
from hortus.canon.usage import COUNTS, Usage
from hortus.framing.counting import UNREADABLE, estimate, read_served_model
from hortus.framing.metering import read_members, usage_of
from hortus.framing.sse import Frame, SseSplitter, is_whole, whole_rest

FRAME_LIMIT_BYTES = 64 * 1024 * 1024
"""Longest event: a large picture in base64."""

_NOTHING = Raw(b"null")
_ENDS = (".done", ".completed")
_PICTURE = ".completed"
_FAILED = frozenset(("error", "response.failed"))
_CHAT = "openai_chat"
_DONE = b"[DONE]"


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    delta: Raw = _NOTHING
    text: Raw = _NOTHING
    usage: Raw = _NOTHING
    error: Raw = _NOTHING
    model: Raw = _NOTHING


_DECODE = msgspec.json.Decoder(_Event).decode


def read_media_usage(dialect: str, raw: Raw | bytes) -> Usage | None:
    """Return what a usage object says, in the dialect's words or in those of chats, as some programs have it."""
    members = read_members(raw)
    if members is None:
        return None
    return usage_of(dialect, members) or usage_of(_CHAT, members)


class MediaEvents:
    """Reads one stream; see `canon.dialect.StreamUsage`.

    Args:
        dialect: Whose usage objects these are.
    """

    __slots__ = ("_dialect", "_model", "_said_bytes", "_splitter", "_usage", "given_ids", "is_failed", "is_finished")

    def __init__(self, dialect: str) -> None:
        self._dialect = dialect
        self._splitter = SseSplitter(FRAME_LIMIT_BYTES)
        self._said_bytes = 0
        self._usage: Usage | None = None
        self._model: Raw | None = None
        self.is_finished = False
        self.is_failed = False
        self.given_ids: tuple[HostId, ...] = ()

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the host, return the events that are whole: half a one is no place for an error.

        Raises:
            BrokenStream: An event is too long.
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
        return whole_rest(frame.raw, is_last=self.is_finished or self.is_failed)

    @property
    def usage(self) -> Usage | None:
        """What the host reported so far, None before."""
        return self._usage

    @property
    def served_model(self) -> str | None:
        """What the host says answers."""
        return read_served_model(self._model)

    def estimate(self, *, input_bytes: int) -> Usage:
        """Count the words that were delivered: of sound and pictures their bytes say nothing."""
        del input_bytes
        return estimate(input_bytes=0, output_tokens=-(-self._said_bytes // 4))

    def _read(self, frame: Frame) -> None:
        if frame.data is None:
            return
        if frame.data.startswith(_DONE):
            self.is_finished = True
            return
        try:
            event = _DECODE(frame.data)
        except UNREADABLE:
            return
        self._said_bytes += len(bytes(event.delta)) - 2 if event.delta is not _NOTHING else 0
        self._model = event.model if event.model is not _NOTHING else self._model
        if event.type in _FAILED or bytes(event.error) != b"null":
            self.is_failed = True
        if event.type.endswith(_ENDS):
            self.is_finished = True
        self._take_usage(event)

    def _take_usage(self, event: _Event) -> None:
        """Add what an event reports; a picture that is complete counts as one, whether that is said or not."""
        said = read_media_usage(self._dialect, event.usage) if event.usage is not _NOTHING else None
        if event.type.endswith(_PICTURE):
            said = msgspec.structs.replace(said or Usage(), images=1)
        if said is not None:
            self._usage = said if self._usage is None else _sum(self._usage, said)


def _sum(one: Usage, other: Usage) -> Usage:
    return msgspec.structs.replace(one, **{name: getattr(one, name) + getattr(other, name) for name in COUNTS})
