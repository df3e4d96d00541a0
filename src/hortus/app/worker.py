"""The role `worker`: one gateway process on the inherited socket, from its start to its drained end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import math
import os
import random
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial

import msgspec
import uvicorn
import uvloop
from prometheus_client import REGISTRY

from hortus.app.access_log import StandardErrorLog
from hortus.app.asgi import DoorApp, TrustedProxies
from hortus.app.bounded_protocol import BoundedProtocol
from hortus.app.claims_client import LedgerClaims
from hortus.app.clock import SystemClock, random_bytes
from hortus.app.context import RoleContext
from hortus.app.credentials import Credentials
from hortus.app.door_protocol import DoorProtocol, sweep
from hortus.app.grants_client import LedgerGrants
from hortus.app.home import Home
from hortus.app.leases_client import LedgerLeases
from hortus.app.ledger_link import LedgerLink
from hortus.app.opening import Openers
from hortus.app.outward import transport_settings
from hortus.app.secret_files import SecretFile
from hortus.app.settings import Settings
from hortus.base.ids import ENTROPY_BYTES
from hortus.base.secrets import SecretVersions
from hortus.base.time import Clock, utc_day
from hortus.catalog.rates import Rate, rate_of
from hortus.content.desk import Desk
from hortus.content.exchanges import Exchanges
from hortus.content.kept import KeptBounds, KeptContent
from hortus.content.ports import NotKept
from hortus.content.spool import Spool, files_in
from hortus.dialects import DIALECTS
from hortus.engines.addresses import address_file
from hortus.gateway.admit import Admission
from hortus.gateway.breakers import BreakerRules
from hortus.gateway.caching import CacheBounds
from hortus.gateway.door import Door
from hortus.gateway.guards.names import recogniser
from hortus.gateway.guards.screen import Screener
from hortus.gateway.guards.table import finder_for
from hortus.gateway.keeping import Keeper
from hortus.gateway.lanes import LaneRules, Lanes
from hortus.gateway.ports import Hosts
from hortus.gateway.queueing import Share
from hortus.gateway.quotas import Quotas
from hortus.gateway.relay import Relay
from hortus.gateway.serve import Gateway, Ground
from hortus.gateway.settle import Books
from hortus.gateway.signed import SignedAdmission
from hortus.receipts.journal import JournalWriter
from hortus.snapshot.reading import SnapshotFiles
from hortus.snapshot.resolved import Ready, resolve
from hortus.telemetry.meters import Meters, count_as
from hortus.transport.hosts import HttpHosts
from hortus.transport.signing.pairs import PairSignatures
from hortus.transport.signing.sigv4_incoming import read_front

_log = logging.getLogger("hortus.worker")

_POLL_S = 0.1
_LOOK_AT_SECRETS_S = 0.5
_SWEEP_S = 2.0  # also what a power cut may cost of what is kept
_KIB = 1024
_MIB = 1024 * _KIB
_ENTROPY_BLOCK = 256 * ENTROPY_BYTES


class WorkerSettings(msgspec.Struct, frozen=True):
    """What a worker is given."""

    name: str
    home: Home
    sockets: tuple[int, ...]
    node: Settings
    environment: dict[str, str]
    secrets: SecretVersions


def main(context: RoleContext) -> None:
    """Run a worker until SIGTERM, and then until its requests are done or the drain time is over.

    Raises:
        InstallationError: The installation is damaged.
        ConfigurationError: A setting is wrong.
    """
    settings = WorkerSettings(
        name=context.name,
        home=context.home,
        sockets=context.sockets,
        node=context.settings,
        environment=context.loaded.environment,
        secrets=SecretFile(context.home),
    )
    run_worker(settings)


def run_worker(settings: WorkerSettings) -> None:
    """Serve on the inherited sockets. Raises as `main`."""
    clock = SystemClock()
    link = LedgerLink(settings.home.ledger_socket)
    grants = LedgerGrants(link, size=settings.node.grants_cached, clock=clock)
    count_as(settings.name)
    meters = Meters(REGISTRY)

    async def serve() -> None:
        hosts = HttpHosts(transport_settings(settings.node))
        config = Configuration(settings, hosts, clock=clock)
        config.poll()
        journal, kept, desk = _open_journal(settings, clock), _open_kept(settings, clock), _open_desk(settings, clock)
        books = Books(journal, meters, host_ids=kept, log=_open_log(settings, clock), clock=clock)
        leases = LedgerLeases(link, journal.writer, clock=clock)
        quotas = Quotas(leases, find_rate=config.find_rate, meters=meters, clock=clock)
        lanes = Lanes(_lane_rules(settings), meters=meters, clock=clock)
        gateway = Gateway(
            Door(DIALECTS),
            Admission(grants, settings.secrets),
            relay=Relay(hosts, books, quotas, lanes=lanes),
            books=books,
            ground=Ground(
                clock=clock,
                ready=lambda: config.ready,
                entropy=_entropy(),
                draw=random.Random().random,  # noqa: S311 -- spreads load, keeps no secret
                body_limit_bytes=settings.node.body_limit_mib * _MIB,
                signed=_signed_admission(settings, grants),
                upload_limit_bytes=settings.node.upload_limit_mib * _MIB,
                open_spool=partial(Spool, files_in(settings.home.spool)),
                kept=kept,
                quotas=quotas,
                claims=LedgerClaims(link, journal.writer),
                idempotency_secret=lambda: settings.secrets.newest_first[-1],
                keeper=Keeper(desk, meters, largest_bytes=settings.node.content_largest_kib * _KIB),
                cache=CacheBounds(settings.node.cache_mib * _MIB),
                look=config.poll,
                screener=_screener(settings),
            ),
        )
        server = _server(DoorApp(gateway, TrustedProxies(settings.node.trusted_proxies)), settings.node)
        try:
            async with _in_background(
                link.run(is_ending=lambda: server.should_exit),
                _watch(config, meters, gateway, lanes=lanes),
                _watch_secrets(settings.secrets),
                sweep(lambda: server.server_state.connections),
                _sweep_kept(kept, desk),
                leases.run(),
            ):
                await server.serve(sockets=[socket.socket(fileno=number) for number in settings.sockets])
                await leases.close()
        finally:
            await hosts.close()
            _close(journal, kept, desk)

    _calm_collector()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())


def _calm_collector() -> None:
    """Keep what was imported out of garbage collection, and collect less often: requests leave no cycles behind."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


