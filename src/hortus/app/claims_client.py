"""Idempotency keys, claimed over the worker's connection to the ledger. Implements `receipts.claims.Claims`.

After a new connection every claim that is not answered, and every one that runs, is made again: a ledger that was
killed in between may not have heard of it.
"""

from __future__ import annotations

import asyncio

import msgspec

from hortus.app.ledger_link import LedgerLink
from hortus.canon.errors import NotReady
from hortus.receipts.claims import Claim, Claimed

ANSWER_WITHIN_S = 5.0
_RETRY_AFTER_S = 1
_MARK = b'"claimed"'


class _Say(msgspec.Struct):
    claim: Claim
    is_done: bool | None = None
    ask: str = "claim"


class _Heard(msgspec.Struct):
    claimed: str
    first: Claimed


class LedgerClaims:
    """Claims of one worker.

    Args:
        link: The connection.
        writer: The journal's writer, whose death ends what it claims.
    """

    def __init__(self, link: LedgerLink, writer: str) -> None:
        self._link = link
        self._writer = writer
        self._asked: dict[str, asyncio.Future[Claimed]] = {}
        self._running: dict[str, Claim] = {}
        self._decoder = msgspec.json.Decoder(_Heard)
        link.join(self)

    async def claim(self, project_id: str, digest: str, *, receipt_id: str) -> Claimed:
        """Claim a key for a request.

        Raises:
            NotReady: The ledger did not answer.
        """
        claim = self._running[receipt_id] = Claim(project_id, digest, receipt_id, self._writer)
        future: asyncio.Future[Claimed] = asyncio.get_running_loop().create_future()
        self._asked[receipt_id] = future
        self._link.send(_Say(claim))
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                first = await future
        except BaseException as error:
            self.end(project_id, digest, receipt_id=receipt_id, is_done=False)
            if isinstance(error, TimeoutError):
                raise NotReady(
                    "Whether this request runs already cannot be found out at this moment.",
                    hint="Try again in a moment.",
                    retry_after_s=_RETRY_AFTER_S,
                ) from error
            raise
        finally:
            self._asked.pop(receipt_id, None)
        if first.state != "yours":
            self._running.pop(receipt_id, None)
        return first

    def end(self, project_id: str, digest: str, *, receipt_id: str, is_done: bool) -> None:
        """The request is over; never waits."""
        self._running.pop(receipt_id, None)
        self._link.send(_Say(Claim(project_id, digest, receipt_id, self._writer), is_done=is_done))

    def arrive(self) -> None:
        """Say again what runs, and ask again what was not answered."""
        for claim in self._running.values():
            self._link.send(_Say(claim))

    def leave(self) -> None:
        """Nothing to do: what was asked is asked again."""

    def hear(self, line: bytes) -> None:
        """Take an answer. Raises msgspec.DecodeError."""
        if _MARK in line:
            heard = self._decoder.decode(line)
            future = self._asked.get(heard.claimed)
            if future is not None and not future.done():
                future.set_result(heard.first)
