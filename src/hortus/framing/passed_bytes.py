"""A usage reader for answers that are no text of a dialect: sound, pictures, files. The bytes pass, and are counted."""

from __future__ import annotations

from hortus.canon.dialect import HostId
from hortus.canon.usage import Usage


class PassedBytes:
    """Implements `canon.dialect.StreamUsage`.

    Args:
        usage: What the request alone tells to be used by its answer.

    Attributes:
        work_used: What work that was begun earlier has used, all of it, where these bytes tell that; known at the end.
    """

    served_model: str | None = None
    is_failed = False
    given_ids: tuple[HostId, ...] = ()

    def __init__(self, usage: Usage) -> None:
        self._asked = usage
        self.is_finished = False
        self.passed_bytes = 0
        self.work_used: Usage | None = None

    def feed(self, data: bytes) -> bytes:
        """Pass bytes on."""
        self.passed_bytes += len(data)
        return data

    def close(self) -> bytes:
        """Hear that they have ended; whether all came is known below HTTP's framing."""
        self.is_finished = True
        return b""

    @property
    def usage(self) -> Usage | None:
        """What the request tells, once anything came."""
        return self._asked if self.passed_bytes or self.is_finished else None

    def estimate(self, *, input_bytes: int) -> Usage:
        """Return what the request tells, for the answer does not."""
        del input_bytes
        return self._asked
