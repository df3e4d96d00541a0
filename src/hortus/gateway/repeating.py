"""Answers that were given before are given again, on routes that ask for it; everything else goes to the relay.

An answer that is given again has a receipt of its own: it names the one that paid, costs nothing, reserves nothing.
"""

from __future__ import annotations

from contextlib import AbstractContextManager

from hortus.base.time import Clock
from hortus.gateway.caching import CachedAnswer, ResponseCache, may_cache
from hortus.gateway.exchange import Exchange, Headers
from hortus.gateway.ports import Socket
from hortus.gateway.quotas import Quotas
from hortus.gateway.relay import Job, Relay
from hortus.gateway.sealing import marked_calls
from hortus.gateway.settle import Books, Ending
from hortus.gateway.sunset import note_end
from hortus.gateway.visit import Visit
from hortus.receipts.digests import digest_content
from hortus.snapshot.resolved import Target

NAME = b"hortus-cache"
"""The header of an answer that is given again."""

_OK = 200
_TRUE = b"true"
_KEPT_HEADERS = frozenset((b"content-type", b"hortus-losses", b"x-accel-buffering", b"cache-control"))
"""What of an answer's headers is as true the second time."""


class Repeater:
    """A relay with a memory.

    Args:
        relay: Asks hosts.
        books: What is written down.
        quotas: Says that nothing is reserved.
        cache: Where answers lie.
        clock: Tells how old they are.
    """

    def __init__(self, relay: Relay, books: Books, *, quotas: Quotas, cache: ResponseCache, clock: Clock) -> None:
        self._relay = relay
        self._books = books
        self._quotas = quotas
        self._cache = cache
        self._clock = clock

    async def run(self, visit: Visit, job: Job) -> None:
        """Answer a request with what was kept, else as `Relay.run`, and keep that. Raises as that."""
        route = job.judged.route.route
        said = visit.received.get(b"cache-control", b"").lower()
        if b"no-store" in said or not may_cache(job.judged, job.inquiry):
            self._books.note_cache(route.name, "bypass")
            await self._relay.run(visit, job)
            return
        digest = self._cache.digest(job.judged, job.inquiry, strictness=job.strictness)
        found = None if b"no-cache" in said else self._find(digest, job, longest_s=route.cache_s)
        if found is not None:
            self._books.note_cache(route.name, "hit")
            await self._repeat(visit, job, *found)
            return
        self._books.note_cache(route.name, "bypass" if b"no-cache" in said else "miss")
        await self._record(visit, job, digest=digest)

    def _find(self, digest: bytes, job: Job, *, longest_s: float) -> tuple[CachedAnswer, Target] | None:
        """Return an answer whose endpoint may still be used, and is what it was."""
        found = self._cache.find(digest, now_s=self._clock.monotonic_s(), longest_s=longest_s)
        if found is None:
            return None
        for target in job.targets:  # what today's verdict leaves
            if target.endpoint == found.endpoint:
                job.judged.assure(target)
                return found, target
        self._cache.drop(digest)
        return None

    async def _repeat(self, visit: Visit, job: Job, answer: CachedAnswer, target: Target) -> None:
        """Give an answer again, once it is written down."""
        visit.cached_from = answer.receipt_id
        visit.answer_digest = digest_content(answer.body, visit.salt)
        held = self._quotas.nothing
        attempt = self._books.open(visit, target, number=1, inquiry=job.inquiry, outgoing=answer.outgoing, held=held)
        ending = Ending("completed", http_status=_OK, output_bytes=len(answer.body))
        self._books.settle(attempt, ending)
        age_s = int(self._clock.monotonic_s() - answer.stored_s)
        note_end(visit, job.ready, target.endpoint)
        headers = (*answer.headers, (NAME, b"hit; age=%d" % age_s), *visit.notices)
        if not answer.is_stream:
            await visit.answer(_OK, answer.body, headers=headers)
            return
        if visit.keeping is not None:
            visit.keeping.take(answer.body)
        await visit.keep(status=_OK)
        visit.status = _OK
        visit.has_begun = True
        await visit.exchange.start(_OK, (*headers, *visit.headers))
        await visit.exchange.finish(answer.body)

    async def _record(self, visit: Visit, job: Job, *, digest: bytes) -> None:
        """Let the relay answer, and keep what the client is given."""
        tape = visit.exchange = _Tape(visit.exchange, self._cache.bounds.largest_bytes)
        try:
            await self._relay.run(visit, job)
        finally:
            visit.exchange = tape.exchange
        if not (visit.is_completed and tape.is_whole):
            return
        if visit.has_given_ids and bytes(job.inquiry.asked.members.get("store", _TRUE)) != b"false":
            return  # the host keeps it, and what is made of it later is no affair of this answer
        body = b"".join(tape.parts)
        if marked_calls(body, most=1):  # its seals are kept for as long as they are, not for as long as this
            return
        by = next(target for target in job.targets if target.endpoint.name == visit.endpoint)
        answer = CachedAnswer(
            receipt_id=visit.receipt_id,
            endpoint=by.endpoint,
            stored_s=self._clock.monotonic_s(),
            body=body,
            headers=tuple(pair for pair in tape.given if pair[0] in _KEPT_HEADERS),
            is_stream=tape.is_stream,
            outgoing=job.passages.to(by).outgoing.without_words(),
        )
        self._cache.keep(digest, answer)


