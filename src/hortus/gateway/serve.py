"""The life of a request, from the door to the last byte: what happens in which order, and how it ends."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from hortus.base.secrets import Secret, looks_like_key
from hortus.base.time import Clock, utc_day
from hortus.canon.dialect import CONTENT_KINDS, Asked, RouteCard
from hortus.canon.errors import Internal, NotReady, RequestError, UnknownRoute
from hortus.canon.loss import Strictness, stricter
from hortus.content.spool import Spool
from hortus.framing.shallow import write_members
from hortus.gateway import choose
from hortus.gateway.admit import Admission
from hortus.gateway.advances import work_of
from hortus.gateway.batching import is_looked_at, looked_at, narrow, read_requests, with_requests
from hortus.gateway.caching import CacheBounds, ResponseCache
from hortus.gateway.calls import call_of
from hortus.gateway.choice import Choice
from hortus.gateway.claiming import IDEMPOTENCY_KEY, claim, end_claim
from hortus.gateway.continuing import ITS_OPERATIONS, Continued, Conversations
from hortus.gateway.crossing import Passages, can_cross
from hortus.gateway.door import Door, Found, WrongMethod, refuse_upgrade
from hortus.gateway.exchange import ClientGone, Exchange
from hortus.gateway.guarding import look_at
from hortus.gateway.guards.screen import UNGUARDED, Screener
from hortus.gateway.headers import JSON_ANSWER
from hortus.gateway.judging import Judge, Judged, refuse_ask, refuse_route
from hortus.gateway.keeping import Keeper
from hortus.gateway.listing import Listing
from hortus.gateway.losses import read_strictness
from hortus.gateway.passage import Inquiry
from hortus.gateway.placing import Search, place, said_route, stays_here
from hortus.gateway.ports import Kept
from hortus.gateway.quotas import Quotas
from hortus.gateway.realtime import Standing, Switchboard
from hortus.gateway.receiving import Came, Reception
from hortus.gateway.relay import Job, Relay
from hortus.gateway.repeating import Repeater
from hortus.gateway.settle import Books
from hortus.gateway.signed import SignedAdmission, is_signed
from hortus.gateway.visit import Visit
from hortus.policy.rules import Policy
from hortus.policy.verdict import Ask, judge_ask
from hortus.receipts.claims import Claims
from hortus.snapshot.declared import NAME_PATTERN
from hortus.snapshot.grants import Grant
from hortus.snapshot.model import WORKSHOP
from hortus.snapshot.resolved import Ready, ReadyRoute, Target

ADAPTED_OUTPUT_CAP = "output_cap"
"""Adaptation: the route's limit of output tokens, where the client sets none."""

_CHAT = "chat"
_NAME = re.compile(NAME_PATTERN)


class Ground(msgspec.Struct, frozen=True):
    """What the gateway stands on.

    Attributes:
        clock: Tells the time.
        ready: Gives the configuration in use, None before the first one.
        entropy: Gives the random bytes of an id.
        draw: Gives a random number from 0 to 1 for a choice by weight.
        body_limit_bytes: Longest request body.
        signed: Who may ask with a signature.
        upload_limit_bytes: Longest one that is a form.
        open_spool: Gives the place where a form lies.
        kept: Seals, and whose the ids of hosts are.
        quotas: Limits and budgets.
        claims: Requests that must not run twice.
        idempotency_secret: Keys the digests of clients' idempotency keys.
        keeper: Keeps what clients sent and got, where their projects ask for that.
        cache: How many answers are kept to be given again.
        look: Takes in a newer configuration at once, where there is one.
        screener: Looks at what they send, where policies ask for that.
    """

    clock: Clock
    ready: Callable[[], Ready | None]
    entropy: Callable[[], bytes]
    draw: Callable[[], float]
    body_limit_bytes: int
    signed: SignedAdmission
    upload_limit_bytes: int
    open_spool: Callable[[], Spool]
    kept: Kept
    quotas: Quotas
    claims: Claims
    idempotency_secret: Callable[[], Secret]
    keeper: Keeper
    screener: Screener
    cache: CacheBounds = CacheBounds()
    look: Callable[[], object] = lambda: None


