"""Every recorded exchange, read and written again, is what it was; exceptions are listed one by one with reasons."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import msgspec
import pytest
from exactness import checks_of, faults_of

from exchanges import Exchange, own_exchanges, shared_exchanges
from proof_of_dialects import NAMES

EXCHANGES = [*shared_exchanges(), *own_exchanges()]
MOST_LISTED = 0.02
FEWEST_OWN = 4
"""Of each dialect, in the project's own set."""


class ListedCheck(msgspec.Struct, forbid_unknown_fields=True):
    """One recording that one check does not pass, and why."""

    id: str
    check: str
    reason: str


class Listed(msgspec.Struct, forbid_unknown_fields=True):
    """The file of exceptions."""

    exception: list[ListedCheck] = []


LISTED = msgspec.toml.decode(Path(__file__).with_name("exceptions.toml").read_bytes(), type=Listed).exception


@pytest.mark.parametrize("exchange", EXCHANGES, ids=[exchange.id for exchange in EXCHANGES])
def test_read_and_written_again_an_exchange_is_what_it_was(exchange: Exchange, record_property) -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for check, fault in faults_of(exchange):
        found[check].append(fault)
    listed = {one.check for one in LISTED if one.id == exchange.id}
    kind = "listed" if listed else "exact"
    record_property("recording", [exchange.dialect, "own" if exchange.is_own else "shared", kind])
    assert {check: faults[:5] for check, faults in found.items() if check not in listed} == {}
    assert listed <= found.keys(), "an exception that passes: take it off the list"


def test_at_most_two_in_a_hundred_are_exceptions() -> None:
    shared = [exchange.id for exchange in EXCHANGES if not exchange.is_own]
    listed = {one.id for one in LISTED} & set(shared)
    assert len(listed) <= MOST_LISTED * len(shared)


def test_every_exception_names_a_check_and_a_reason() -> None:
    by_id = {exchange.id: exchange for exchange in EXCHANGES}
    for one in LISTED:
        assert one.id not in by_id or one.check in checks_of(by_id[one.id])
        assert len(one.reason.split()) > 3, one.id


@pytest.mark.parametrize("dialect", NAMES)
def test_the_projects_own_set_covers_every_dialect(dialect: str) -> None:
    own = [exchange for exchange in EXCHANGES if exchange.is_own and exchange.dialect == dialect]
    assert len(own) >= FEWEST_OWN
    assert any(exchange.is_framed for exchange in own)
    assert any(exchange.status >= 400 for exchange in own)
    assert not any(one.id.startswith("own/") for one in LISTED)