class _Tape:
    """An exchange that remembers what the client is given, up to a length."""

    def __init__(self, exchange: Exchange, limit_bytes: int) -> None:
        self.exchange = exchange
        self._left_bytes = limit_bytes
        self.method, self.path, self.raw_path = exchange.method, exchange.path, exchange.raw_path
        self.query, self.client = exchange.query, exchange.client
        self.headers = exchange.headers
        self.given: Headers = ()
        """The answer's headers."""
        self.status = 0
        self.is_stream = False
        self.is_complete = False
        self.parts: list[bytes] = []

    async def read(self, limit_bytes: int) -> bytes:
        """Return the request's body."""
        return await self.exchange.read(limit_bytes)

    async def read_part(self) -> bytes:
        """Return a part of the request's body."""
        return await self.exchange.read_part()

    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Give a whole answer."""
        self.status, self.given = status, headers
        self._take(body)
        self.is_complete = True
        await self.exchange.answer(status, headers, body)

    async def start(self, status: int, headers: Headers) -> None:
        """Begin an answer in parts."""
        self.status, self.given, self.is_stream = status, headers, True
        await self.exchange.start(status, headers)

    async def write(self, data: bytes) -> None:
        """Give a part of it."""
        self._take(data)
        await self.exchange.write(data)

    async def finish(self, data: bytes = b"") -> None:
        """Give the last part of it."""
        self._take(data)
        self.is_complete = True
        await self.exchange.finish(data)

    def cut(self) -> None:
        """Break it off."""
        self.exchange.cut()

    def _take(self, data: bytes) -> None:
        self._left_bytes -= len(data)
        if self._left_bytes >= 0:
            self.parts.append(data)
        else:
            self.parts.clear()

    @property
    def is_whole(self) -> bool:
        """Whether all of a good answer is here."""
        return self.is_complete and self.status == _OK and self._left_bytes >= 0

    def check_upgrade(self) -> None:
        """See that the client can have a WebSocket. Raises UpgradeRefused."""
        self.exchange.check_upgrade()

    def upgrade(self, headers: Headers, *, subprotocol: str | None = None) -> Socket:
        """Change to a WebSocket, of which nothing is remembered. Raises UpgradeRefused."""
        return self.exchange.upgrade(headers, subprotocol=subprotocol)

    def interrupts(self) -> AbstractContextManager[None]:
        """Turn the client's leaving into ClientGone at the await within."""
        return self.exchange.interrupts()
