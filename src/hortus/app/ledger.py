"""The process role `ledger`: journal into store, grants out of it, for as long as it is not told to stop.

A store that is locked, full or gone for a while never ends this process: it waits, and goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from prometheus_client import CollectorRegistry

from hortus.app.clock import SystemClock
from hortus.app.context import RoleContext
from hortus.app.home import Home
from hortus.app.secrets import confirm_secret, load_secrets
from hortus.app.signing import ensure_signing_key, load_signing_key
from hortus.app.tracing import Tracing, read_tracing, sending_spans
from hortus.base.errors import ConfigurationError, InstallationError
from hortus.base.time import Clock
from hortus.ledger import claiming
from hortus.ledger.claiming import ClaimDesk
from hortus.ledger.desks import Desk, InThread
from hortus.ledger.grants import GrantServer
from hortus.ledger.lease_watch import LeaseWatch
from hortus.ledger.leasing import LeaseDesk
from hortus.ledger.notary import USUAL_KEEPING, Keeping, Notary, Signer
from hortus.ledger.ports import StoreUnavailable
from hortus.ledger.spans import SpanSender
from hortus.ledger.transfer import Moved, Transfer
from hortus.store.absorbing import JournalTable
from hortus.store.access import AccessTable
from hortus.store.chain import ChainTable
from hortus.store.claims import ClaimTable
from hortus.store.database import Store, open_store
from hortus.store.leases import LeaseTable
from hortus.store.limits import LimitTable
from hortus.store.secretchecks import SecretCheckTable
from hortus.telemetry.meters import LedgerMeters, count_as

_TRANSFER_EVERY_S = 0.1
_TRANSFER_UNDER_LOAD_EVERY_S = 0.5  # fewer, larger transactions: fewer requests are still open when one is made
_LOAD_RECORDS = 200  # in one pass
_COUNT_EVERY_S = 1.0
_WEIGH_EVERY_S = 5.0
_RETRY_S = (0.2, 5.0)  # first and longest wait after a fault

_log = logging.getLogger("hortus.ledger")
_Answer = TypeVar("_Answer")


def main(context: RoleContext) -> None:
    """Run the role until SIGTERM or SIGINT.

    Raises:
        InstallationError: The store cannot live here, is too new, or belongs to another secret.
    """
    count_as(context.name)
    settings = context.settings
    keeping = Keeping(settings.checkpoint_minutes, settings.receipts_days)
    asyncio.run(run_until_told(context.home, SystemClock(), tracing=_tracing_of(context), keeping=keeping))


async def run_until_told(
    home: Home, clock: Clock, *, tracing: Tracing | None = None, keeping: Keeping = USUAL_KEEPING
) -> None:
    """Serve until this process gets SIGTERM or SIGINT. Raises as `main`."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await serve_ledger(home, clock, tracing=tracing, keeping=keeping, stop=stop)


async def serve_ledger(
    home: Home, clock: Clock, *, tracing: Tracing | None, keeping: Keeping, stop: asyncio.Event
) -> None:
    """Serve grants and move records until `stop` is set, then move what is left.

    Args:
        home: The installation.
        clock: Tells the time.
        tracing: Where traces go, None for nowhere.
        keeping: How often the chain is signed, and how long receipts are kept.
        stop: Ends it.

    Raises:
        InstallationError: See `main`.
    """
    # One thread reads, one leases and one writes, so that no request waits for a large batch; traces wait for none
    with (
        ThreadPoolExecutor(1, "ledger-read") as reading,
        ThreadPoolExecutor(1, "ledger-lease") as leasing,
        ThreadPoolExecutor(1, "ledger-write") as writing,
        ThreadPoolExecutor(1, "ledger-spans") as aside,
    ):
        store = await _open(home.store, clock, stop=stop, in_thread=_runner(writing))
        if store is None:
            return
        try:
            await _runner(writing)(lambda: _confirm(home, store))
            meters = LedgerMeters(CollectorRegistry())
            signer = await _runner(writing)(lambda: _make_signer(home, store, clock))
            notary = Notary(ChainTable(store), signer, clock=clock, keeping=keeping, gauges=meters)
            async with sending_spans(tracing, meters, in_thread=_runner(aside)) as spans:
                sink = JournalTable(store)
                transfer = Transfer(home.journal, sink, clock=clock, when_stored=spans.offer if spans else None)
                leases = LeaseTable(store, LimitTable(store))
                desk = LeaseDesk(leases, _runner(leasing), count=meters.count_lease_ask)
                watch = LeaseWatch(home.journal, leases, sink, is_here=desk.is_here, clock=clock)
                claims = ClaimDesk(ClaimTable(store), _runner(leasing), clock=clock)
                desks: dict[str, Desk] = {"lease": desk, claiming.NAME: claims}
                grants = GrantServer(AccessTable(store, clock), _runner(reading), desks=desks)
                async with asyncio.TaskGroup() as group:
                    serving = group.create_task(grants.serve(home.ledger_socket))
                    counting = group.create_task(_keep_counting(meters, spans))
                    weighing = group.create_task(_keep_weighing(meters, leases, _runner(reading), clock=clock))
                    await _keep_moving(transfer, watch, notary, in_thread=_runner(writing), stop=stop)
                    serving.cancel()
                    counting.cancel()
                    weighing.cancel()
            meters.flush(spans_waiting=0)
        finally:
            store.close()


