"""Placeholder until the reader of streams is written."""

from __future__ import annotations

from hortus.canon.events import Event


class Reader:
    """Reads nothing yet."""

    def feed(self, data: bytes) -> list[Event]:
        """Return no event."""
        del data
        return []

    def close(self) -> list[Event]:
        """Return no event."""
        return []
