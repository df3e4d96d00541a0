"""One call to a host and its answer to the client: whole or in parts, with every way in which it can end.

Whatever happens, the attempt is settled: with what the host said was used, else with what was counted here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager
from http import HTTPStatus

import msgspec
from msgspec.structs import replace

from hortus.canon.dialect import StreamUsage
from hortus.canon.errors import (
    BrokenStream,
    HostFault,
    HostOverloaded,
    HostRefused,
    HostTimedOut,
    RequestError,
)
from hortus.canon.loss import Loss
from hortus.canon.usage import Usage
from hortus.catalog.works import usage_beforehand
from hortus.content.ports import Note
from hortus.framing.passed_bytes import PassedBytes
from hortus.gateway import headers
from hortus.gateway.advances import Correction, runs_batches
from hortus.gateway.choose import KEEPING, need_of
from hortus.gateway.exposures import exposure_of
from hortus.gateway.hostfaults import credentials_in, hide, tell_client, without
from hortus.gateway.lanes import Lane
from hortus.gateway.passage import Given, Inquiry, Passage
from hortus.gateway.ports import HostRequest, HostResponse, Hosts
from hortus.gateway.settle import Attempt, Books, Ending
from hortus.gateway.visit import Pairs
from hortus.receipts.digests import ContentDigest, digest_content

ANSWER_LIMIT_BYTES = 256 * 1024 * 1024
"""Longest whole answer: above the largest batch of embeddings that hosts give."""

_AFTER_THE_END_S = 0.5
"""How long the end of a stream that is kept waits for its host to hang up: what still comes belongs to it."""

_ERROR_LIMIT_BYTES = 1024 * 1024


class Setback(msgspec.Struct, frozen=True):
    """An attempt that gave the client nothing yet.

    Attributes:
        error: What went wrong.
        status: What the host said, None where it said nothing.
        answer: The host's own words, given to the client where no other endpoint is left.
    """

    error: HostFault
    status: int | None = None
    answer: HostWords | None = None


class HostWords(msgspec.Struct, frozen=True):
    """A host's error as it came."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Call:
    """One attempt under way."""

    __slots__ = (
        "_attempt",
        "_books",
        "_correction",
        "_digest",
        "_held",
        "_hosts",
        "_inquiry",
        "_lane",
        "_losses",
        "_output_bytes",
        "_passage",
        "_reader",
        "_secrets",
        "_visit",
    )

    def __init__(
        self, hosts: Hosts, books: Books, attempt: Attempt, *, lane: Lane, passage: Passage, inquiry: Inquiry
    ) -> None:
        self._hosts = hosts
        self._lane = lane
        self._books = books
        self._attempt = attempt
        self._visit = attempt.visit
        self._passage = passage
        self._inquiry = inquiry
        self._losses: tuple[Loss, ...] = ()
        self._correction: Correction | None = None
        self._reader: StreamUsage | None = None
        self._secrets: tuple[bytes, ...] = ()
        self._output_bytes = 0
        self._held = b""
        self._digest: ContentDigest | None = None

    async def run(self, make_request: Callable[[], Awaitable[HostRequest]]) -> Setback | None:
        """Call the host and answer the client, or say why not. Raises ClientGone."""
        response: HostResponse | None = None
        try:
            with self._interrupts():
                request = await make_request()
                response = await self._hosts.send(request)
                self._secrets = credentials_in((*request.standing, *request.headers))
                self._note_head(response)
                status = response.status
                if not _is_success(status):
                    return await self._read_error(response)
                self._lane.greet(self._visit, self._attempt)
                kind = headers.find(response.headers, b"content-type")
                if self._passage.is_stream(kind):
                    return await self._stream(response, self._passage.open_stream(kind))
                body = await response.read(ANSWER_LIMIT_BYTES)
                await self._answer(status, body, response=response)
                return None
        except HostFault as error:
            return Setback(error=self._told(error))
        finally:
            if response is not None:
                response.close()

    def _interrupts(self) -> AbstractContextManager[None]:
        """Stop when the client leaves; but what the host makes is taken note of, for it is there from then on."""
        operation = self._inquiry.operation
        is_made = operation.method == "POST" and need_of(operation) in KEEPING
        return contextlib.nullcontext() if is_made else self._visit.exchange.interrupts()

    def _told(self, error: HostFault) -> HostFault:
        return tell_client(error, self._attempt.target.endpoint, receipt_id=self._visit.receipt_id)

    async def _answer(self, status: int, body: bytes, *, response: HostResponse) -> None:
        """Settle, then give the whole answer: a client that has it can rely on its receipt.

        Raises:
            BrokenStream: The answer cannot be translated.
        """
        given = self._passage.read_answer(body)
        self._output_bytes = len(given.body)
        self._losses = given.losses
        self._visit.answer_digest = digest_content(given.body, self._visit.salt)
        self._set_right(given.usage if given.has_ended else None)
        usage = self._usage_of(given, response)
        self._books.claim(self._attempt, given.given_ids, note=self._note(usage))
        self._forget_deleted()
        self._lane.hear(self._visit)
        try:
            await self._visit.keep(given.body, status=status)
        finally:
            self.settle("completed", usage=usage, http_status=status, served_model=given.served_model)
        self._visit.note_losses(given.losses)
        pairs = self._headers_of(response, content_type=self._passage.answer_type)
        await self._visit.answer(status, given.body, headers=pairs + self._visit.notices)

    def _set_right(self, used: Usage | None) -> None:
        """See what work has used that has ended by now, where it was charged beforehand."""
        kind, host_id = self._inquiry.operation.id_kind, self._inquiry.call.route
        if used is not None and kind is not None and host_id is not None:
            self._correction = self._books.true_up(self._attempt, kind, host_id, used=used)

    def _usage_of(self, given: Given, response: HostResponse) -> Usage | None:
        """Return what the request itself has used: a look at work that was begun earlier uses nothing."""
        if self._inquiry.operation.is_free:
            return None
        beforehand = self._used_beforehand()
        return self._within_bounds(self._used(response) or given.usage) if beforehand is None else beforehand

    def _used_beforehand(self) -> Usage | None:
        """Return what work that is begun counts as having used, None where none is, or nobody knows."""
        run, endpoint = self._inquiry.run, self._attempt.target.endpoint
        if run is None:
            return None
        return usage_beforehand(self._attempt.held.work_price, run, output_limit=endpoint.output_limit)

    def _note(self, usage: Usage | None) -> Note:
        """Return what is to be known of what the host keeps from now on."""
        inquiry = self._inquiry
        if not runs_batches(inquiry.operation):
            return Note(inquiry.asked.work)
        return Note(inquiry.run, self._books.advance(self._attempt, usage or Usage()))

    def _used(self, response: HostResponse) -> Usage | None:
        """Return what an answer's headers say that it used, in dialects whose bodies do not."""
        read = self._inquiry.dialect.usage_in_headers
        return None if read is None else read(headers.as_text(response.headers))

    def _forget_deleted(self) -> None:
        """Forget what the host keeps no longer, where that was asked for."""
        operation, host_id = self._inquiry.operation, self._inquiry.call.route
        if operation.deletes and operation.id_kind is not None and host_id is not None:
            self._books.release(operation.id_kind, host_id, receipt_id=self._visit.receipt_id)

    def _note_head(self, response: HostResponse) -> None:
        named = headers.find(response.headers, b"x-request-id")
        self._books.note_head(self._attempt, hide(named, self._secrets) if named is not None else None)

    def _headers_of(self, response: HostResponse, *, is_stream: bool = False, content_type: str | None = None) -> Pairs:
        """Return what of a host's headers the client gets."""
        pairs = headers.for_client(response.headers, is_stream=is_stream, content_type=content_type)
        return without(pairs, self._secrets)

    async def _read_error(self, response: HostResponse) -> Setback | None:
        """Judge an answer that is not a success: the client's fault goes to the client, the host's is a setback."""
        status = response.status
        body = hide(await response.read(_ERROR_LIMIT_BYTES), self._secrets)
        given = self._headers_of(response)
        words = HostWords(status=status, headers=given, body=body)
        name = self._attempt.target.endpoint.name
        translated = self._passage.read_error(status, body, headers.as_text(response.headers))
        is_refused = status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} or isinstance(translated, HostRefused)
        if is_refused:
            error: HostFault = HostRefused(
                f"The host of endpoint {name} refused this installation's credential ({status}).",
                hint="Your key is fine; an admin must mend the endpoint's credential.",
            )
            return Setback(error=error, status=status)
        if translated is not None:
            translated.retry_after_s = translated.retry_after_s or self._retry_after_s(response)
            return Setback(error=translated, status=status)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            error = HostOverloaded(f"The host of endpoint {name} has no capacity left for now.")
            error.retry_after_s = self._retry_after_s(response)
            return Setback(error=error, status=status, answer=words)
        if _is_client_fault(status):
            if status == HTTPStatus.NOT_FOUND:
                self._forget_deleted()
            self._output_bytes = len(body)
            self._visit.answer_digest = digest_content(body, self._visit.salt)
            self._lane.hear(self._visit)
            self.settle("failed", http_status=status, error_code="host_rejected_request")
            self._visit.error_code = "host_rejected_request"
            await self._visit.answer(status, body, headers=given)
            return None
        error = HostFault(
            f"The host of endpoint {name} failed with status {status}.", hint="Try again, or use another model."
        )
        error.retry_after_s = self._retry_after_s(response)
        is_readable = status >= HTTPStatus.INTERNAL_SERVER_ERROR and body.startswith(b"{")
        return Setback(error=error, status=status, answer=words if is_readable else None)

    def _retry_after_s(self, response: HostResponse) -> int | None:
        return headers.retry_after_s(response.headers, now_s=self._inquiry.now_s)

    async def _stream(self, response: HostResponse, reader: StreamUsage) -> Setback | None:
        """Pass a stream on; an error before its first byte is a setback, after it the stream's own end, or a cut."""
        visit = self._visit
        self._reader = reader
        error: HostFault | None = None
        rest = b""
        try:
            await self._pass_parts(response, reader)
            rest = reader.close()
        except HostFault as fault:
            error = self._told(fault)
        if error is None and not reader.is_finished and not reader.is_failed:
            error = BrokenStream(
                "The host ended its answer before it was finished.", hint="What came is all there is; it is paid for."
            )
        rest = self._held + rest
        if not visit.has_begun:
            if error is not None:
                return Setback(error=error, status=response.status)
            await self._begin(response)
        last = self._passage.fail_stream(reader, error) if error is not None else b""
        self._count(rest + (last or b""))
        self._losses = self._passage.stream_losses(reader)
        self._books.claim(self._attempt, reader.given_ids)
        try:
            await visit.keep(status=visit.status, is_whole=error is None and reader.is_finished)
        finally:
            self._settle_stream(reader, error)
        await self._end(rest, last)
        return None

    async def _end(self, rest: bytes, last: bytes | None) -> None:
        """End the answer, or break it off where no words can say that it is not whole."""
        if last is None:
            self._visit.exchange.cut()
        else:
            await self._visit.exchange.finish(rest + last)

    async def _pass_parts(self, response: HostResponse, reader: StreamUsage) -> None:
        """Pass on what comes."""
        keeping = self._visit.keeping
        if keeping is not None and keeping.can_continue:
            await self._pass_and_hold(response, reader)
            return
        async for part in response.body():
            await self._pass_part(reader.feed(part), response)

    async def _pass_and_hold(self, response: HostResponse, reader: StreamUsage) -> None:
        """Pass on what comes, but for the end, from which clients can go on: it waits until the answer is kept."""
        with contextlib.suppress(TimeoutError):  # it was finished; the host has not hung up
            async with asyncio.timeout(None) as waiting:
                async for part in response.body():
                    data = reader.feed(part)
                    if not reader.is_finished:
                        await self._pass_part(data, response)
                        continue
                    self._held += data
                    if waiting.when() is None:
                        waiting.reschedule(asyncio.get_running_loop().time() + _AFTER_THE_END_S)

    async def _pass_part(self, data: bytes, response: HostResponse) -> None:
        if not data:
            return
        if not self._visit.has_begun:
            await self._begin(response)
        self._count(data)
        await self._visit.exchange.write(data)

    def _count(self, data: bytes) -> None:
        """Take note of a part that the client is sent."""
        self._output_bytes += len(data)
        if self._digest is None:
            self._digest = ContentDigest(self._visit.salt)
        self._digest.update(data)
        if self._visit.keeping is not None:
            self._visit.keeping.take(data)

    async def _begin(self, response: HostResponse) -> None:
        visit = self._visit
        visit.status = response.status
        visit.has_begun = True
        visit.has_words = not isinstance(self._reader, PassedBytes)
        pairs = self._headers_of(response, is_stream=True, content_type=self._passage.stream_type)
        is_translated = self._passage.stream_type is not None
        own = (*visit.loss_headers(is_stream=is_translated), *visit.notices, *visit.headers)
        await visit.exchange.start(response.status, (*pairs, *own))

    def _settle_stream(self, reader: StreamUsage, error: HostFault | None) -> None:
        usage = None if self._inquiry.operation.is_free else self.estimate()
        if error is not None:
            status, code = _describe(error)
            self._lane.blame(self._visit, error)
        elif reader.is_failed:  # whose fault that is nobody knows, so it counts against no endpoint
            status, code = "failed", HostFault.code
        else:
            status, code = "completed", None
            self._lane.hear(self._visit)
            self._set_right(reader.work_used if isinstance(reader, PassedBytes) else None)
        self._visit.error_code = code
        self.settle(status, usage=usage, error_code=code, http_status=self._visit.status)

    def pay_setback(self, setback: Setback) -> None:
        """Give back of what is reserved whatever an attempt that gave the client nothing has not cost."""
        self._books.pay(self._attempt, self._used_by(setback))

    def settle_setback(self, setback: Setback, *, is_last: bool) -> None:
        """Settle an attempt that gave the client nothing; what may have been charged counts as estimated."""
        status, code = _describe(setback.error)
        http_status = setback.status
        if is_last:
            http_status = setback.answer.status if setback.answer else self._status_of(setback.error)
        usage = self._used_by(setback)
        self.settle(status, is_last=is_last, usage=usage, error_code=code, http_status=http_status)

    def _status_of(self, error: HostFault) -> int:
        """Return what the client is told: a dialect may have a status of its own."""
        return self._inquiry.dialect.render_error(error, self._inquiry.receipt_id).status

    def _used_by(self, setback: Setback) -> Usage | None:
        return self.estimate() if setback.error.may_have_cost else None

    def settle(
        self,
        status: str,
        *,
        is_last: bool = True,
        usage: Usage | None = None,
        error_code: str | None = None,
        http_status: int | None = None,
        served_model: str | None = None,
    ) -> None:
        """Settle the attempt, unless it is; leaving after a stream's end or error has cancelled nothing."""
        reader = self._reader
        if status == "cancelled" and reader is not None:
            if reader.is_failed:
                status, error_code, http_status = "failed", HostFault.code, self._visit.status
            elif reader.is_finished and reader.usage is not None:
                status, http_status = "completed", self._visit.status
        if self._digest is not None:
            self._visit.answer_digest = self._digest.result()
        self._books.settle(
            self._attempt,
            Ending(
                status=status,
                is_last=is_last,
                http_status=http_status,
                usage=usage,
                error_code=error_code,
                output_bytes=self._output_bytes,
                served_model=reader.served_model if reader is not None else served_model,
                losses=self._losses,
                correction=self._correction,
            ),
        )

    def estimate(self) -> Usage:
        """Return what will have been used by now: what the host said, else what was counted."""
        return self._within_bounds(self._used_by_now())

    def _within_bounds(self, usage: Usage) -> Usage:
        """Cap what was only counted at what the host was asked for: it is no ground for more than was reserved."""
        if not usage.is_estimated:
            return usage
        exposure = exposure_of(self._inquiry, self._passage.outgoing, self._attempt.target.endpoint)
        most = exposure.most_output
        return usage if most is None or usage.output_tokens <= most else replace(usage, output_tokens=most)

    def _used_by_now(self) -> Usage:
        beforehand = self._used_beforehand()
        if beforehand is not None:
            return beforehand
        if self._reader is None:
            inquiry = self._inquiry
            return inquiry.dialect.read_answer(inquiry.operation, b"", inquiry.size_bytes).usage
        reported = self._reader.usage
        if reported is not None and self._reader.is_finished:
            return reported
        counted = self._reader.estimate(input_bytes=self._inquiry.text_bytes)
        if reported is None:
            return counted
        output_tokens = max(reported.output_tokens, counted.output_tokens)  # some hosts report as they begin
        return replace(reported, output_tokens=output_tokens, is_estimated=True)


def _is_success(status: int) -> bool:
    return 200 <= status <= 299  # noqa: PLR2004 -- RFC 9110, 15.3; an enumeration's members are slow to reach


def _is_client_fault(status: int) -> bool:
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR


def _describe(error: RequestError) -> tuple[str, str]:
    """Return an attempt's status and error code."""
    return ("timed_out" if isinstance(error, HostTimedOut) else "failed"), error.code
