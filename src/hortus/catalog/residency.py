"""What decides where a host computes and stores, where its address alone does not, and what may a request ask of it?

Rows only: `decide` looks up tables and knows no host. A fact that nobody says decides nothing: the place is anywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final, Literal

import msgspec

from hortus.catalog.places import ANYWHERE

Reach = Literal["yes", "indirect", "disputed", "no"]
"""Whether a country's authorities can demand what the operator holds: by its own law, through a company or processor
in the chain, by what is argued about, or not as far as is known."""

Code = Literal["gpai-2025"]
"""Which code: `gpai-2025` is the General-Purpose AI Code of Practice of 10 July 2025."""

Chapter = Literal["transparency", "copyright", "safety"]
ReadFrom = Literal["facts", "region", "model"]
"""Where an endpoint says a fact: among its `facts`, by its `region`, or by how its model's name begins there."""

REVIEW_DAYS: Final = 90
"""Terms change monthly: facts that were read longer ago are stale, unless their row says another time."""


class Standing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a maker stands to a code of practice. Signing is a signal, never a proof of compliance.

    Attributes:
        status: `partial`: some chapters only; `refused`: it said no; `absent`: it is not among the signatories.
        chapters: What it signed.
        as_of: Day of the newest dated note; the list itself changes.
    """

    code: Code
    status: Literal["signed", "partial", "refused", "absent", "unknown"]
    as_of: date
    source: str
    chapters: tuple[Chapter, ...] = ()
    note: str | None = None


class Deciding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A table from the values of one fact to places.

    Attributes:
        fact: Its name, such as `sku`; other tables of the host refer to it by this.
        read: Where an endpoint says it.
        values: Value -> a place, or the `fact` of another table of the host that is asked next.
        source: Page that says so, where it is not the row's.
    """

    fact: str
    values: dict[str, str]
    read: ReadFrom = "facts"
    source: str | None = None
    note: str | None = None


class HostLever(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A member or header by which a request changes how the host treats it.

    Attributes:
        name: How receipts call it, such as `store=false`.
        dialects: In which it works, in requests for text; embeddings and counts of tokens have no such member.
        gains: What holds then; members of `policy.facts.Gains`.
        member: Path in the body, or `header` (lower case).
        value: What is set, whatever the client said.
    """

    name: str
    dialects: tuple[str, ...]
    gains: dict[str, object]
    value: object
    source: str
    member: str | None = None
    header: str | None = None


class Decided(msgspec.Struct, frozen=True):
    """A place, and which fact would have decided it, where nobody said that or the tables do not know its value."""

    place: str
    lacks: str | None = None


def decide(tables: tuple[Deciding, ...], fact: str, *, said: Mapping[ReadFrom, Mapping[str, str]]) -> Decided:
    """Return the place that a fact decides; anywhere where it does not.

    Args:
        tables: Of one host.
        fact: Whose table is asked first.
        said: What the endpoint says: its `facts`; its `region` and the beginning of its `model` under any name.
    """
    by_fact = {table.fact: table for table in tables}
    asked: set[str] = set()
    while fact in by_fact and fact not in asked:
        asked.add(fact)
        table = by_fact[fact]
        place = table.values.get(said[table.read].get(_name_of(table), ""))
        if place is None:
            return Decided(ANYWHERE, _name_of(table))
        fact = place
    return Decided(fact) if fact not in by_fact else Decided(ANYWHERE, fact)


def _name_of(table: Deciding) -> str:
    """Return what people call the fact: tables by the region are many, the region is one."""
    return "region" if table.read == "region" else table.fact


def facts_asked(tables: tuple[Deciding, ...]) -> dict[str, tuple[str, ...]]:
    """Return what an endpoint may say among its `facts` for a host with these tables, each with the known values."""
    return {table.fact: tuple(table.values) for table in tables if table.read == "facts"}


def beginning_of(model: str) -> str:
    """Return how a host's name of a model begins: up to its first point, that included; empty where it has none.

    >>> beginning_of("eu.anthropic.claude-sonnet-4-5")
    'eu.'
    """
    head, point, _ = model.partition(".")
    return head + point if point else ""