def _tracing_of(context: RoleContext) -> Tracing | None:
    """Return where traces go; nowhere if that is set wrongly, for the ledger has more to do."""
    try:
        return read_tracing(context.loaded, context.home)
    except ConfigurationError as error:
        _log.error("no traces are sent: %s", error)
        return None


async def _open(path: Path, clock: Clock, *, stop: asyncio.Event, in_thread: InThread) -> Store | None:
    """Open the store, waiting while it is locked; None if told to stop before it opens."""
    wait_s = _RETRY_S[0]
    while not stop.is_set():
        try:
            return await in_thread(lambda: open_store(path, clock=clock))
        except StoreUnavailable as error:
            _log.warning(str(error))
        await _sleep(wait_s, stop)
        wait_s = min(2 * wait_s, _RETRY_S[1])
    return None


def _confirm(home: Home, store: Store) -> None:
    confirm_secret(load_secrets(home), SecretCheckTable(store), path=home.secret_key)


def _make_signer(home: Home, store: Store, clock: Clock) -> Signer:
    ensure_signing_key(home)
    return Signer(AccessTable(store, clock).organisation().id, lambda: load_signing_key(home))


async def _keep_counting(meters: LedgerMeters, spans: SpanSender | None) -> None:
    """Hand out figures, for ever."""
    while True:
        meters.flush(spans_waiting=spans.waiting if spans else 0)
        await asyncio.sleep(_COUNT_EVERY_S)


async def _keep_weighing(meters: LedgerMeters, leases: LeaseTable, in_thread: InThread, *, clock: Clock) -> None:
    """Show how far budgets are spent, for ever."""
    while True:
        with contextlib.suppress(StoreUnavailable):  # the figures of before stand meanwhile
            pools = await in_thread(lambda: leases.pools(at_ms=clock.now_ms()))
            spent = {pool.limit_id: pool.spent / pool.limit for pool in pools if pool.limit and pool.spent}
            meters.show_budgets({name.rpartition("~")[0] or name: float(part) for name, part in spent.items()})
        await asyncio.sleep(_WEIGH_EVERY_S)


async def _keep_moving(
    transfer: Transfer, watch: LeaseWatch, notary: Notary, *, in_thread: InThread, stop: asyncio.Event
) -> None:
    def move() -> Moved:
        moved = transfer.run_once()
        watch.run_once()
        notary.run_if_due(is_last=stop.is_set())
        return moved

    wait_s = _TRANSFER_EVERY_S
    while True:
        is_last = stop.is_set()
        try:
            moved = await in_thread(move)
            wait_s = _TRANSFER_EVERY_S if moved.records < _LOAD_RECORDS else _TRANSFER_UNDER_LOAD_EVERY_S
        except InstallationError as error:
            _log.warning(str(error))
            wait_s = _longer(wait_s)
        except Exception:  # noqa: BLE001 -- a role's loop: whatever it is, the journal keeps the records meanwhile
            _log.exception("the transfer failed; the journal keeps everything")
            wait_s = _longer(wait_s)
        if is_last:
            return
        await _sleep(wait_s, stop)


def _longer(wait_s: float) -> float:
    return min(max(2 * wait_s, _RETRY_S[0]), _RETRY_S[1])


async def _sleep(wait_s: float, stop: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(wait_s):
            await stop.wait()
    except TimeoutError:
        return


def _runner(pool: ThreadPoolExecutor) -> InThread:
    def run(call: Callable[[], _Answer]) -> Awaitable[_Answer]:
        return asyncio.get_running_loop().run_in_executor(pool, call)

    return run