class Gateway:
    """Serves exchanges.

    Args:
        door: Which paths there are.
        admission: Who may ask with a key.
        relay: How hosts are asked.
        books: What is written down.
        ground: Clock, randomness, configuration and limits.
    """

    def __init__(self, door: Door, admission: Admission, *, relay: Relay, books: Books, ground: Ground) -> None:
        self._door = door
        self._admission = admission
        self._signed = ground.signed
        self._relay = relay
        self._judge = Judge()
        self._choice = Choice(relay.lanes, ground.kept, draw=ground.draw)
        self._quotas = ground.quotas
        cache = ResponseCache(ground.cache, key=ground.entropy())
        self._listing = Listing(relay.hosts, books, quotas=ground.quotas, lanes=relay.lanes, host_ids=ground.kept)
        self._repeater = Repeater(relay, books, quotas=ground.quotas, cache=cache, clock=ground.clock)
        self._switchboard = Switchboard(relay.hosts, books, ground.quotas, lanes=relay.lanes)
        self._books = books
        self._ground = ground
        self._clock = ground.clock
        self._ready = ground.ready
        self._kept = ground.kept
        self._dialects = {dialect.name: dialect for dialect in door.dialects}
        self._reception = Reception(
            body_limit_bytes=ground.body_limit_bytes,
            upload_limit_bytes=ground.upload_limit_bytes,
            open_spool=ground.open_spool,
            entropy=ground.entropy,
        )
        self._conversations = Conversations(ground.keeper.exchanges, ground.kept, most_bytes=ground.body_limit_bytes)
        self.running = 0
        """Requests that are being answered."""

    async def serve(self, exchange: Exchange) -> None:
        """Answer one exchange, whatever happens short of a fault of our own.

        Raises:
            Exception: A fault of our own: logged by the caller, which is a process role; the client has got an error.
        """
        if exchange.path in {"/healthz", "/readyz"}:
            return await self._probe(exchange)
        visit = Visit(
            exchange,
            self._door.first,
            now_ms=self._clock.now_ms(),
            now_s=self._clock.monotonic_s(),
            entropy=self._ground.entropy(),
        )
        self.running += 1
        try:
            await self._serve(visit)
        except RequestError as error:
            await self._end_with(visit, error)
        except ClientGone:
            visit.is_gone = True
        except Exception:  # told to the client and raised again, for the process role to log
            await self._end_with(visit, Internal("Hortus failed to serve this request.", hint=_report(visit)))
            raise
        finally:
            if visit.keeping is not None:
                visit.keeping.leave()
            if visit.spool is not None:
                visit.spool.close()
            self.running -= 1
            self._books.close(visit)

    async def _serve(self, visit: Visit) -> None:
        exchange = visit.exchange
        try:
            found = self._door.find(exchange.method, exchange.path, headers=visit.received)
        except RequestError:
            visit.adopt(self._door.dialect_of(exchange.path, headers=visit.received))
            raise
        visit.adopt(found.dialect)
        visit.operation = found.operation
        realtime = found.dialect.realtime
        if realtime is None:
            refuse_upgrade(visit.received)
        visit.welcome(await self._admit(visit))
        ready = self._ready_for(_grant(visit))
        if ready is None:
            raise NotReady("Hortus has no configuration yet.", hint="Try again in a moment.")
        if realtime is not None and b"upgrade" in visit.received:
            await self._switchboard.serve(visit, found, realtime, stand=lambda name: self._stand(visit, found, name))
        elif found.operation.host_path is None:
            await self._answer_itself(visit, found, ready)
        elif found.operation.lists is not None:
            await self._list(visit, found, ready)
        else:
            await self._pass_on(visit, found, ready)

    async def _admit(self, visit: Visit) -> Grant:
        """Return what the sender of a key, or the signer of the request, may do. Raises Unauthenticated."""
        if not is_signed(visit.received):
            return await self._admission.admit(visit.received, query=visit.exchange.query, now_ms=visit.now_ms)
        grant, visit.signed_body = await self._signed.admit(visit.exchange, now_ms=visit.now_ms)
        return grant

    def _ready_for(self, grant: Grant) -> Ready | None:
        """Return the configuration in use; a policy that it lacks has just been made, and lies in a newer one."""
        ready = self._ready()
        if ready is not None and not {grant.policy, grant.shadow_policy or grant.policy} <= ready.policies.keys():
            ready = self._newest()
        return ready

    def _newest(self) -> Ready | None:
        """Return the configuration in use, once a newer one is taken in where there is one."""
        self._ground.look()
        return self._ready()

    async def _find(self, visit: Visit, ready: Ready, find: Callable[[Ready], ReadyRoute]) -> tuple[ReadyRoute, Ready]:
        """Return a route and the configuration that has it; what was just declared or allowed may be used at once.

        Raises:
            UnknownRoute: There is none, or the key may not use it.
            Unauthenticated: The key was revoked meanwhile.
        """
        try:
            return find(ready), ready
        except UnknownRoute:
            _, newest = await self._look_again(visit, ready)
            return find(newest), newest

    async def _look_again(self, visit: Visit, ready: Ready) -> tuple[Grant, Ready]:
        """Return what the sender may do by now, and by which configuration. Raises Unauthenticated."""
        visit.grant = await self._admission.renew(_grant(visit), now_ms=self._clock.now_ms())
        return visit.grant, self._newest() or ready

    async def _stand(self, visit: Visit, found: Found, name: str) -> Standing:
        """Ask again, in the middle of a conversation, whether key, route and policy allow it. Raises RequestError."""
        now_ms = self._clock.now_ms()
        visit.grant = await self._admission.admit(visit.received, query=visit.exchange.query, now_ms=now_ms)
        ready = self._ready_for(visit.grant)
        if ready is None:
            raise NotReady("Hortus has no configuration yet.", hint="Try again in a moment.")
        route, ready = await self._find(visit, ready, lambda ready: choose.find_route(ready, name, grant=_grant(visit)))
        grant = _grant(visit)
        judged = self._judge.judge(ready, route, operation=found.operation.name, grant=grant, now_ms=now_ms)
        if visit.route is None:
            visit.route, visit.is_stream = route.route.name, True
            visit.take_verdict(judged)
        return Standing(grant, judged, ready.version)

    async def _pass_on(self, visit: Visit, found: Found, ready: Ready) -> None:
        asked, came = await self._receive(visit, found)
        body = write_members(asked.members) if asked.adaptations and came.body else came.body
        route, ready = await self._find(visit, ready, lambda ready: self._place(visit, found, asked, ready))
        visit.route, visit.is_stream = route.route.name, asked.is_stream
        grant = _grant(visit)
        judged = self._judged(visit, found, route=route, ready=ready)
        run = work_of(found.operation, asked, project_id=grant.project_id, host_ids=self._kept)
        judged = narrow(judged, asked, came.upload, run=run, on=utc_day(visit.now_ms))
        asked = looked_at(asked, came.upload, judged)
        continued = await self._go_on(visit, found, asked, body=body, judged=judged)
        asked, body, adaptations = _cap_output(found, continued.asked, continued.body, route=route)
        inquiry = Inquiry(
            dialect=visit.dialect,
            operation=found.operation,
            asked=asked,
            body=body,
            call=call_of(visit, found),
            receipt_id=visit.receipt_id,
            project_id=grant.project_id,
            now_s=visit.now_ms // 1000,
            snapshot_version=ready.version,
            adaptations=asked.adaptations + continued.adaptations + adaptations,
            continues=continued.from_id,
            is_kept=visit.keeping is not None and visit.keeping.can_continue,
            upload=came.upload,
            run=run,
        )
        leaves = not stays_here(judged.route)
        if judged.asks:
            _judge_ask(visit, judged, inquiry=inquiry, leaves=leaves)
        guarded = UNGUARDED
        if leaves and judged.looks_at_content and (body or came.upload is not None):
            guarded = await look_at(visit, self._ground.screener, inquiry, judged=judged)
        passages = Passages(inquiry, self._dialects, seals=self._kept, levers=judged.levers, guarded=guarded)
        targets = self._targets(judged.route, inquiry)
        if len(targets) > 1:
            targets = self._choice.arrange(route.route, targets, inquiry=inquiry, passages=passages, rates=ready.rates)
        job = Job(
            inquiry=inquiry,
            targets=targets,
            passages=passages,
            strictness=_strictness(visit, judged.policy, grant=grant),
            judged=judged,
            ready=ready,
        )
        await self._run(visit, job, grant=grant)

    async def _receive(self, visit: Visit, found: Found) -> tuple[Asked, Came]:
        """Take the body in, and read the requests in its file, where it holds such. Raises as both do."""
        came = await self._reception.receive(visit, found.operation)
        asked = came.understand(found)
        requests_in = found.dialect.requests_in
        if came.upload is None or requests_in is None:
            return asked, came
        served = requests_in(found.operation, asked)
        if not served:
            return asked, came
        requests = await read_requests(came.upload, served, self._dialects)
        return with_requests(asked, requests), Came(upload=msgspec.structs.replace(came.upload, requests=requests))

    def _judged(self, visit: Visit, found: Found, *, route: ReadyRoute, ready: Ready) -> Judged:
        """Return what the policy says of a route. Raises RulesFault."""
        name, grant = found.operation.name, _grant(visit)
        judged = self._judge.judge(ready, route, operation=name, grant=grant, now_ms=visit.now_ms)
        visit.take_verdict(judged)
        if judged.is_empty:
            raise refuse_route(judged)
        return judged

    def _place(self, visit: Visit, found: Found, asked: Asked, ready: Ready) -> ReadyRoute:
        """Return the route that the request names, or that leads to what it names."""
        said = None if asked.route else said_route(visit.received, call_of(visit, found).query)
        search = Search(ready, _grant(visit), found, visit.now_ms, said)
        try:
            return place(search, asked, self._kept)
        except UnknownRoute:
            _note_name(visit, asked.route or said or "")
            raise

    async def _list(self, visit: Visit, found: Found, ready: Ready) -> None:
        """Answer with what the project keeps at hosts, within its limits."""
        grant = _grant(visit)
        entry = await self._quotas.enter(visit, grant)
        try:
            await self._listing.answer(visit, found, ready=ready, grant=grant, judge=self._judge)
        finally:
            entry.leave()

    async def _run(self, visit: Visit, job: Job, *, grant: Grant) -> None:
        """Answer through a host, within what limits and the client's own key leave."""
        relay = self._repeater if job.judged.route.route.cache_s else self._relay
        if not grant.limits and IDEMPOTENCY_KEY not in visit.received:  # nearly always
            await relay.run(visit, job)
            return
        claims, project_id = self._ground.claims, grant.project_id
        await claim(visit, project_id, claims=claims, secret=self._ground.idempotency_secret, books=self._books)
        try:
            entry = await self._quotas.enter(visit, grant)
            try:
                await relay.run(visit, job)
            finally:
                entry.leave()
        finally:
            end_claim(visit, project_id, claims)

    def _targets(self, route: ReadyRoute, inquiry: Inquiry) -> tuple[Target, ...]:
        """Return who can be tried; what a host keeps pins the endpoint that keeps it."""
        ours, operation = inquiry.dialect, inquiry.operation

        def can_reach(target: Target) -> bool:
            return ours.name in target.ways or any(
                can_cross(operation.name, ours, self._dialects[name]) for name in target.ways if name in self._dialects
            )

        targets = choose.able_targets(route, operation, can_reach=can_reach)
        for kind, host_id in inquiry.asked.host_ids:
            owner = self._kept.owner(kind, host_id)
            if owner is None or owner.project_id != inquiry.project_id:
                raise choose.unknown_id(kind)
            targets = choose.pin(targets, owner.endpoint, kind=kind)
        return targets

    async def _go_on(self, visit: Visit, found: Found, asked: Asked, *, body: bytes, judged: Judged) -> Continued:
        """Begin to keep what project and policy let be kept; put a conversation in that Hortus has kept."""
        grant, policy = _grant(visit), judged.policy
        if not grant.keep_content_days or not policy.keeps_content:
            return Continued(asked, body)
        visit.keeping = self._ground.keeper.begin(visit, grant, asked=asked, body=body)
        return await self._conversations.go_on(visit, found, asked=asked, body=body, may_keep=_may_keep(judged))

    async def _answer_itself(self, visit: Visit, found: Found, ready: Ready) -> None:
        if found.operation.name in ITS_OPERATIONS:
            await self._conversations.answer(visit, found)
            return
        if found.argument is not None:
            name = found.argument
            found_route, _ = await self._find(visit, ready, lambda ready: _find_route(visit, ready, name))
            route = found_route.route
            body = visit.dialect.write_route(RouteCard(route.name, route.owned_by, route.created_at_s))
        else:
            grant, newest = await self._look_again(visit, ready)
            body = visit.dialect.write_routes(
                tuple(
                    RouteCard(name, one.route.owned_by, one.route.created_at_s)
                    for name, one in sorted(newest.routes.items())
                    if grant.may_use(name) and name != WORKSHOP
                )
            )
        await visit.answer(200, body, headers=JSON_ANSWER)

    async def _end_with(self, visit: Visit, error: RequestError) -> None:
        """Tell the client what went wrong, in the way that is left."""
        visit.error_code = error.code
        if not visit.is_opened:
            self._books.refuse(visit, error)
        if not visit.has_words:
            visit.exchange.cut()
            return
        if visit.has_begun:
            await visit.exchange.finish(visit.dialect.render_stream_error(error, visit.receipt_id))
            return
        reply = visit.dialect.render_error(error, visit.receipt_id)
        pairs = tuple((name.encode(), value.encode("latin-1")) for name, value in reply.headers)
        if isinstance(error, WrongMethod):
            pairs = (*pairs, (b"allow", error.allow.encode()))
        await visit.answer(reply.status, reply.body, headers=pairs)

    async def _probe(self, exchange: Exchange) -> None:
        """Say whether this worker lives, and whether it can serve; for load balancers, without a key."""
        is_well = exchange.path == "/healthz" or self._ready() is not None
        body = b'{"status":"ok"}\n' if is_well else b'{"status":"no configuration yet"}\n'
        length = (b"content-length", b"%d" % len(body))
        await exchange.answer(200 if is_well else 503, (*JSON_ANSWER, length), body)


