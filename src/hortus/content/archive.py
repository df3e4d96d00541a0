"""What admins do with kept exchanges: count, list, read and erase them, with all else that is kept of them.

Opens the files for each call, so that it serves any thread, beside workers that write.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from hortus.base.secrets import SecretVersions
from hortus.base.time import Clock
from hortus.canon.dialect import HostIdKind
from hortus.content.exchange import Entry, Exchange, Extent, Wanted
from hortus.content.exchanges import Exchanges, opened
from hortus.content.kept import KeptBounds, KeptContent
from hortus.content.mentions import mentions

_ID = re.compile(rb'"(?:id|call_id|responseId|previous_response_id)"\s*:\s*"([!-~]{1,256}?)"')


class Erased(msgspec.Struct, frozen=True):
    """What an erasure has done.

    Attributes:
        receipt_ids: Whose exchanges are gone.
        seals: Of reasoning that went with them.
        host_ids: Whose owner was forgotten with them.
        leaves_no_trace: Whether nothing is left in the files' free room either.
        broken: Files that cannot be read: what they hold was not looked at.
    """

    receipt_ids: tuple[str, ...]
    seals: int
    host_ids: int
    leaves_no_trace: bool
    broken: tuple[str, ...]


class Archive:
    """Kept exchanges as admins see them.

    Args:
        directory: Where the files lie.
        secrets: Versions of the installation's secret.
        bounds: Of seals and ids of hosts.
        clock: Tells what is over its time.
        entropy: Source of random bytes.
    """

    def __init__(
        self,
        directory: Path,
        secrets: SecretVersions,
        *,
        bounds: KeptBounds,
        clock: Clock,
        entropy: Callable[[int], bytes],
    ) -> None:
        self._directory = directory
        self._secrets = secrets
        self._bounds = bounds
        self._clock = clock
        self._entropy = entropy

    def extent(self, wanted: Wanted) -> Extent:
        """Return how many are meant. Raises NotKept."""
        with self._open() as exchanges:
            return exchanges.extent(wanted)

    def entries(self, wanted: Wanted, *, after: int, last: int, limit: int) -> list[Entry]:
        """Return those that are meant, oldest first. Raises NotKept."""
        with self._open() as exchanges:
            return exchanges.entries(wanted, after=after, last=last, limit=limit)

    def read(self, entries: Sequence[Entry]) -> list[Exchange]:
        """Return what was kept, without what cannot be opened. Raises NotKept."""
        with self._open() as exchanges:
            return [one for _, one in opened(exchanges, entries) if one is not None]

    def mentioning(self, entries: Sequence[Entry], words: str) -> list[Entry]:
        """Return those that mention words. Raises NotKept."""
        with self._open() as exchanges:
            return [entry for entry, one in opened(exchanges, entries) if one is not None and mentions(one, words)]

    def erase(self, receipt_ids: Sequence[str]) -> Erased:
        """Remove exchanges for good, with the seals and owners of ids that their answers gave out.

        Raises:
            NotKept: The files cannot be written; what was removed before is gone all the same.
        """
        seals = host_ids = 0
        with self._open() as exchanges, closing(self._kept()) as kept:
            meant = Wanted(receipt_ids=tuple(receipt_ids))
            entries = exchanges.entries(meant, after=0, last=exchanges.extent(meant).last, limit=len(receipt_ids))
            for _, exchange in opened(exchanges, entries):
                if exchange is not None:
                    forgotten = _forget_beside(kept, exchange)
                    seals, host_ids = seals + forgotten[0], host_ids + forgotten[1]
            gone = exchanges.erase(receipt_ids)
            is_clean = exchanges.leave_no_trace()
            broken = tuple(str(one) for one in exchanges.broken())
        return Erased(tuple(gone), seals, host_ids, is_clean, broken)

    def claim(self, project_id: str, endpoint: str, kind: HostIdKind, host_id: str) -> None:
        """Remember whose something is that is kept until it is deleted.

        Raises:
            NotKept: It has another owner, or cannot be written.
        """
        self._secrets.look_again()
        with closing(self._kept()) as kept:
            kept.claim(project_id, endpoint, kind, host_id)

    @contextmanager
    def _open(self) -> Iterator[Exchanges]:
        self._secrets.look_again()
        one = Exchanges(self._directory, self._secrets, clock=self._clock, entropy=self._entropy)
        with closing(one):
            yield one

    def _kept(self) -> KeptContent:
        return KeptContent(
            self._directory, self._secrets, bounds=self._bounds, clock=self._clock, entropy=self._entropy
        )


def _forget_beside(kept: KeptContent, exchange: Exchange) -> tuple[int, int]:
    """Forget what was kept beside an exchange: return how many seals and how many owners of ids."""
    ids = {match.decode() for match in _ID.findall(exchange.answer or b"")}
    if exchange.response_id is not None:
        ids.add(exchange.response_id)
    return kept.forget(exchange.project_id, exchange.endpoint or "", ids=sorted(ids))