class Configuration:
    """The configuration in use: the last good snapshot with everything filled in; swapped whole."""

    def __init__(self, settings: WorkerSettings, hosts: Hosts, *, clock: Clock) -> None:
        engines = settings.home.engines
        self._files = SnapshotFiles(settings.home.snapshot, engine_path=lambda name: address_file(engines, name))
        self._credentials = Credentials(settings.environment, directory=settings.home.credentials)
        self._openers = Openers(self._credentials, hosts, clock=clock)
        self.ready: Ready | None = None

    def find_rate(self, from_currency: str, to_currency: str, at_ms: int) -> Rate | None:
        """Return the rate between two currencies that is in force then, None where there is none."""
        rows = self.ready.rates if self.ready is not None else ()
        at = utc_day(at_ms)
        return rate_of(rows, from_currency, to_currency=to_currency, at=at)

    def poll(self) -> bool:
        """Take in what changed; tell whether anything did."""
        has_changed = self._files.poll() or self._credentials.poll()
        if not has_changed or self._files.snapshot is None:
            return False
        self.ready = resolve(
            self._files.snapshot,
            engines=self._files.engines,
            credential=self._credentials.read,
            authorizer=self._openers.authorizer,
            signer=self._openers.signer,
        )
        return True


async def _watch(config: Configuration, meters: Meters, gateway: Gateway, *, lanes: Lanes) -> None:
    """Take in new configuration and hand out figures, for ever; a new snapshot is swapped in between two requests."""
    while True:
        config.poll()
        lanes.show()
        meters.flush(running=gateway.running, snapshot_version=config.ready.version if config.ready else 0)
        await asyncio.sleep(_POLL_S)


