"""One stream of Bedrock as it passes: usage, end and errors are read from copies; every frame goes on as it came."""

from __future__ import annotations

from collections.abc import Callable

from hortus.canon.dialect import HostId
from hortus.canon.usage import Usage
from hortus.framing.aws_frames import Frame, Splitter
from hortus.framing.counting import estimate, tokens_in


class PassingStream:
    """Reads one stream; see `canon.dialect.StreamUsage`.

    Args:
        read: Takes note of a frame that is no failure.
        ends_anywhere: Whether these streams need no end mark: an orderly end between two frames is one.
    """

    __slots__ = (
        "_ends_anywhere",
        "_note",
        "_said_bytes",
        "_splitter",
        "deltas",
        "is_failed",
        "is_finished",
        "served_model",
        "usage",
    )

    given_ids: tuple[HostId, ...] = ()

    def __init__(self, read: Callable[[PassingStream, Frame], None], *, ends_anywhere: bool = False) -> None:
        self._note = read
        self._ends_anywhere = ends_anywhere
        self._splitter = Splitter()
        self.deltas = self._said_bytes = 0
        self.usage: Usage | None = None
        self.served_model: str | None = None
        self.is_finished = False
        self.is_failed = False

    def say(self, size_bytes: int) -> None:
        """Count a delta whose words have so many bytes."""
        self.deltas += 1
        self._said_bytes += max(size_bytes, 0)

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the host, return the frames that are whole: half a one is no place for an error.

        Raises:
            BrokenStream: Lengths, checksums or headers of a frame are wrong.
        """
        frames = self._splitter.feed(data)
        for frame in frames:
            if frame.is_failure:
                self.is_failed = True
            else:
                self._note(self, frame)
        return b"".join([frame.raw for frame in frames])

    def close(self) -> bytes:
        """The host ended the stream: half a frame is never passed on.

        Raises:
            BrokenStream: It ended inside a frame, where an end between two would do.
        """
        if self._ends_anywhere and self.deltas and not (self.is_finished or self.is_failed):
            self._splitter.close()
            self.is_finished = True
        return b""

    def estimate(self, *, input_bytes: int) -> Usage:
        """Count what was said."""
        output_tokens = tokens_in(self.deltas, text_bytes=self._said_bytes)
        return estimate(input_bytes=input_bytes, output_tokens=output_tokens)
