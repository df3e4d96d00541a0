"""A request goes to one endpoint after the other until one answers; its answer goes to the client by the same passage.

Before the first byte has gone to the client the next endpoint may be tried; after it, never. What an attempt may cost
is reserved before it begins, and an attempt is known to be the last one only when no other could be reserved for.
"""

from __future__ import annotations

import asyncio
from itertools import count
from typing import NamedTuple

import msgspec

from hortus.canon.errors import Internal, OurFault, RulesFault
from hortus.canon.loss import Strictness
from hortus.gateway import headers
from hortus.gateway.attempts import Attempts
from hortus.gateway.calling import Call, Setback
from hortus.gateway.choose import wait_asked_s
from hortus.gateway.crossing import Passages, Way, Ways
from hortus.gateway.exchange import ClientGone
from hortus.gateway.judging import Judged
from hortus.gateway.lanes import Hindrance, Lane, Lanes, no_room
from hortus.gateway.passage import Inquiry
from hortus.gateway.ports import HostRequest, Hosts, body_to_sign
from hortus.gateway.quotas import Quotas
from hortus.gateway.settle import Books
from hortus.gateway.sunset import note_end
from hortus.gateway.visit import Visit
from hortus.snapshot.resolved import Ready, Signer, Target


class Job(msgspec.Struct, frozen=True):
    """What is to be done.

    Attributes:
        targets: Whom to try, first choice first.
        passages: The way to each of them.
        strictness: Which losses refuse it.
        judged: What the policy says of the route.
        ready: The configuration.
    """

    inquiry: Inquiry
    targets: tuple[Target, ...]
    passages: Passages
    strictness: Strictness
    judged: Judged
    ready: Ready


class _Stop(NamedTuple):
    """A target that was entered, with an attempt opened there."""

    way: Way
    lane: Lane
    call: Call


class _Halt(NamedTuple):
    """Where a request stands that must go on elsewhere; `number`: of the attempt to come."""

    here: Way
    call: Call
    setback: Setback
    number: int


