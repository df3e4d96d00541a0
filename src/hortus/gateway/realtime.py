"""How does a client come to talk to a model over a WebSocket? Route, rules, host, and only then the conversation.

A refusal before the client's WebSocket is open is an ordinary answer over HTTP; after it, the dialect's own message.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec

from hortus.canon.dialect import Asked, Dialect
from hortus.canon.errors import (
    HostFault,
    HostUnavailable,
    InvalidRequest,
    OurFault,
    RefusedByPolicy,
    RequestError,
    RulesFault,
)
from hortus.canon.realtime import Message, Realtime
from hortus.framing.openai_errors import read_error
from hortus.framing.websocket import FAULT
from hortus.gateway import choose, headers
from hortus.gateway.attempts import Attempts
from hortus.gateway.calls import call_of
from hortus.gateway.choose import may_move_on
from hortus.gateway.door import Found
from hortus.gateway.exchange import ClientGone
from hortus.gateway.judging import Judged, refuse_route
from hortus.gateway.lanes import Hindrance, Lane, Lanes, no_room
from hortus.gateway.passage import Inquiry, Outgoing, fill_path, path_at_host
from hortus.gateway.ports import Declined, HostRequest, Hosts, Socket, SocketClosed
from hortus.gateway.quotas import Quotas
from hortus.gateway.settle import Attempt, Books, Ending
from hortus.gateway.talks import SWITCHED, End, Ledger, Talk, Words, note_end, tell
from hortus.gateway.visit import Visit
from hortus.snapshot.grants import Grant
from hortus.snapshot.resolved import Target

_FIRST_MESSAGE_WITHIN_S = 30.0


class Standing(msgspec.Struct, frozen=True):
    """What holds for a client and a route at this moment."""

    grant: Grant
    judged: Judged
    snapshot_version: int


Stand = Callable[[str], Awaitable[Standing]]
"""A route's name to what holds for it now; raises RequestError where key, route or policy say no."""


class _Caller(msgspec.Struct, frozen=True):
    """Who wants to talk, and how."""

    visit: Visit
    found: Found
    realtime: Realtime
    stand: Stand


class _Stop(msgspec.Struct, frozen=True):
    """A target that was entered, with an attempt opened there."""

    target: Target
    lane: Lane
    attempt: Attempt


