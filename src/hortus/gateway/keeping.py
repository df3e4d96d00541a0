"""What a client sent and what it gets, gathered while the request is answered, and kept where its project asks.

Keeping is a wish, the answer is paid for: where nothing can be kept the request goes on, and log and metric say it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

import msgspec

from hortus.canon.dialect import Asked, Dialect, Operation
from hortus.content.exchange import Exchange
from hortus.content.ports import KeptExchanges, NotKept
from hortus.gateway.subjects import subjects_of
from hortus.snapshot.grants import Grant
from hortus.telemetry.meters import Meters

_SUCCESS = range(200, 300)
_QUIET_S = 1.0  # after a line in the log: a full disk is said once, not at each request

_log = logging.getLogger("hortus.gateway")


class Visited(Protocol):
    """What is asked of a `gateway.visit.Visit`."""

    receipt_id: str
    now_ms: int
    dialect: Dialect
    operation: Operation | None
    route: str | None
    endpoint: str | None
    status: int
    is_stream: bool
    is_opened: bool


class Keeper:
    """Keeps exchanges for one worker.

    Args:
        exchanges: Where they go.
        meters: Counts what is kept and what is not.
        largest_bytes: Longest request or answer that is kept with its words.
    """

    def __init__(self, exchanges: KeptExchanges, meters: Meters, *, largest_bytes: int) -> None:
        self.exchanges = exchanges
        self.largest_bytes = largest_bytes
        self._meters = meters
        self._quiet_until_s = 0.0
        self._running: set[asyncio.Task[bool]] = set()

    def begin(self, visit: Visited, grant: Grant, *, asked: Asked, body: bytes) -> Keeping:
        """Begin to gather what a project wants kept; it is kept when its answer is whole or the visit ends.

        Of a form no words are kept: `body` is empty.
        """
        is_chat = visit.operation is not None and visit.operation.name == "chat"
        continuing = visit.dialect.continuing if is_chat else None
        sent = _Sent(
            body=body if asked.form is None else None,
            size_bytes=len(body) if asked.form is None else asked.form.size_bytes,
            subjects=subjects_of(visit.dialect.name, asked.members),
            can_continue=continuing is not None and continuing.is_stored(asked.members),
            continues=continuing.continues(asked.members) if continuing is not None else None,
        )
        return Keeping(self, visit, grant, sent=sent)

    async def keep(self, exchange: Exchange) -> bool:
        """Keep one; tell whether it is."""
        try:
            await self.exchanges.keep(exchange)
        except NotKept as error:
            now_s = asyncio.get_running_loop().time()
            if now_s >= self._quiet_until_s:  # the metric counts all
                self._quiet_until_s = now_s + _QUIET_S
                _log.error("content not kept: %s", error.message, extra={"receipt": exchange.receipt_id})
            self._meters.count_content("not_kept")
            return False
        is_all = exchange.request is not None and exchange.answer is not None
        self._meters.count_content("kept" if is_all else "kept_without_body")
        return True

    def begin_to_keep(self, exchange: Exchange) -> asyncio.Task[bool]:
        """Keep one, whether anybody waits for that or not."""
        task = asyncio.get_running_loop().create_task(self.keep(exchange))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task


class _Sent(msgspec.Struct, frozen=True):
    body: bytes | None
    size_bytes: int
    subjects: tuple[str, ...]
    can_continue: bool
    continues: str | None


class Keeping:
    """One request and its answer so far.

    Args:
        keeper: Keeps it.
        visit: Whose they are.
        grant: Says for whom and how long.
        sent: What the client sent.
    """

    __slots__ = ("_answer", "_answer_bytes", "_grant", "_has_ended", "_keeper", "_sent", "_visit", "is_kept")

    def __init__(self, keeper: Keeper, visit: Visited, grant: Grant, *, sent: _Sent) -> None:
        self._keeper = keeper
        self._visit = visit
        self._grant = grant
        self._sent = sent
        self._answer: list[bytes] = []
        self._answer_bytes = 0
        self._has_ended = False
        self.is_kept: bool | None = None
        """Whether it is; None while that is not known."""

    @property
    def can_continue(self) -> bool:
        """Whether a client may go on from the answer: it is kept before the client knows it whole."""
        return self._sent.can_continue

    def take(self, data: bytes) -> None:
        """Take the next part of the answer as the client gets it."""
        self._answer_bytes += len(data)
        if self._answer_bytes <= self._keeper.largest_bytes:
            self._answer.append(data)

    async def end(self, body: bytes = b"", *, status: int, is_whole: bool = True) -> None:
        """Keep an answer, or a stream that `take` has had the parts of, unless that is done."""
        if self._has_ended or not self._visit.is_opened:
            return
        self._has_ended = True
        self.take(body)
        self.is_kept = await asyncio.shield(self._keeper.begin_to_keep(self._exchange(status, is_whole=is_whole)))

    def leave(self) -> None:
        """Keep what there is, without waiting: the visit is over. What never went to a host is not kept."""
        if self._has_ended or not self._visit.is_opened:
            return
        self._has_ended = True
        self._keeper.begin_to_keep(self._exchange(self._visit.status, is_whole=False))

    def _exchange(self, status: int, *, is_whole: bool) -> Exchange:
        visit, grant, sent = self._visit, self._grant, self._sent
        most = self._keeper.largest_bytes
        answer = b"".join(self._answer) if self._answer_bytes <= most else None
        return Exchange(
            receipt_id=visit.receipt_id,
            at_ms=visit.now_ms,
            days=grant.keep_content_days,
            project_id=grant.project_id,
            project=grant.project,
            key_id=grant.key_id,
            route=visit.route or "",
            dialect=visit.dialect.name,
            operation=visit.operation.name if visit.operation else "",
            endpoint=visit.endpoint,
            status=status,
            is_stream=visit.is_stream,
            is_whole=is_whole,
            request=sent.body if sent.body is not None and len(sent.body) <= most else None,
            answer=answer,
            request_bytes=sent.size_bytes,
            answer_bytes=self._answer_bytes,
            subjects=sent.subjects,
            response_id=self._response_id(answer, status) if is_whole else None,
            continues=sent.continues,
        )

    def _response_id(self, answer: bytes | None, status: int) -> str | None:
        """Return under which id the answer can be continued, None where it cannot."""
        continuing = self._visit.dialect.continuing
        if continuing is None or answer is None or not self._sent.can_continue or status not in _SUCCESS:
            return None
        return continuing.id_of(answer, self._visit.is_stream)
