"""A worker's grants: what it knows it may ask for anew, and what it knows stays good where nobody answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from hortus.app.grants_client import LedgerGrants
from hortus.app.ledger_link import LedgerLink
from hortus.ledger.grants import GrantServer
from hortus.snapshot.grants import Grant
from ledger.lease_ground import DEADLINE_S, until
from receipts.journal_examples import StepClock

GRANT = Grant("key_1", "laptop", "prj_1", "team", ("seedling",))
WIDER = replace(GRANT, routes=("*",))
DIGEST = "d1"


class Access:
    """One key, whose grant may change without anybody being told; it answers while it is not `silent`."""

    def __init__(self) -> None:
        self.grant_now: Grant | None = GRANT
        self.version = 1
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    def grant(self, digest: str) -> Grant | None:
        self.asked += 1
        return self.grant_now if digest == DIGEST else None

    def access_version(self) -> int:
        return self.version

    async def run(self, call: Callable[[], Any]) -> Any:
        await self.answers.wait()
        return await asyncio.to_thread(call)


class Worker:
    """A worker's grants, connected to a ledger over `access`."""

    def __init__(self, path: Path, access: Access) -> None:
        self.access = access
        self.link = LedgerLink(path)
        self.grants = LedgerGrants(self.link, size=8, clock=StepClock(), renew_within_s=DEADLINE_S)
        self.hasty = LedgerGrants(self.link, size=8, clock=StepClock(), renew_within_s=0.01)

    async def meet(self) -> Grant:
        """Return the grant of the key, which both caches have from now on."""
        await self.hasty.find(DIGEST)
        found = await self.grants.find(DIGEST)
        assert found == GRANT
        return found


@pytest.fixture
async def worker(tmp_path: Path) -> AsyncIterator[Worker]:
    access = Access()
    path = tmp_path / "l.sock"
    ledger = asyncio.create_task(GrantServer(access, access.run).serve(path))
    await until(lambda: path.exists() or ledger.done())
    worker = Worker(path, access)
    link = asyncio.create_task(worker.link.run(is_ending=lambda: True))
    await until(lambda: worker.link.is_up)
    yield worker
    access.answers.set()
    for task in (link, ledger):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_what_a_key_was_allowed_a_moment_ago_is_asked_for_anew(worker: Worker) -> None:
    met = await worker.meet()
    worker.access.grant_now = WIDER
    assert worker.grants.known(DIGEST) == GRANT
    assert await worker.grants.renew(met) == WIDER
    assert worker.grants.known(DIGEST) == WIDER


async def test_also_while_the_cache_has_just_been_told_to_forget(worker: Worker) -> None:
    met = await worker.meet()
    worker.access.grant_now = WIDER
    worker.access.version += 1
    await until(lambda: worker.grants.known(DIGEST) is None)
    assert await worker.grants.renew(met) == WIDER


async def test_a_key_that_was_revoked_is_not_known_any_more(worker: Worker) -> None:
    met = await worker.meet()
    worker.access.grant_now = None
    assert await worker.grants.renew(met) is None
    assert worker.grants.known(DIGEST) is None


async def test_many_who_ask_at_the_same_time_are_one_ask(worker: Worker) -> None:
    met = await worker.meet()
    before = worker.access.asked
    assert set(await asyncio.gather(*(worker.grants.renew(met) for _ in range(50)))) == {GRANT}
    assert worker.access.asked == before + 1


async def test_where_the_ledger_does_not_answer_a_grant_is_what_it_was(worker: Worker) -> None:
    met = await worker.meet()
    worker.access.answers.clear()
    assert await worker.hasty.renew(met) == GRANT
    worker.access.grant_now = WIDER
    worker.access.answers.set()
    assert await worker.grants.renew(met) == WIDER


async def test_without_a_ledger_too(tmp_path: Path) -> None:
    away = LedgerGrants(LedgerLink(tmp_path / "nobody"), size=8, clock=StepClock())
    assert await away.renew(GRANT) == GRANT
