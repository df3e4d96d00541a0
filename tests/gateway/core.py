"""The gateway's core in this process: real client towards hosts, real journal format, no server; for laws over hops.

`Stage` is a host on loopback that keeps every byte it gets and acts as it is told, request by request.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Sequence
from tempfile import TemporaryFile
from urllib.parse import quote

import msgspec
from prometheus_client import CollectorRegistry

from hortus.base.secrets import Secret
from hortus.content.ports import Thing
from hortus.content.spool import Spool
from hortus.dialects import DIALECTS
from hortus.gateway.admit import Admission
from hortus.gateway.breakers import BreakerRules
from hortus.gateway.caching import CacheBounds
from hortus.gateway.door import Door
from hortus.gateway.guards.screen import Screener
from hortus.gateway.guards.table import finder_for
from hortus.gateway.keeping import Keeper
from hortus.gateway.lanes import LaneRules, Lanes
from hortus.gateway.ports import Kept
from hortus.gateway.quotas import Quotas
from hortus.gateway.relay import Relay
from hortus.gateway.serve import Gateway, Ground
from hortus.gateway.settle import AccessLine, Books
from hortus.gateway.signed import SignedAdmission
from hortus.limits.ports import Leases
from hortus.policy.facts import Facts
from hortus.policy.ready import READY
from hortus.policy.rules import Policy
from hortus.receipts.folding import fold
from hortus.receipts.records import JournalRecord, Opened, Receipt, Refused, Settled
from hortus.snapshot.grants import Grant, Grants
from hortus.snapshot.model import Candidate, Endpoint, Route, Spoken, Timeouts
from hortus.snapshot.resolved import Ready, ReadyRoute, Target, Way
from hortus.telemetry.meters import Meters
from hortus.transport.hosts import HttpHosts
from hortus.transport.settings import TransportSettings
from hortus.transport.signing.pairs import PairSignatures

KEY = "hortus_sk_" + "k" * 40
SECRET = Secret(1, b"x" * 32)

ANSWER = msgspec.json.encode(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "up",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
    }
)

PART_BYTES = 100_000
"""How much of a request's body comes at once, where it is read in parts."""

NO_BREAKERS = LaneRules(breaker=BreakerRules(in_a_row=0))


class ManualClock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.at_ms = 1_795_000_000_000

    def now_ms(self) -> int:
        return self.at_ms

    def monotonic_s(self) -> float:
        return self.at_ms / 1000