class Switchboard:
    """Opens conversations.

    Args:
        hosts: The way out.
        books: What is written down.
        quotas: What is reserved.
        lanes: Which endpoints are well and have room.
    """

    def __init__(self, hosts: Hosts, books: Books, quotas: Quotas, *, lanes: Lanes) -> None:
        self._hosts = hosts
        self._books = books
        self._quotas = quotas
        self._attempts = Attempts(books, quotas)
        self._lanes = lanes

    async def serve(self, visit: Visit, found: Found, realtime: Realtime, *, stand: Stand) -> None:
        """Let a client talk to a model until either ends it.

        Raises:
            RequestError: Nothing was opened towards the client; all is settled.
        """
        visit.exchange.check_upgrade()
        caller = _Caller(visit, found, realtime, stand)
        if realtime.route_in == "query":
            await self._converse(caller, realtime.read_route(call_of(visit, found).query, None))
            return
        client = _open(caller)
        try:
            first = await _first_message(client)
            await self._converse(caller, realtime.read_route({}, first), client=client, first=first)
        except SocketClosed:
            visit.is_gone = True
        except RequestError as error:
            visit.error_code = error.code
            if not visit.is_opened:
                self._books.refuse(visit, error)
            await tell(client, End(error=error), realtime=realtime, receipt_id=visit.receipt_id)
        except BaseException:
            client.close(FAULT)
            raise

    async def _converse(
        self, caller: _Caller, route: str, *, client: Socket | None = None, first: Message | None = None
    ) -> None:
        standing = await caller.stand(route)
        entry = await self._quotas.enter(caller.visit, standing.grant)
        try:
            with caller.visit.exchange.interrupts():  # a client that leaves is not waited for
                stop, host = await self._reach(caller, route, standing)
            try:
                await self._talk(caller, stop, (client or self._open_or_leave(caller, stop, host), host), first=first)
            finally:
                host.close(FAULT)
                stop.lane.leave(caller.visit)
        finally:
            entry.leave()

    def _open_or_leave(self, caller: _Caller, stop: _Stop, host: Socket) -> Socket:
        """Open the client's side; where it is none, the host is told and paid nothing. Raises UpgradeRefused."""
        try:
            return _open(caller)
        except RequestError as error:
            host.close(FAULT)
            self._books.settle(stop.attempt, Ending("failed", http_status=error.status, error_code=error.code))
            raise
        except ClientGone:
            host.close(FAULT)
            self._books.settle(stop.attempt, Ending("cancelled"))
            raise

    async def _talk(self, caller: _Caller, stop: _Stop, sides: tuple[Socket, Socket], *, first: Message | None) -> None:
        client, host = sides
        visit = caller.visit

        async def open_next(number: int) -> Attempt:
            standing = await caller.stand(visit.route or "")
            _check_still(standing.judged, caller.found, stop.target)
            return await self._open(caller, standing, stop.target, number=number)

        async def check() -> None:
            _check_still((await caller.stand(visit.route or "")).judged, caller.found, stop.target)

        def write_next(message: Message) -> Message:
            return caller.realtime.write_next(message, visit.route or "", model)

        model = stop.target.ways[caller.found.dialect.name].model
        ledger = Ledger(self._books, open_next, first=stop.attempt)
        end = End(FAULT, error=HostUnavailable("This gateway ended the conversation."))
        try:
            if first is not None:
                await host.send(caller.realtime.write_first(first, model))
            words = Words(caller.realtime.open_meter(), write_next)
            end = await Talk(client, host, words=words, ledger=ledger, check=check).run()
        finally:
            note_end(visit, end, ledger)
            host.close(end.code, end.reason)
            await tell(client, end, realtime=caller.realtime, receipt_id=visit.receipt_id)

    async def _reach(self, caller: _Caller, route: str, standing: Standing) -> tuple[_Stop, Socket]:
        """Return the first target that opens a WebSocket, and that. Raises RequestError; then all is settled."""
        visit, dialect = caller.visit, caller.found.dialect
        waiting = list(_able(standing.judged, caller.found, dialect))
        stop, passed = await self._next(caller, standing, waiting, number=1)
        if stop is None:
            raise no_room(route, passed)
        while True:
            fault: HostFault
            try:
                return stop, await self._shake_hands(caller, stop.target)
            except HostFault as error:
                fault = error
            except BaseException:
                self._books.settle(stop.attempt, Ending("cancelled"))
                stop.lane.leave(visit)
                raise
            then: _Stop | None = None
            self._books.pay(stop.attempt, None)
            try:
                if may_move_on(fault):
                    then, _ = await self._next(caller, standing, waiting, number=stop.attempt.number + 1)
            except (RulesFault, OurFault):
                then = None
            stop.lane.blame(visit, fault)
            stop.lane.leave(visit)
            ending = Ending("failed", is_last=then is None, http_status=fault.status, error_code=fault.code)
            self._books.settle(stop.attempt, ending)
            if then is None:
                raise fault
            stop = then

    async def _next(
        self, caller: _Caller, standing: Standing, waiting: list[Target], *, number: int
    ) -> tuple[_Stop | None, list[tuple[Lane, Hindrance]]]:
        """Enter the next target that has room and open an attempt there. Raises RequestError."""
        visit = caller.visit
        passed: list[tuple[Lane, Hindrance]] = []
        while waiting:
            target = waiting.pop(0)
            lane = self._lanes.of(target)
            if not lane.try_enter():
                hindrance = await lane.enter(visit, visit.caller.project_id or "")
                if hindrance is not None:
                    passed.append((lane, hindrance))
                    continue
            try:
                return _Stop(target, lane, await self._open(caller, standing, target, number=number)), passed
            except BaseException:
                lane.leave(visit)
                raise
        return None, passed

    async def _open(self, caller: _Caller, standing: Standing, target: Target, *, number: int) -> Attempt:
        """Reserve what an answer may use and write down that it may begin. Raises RulesFault, OurFault."""
        visit, found = caller.visit, caller.found
        inquiry = Inquiry(
            dialect=found.dialect,
            operation=found.operation,
            asked=Asked(visit.route or "", is_stream=True, wants_usage=False, output_limit=None, members={}),
            body=b"",
            call=call_of(visit, found),
            receipt_id=visit.receipt_id,
            project_id=standing.grant.project_id,
            now_s=visit.now_ms // 1000,
            snapshot_version=standing.snapshot_version,
        )
        outgoing = Outgoing(dialect=found.dialect.name, path="", body=b"")
        return await self._attempts.open(visit, target, number=number, inquiry=inquiry, outgoing=outgoing)

    async def _shake_hands(self, caller: _Caller, target: Target) -> Socket:
        """Ask a host for a WebSocket. Raises HostFault."""
        visit, found = caller.visit, caller.found
        way = target.ways[found.dialect.name]
        path = path_at_host(found.operation, way.spoken, is_stream=True)
        opening = dict(await target.opening(found.dialect.name))
        own = {name.encode(): value.encode("latin-1") for name, value in call_of(visit, found).headers.items()}
        request = HostRequest(
            method="GET",
            url=f"{way.base_url}{fill_path(path, way.model)}",
            headers=headers.for_host(visit),
            body=b"",
            timeouts=target.endpoint.timeouts,
            may_be_private=target.endpoint.may_be_private,
            standing=tuple((opening | own).items()),
        )
        answer = await self._hosts.open_socket(request, subprotocols=caller.realtime.subprotocols)
        if isinstance(answer, Declined):
            raise _fault_of(answer)
        return answer


