"""What does a project keep at hosts? Each of its own things is asked for where it lies; answers make the list.

Hortus remembers ids, never the objects: a list is as true as its hosts are, and a host's own list, with what others
keep there, is never asked for. Every endpoint that is asked is one attempt of the receipt.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec

from hortus.canon.dialect import HostIdKind, Lists, Page
from hortus.canon.errors import BrokenStream, HostFault, HostRefused, Internal, NotReady
from hortus.canon.translation import Call
from hortus.content.ports import HostIds, NotKept, Thing
from hortus.framing.counting import UNREADABLE
from hortus.gateway import headers
from hortus.gateway.advances import Correction, together
from hortus.gateway.calls import call_of
from hortus.gateway.choose import need_of, unknown_id
from hortus.gateway.door import Found
from hortus.gateway.hostfaults import tell_client
from hortus.gateway.judging import Judge
from hortus.gateway.lanes import Lane, Lanes, no_room
from hortus.gateway.passage import Inquiry, Outgoing, fill_id, path_at_host
from hortus.gateway.placing import leading_to
from hortus.gateway.ports import HostRequest, Hosts
from hortus.gateway.quotas import Quotas
from hortus.gateway.relay import signed
from hortus.gateway.settle import Attempt, Books, Ending
from hortus.gateway.visit import Visit
from hortus.snapshot.grants import Grant
from hortus.snapshot.resolved import Ready, Target

LEFT_OUT = b"hortus-left-out"
"""Header: how many things are not in a list, by the endpoint that keeps them and cannot be asked now."""

_AT_ONCE = 8
"""Things of one page that are asked for at the same time."""

_ROUNDS = 4
"""A page that is not full because things are gone is filled up so often."""

_OBJECT_LIMIT_BYTES = 1024 * 1024
_GONE = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.GONE})


class Asker(msgspec.Struct, frozen=True):
    """Who asks for which list.

    Attributes:
        kind: What is listed.
        lists: How the dialect does it.
        call: The address of the request.
    """

    visit: Visit
    found: Found
    ready: Ready
    grant: Grant
    kind: HostIdKind
    lists: Lists
    call: Call


class _Shelf:
    """One endpoint that is asked: its way, its attempt."""

    def __init__(self, target: Target, attempt: Attempt, *, lane: Lane) -> None:
        self.target = target
        self.attempt = attempt
        self.lane = lane
        self.output_bytes = 0
        self.corrections: list[Correction] = []


class Listing:
    """Answers lists.

    Args:
        hosts: The way out.
        books: What is written down.
        quotas: Says that nothing is reserved.
        lanes: Which endpoints are well and have room.
        host_ids: What is whose.
    """

    def __init__(self, hosts: Hosts, books: Books, *, quotas: Quotas, lanes: Lanes, host_ids: HostIds) -> None:
        self._hosts = hosts
        self._books = books
        self._quotas = quotas
        self._lanes = lanes
        self._host_ids = host_ids

    async def answer(self, visit: Visit, found: Found, *, ready: Ready, grant: Grant, judge: Judge) -> None:
        """Answer with what the client's project keeps.

        Raises:
            UnknownHostId: The project has nothing with the id after which the list is to begin.
            HostFault: An endpoint that keeps some of it does not answer.
            OurFault: What is known cannot be read, or nothing can be written down.
        """
        lists, kind = visit.dialect.lists, found.operation.lists
        if lists is None or kind is None:
            raise Internal("This operation lists nothing.")
        asker = Asker(visit, found, ready, grant, kind, lists, call_of(visit, found))
        pass_by = _Round(self._hosts, self._books, asker, quotas=self._quotas, lanes=self._lanes, judge=judge)
        try:
            objects, has_more = await self._gather(asker, pass_by)
        except BaseException as error:
            pass_by.end(error)
            raise
        pass_by.end(None)
        body = lists.write_page(tuple(objects), has_more)
        told = tuple((LEFT_OUT, b"%d at %b" % (count, name.encode())) for name, count in pass_by.left_out.items())
        await visit.answer(200, body, headers=headers.JSON_ANSWER + told)

    async def _gather(self, asker: Asker, pass_by: _Round) -> tuple[list[msgspec.Raw], bool]:
        page = asker.lists.read_page(asker.call.query)
        after, objects, has_more = page.after, [], True  # type: str | None, list[msgspec.Raw], bool
        for _ in range(_ROUNDS):
            things = self._things(asker, Page(page.limit - len(objects), after))
            found = await pass_by.fetch(things[: page.limit - len(objects)])
            has_more = len(things) > page.limit - len(objects)
            objects += [one for one in found if asker.lists.is_wanted(asker.call.query, one)]
            if not has_more or len(objects) >= page.limit:
                break
            after = things[-2].id
        return objects, has_more

    def _things(self, asker: Asker, page: Page) -> list[Thing]:
        """Return what is known of the next things, one more than are wanted."""
        try:
            things = self._host_ids.things(asker.grant.project_id, asker.kind, after=page.after, limit=page.limit + 1)
        except NotKept as error:
            raise NotReady("What hosts keep cannot be told now.", hint="Try again in a moment.") from error
        if things is None:
            raise unknown_id(asker.kind)
        return things


class _Round:
    """All that is asked for one list."""

    def __init__(self, hosts: Hosts, books: Books, asker: Asker, *, quotas: Quotas, lanes: Lanes, judge: Judge) -> None:
        self._hosts = hosts
        self._books = books
        self._asker = asker
        self._quotas = quotas
        self._lanes = lanes
        self._judge = judge
        self._shelves: dict[str, _Shelf | None] = {}
        self._room = asyncio.Semaphore(_AT_ONCE)
        self.left_out: Counter[str] = Counter()

    async def fetch(self, things: Sequence[Thing]) -> list[msgspec.Raw]:
        """Return the objects of those that are still there."""
        for name in dict.fromkeys(thing.endpoint for thing in things):
            if name not in self._shelves:
                self._shelves[name] = await self._open(name)
        with self._asker.visit.exchange.interrupts():
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._ask_for(thing)) for thing in things]
        results = [task.result() for task in tasks]
        faults = [one for one in results if isinstance(one, HostFault)]
        if faults:
            raise faults[0]
        return [one for one in results if isinstance(one, msgspec.Raw)]

    def end(self, error: BaseException | None) -> None:
        """Settle every attempt, and leave."""
        shelves = [one for one in self._shelves.values() if one is not None]
        visit = self._asker.visit
        for number, shelf in enumerate(shelves, 1):
            shelf.lane.leave(visit)
            code = getattr(error, "code", "interrupted") if error is not None else None
            ending = Ending(
                "completed" if error is None else "failed",
                is_last=number == len(shelves),
                http_status=HTTPStatus.OK if error is None else getattr(error, "status", None),
                error_code=code,
                output_bytes=shelf.output_bytes,
                correction=together(shelf.corrections),
            )
            self._books.settle(shelf.attempt, ending)

    async def _open(self, name: str) -> _Shelf | None:
        """Open an attempt at an endpoint; None where it cannot be asked: by policy, or because it is not there."""
        asker = self._asker
        visit, operation = asker.visit, asker.found.operation
        route = leading_to(name, asker.ready, grant=asker.grant)
        if route is None:
            return None
        judged = self._judge.judge(asker.ready, route, operation=operation.name, grant=asker.grant, now_ms=visit.now_ms)
        target = next(iter(judged.route.targets), None)
        if target is None or not _can(target, asker):
            return None
        judged.assure(target)
        visit.route = route.route.name
        visit.judged = judged
        lane = self._lanes.of(target)
        hindrance = await lane.enter(visit, asker.grant.project_id)
        if hindrance is not None:
            raise no_room(route.route.name, [(lane, hindrance)])
        try:
            attempt = self._books.open(
                visit,
                target,
                number=len(self._shelves) + 1,
                inquiry=self._inquiry(),
                outgoing=Outgoing(dialect=visit.dialect.name, path="", body=b""),
                held=self._quotas.nothing,
            )
        except BaseException:
            lane.leave(visit)
            raise
        return _Shelf(target, attempt, lane=lane)

    def _inquiry(self) -> Inquiry:
        asker = self._asker
        return Inquiry(
            dialect=asker.visit.dialect,
            operation=asker.found.operation,
            asked=asker.visit.dialect.read_request(asker.found.operation, b"", None),
            body=b"",
            call=asker.call,
            receipt_id=asker.visit.receipt_id,
            project_id=asker.grant.project_id,
            now_s=asker.visit.now_ms // 1000,
            snapshot_version=asker.ready.version,
        )

    async def _ask_for(self, thing: Thing) -> msgspec.Raw | HostFault | None:
        """Return the object, None where it is gone or cannot be asked for; a fault is returned: others go on."""
        shelf = self._shelves[thing.endpoint]
        if shelf is None:
            self.left_out[thing.endpoint] += 1
            return None
        async with self._room:
            try:
                return await self._get(thing, shelf)
            except HostFault as error:
                return tell_client(error, shelf.target.endpoint, receipt_id=self._asker.visit.receipt_id)

    async def _get(self, thing: Thing, shelf: _Shelf) -> msgspec.Raw | None:
        response = await self._hosts.send(await self._request(thing, shelf.target))
        try:
            if response.status in _GONE:
                return None
            body = await response.read(_OBJECT_LIMIT_BYTES)
            if response.status != HTTPStatus.OK:
                raise _fault(response.status, shelf.target.endpoint.name)
        finally:
            response.close()
        shelf.output_bytes += len(body)
        try:
            msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        except UNREADABLE as error:
            raise BrokenStream(f"The host of {shelf.target.endpoint.name} answered with no object.") from error
        self._books.note_head(shelf.attempt, headers.find(response.headers, b"x-request-id"))
        self._read(thing, body, shelf)
        return msgspec.Raw(body)

    def _read(self, thing: Thing, body: bytes, shelf: _Shelf) -> None:
        """Take note of what an object gives out, and of what it has used where it has ended."""
        answer = self._asker.visit.dialect.read_answer(self._asker.found.operation, body, 0)
        given = tuple([one for one in answer.given_ids if one != (thing.kind, thing.id)])
        if given:
            self._books.claim(shelf.attempt, given)
        if answer.has_ended and thing.note.advance is not None:
            correction = self._books.true_up(shelf.attempt, thing.kind, thing.id, used=answer.usage)
            shelf.corrections += [] if correction is None else [correction]

    async def _request(self, thing: Thing, target: Target) -> HostRequest:
        name = self._asker.visit.dialect.name
        way = target.ways[name]
        path = path_at_host(self._asker.found.operation, way.spoken, is_stream=False)
        own: Mapping[str, str] = self._asker.call.headers
        request = HostRequest(
            method="GET",
            url=f"{way.base_url}{fill_id(path, thing.id)}",
            headers=headers.for_host(self._asker.visit, is_workshop=target.endpoint.is_workshop),
            body=b"",
            timeouts=target.endpoint.timeouts,
            may_be_private=target.endpoint.may_be_private,
            standing=headers.for_target(
                await target.opening(name), dialect=name, is_stream=False, own=own, is_json=False
            ),
        )
        return request if way.signer is None else await signed(request, way.signer, endpoint=target.endpoint.name)


def _can(target: Target, asker: Asker) -> bool:
    is_offered = need_of(asker.found.operation) in target.endpoint.operations
    return is_offered and asker.visit.dialect.name in target.ways


def _fault(status: int, name: str) -> HostFault:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return HostRefused(
            f"The host of endpoint {name} refused this installation's credential ({status}).",
            hint="Your key is fine; an admin must mend the endpoint's credential.",
        )
    return HostFault(f"The host of endpoint {name} failed with status {status}.", hint="Try again in a moment.")