class Relay:
    """Calls hosts for clients.

    Args:
        hosts: The way out.
        books: What is written down.
        quotas: What is reserved.
        lanes: Which endpoints are well and have room.
    """

    def __init__(self, hosts: Hosts, books: Books, quotas: Quotas, *, lanes: Lanes) -> None:
        self.hosts = hosts
        self._books = books
        self._attempts = Attempts(books, quotas)
        self.lanes = lanes

    async def run(self, visit: Visit, job: Job) -> None:
        """Answer a request through the first target that can.

        Raises:
            HostFault: None could; the error is the last one's.
            RulesFault: Limits or budgets have no room for it, so nothing was sent.
            NotReady: What is left of them cannot be found out now.
            EndpointsResting: No target is well enough to be asked, so nothing was sent.
            EndpointsBusy: None has room, likewise.
            JournalFull: Nothing can be written down, so nothing was sent.
            ClientGone: The client left; everything is settled.
            CallerFault: The request cannot be understood, or not be carried to any target.
        """
        ways = Ways(job.targets, job.passages, strictness=job.strictness)
        here = ways.first()
        lane = self.lanes.of(here.target)
        if not lane.try_enter():
            here, lane = await self._find_room(visit, job, ways, here=here)
        call = await self._open(visit, job, here, lane=lane, number=1)
        for number in count(2):
            setback = await self._attempt(visit, job, here, call=call, lane=lane)
            if setback is None:
                return
            then: _Stop | None = None
            try:
                then = await self._go_on(visit, job, ways, _Halt(here, call, setback, number))
            finally:
                call.settle_setback(setback, is_last=then is None)
            if then is None:
                await self._give_up(visit, setback)
                return
            here, lane, call = then

    async def _find_room(self, visit: Visit, job: Job, ways: Ways, *, here: Way) -> tuple[Way, Lane]:
        """Enter the first target that is well and has room, waiting where there is a line. Raises as `run`."""
        passed: list[tuple[Lane, Hindrance]] = []
        way: Way | None = here
        while way is not None:
            lane = self.lanes.of(way.target)
            hindrance = await self._enter(visit, lane)
            if hindrance is None:
                return way, lane
            passed.append((lane, hindrance))
            way = ways.next()
        raise no_room(job.inquiry.asked.route, passed)

    async def _enter(self, visit: Visit, lane: Lane) -> Hindrance | None:
        """Enter a lane, or return why not; a client that leaves meanwhile leaves the line. Raises ClientGone."""
        if lane.try_enter():
            return None
        with visit.exchange.interrupts():
            return await lane.enter(visit, visit.caller.project_id or "")

    async def _go_on(self, visit: Visit, job: Job, ways: Ways, halt: _Halt) -> _Stop | None:
        """Open the next attempt after one that failed; None where no target, rule or journal has room for it."""
        setback = halt.setback
        while (then := ways.after(setback.error, status=setback.status, here=halt.here)) is not None:
            halt.call.pay_setback(setback)
            lane = self.lanes.of(then.target)
            if then is halt.here and not await self._has_patience(visit, setback, target=then.target):
                return None
            if await self._enter(visit, lane) is None:
                try:
                    call = await self._open(visit, job, then, lane=lane, number=halt.number)
                except (RulesFault, OurFault):
                    return None
                return _Stop(then, lane, call)
        return None

    async def _has_patience(self, visit: Visit, setback: Setback, *, target: Target) -> bool:
        """Wait as long as a lone host wants; False where the request would then be over its time. Raises ClientGone."""
        wait_s = wait_asked_s(setback.error, status=setback.status)
        if not wait_s:
            return True
        if self._books.age_s(visit) + wait_s >= target.endpoint.timeouts.total_s:
            return False
        with visit.exchange.interrupts():
            await self.lanes.sleep(wait_s)
        return True

    async def _open(self, visit: Visit, job: Job, here: Way, *, lane: Lane, number: int) -> Call:
        """Reserve what an attempt may cost and write down that it begins; else leave the lane.

        Raises:
            RulesFault: There is no room for what it may cost.
            OurFault: It cannot be found out, or not be written down.
        """
        try:
            job.judged.assure(here.target)
            outgoing = here.passage.outgoing
            attempt = await self._attempts.open(
                visit, here.target, number=number, inquiry=job.inquiry, outgoing=outgoing
            )
        except BaseException:
            lane.leave(visit)
            raise
        visit.losses = outgoing.losses
        if here.target.endpoint.facts is not None or visit.notices:
            note_end(visit, job.ready, here.target.endpoint)
        return Call(self.hosts, self._books, attempt, lane=lane, passage=here.passage, inquiry=job.inquiry)

    async def _give_up(self, visit: Visit, setback: Setback) -> None:
        if setback.answer is None:
            raise setback.error
        visit.error_code = setback.error.code
        words = setback.answer
        await visit.answer(words.status, words.body, headers=headers.for_client(words.headers))

    async def _attempt(self, visit: Visit, job: Job, here: Way, *, call: Call, lane: Lane) -> Setback | None:
        """Try one target and leave its lane; return None once the client has its answer."""
        try:
            setback = await call.run(lambda: self._request(visit, job, here))
        except ClientGone:
            call.settle("cancelled", usage=call.estimate())
            raise
        except BaseException as error:  # a fault of ours, or the end of this process: the attempt is over all the same
            code = "interrupted" if isinstance(error, asyncio.CancelledError) else Internal.code
            call.settle("failed", usage=call.estimate(), error_code=code)
            raise
        else:
            if setback is not None:
                lane.blame(visit, setback.error, wait_s=wait_asked_s(setback.error, status=setback.status))
            return setback
        finally:
            lane.leave(visit)

    async def _request(self, visit: Visit, job: Job, here: Way) -> HostRequest:
        """Return the call to the host; what opens it may have to be fetched first. Raises HostFault."""
        inquiry, outgoing, target = job.inquiry, here.passage.outgoing, here.target
        way = target.ways[outgoing.dialect]
        opening = way.headers if way.authorizer is None else await target.opening(outgoing.dialect)
        own = inquiry.call.headers if outgoing.dialect == inquiry.dialect.name else {}
        if outgoing.headers:
            demanded = {name.decode("latin-1") for name, _ in outgoing.headers}
            own = {name: value for name, value in own.items() if name not in demanded}
        request = HostRequest(
            method=inquiry.operation.method,
            url=f"{way.base_url}{outgoing.path}",
            headers=(*headers.for_host(visit, is_workshop=target.endpoint.is_workshop), *outgoing.headers),
            body=outgoing.body,
            timeouts=target.endpoint.timeouts,
            may_be_private=target.endpoint.may_be_private,
            standing=headers.for_target(
                opening,
                dialect=outgoing.dialect,
                is_stream=inquiry.asked.is_stream,
                own=own,
                is_json=inquiry.upload is None and inquiry.operation.body != "none",
                wants=inquiry.operation.answer,
            ),
        )
        return request if way.signer is None else await signed(request, way.signer, endpoint=target.endpoint.name)


async def signed(request: HostRequest, signer: Signer, *, endpoint: str) -> HostRequest:
    """Return a request with its signature. Raises HostFault."""
    body = body_to_sign(request, endpoint)
    sent = (*request.standing, *request.headers)
    added = await signer.sign(endpoint, method=request.method, url=request.url, headers=sent, body=body)
    return msgspec.structs.replace(request, headers=(*request.headers, *added))