def _open(caller: _Caller) -> Socket:
    """Open the client's side. Raises UpgradeRefused."""
    visit, realtime = caller.visit, caller.realtime
    offered = visit.received.get(b"sec-websocket-protocol", b"").decode("latin-1").replace(" ", "").split(",")
    chosen = next((one for one in realtime.subprotocols if one in offered), None)
    socket = visit.exchange.upgrade(visit.headers, subprotocol=chosen)
    visit.status, visit.has_begun, visit.is_stream = SWITCHED, True, True
    return socket


async def _first_message(client: Socket) -> Message:
    try:
        async with asyncio.timeout(_FIRST_MESSAGE_WITHIN_S):
            return await client.receive()
    except TimeoutError:
        raise InvalidRequest("No first message came.", hint="It names the model.") from None


def _able(judged: Judged, found: Found, dialect: Dialect) -> tuple[Target, ...]:
    """Return the targets that a conversation may go to. Raises RequestError where there is none."""
    policy = judged.policy
    if policy.looks_at_requests or policy.looks_at_content:
        raise RefusedByPolicy(
            f"The project's policy `{policy.name}` looks into requests, and into a conversation over a WebSocket "
            "nothing can look.",
            hint="Use chat with another model, or ask an admin about the policy.",
        )
    if judged.is_empty:
        raise refuse_route(judged)
    targets = choose.able_targets(judged.route, found.operation, can_reach=lambda target: dialect.name in target.ways)
    free = tuple(target for target in targets if target.endpoint.name not in judged.levers)
    if not free:
        raise RefusedByPolicy(
            f"The project's policy `{policy.name}` demands of each host what a WebSocket has no place for.",
            hint="Use chat with another model, or ask an admin about the policy.",
        )
    return free


def _check_still(judged: Judged, found: Found, target: Target) -> None:
    """See that a conversation may go on where it is, as one that begins now could. Raises RequestError."""
    if all(one.endpoint.name != target.endpoint.name for one in _able(judged, found, found.dialect)):
        raise (
            refuse_route(judged)
            if judged.rulings
            else HostUnavailable("The endpoint of this conversation is not in use any more.", hint="Connect again.")
        )


def _fault_of(answer: Declined) -> HostFault:
    """Return what a host's refusal to open a WebSocket means, in whatever form it says so."""
    error = read_error(answer.status, answer.body)
    if isinstance(error, HostFault) and answer.status >= HTTPStatus.BAD_REQUEST:
        error.may_have_cost = False
        return error
    return HostUnavailable(f"The host answered {answer.status} instead of opening a WebSocket.", hint="Try later.")