async def _watch_secrets(secrets: SecretVersions) -> None:
    """Let go of versions that were retired, for ever; a new one is taken in by whoever meets something unknown."""
    while True:
        await asyncio.sleep(_LOOK_AT_SECRETS_S)
        secrets.look_again()


async def _sweep_kept(*shelves: KeptContent | Desk) -> None:
    """Let go of kept content that is over its time and bring the rest to the disk, beside the loop, for ever."""
    while True:
        await asyncio.sleep(_SWEEP_S)
        for kept in shelves:
            with contextlib.suppress(NotKept):  # the next request meets it too, and the log says so
                await asyncio.to_thread(kept.sweep)


@contextlib.asynccontextmanager
async def _in_background(*works: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run what never ends by itself beside what does; a failure of either ends both."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in works]
        yield
        for task in tasks:
            task.cancel()


def _signed_admission(settings: WorkerSettings, grants: LedgerGrants) -> SignedAdmission:
    url = settings.node.public_url
    signatures = PairSignatures(settings.secrets, front=None if url is None else read_front(url))
    return SignedAdmission(grants, signatures, body_limit_bytes=settings.node.body_limit_mib * _MIB)


def _screener(settings: WorkerSettings) -> Screener:
    """Raises `ConfigurationError` where the recogniser of names is not installed."""
    make_finder = partial(finder_for, names=recogniser(settings.node.name_recogniser))
    return Screener(lambda: settings.secrets.newest_first[-1], make_finder)


def _stop_by_signal(server: uvicorn.Server) -> None:
    """Let SIGTERM and SIGINT drain; uvicorn raises the signal again at its end, which must not kill before the rest."""

    def stop(number: int, frame: object) -> None:
        del number, frame
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)


def _open_journal(settings: WorkerSettings, clock: Clock) -> JournalWriter:
    return JournalWriter(
        settings.home.journal, settings.name, clock=clock, entropy=random_bytes, sync=settings.node.journal_sync
    )


def _open_log(settings: WorkerSettings, clock: Clock) -> StandardErrorLog:
    return StandardErrorLog(settings.name, form=settings.node.log_format, clock=clock)


def _close(*files: JournalWriter | KeptContent | Desk) -> None:
    for one in files:
        one.close()


def _lane_rules(settings: WorkerSettings) -> LaneRules:
    number = settings.name.rpartition("-")[2]
    share = Share(settings.node.worker_count, int(number) if number.isdigit() else 1)
    return LaneRules(breaker=BreakerRules(in_a_row=settings.node.breaker_failures), share=share)


def _open_kept(settings: WorkerSettings, clock: Clock) -> KeptContent:
    bounds = _kept_bounds(settings.node)
    return KeptContent(settings.home.content, settings.secrets, bounds=bounds, clock=clock, entropy=os.urandom)


def _open_desk(settings: WorkerSettings, clock: Clock) -> Desk:
    directory = settings.home.content
    return Desk(Exchanges(directory, settings.secrets, clock=clock, entropy=os.urandom), directory)


def _kept_bounds(node: Settings) -> KeptBounds:
    return KeptBounds(
        seals=node.seals_kept,
        seals_hours=node.seals_hours,
        host_ids=node.host_ids_kept,
        host_ids_days=node.host_ids_days,
    )


def _server(app: DoorApp, node: Settings) -> uvicorn.Server:
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=DoorProtocol if node.door_server == "own" else BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            backlog=4096,
            timeout_graceful_shutdown=max(1, math.ceil(node.drain_s)),
            ssl_certfile=node.tls_cert,
            ssl_keyfile=node.tls_key,
        )
    )
    _stop_by_signal(server)
    return server


def _entropy() -> Callable[[], bytes]:
    """Return a source of ids' random bytes that asks the system once for many."""
    block = b""
    at = 0

    def draw() -> bytes:
        nonlocal block, at
        if at >= len(block):
            block, at = os.urandom(_ENTROPY_BLOCK), 0
        at += ENTROPY_BYTES
        return block[at - ENTROPY_BYTES : at]

    return draw
