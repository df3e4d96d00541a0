"""Whom does a limit bind, and is its currency known? Names in a declared limit against what there is.

A key is named by id or by name and kept by its id: a name may be given twice, and a limit binds one key.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

import msgspec

from hortus.access.objects import Key
from hortus.base.secrets import KEY_PREFIX
from hortus.catalog.pricerows import RateRow
from hortus.catalog.rows import CurrencyRate
from hortus.control.configfile import Declaration, Item
from hortus.control.fault import MOST_QUOTED, Fault, suggest
from hortus.control.ports import Access, Objects
from hortus.snapshot.declared import LimitSpec, ProjectSpec, RateSpec

_KEY_ID = "key_"
_OF_PRICES = frozenset({"EUR", "USD"})


class Around(msgspec.Struct, frozen=True):
    """What limits may refer to.

    Attributes:
        projects: Names, the retired ones included: a limit on one comes back with it.
        keys: All, the revoked ones included.
        currencies: Those that some rate leads to or from.
    """

    projects: Collection[str]
    keys: Sequence[Key]
    currencies: Collection[str]


def currencies_in(rates: Iterable[RateSpec | RateRow | CurrencyRate]) -> frozenset[str]:
    """Return the currencies that budgets may have: those of the catalog's prices, and those of the rates."""
    return _OF_PRICES | {currency for rate in rates for currency in (rate.from_currency, rate.to_currency)}


def check_currencies(declaration: Declaration, *, known: Collection[str]) -> list[Fault]:
    """Return a fault for each limit of a file whose currency no rate knows; projects and keys are not looked up.

    Args:
        declaration: As the file has it.
        known: Currencies of rates outside the file.
    """
    own = currencies_in(item.spec for item in declaration.items if isinstance(item.spec, RateSpec))
    around = Around(projects=(), keys=(), currencies=own | set(known))
    return [
        fault.under(item.path)
        for item in declaration.items
        if isinstance(item.spec, LimitSpec)
        for fault in _check_currency(item.spec, around)
    ]


def look_around(access: Access, *, rates: Iterable[RateSpec], currencies: Collection[str]) -> Around:
    """Return what limits may refer to.

    Args:
        access: Projects and keys.
        rates: The organisation's own.
        currencies: Those of the catalog's rates.
    """
    return Around(
        projects={project.name for project in access.projects(True)},  # noqa: FBT003 -- the retired ones too
        keys=access.keys(),
        currencies=currencies_in(rates) | set(currencies),
    )


def settle_file(
    declaration: Declaration, *, access: Access, objects: Objects, currencies: Collection[str]
) -> tuple[Declaration, list[Fault]]:
    """Return a file's declaration with each limit's key by its id, and what is wrong with the names in its limits.

    Args:
        declaration: As the file has it.
        access: Projects and keys.
        objects: What is declared elsewhere.
        currencies: Those of the catalog's rates.
    """
    others = [one.spec for one in objects.list("rate") if one.origin != "file"]
    specs = [*others, *(item.spec for item in declaration.items)]
    rates = [spec for spec in specs if isinstance(spec, RateSpec)]
    around = look_around(access, rates=rates, currencies=currencies)
    own = {item.spec.name for item in declaration.items if isinstance(item.spec, ProjectSpec)}
    around = msgspec.structs.replace(around, projects=own | set(around.projects))
    items: list[Item] = []
    faults: list[Fault] = []
    for item in declaration.items:
        if not isinstance(item.spec, LimitSpec):
            items.append(item)
            continue
        spec, found = settle_limit(item.spec, around, before=limit_before(objects, item.spec.name))
        items.append(msgspec.structs.replace(item, spec=spec))
        faults.extend(fault.under(item.path) for fault in found)
    return msgspec.structs.replace(declaration, items=tuple(items)), faults


def limit_before(objects: Objects, name: str) -> LimitSpec | None:
    """Return the limit of this name that the store has, in use or not."""
    stored = objects.get("limit", name)
    return stored.spec if stored is not None and isinstance(stored.spec, LimitSpec) else None


def settle_limit(spec: LimitSpec, around: Around, *, before: LimitSpec | None) -> tuple[LimitSpec, list[Fault]]:
    """Return the limit with its key by id, and what is wrong with the names in it.

    Args:
        spec: As declared.
        around: What it may refer to.
        before: The limit of this name that the store has; a name that it was settled by stays with its key, even
            where a second key has taken the name since.
    """
    faults = [*_check_project(spec, around), *_check_currency(spec, around)]
    if spec.key is None:
        return spec, faults
    found = find_keys(spec.key, around.keys)
    kept = [key for key in found if before is not None and key.id == before.key]
    if len(kept or found) == 1:
        return msgspec.structs.replace(spec, key=(kept or found)[0].id), faults
    return spec, [*faults, unclear_key(spec.key, found, keys=around.keys)]


def find_keys(text: str, keys: Sequence[Key]) -> list[Key]:
    """Return the keys that are meant: by id, else the working ones of that name, else the last one that worked."""
    by_id = [key for key in keys if key.id == text]
    if by_id:
        return by_id
    named = [key for key in keys if key.name == text]
    working = [key for key in named if key.revoked_at_ms is None]
    return working or sorted(named, key=lambda key: key.revoked_at_ms or 0)[-1:]


def unclear_key(text: str, found: list[Key], *, keys: Sequence[Key]) -> Fault:
    """Return the fault of a word by which no key is meant, or several."""
    if found:
        ids = ", ".join(f"{key.id} (project {key.project})" for key in found)
        return Fault(
            ("key",), f"{len(found)} keys have the name `{text[:MOST_QUOTED]}`.", f"Write the id of one: {ids}."
        )
    if text.startswith(KEY_PREFIX):
        # it may be the key itself, which is not repeated
        return Fault(("key",), "There is no key with this id or name.", "`hortus keys list` shows the ids.")
    hint = suggest(text[:MOST_QUOTED], {key.name for key in keys}) if not text.startswith(_KEY_ID) else None
    message = f"There is no key `{text[:MOST_QUOTED]}`."
    return Fault(("key",), message, hint or "`hortus keys list` shows ids and names.")


def _check_project(spec: LimitSpec, around: Around) -> Iterator[Fault]:
    if spec.project is not None and spec.project not in around.projects:
        hint = suggest(spec.project[:MOST_QUOTED], around.projects) or "`hortus projects list` shows them."
        yield Fault(("project",), f"There is no project `{spec.project[:MOST_QUOTED]}`.", hint)


def _check_currency(spec: LimitSpec, around: Around) -> Iterator[Fault]:
    if spec.currency is not None and spec.currency not in around.currencies:
        message = f"No rate leads to {spec.currency[:MOST_QUOTED]}, so nothing could be counted in it."
        hint = f"Declare a [[rate]], or use one of: {', '.join(sorted(around.currencies))}."
        yield Fault(("currency",), message, hint)