class Stage:
    """A host that acts as told: `ok`, `500`, `503`, `429`, `reset`, `stop` (half an answer), `half` (half of its own).

    `hold` waits for `release` and then says 500, `late` likewise and then answers. `errors` are further lines of the
    heads of its errors.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.acts: deque[str] = deque()
        self.bodies: list[bytes] = []
        self.heads: list[bytes] = []
        self.connections = 0
        self.answer = ANSWER
        self.content_type = b"application/json"
        self.errors = b""
        self.holding = asyncio.Event()
        self.release = asyncio.Event()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while await self._answer(reader, writer):
                pass
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
        )
        self.heads.append(head)
        self.bodies.append(await reader.readexactly(length))
        act = self.acts.popleft() if self.acts else "ok"
        if act in {"hold", "late"}:
            self.holding.set()
            await self.release.wait()
            act = {"hold": "500", "late": "ok"}[act]
        if act == "reset":
            writer.transport.abort()
            return False
        if act == "stop":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{")
            return False
        if act == "half":
            head = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n"
            writer.write(head % (self.content_type, len(self.answer)) + self.answer[: len(self.answer) // 2])
            return False
        status, body = (b"200", self.answer) if act == "ok" else (act.encode(), b"{}")
        kind, more = (self.content_type, b"") if act == "ok" else (b"application/json", self.errors)
        head = b"HTTP/1.1 %b Said\r\ncontent-type: %b\r\n%bcontent-length: %d\r\n\r\n" % (status, kind, more, len(body))
        writer.write(head + body)
        return True


class CoreExchange:
    """One request; see `gateway.exchange.Exchange`."""

    query = b""
    client = "127.0.0.1"

    def __init__(self, path: str, body: bytes, *, headers: Sequence[tuple[bytes, bytes]] = (), key: str = KEY) -> None:
        self.method = "POST"
        self.path = path
        self.raw_path = quote(path).encode()
        self._body = body
        self.headers = (
            (b"authorization", b"Bearer " + key.encode()),
            (b"content-type", b"application/json"),
            *headers,
        )
        self.status = 0
        self.answered: dict[bytes, bytes] = {}
        self.is_cut = False
        self.body = b""

    async def read(self, limit_bytes: int) -> bytes:
        assert len(self._body) <= limit_bytes
        return self._body

    async def read_part(self) -> bytes:
        part, self._body = self._body[:PART_BYTES], self._body[PART_BYTES:]
        return part

    async def answer(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        self.status, self.answered, self.body = status, dict(headers), body

    async def start(self, status: int, headers: Sequence[tuple[bytes, bytes]]) -> None:
        self.status, self.answered = status, dict(headers)

    async def write(self, data: bytes) -> None:
        self.body += data

    async def finish(self, data: bytes = b"") -> None:
        self.body += data

    def cut(self) -> None:
        self.is_cut = True

    def interrupts(self) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    @property
    def receipt_id(self) -> str:
        return self.answered[b"hortus-receipt"].decode()


class Pages:
    """A journal in memory."""

    def __init__(self) -> None:
        self.records: list[JournalRecord] = []

    def open(self, record: Opened) -> None:
        self.records.append(record)

    def settle(self, record: Settled) -> None:
        self.records.append(record)

    def refuse(self, record: Refused) -> None:
        self.records.append(record)

    def receipt(self, receipt_id: str) -> Receipt | None:
        return fold(record for record in self.records if record.receipt_id == receipt_id)

    def opened(self, receipt_id: str) -> list[Opened]:
        return [one for one in self.records if isinstance(one, Opened) and one.receipt_id == receipt_id]


class _Grants:
    def __init__(self, grant: Grant) -> None:
        self.grant = grant
        self.newer: Grant | None = None
        self.is_revoked = False

    def known(self, digest: str) -> Grant | None:
        del digest
        return self.grant

    async def find(self, digest: str) -> Grant | None:
        del digest
        return self.grant

    async def renew(self, grant: Grant) -> Grant | None:
        del grant
        return None if self.is_revoked else self.newer or self.grant


class _Versions:
    newest_first = (SECRET,)

    def look_again(self) -> bool:
        return False


class _Log:
    def write(self, line: AccessLine) -> None:
        pass


class Nothing:
    """Keeps nothing of content."""

    def keep(self, *_: object) -> None:
        pass

    def find(self, *_: object) -> None:
        return None

    def claim(self, *_: object, **__: object) -> None:
        pass

    def owner(self, *_: object) -> None:
        return None

    def thing(self, *_: object) -> None:
        return None

    def things(self, *_: object, **__: object) -> list[Thing]:
        return []

    def take_advance(self, *_: object) -> None:
        return None

    def release(self, *_: object) -> None:
        pass

    def forget(self, *_: object, **__: object) -> tuple[int, int]:
        return 0, 0


class Core:
    """A gateway over stages."""

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        grant: Grant | None = None,
        rules: LaneRules = NO_BREAKERS,
        grants: Grants | None = None,
        kept: Kept | None = None,
        leases: Leases | None = None,
    ) -> None:
        self.clock = ManualClock()
        self.journal = Pages()
        self.grants = grants or _Grants(grant or Grant("key_1", "k", "prj_1", "default", ("*",)))
        self.stages = {stage.name: stage for stage in stages}
        self.hosts = HttpHosts(TransportSettings(tick_s=0.01))
        self.ready: Ready | None = None
        self.newer: Ready | None = None
        self.registry = CollectorRegistry()
        meters = self.meters = Meters(self.registry)
        self.slept: list[float] = []
        self.spare_bytes = 0
        self.spools: list[Spool] = []
        self.lanes = Lanes(rules, meters=meters, clock=self.clock, sleep=self._sleep)
        numbers = itertools.count(1)
        kept = kept or Nothing()
        books = Books(self.journal, meters, host_ids=kept, log=_Log(), clock=self.clock)
        quotas = Quotas(leases, find_rate=lambda *_: None, meters=meters, clock=self.clock)  # type: ignore[arg-type]  # mostly no limits
        self.gateway = Gateway(
            Door(DIALECTS),
            Admission(self.grants, _Versions()),
            relay=Relay(self.hosts, books, quotas, lanes=self.lanes),
            books=books,
            ground=Ground(
                clock=self.clock,
                ready=lambda: self.ready,
                entropy=lambda: next(numbers).to_bytes(16, "big"),
                draw=lambda: 0.5,
                body_limit_bytes=1 << 22,
                signed=SignedAdmission(self.grants, PairSignatures(_Versions()), body_limit_bytes=1 << 22),
                upload_limit_bytes=1 << 23,
                open_spool=self._open_spool,
                kept=kept,
                quotas=quotas,
                claims=None,  # type: ignore[arg-type]  # no Idempotency-Key is sent here
                idempotency_secret=lambda: SECRET,
                keeper=Keeper(None, meters, largest_bytes=1),  # type: ignore[arg-type]  # no project here keeps content
                cache=CacheBounds(1 << 20),
                look=self.look,
                screener=Screener(lambda: SECRET, finder_for),
            ),
        )

    def look(self) -> None:
        """Take in what lies ready beside the configuration in use."""
        self.ready = self.newer or self.ready

    def _open_spool(self) -> Spool:
        spool = Spool(TemporaryFile, spared_bytes=self.spare_bytes)
        self.spools.append(spool)
        return spool

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.at_ms += round(seconds * 1000)

    def endpoint(self, name: str, facts: Facts | None = None, *, dialect: str = "openai_chat") -> Endpoint:
        address = f"http://127.0.0.1:{self.stages[name].port}/v1"
        return Endpoint(
            name=name,
            model="m",
            maker=facts.maker if facts is not None else "unknown",
            host="h",
            upstream_model="up",
            spoken=(Spoken(dialect, address),),
            timeouts=Timeouts(connect_s=5, first_byte_s=20, idle_s=20, total_s=60),
            facts=facts,
            may_be_private=True,
        )

    def configure(
        self, endpoints: Sequence[Endpoint], *, policies: Sequence[Policy] = (), route: Route | None = None
    ) -> None:
        """Put a configuration in force: one route `r` over the endpoints."""
        route = route or Route("r", tuple(Candidate(one.name) for one in endpoints))
        targets = tuple(
            Target(one, {way.dialect: Way(way, way.address, model="up") for way in one.spoken}) for one in endpoints
        )
        ready = ReadyRoute(route=route, targets=targets, unusable=())
        version = self.ready.version + 1 if self.ready is not None else 1
        self.ready = Ready(version, {route.name: ready}, policies={**READY, **{one.name: one for one in policies}})

    async def ask(
        self, body: dict[str, object] | None = None, *, path: str = "/v1/chat/completions", **more: object
    ) -> CoreExchange:
        """Send a chat and return the exchange with its answer."""
        asked = body or {"model": "r", "messages": [{"role": "user", "content": "May I?"}]} | more
        exchange = CoreExchange(path, msgspec.json.encode(asked))
        await self.gateway.serve(exchange)
        return exchange

    async def look_at(self, path: str) -> CoreExchange:
        """Ask for what is at a path and return the exchange with its answer."""
        exchange = CoreExchange(path, b"")
        exchange.method = "GET"
        await self.gateway.serve(exchange)
        return exchange

    async def close(self) -> None:
        await self.hosts.close()


@contextlib.asynccontextmanager
async def staged(*names: str, rules: LaneRules = NO_BREAKERS) -> AsyncIterator[Core]:
    """Give a core over stages of these names."""
    stages = [Stage(name) for name in names]
    for stage in stages:
        await stage.start()
    core = Core(stages, rules=rules)
    try:
        yield core
    finally:
        for stage in stages:
            stage.release.set()
        await core.close()
        for stage in stages:
            await stage.close()