def _may_keep(judged: Judged) -> tuple[Target, ...]:
    """Return the targets whose hosts go on from what they keep: none where a guard must see what was said before."""
    if judged.policy.looks_at_content:
        return ()
    return tuple(
        target
        for target in judged.route.targets
        if not any(lever.gains.state_days == 0 for lever in judged.levers.get(target.endpoint.name, ()))
    )


def _grant(visit: Visit) -> Grant:
    if visit.grant is None:  # not reached: nobody is served before `admit`
        raise Internal("The request has no grant.")
    return visit.grant


def _judge_ask(visit: Visit, judged: Judged, *, inquiry: Inquiry, leaves: bool) -> None:
    """Judge the request itself, and take note of what is said against it; what stays here names nothing of a host's.

    Raises:
        RefusedByPolicy: The policy refuses it.
    """
    units = inquiry.dialect.weigh(inquiry.operation, inquiry.asked, inquiry.body)
    kinds = {kind for kind, _ in inquiry.asked.host_ids} if leaves else set()
    upload = inquiry.upload
    tools = units.tools if upload is None or upload.requests is None else upload.requests.tools
    ask = Ask(
        request_bytes=inquiry.size_bytes,
        tools=tools,
        names_history=bool(kinds - CONTENT_KINDS),
        names_files=not kinds.isdisjoint(CONTENT_KINDS) and not is_looked_at(judged, inquiry.run),
    )
    rulings = judge_ask(judged.policy, ask)
    if rulings:
        visit.rulings += tuple(f"*:{one.rule}" for one in rulings)
        raise refuse_ask(judged, rulings)
    if judged.shadow is not None:
        visit.shadow += tuple(f"{judged.shadow.name}:*:{one.rule}" for one in judge_ask(judged.shadow, ask))


