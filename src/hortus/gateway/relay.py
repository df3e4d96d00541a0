"""A request goes to one endpoint after the other until one answers; its answer goes to the client by the same passage.

Before the first byte has gone to the client the next endpoint may be tried; after it, never. What an attempt may cost
is reserved before it begins, and an attempt is known to be the last one only when no other could be reserved for.
"""

from __future__ import annotations

import asyncio
from itertools import count

import msgspec

from hortus.canon.errors import Internal, OurFault, RulesFault
from hortus.canon.loss import Strictness
from hortus.gateway import headers
from hortus.gateway.calling import Call, Setback
from hortus.gateway.crossing import Passages, Way, Ways
from hortus.gateway.exchange import ClientGone
from hortus.gateway.judging import Judged
from hortus.gateway.passage import Inquiry
from hortus.gateway.ports import HostRequest, Hosts
from hortus.gateway.quotas import Quotas
from hortus.gateway.settle import Books
from hortus.gateway.visit import Visit
from hortus.snapshot.resolved import Target


class Job(msgspec.Struct, frozen=True):
    """What is to be done.

    Attributes:
        targets: Whom to try, first choice first.
        passages: The way to each of them.
        strictness: Which losses refuse it.
        judged: What the policy says of the route.
    """

    inquiry: Inquiry
    targets: tuple[Target, ...]
    passages: Passages
    strictness: Strictness
    judged: Judged


class Relay:
    """Calls hosts for clients."""

    def __init__(self, hosts: Hosts, books: Books, quotas: Quotas) -> None:
        self._hosts = hosts
        self._books = books
        self._quotas = quotas

    async def run(self, visit: Visit, job: Job) -> None:
        """Answer a request through the first target that can.

        Raises:
            HostFault: None could; the error is the last one's.
            RulesFault: Limits or budgets have no room for it, so nothing was sent.
            NotReady: What is left of them cannot be found out now.
            JournalFull: Nothing can be written down, so nothing was sent.
            ClientGone: The client left; everything is settled.
            CallerFault: The request cannot be understood, or not be carried to any target.
        """
        ways = Ways(job.targets, job.passages, strictness=job.strictness)
        here = ways.first()
        call = await self._open(visit, job, here, number=1)
        for number in count(2):
            setback = await self._attempt(visit, job, here, call=call)
            if setback is None:
                return
            then, then_call = ways.after(setback.error, here=here), None
            try:
                if then is not None:
                    call.pay_setback(setback)
                    then_call = await self._open_another(visit, job, then, number=number)
            finally:
                call.settle_setback(setback, is_last=then_call is None)
            if then is None or then_call is None:
                await self._give_up(visit, setback)
                return
            here, call = then, then_call

    async def _open_another(self, visit: Visit, job: Job, here: Way, *, number: int) -> Call | None:
        """Open an attempt after one that failed; None where rules or the journal have no room for it."""
        try:
            return await self._open(visit, job, here, number=number)
        except (RulesFault, OurFault):
            return None

    async def _open(self, visit: Visit, job: Job, here: Way, *, number: int) -> Call:
        """Reserve what an attempt may cost and write down that it begins. Raises RulesFault and OurFault."""
        job.judged.assure(here.target)
        outgoing = here.passage.outgoing
        held = self._quotas.without_limits(visit, here.target.endpoint, inquiry=job.inquiry, outgoing=outgoing)
        if held is None:
            held = await self._quotas.hold(visit, here.target.endpoint, inquiry=job.inquiry, outgoing=outgoing)
        try:
            attempt = self._books.open(
                visit, here.target, number=number, inquiry=job.inquiry, outgoing=outgoing, held=held
            )
        except BaseException:
            held.free()
            raise
        visit.losses = outgoing.losses
        return Call(self._hosts, self._books, attempt, here.passage, job.inquiry)

    async def _give_up(self, visit: Visit, setback: Setback) -> None:
        if setback.answer is None:
            raise setback.error
        visit.error_code = setback.error.code
        words = setback.answer
        await visit.answer(words.status, words.body, headers=headers.for_client(words.headers))

    async def _attempt(self, visit: Visit, job: Job, here: Way, *, call: Call) -> Setback | None:
        """Try one target; return None once the client has its answer."""
        try:
            return await call.run(lambda: self._request(visit, job, here))
        except ClientGone:
            call.settle("cancelled", usage=call.estimate())
            raise
        except BaseException as error:  # a fault of ours, or the end of this process: the attempt is over all the same
            code = "interrupted" if isinstance(error, asyncio.CancelledError) else Internal.code
            call.settle("failed", usage=call.estimate(), error_code=code)
            raise

    async def _request(self, visit: Visit, job: Job, here: Way) -> HostRequest:
        """Return the call to the host; a token that opens it may have to be fetched first. Raises HostFault."""
        inquiry, outgoing, target = job.inquiry, here.passage.outgoing, here.target
        way = target.ways[outgoing.dialect]
        opening = way.headers if way.authorizer is None else await target.opening(outgoing.dialect)
        own = inquiry.call.headers if outgoing.dialect == inquiry.dialect.name else {}
        if outgoing.headers:
            demanded = {name.decode("latin-1") for name, _ in outgoing.headers}
            own = {name: value for name, value in own.items() if name not in demanded}
        return HostRequest(
            method=inquiry.operation.method,
            url=f"{way.base_url}{outgoing.path}",
            headers=(*headers.for_host(visit), *outgoing.headers),
            body=outgoing.body,
            timeouts=target.endpoint.timeouts,
            standing=headers.for_target(opening, is_stream=inquiry.asked.is_stream, own=own),
        )
