"""Calls hosts over pooled connections: the client that the gateway sends through (implements `Hosts`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from hortus.canon.errors import HostFault, HostTimedOut
from hortus.gateway.ports import Body, Declined, HostRequest, HostResponse, Socket
from hortus.transport.answer import Answer, Call
from hortus.transport.connection import Connection, PoolKey
from hortus.transport.deadlines import Sweep
from hortus.transport.dialling import Dialler, Way
from hortus.transport.faults import timed_out, unavailable
from hortus.transport.head import HeadLines, Pairs, prepare_head, write_head
from hortus.transport.incoming import AnswerLimits
from hortus.transport.pool import Pool
from hortus.transport.proxies import choose_proxy, read_rules
from hortus.transport.racing import Resolve, resolve
from hortus.transport.settings import TransportSettings
from hortus.transport.target import read_target
from hortus.transport.upgrading import Upgrading

_LARGE_BYTES = 65_536
"""A body up to this size goes out in one write with its head."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that may be asked twice: RFC 9110, 9.2.1."""

_MOST_PLANS = 1024
"""How many URLs are remembered taken apart, each with its standing headers."""

_CLOSE_TIMEOUT_S = 2.0


class Plan(msgspec.Struct, frozen=True):
    """Everything about requests to a URL that does not change from one to the next."""

    origin: str
    key: PoolKey
    way: Way
    lines: HeadLines