def _strictness(visit: Visit, policy: Policy, *, grant: Grant) -> Strictness:
    """Return which losses refuse: the project's setting, tightened by its policy and by the client's header."""
    project = grant.loss if policy.loss is None else stricter(grant.loss, policy.loss)
    return read_strictness(visit.received, project=project)


def _cap_output(found: Found, asked: Asked, body: bytes, *, route: ReadyRoute) -> tuple[Asked, bytes, tuple[str, ...]]:
    """Set the route's limit of output where the client sets none; return the request, its body and what was done."""
    cap = route.route.output_cap
    if cap is None or asked.output_limit is not None or found.operation.name != _CHAT:
        return asked, body, ()
    capped = found.dialect.cap_output(asked, cap)
    return capped, write_members(capped.members), (f"{ADAPTED_OUTPUT_CAP}={cap}",)


def _find_route(visit: Visit, ready: Ready, name: str) -> ReadyRoute:
    try:
        return choose.find_route(ready, name, grant=_grant(visit))
    except UnknownRoute:
        _note_name(visit, name)
        raise


def _note_name(visit: Visit, name: str) -> None:
    """Keep a name that is no route for the receipt, if it could be one: anything may stand there."""
    visit.asked_route = name if _NAME.fullmatch(name) and not looks_like_key(name) else None


def _report(visit: Visit) -> str:
    return f"Tell an admin the receipt's id, {visit.receipt_id}; the log has the reason under it."
