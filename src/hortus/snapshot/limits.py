"""How a declared limit becomes one that can be counted: its measure, its period, and its id.

The id names what is counted, and pools are named after it. It stays when the amount changes or the limit comes back
from retirement; another measure, period or scope under the same name is another id, and begins with nothing spent.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import blake2b

import msgspec

from hortus.limits.limit import Limit, Measure, PeriodKind, Scope
from hortus.snapshot.declared import LimitSpec

MEASURES: dict[str, tuple[Measure, PeriodKind]] = {
    "requests_per_minute": ("requests", "minute"),
    "tokens_per_minute": ("tokens", "minute"),
    "concurrent_requests": ("concurrent", "none"),
    "money": ("money", "total"),
}
"""Field of a declared limit -> what it measures and, but for money, in which time. Each limit has one."""

UTC = "UTC"
JANUARY = 1
_MARK = "~"
_DIGEST_BYTES = 4


def measures_of(spec: LimitSpec) -> list[str]:
    """Return the fields that say what the limit measures; one, where it is right."""
    return [field for field in MEASURES if getattr(spec, field) is not None]


def scope_of(spec: LimitSpec) -> Scope:
    """Return what kind of thing the limit binds."""
    if spec.key is not None:
        return "key"
    return "organisation" if spec.project is None else "project"


def limit_of(spec: LimitSpec, *, scope_id: str) -> Limit:
    """Return a declared limit, which must be right, as it is counted.

    Args:
        spec: As declared, its key by id.
        scope_id: Id of the key, project or organisation that it binds.
    """
    field = measures_of(spec)[0]
    measure, period = MEASURES[field]
    limit = Limit(
        id=spec.name,
        name=spec.name,
        scope=scope_of(spec),
        scope_id=scope_id,
        measure=measure,
        amount=Decimal(getattr(spec, field)),
        period=period if spec.per is None else spec.per,
        currency=spec.currency,
        is_hard=spec.kind == "hard",
        timezone=spec.timezone or UTC,
        year_starts_in=spec.year_starts_in or JANUARY,
        alert_at=spec.alert_at,
    )
    return msgspec.structs.replace(limit, id=f"{spec.name}{_MARK}{_digest(limit)}")


def _digest(limit: Limit) -> str:
    """Return what tells apart what was counted under one name at different times."""
    counted = (
        limit.scope, limit.scope_id, limit.measure, limit.currency, limit.period, limit.timezone, limit.year_starts_in,
    )  # fmt: skip
    return blake2b(msgspec.json.encode(counted), digest_size=_DIGEST_BYTES).hexdigest()
