"""Acts and proofs over the admin API: who did it, pages, and statements that verify."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from control_ground import Control, running_control

from hortus.receipts.trust import read_trust
from hortus.store.chain import ChainTable


@pytest_asyncio.fixture
async def control(tmp_path: Path) -> AsyncIterator[Control]:
    async with running_control(tmp_path) as running:
        yield running


async def test_an_act_names_the_token_and_the_operation(control: Control) -> None:
    await control.ask("POST", "/projects", {"name": "team"})
    key = await control.ask("POST", "/keys", {"project": "team", "name": "laptop"})
    await control.ask("DELETE", f"/keys/{key['id']}")
    acts = (await control.ask("GET", "/acts?project=team"))["acts"]
    assert [(act["by"], act["operation"], act["change"], act["kind"]) for act in acts] == [
        ("admin-token", "keys.revoke", "revoke", "key"),
        ("admin-token", "keys.create", "create", "key"),
        ("admin-token", "projects.create", "create", "project"),
    ]
    assert key["key"] not in str(acts)


async def test_acts_come_page_by_page(control: Control) -> None:
    for name in ("a", "b", "c"):
        await control.ask("PUT", "/organisation", {"name": name})
    first = (await control.ask("GET", "/acts?kind=organisation&limit=2"))["acts"]
    rest = (await control.ask("GET", f"/acts?kind=organisation&limit=2&before={first[-1]['act_id']}"))["acts"]
    assert [act["fields"][0]["after"] for act in (*first, *rest)] == ['"c"', '"b"', '"a"']


async def test_what_changes_nothing_is_no_act(control: Control) -> None:
    await control.ask("PUT", "/organisation", {"name": "same"})
    await control.ask("PUT", "/organisation", {"name": "same"})
    assert len((await control.ask("GET", "/acts?kind=organisation"))["acts"]) == 1


async def test_a_checkpoint_of_now_can_be_held_outside(control: Control) -> None:
    assert (await control.fail("GET", "/receipts/checkpoint"))[0] == 404
    ChainTable(control.plane.ports.acts._store).take_acts()  # as the ledger would
    text = (await control.ask("GET", "/receipts/checkpoint"))["text"]
    keys = (await control.ask("GET", "/receipts/public-keys"))["text"]
    trust = read_trust([text.encode()], [keys.encode()])
    assert trust.checkpoints[0].seq == control.plane.ports.chain.place().seq


async def test_an_empty_chain_has_nothing_to_export(control: Control) -> None:
    status, error = await control.fail("GET", "/receipts/export")
    assert (status, error["message"]) == (404, "There is nothing to export.")


@pytest.mark.parametrize("query", ["since=tomorrowish", "until=13.13.2026"])
async def test_a_time_that_cannot_be_read_is_refused(control: Control, query: str) -> None:
    assert (await control.fail("GET", f"/receipts/export?{query}"))[0] == 400


async def test_lines_of_an_export_are_those_of_its_head(control: Control) -> None:
    ChainTable(control.plane.ports.acts._store).take_acts()
    begun = await control.ask("GET", "/receipts/export")
    page = await control.ask("GET", f"/receipts/export/lines?after={begun['after']}&last={begun['last']}")
    assert page["after"] == begun["last"]
    assert [msgspec.json.decode(line)["kind"] for line in page["lines"]][:2] == ["begin", "act"]
