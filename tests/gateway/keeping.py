"""A gateway over hosts that keep things, with two projects' keys and the real memory of whose they are."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random

import msgspec
from core import KEY, SECRET, Core, CoreExchange, ManualClock
from typing_extensions import override

from hortus.base.secrets import FixedVersions, digest_key
from hortus.content.kept import KeptBounds, KeptContent
from hortus.limits.limit import Limit
from hortus.limits.pool import Books
from hortus.limits.ports import Shortage, Want
from hortus.limits.purse import Purse
from hortus.policy.facts import Facts
from hortus.policy.ready import READY
from hortus.policy.rules import Policy
from hortus.receipts.records import Receipt
from hortus.snapshot.grants import Grant
from hortus.snapshot.model import Candidate, Endpoint, Route, Spoken, Timeouts
from hortus.snapshot.resolved import Ready, ReadyRoute, Target, Way
from hortus.testkit.keeping_host import KeepingHost

OTHERS_KEY = "hortus_sk_" + "o" * 40
DIALECTS = (
    "openai_chat",
    "openai_files",
    "openai_batches",
    "openai_fine_tuning",
    "anthropic_batches",
    "mistral_batches",
)
_CLOCK = ManualClock()
OPERATIONS = ("chat", "files", "batches", "fine_tuning")


class Grants:
    """Grants by key."""

    def __init__(self, by_key: dict[str, Grant]) -> None:
        self.by_digest = {digest_key(key, SECRET): grant for key, grant in by_key.items()}

    def known(self, digest: str) -> Grant | None:
        return self.by_digest.get(digest)

    async def find(self, digest: str) -> Grant | None:
        return self.by_digest.get(digest)

    async def renew(self, grant: Grant) -> Grant | None:
        return grant


class OneLedger:
    """Leases of one worker, with the ledger's books beside it; see `limits.ports.Leases`."""

    def __init__(self) -> None:
        self.limits: dict[str, Limit] = {}
        self.purse = Purse()
        self.books = Books()

    def try_reserve(self, wants: Sequence[Want]) -> bool:
        return not self.purse.reserve(wants)

    async def reserve(self, wants: Sequence[Want]) -> Shortage | None:
        while asks := self.purse.reserve(wants):
            for ask in asks:
                self.purse.begin(ask)
                outcome = self.books.lease("w", ask, limit=self.limits[ask.limit])
                self.purse.take(outcome.reply)
                if outcome.is_refused:
                    reserved = self.purse.reserved_of(ask.pool)
                    return Shortage(ask.pool, ask.limit, outcome.reply.left, reserved, self.limits[ask.limit].amount)
        return None

    def settle(self, pool: str, reserved: Decimal, *, charged: Decimal) -> None:
        self.purse.settle(pool, reserved, charged=charged)

    def free(self, pool: str, reserved: Decimal) -> None:
        self.purse.free(pool, reserved)

    def absorb(self, receipt: Receipt) -> None:
        """Count what a receipt has charged, as the ledger does."""
        for attempt in receipt.attempts:
            for charge in attempt.charges:
                self.books.charge("w", charge.pool, charge.amount)


class Asked(CoreExchange):
    """A request with another method and parameters."""

    def __init__(
        self, method: str, path: str, body: bytes, *, headers: Sequence[tuple[bytes, bytes]], key: str
    ) -> None:
        super().__init__(path.partition("?")[0], body, headers=headers, key=key)
        self.method = method
        self.query = path.partition("?")[2].encode()

    @property
    def json(self) -> dict[str, object]:
        return msgspec.json.decode(self.body)


class Place(Core):
    """Endpoints `a`, `b` … over hosts that keep things; route `r` leads to the first, and so on by name.

    Args:
        root: Where whose ids are is remembered.
        hosts: One for each endpoint.
    """

    def __init__(self, root: Path, hosts: dict[str, KeepingHost]) -> None:
        self.keeping = hosts
        self.leases = OneLedger()
        self.mine = Grant("key_1", "k", "prj_1", "default", ("*",))
        self.theirs = Grant("key_2", "k", "prj_2", "other", ("*",))
        self.kept = KeptContent(
            root, FixedVersions((SECRET,)), bounds=KeptBounds(), clock=_CLOCK, entropy=Random(5).randbytes
        )
        super().__init__(
            [], grants=Grants({KEY: self.mine, OTHERS_KEY: self.theirs}), kept=self.kept, leases=self.leases
        )
        self.put([self.endpoint(name) for name in hosts])

    @override
    def endpoint(self, name: str, facts: Facts | None = None, *, dialect: str = "openai_chat") -> Endpoint:
        address = self.keeping[name].base_url
        return Endpoint(
            name=name,
            model="m",
            maker="unknown",
            host="h",
            upstream_model=f"up-{name}",
            spoken=tuple(Spoken(one, address) for one in DIALECTS),
            operations=OPERATIONS,
            timeouts=Timeouts(connect_s=5, first_byte_s=20, idle_s=20, total_s=60),
            facts=facts,
            may_be_private=True,
        )

    def put(self, endpoints: Sequence[Endpoint], *, policies: Sequence[Policy] = ()) -> None:
        """Put a route of its own for each endpoint in force: `to-a` leads to `a`."""
        routes = {}
        for one in endpoints:
            ways = {way.dialect: Way(way, way.address, model=one.upstream_model) for way in one.spoken}
            route = Route(f"to-{one.name}", (Candidate(one.name),))
            routes[route.name] = ReadyRoute(route, (Target(one, ways),), ())
        self.ready = Ready(1, routes, policies={**READY, **{one.name: one for one in policies}})

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str = KEY,
        headers: Sequence[tuple[bytes, bytes]] = (),
    ) -> Asked:
        """Send a request and return the exchange with its answer."""
        data = body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body)
        exchange = Asked(method, path, data, headers=headers, key=key)
        await self.gateway.serve(exchange)
        return exchange

    def own(self, endpoint: str, kind: str, host_id: str, *, project: str = "prj_1") -> str:
        """Let a project own something that a host keeps."""
        self.kept.claim(project, endpoint, kind, host_id)
        return host_id


@contextlib.asynccontextmanager
async def keeping(root: Path, *names: str) -> AsyncIterator[Place]:
    """Give a gateway over hosts of these names."""
    with contextlib.ExitStack() as stack:
        place = Place(root, {name: stack.enter_context(KeepingHost()) for name in names or ("a",)})
        try:
            yield place
        finally:
            await place.close()
            place.kept.close()
