"""The port through which the gateway writes receipts down."""

from __future__ import annotations

from typing import Protocol

from hortus.receipts.records import Opened, Refused, Settled


class Journal(Protocol):
    """An append-only log; one write(2) a record, so it survives the process."""

    def open(self, record: Opened) -> None:
        """Write an attempt down before its first byte goes upstream.

        Raises:
            hortus.canon.errors.JournalFull: No room is left beside the reserve for running requests.
        """
        ...

    def settle(self, record: Settled) -> None:
        """Write an attempt's end down; draws on the reserve when the disk is full."""
        ...

    def refuse(self, record: Refused) -> None:
        """Write a refusal down; dropped (and counted) when the disk is full."""
        ...
