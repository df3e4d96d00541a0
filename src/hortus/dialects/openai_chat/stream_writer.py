"""Placeholder until the writer of streams is written."""

from __future__ import annotations

from hortus.canon.errors import RequestError
from hortus.canon.events import Event
from hortus.canon.loss import Loss
from hortus.canon.translation import Asking


class Writer:
    """Writes nothing yet."""

    def __init__(self, asking: Asking) -> None:
        del asking
        self.losses: tuple[Loss, ...] = ()

    def feed(self, event: Event) -> bytes:
        """Return nothing."""
        del event
        return b""

    def fail(self, error: RequestError) -> bytes:
        """Return nothing."""
        del error
        return b""
