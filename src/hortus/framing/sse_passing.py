"""One stream of SSE as it passes: usage, end and errors are read from copies; every event goes on as it came."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Raw

from hortus.canon.dialect import HostId
from hortus.canon.usage import Usage
from hortus.framing import sse
from hortus.framing.counting import estimate, read_served_model, tokens_in
from hortus.framing.sse import Frame, SseSplitter, whole_rest


class PassingEvents:
    """Reads one stream; see `canon.dialect.StreamUsage`.

    Args:
        read: Takes note of an event on this object; one for which it returns False is not for the client.
        is_whole: Tells whether an event that the stream ended in lacks only its blank line.
        count: Returns what was used where the host does not say, for so many bytes of input.
        limit_bytes: Of one event.

    Attributes:
        deltas: How many said something.
        said_bytes: How long all of that is.
        model: What the host says answers, as JSON.
    """

    __slots__ = (
        "_count",
        "_is_whole",
        "_read",
        "_splitter",
        "deltas",
        "given_ids",
        "is_failed",
        "is_finished",
        "model",
        "said_bytes",
        "usage",
    )

    def __init__(
        self,
        read: Callable[[PassingEvents, Frame], bool | None],
        *,
        is_whole: Callable[[Frame], bool] = sse.is_whole,
        count: Callable[[PassingEvents, int], Usage] | None = None,
        limit_bytes: int = sse.FRAME_LIMIT_BYTES,
    ) -> None:
        self._read = read
        self._is_whole = is_whole
        self._count = _count_words if count is None else count
        self._splitter = SseSplitter(limit_bytes)
        self.deltas = self.said_bytes = 0
        self.usage: Usage | None = None
        self.model: Raw | None = None
        self.given_ids: tuple[HostId, ...] = ()
        self.is_finished = False
        self.is_failed = False

    @property
    def served_model(self) -> str | None:
        """What the host says answers."""
        return read_served_model(self.model)

    def say(self, size_bytes: int = 0) -> None:
        """Count a delta whose words have so many bytes."""
        self.deltas += 1
        self.said_bytes += size_bytes

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the host, return the events that are whole: half a one is no place for an error.

        Raises:
            BrokenStream: An event is too long.
        """
        read = self._read
        return b"".join([frame.raw for frame in self._splitter.feed(data) if read(self, frame) is not False])

    def close(self) -> bytes:
        """The host ended the stream: return what was held back, if only its blank line is missing."""
        frame = self._splitter.close()
        if frame is None or not self._is_whole(frame) or self._read(self, frame) is False:
            return b""
        return whole_rest(frame.raw, is_last=self.is_finished or self.is_failed)

    def estimate(self, *, input_bytes: int) -> Usage:
        """Count what was said."""
        return self._count(self, input_bytes)


def _count_words(stream: PassingEvents, input_bytes: int) -> Usage:
    output_tokens = tokens_in(stream.deltas, text_bytes=stream.said_bytes)
    return estimate(input_bytes=input_bytes, output_tokens=output_tokens)