class HttpHosts:
    """The client. One for each event loop; close it at the end.

    Args:
        settings: Limits, trust, proxies, networks.
        find: Finds the addresses of a name.

    Raises:
        ConfigurationError: A proxy's address, the CA bundle or a private network is wrong.
    """

    def __init__(self, settings: TransportSettings, *, find: Resolve = resolve) -> None:
        self._settings = settings
        self._rules = read_rules(settings)
        self._dialler = Dialler(settings.ca_bundle, private_networks=settings.private_networks, find=find)
        self._pool = Pool(settings)
        self._sweep = Sweep(settings.tick_s, sweep_idle=self._sweep_idle)
        self._plans: dict[tuple[str, str, Pairs, bool], Plan] = {}
        self._is_closed = False
        self._limits = AnswerLimits(
            head_bytes=settings.max_head_bytes, headers=settings.max_headers, buffer_bytes=settings.buffer_bytes
        )

    @property
    def open_connections(self) -> int:
        """Connections that exist, busy or idle."""
        return self._pool.open_count

    @property
    def idle_connections(self) -> int:
        """Connections that wait for work."""
        return self._pool.idle_count

    @property
    def running_calls(self) -> int:
        """Calls whose answer has not ended."""
        return self._sweep.watched_count

    async def send(self, request: HostRequest) -> HostResponse:
        """Send a request and wait for the head of its answer.

        A pooled connection that the host has closed meanwhile is replaced by a fresh one, once, and only where the
        host cannot have had the request, or the method says that doing it twice changes nothing.

        Raises:
            HostUnavailable: Not connected, not sendable, or cut before any byte of an answer.
            HostTimedOut: `connect_s`, `first_byte_s` or `total_s` is over.
            BrokenStream: What came is not HTTP.
        """
        known = (request.method, request.url, request.standing, request.may_be_private)
        plan = self._plans.get(known) or self._make_plan(request)
        head = write_head(request, plan.lines)
        pooled = self._pool.take(plan.key)
        loop = asyncio.get_running_loop() if pooled is None else pooled.loop
        now_s = loop.time()
        call = self._call_of(plan, request, now_s)
        if pooled is not None:
            pooled.begin_request()
            answer = self._begin(pooled, call, now_s=now_s)
            try:
                await _ask(pooled, answer, head=head, body=request.body)
            except HostFault:
                if not answer.is_stale or (pooled.may_have_delivered and request.method not in _SAFE):
                    raise
            else:
                return answer
        connection = await self._connect(plan, call)
        answer = self._begin(connection, call, now_s=connection.loop.time())
        await _ask(connection, answer, head=head, body=request.body)
        return answer

    async def open_socket(self, request: HostRequest, *, subprotocols: Sequence[str] = ()) -> Socket | Declined:
        """Ask for a WebSocket on a connection of its own. See `gateway.ports.Hosts`."""
        plan = self._make_plan(request)
        head = write_head(request, plan.lines).removesuffix(b"\r\n")
        timeouts = request.timeouts
        connection = await self._connect(plan, self._call_of(plan, request, asyncio.get_running_loop().time()))
        upgrading = Upgrading(connection, origin=plan.origin, most_head_bytes=self._limits.head_bytes)
        connection.send(head + upgrading.lines(subprotocols))
        try:
            async with asyncio.timeout(timeouts.first_byte_s):
                return await upgrading.wait()
        except TimeoutError as error:
            raise timed_out(plan.origin, "first_byte", seconds=timeouts.first_byte_s) from error

    async def close(self) -> None:
        """Cut every connection; calls that still run fail."""
        self._is_closed = True
        self._sweep.stop()
        await self._pool.close(_CLOSE_TIMEOUT_S)

    def _call_of(self, plan: Plan, request: HostRequest, now_s: float) -> Call:
        return Call(
            origin=plan.origin,
            is_head=request.method == "HEAD",
            timeouts=request.timeouts,
            total_ends_at_s=now_s + request.timeouts.total_s,
            limits=self._limits,
            on_end=self._sweep.forget,
        )

    def _begin(self, connection: Connection, call: Call, *, now_s: float) -> Answer:
        answer = Answer(connection, call, now_s=now_s)
        self._sweep.watch(answer)
        return answer

    async def _connect(self, plan: Plan, call: Call) -> Connection:
        self._refuse_if_closed(plan)
        left_s = call.total_ends_at_s - asyncio.get_running_loop().time()
        timeouts = call.timeouts
        try:
            connection = await self._dialler.open(
                plan.way, lambda: Connection(plan.key, self._pool), connect_s=min(timeouts.connect_s, left_s)
            )
        except HostTimedOut as error:
            if left_s < timeouts.connect_s:
                raise timed_out(plan.origin, "total", seconds=timeouts.total_s) from error
            raise
        self._pool.add(connection)
        self._refuse_if_closed(plan, connection)
        if not connection.is_usable():
            raise unavailable(plan.origin, "the connection was lost at once", hint="Look at the host's log.")
        return connection

    def _refuse_if_closed(self, plan: Plan, connection: Connection | None = None) -> None:
        if self._is_closed:
            if connection is not None:
                connection.abort()
            raise unavailable(plan.origin, "this client has been closed", hint="Send the request again.")

    def _make_plan(self, request: HostRequest) -> Plan:
        target = read_target(request.url)
        proxy = None if self._settings.unix_socket else choose_proxy(target, self._rules)
        plan = Plan(
            origin=target.origin,
            key=(target.scheme, target.host, target.port, proxy, request.may_be_private),
            way=Way(target, proxy, self._settings.unix_socket, may_be_private=request.may_be_private),
            lines=prepare_head(request, target, proxy, user_agent=self._settings.user_agent),
        )
        if len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        self._plans[request.method, request.url, request.standing, request.may_be_private] = plan
        return plan

    def _sweep_idle(self, now_s: float) -> bool:
        self._pool.expire(now_s)
        return self._pool.idle_count > 0


async def _ask(connection: Connection, answer: Answer, *, head: bytes, body: Body) -> None:
    """Send a request and wait for the head of its answer; whatever happens, nothing is left running."""
    try:
        if isinstance(body, bytes) and len(body) <= _LARGE_BYTES:
            connection.send(head + body)
        else:
            connection.send(head)
            await connection.upload(body)
        await answer.wait_head()
    except BaseException:  # a cancelled caller too leaves no connection behind
        answer.close()
        raise
