"""Operations on limits, budgets and currency rates: what is declared, and how much of it is used now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from hortus.access.objects import Key
from hortus.control import models
from hortus.control.checks import check_spec
from hortus.control.declaring import declare, history_of, refuse_faults, retire_object, spec_of, stored_object
from hortus.control.limitforms import (
    LimitList,
    LimitsWanted,
    LimitView,
    LimitWanted,
    OneLimit,
    OneRate,
    RateList,
    RateView,
    RateWanted,
    StandingView,
)
from hortus.control.plane import Plane
from hortus.control.ports import PoolFigures, StoredObject
from hortus.control.scopes import limit_before, look_around, settle_limit
from hortus.limits.amounts import ZERO, add, subtract
from hortus.limits.limit import Limit
from hortus.limits.period import Period, period_of, pool_id
from hortus.limits.pool import percent_spent
from hortus.snapshot.declared import LimitSpec, RateSpec
from hortus.snapshot.limits import limit_of


def list_limits(plane: Plane, ask: LimitsWanted) -> LimitList:
    """Return the limits, by name, each with what is used of it now."""
    found = plane.ports.objects.list("limit", ask.include_retired)
    wanted = [stored for stored in found if ask.budgets in {None, _limit_spec(stored).money is not None}]
    views = _views(plane, wanted)
    return LimitList(limits=[view for view in views if ask.project in {None, view.project}])


def show_limit(plane: Plane, ask: OneLimit) -> LimitView:
    """Return one limit, retired or not, with what is used of it now."""
    return _view(plane, stored_object(plane, "limit", ask.name))


def create_limit(plane: Plane, ask: LimitWanted) -> LimitView:
    """Set a bound on requests, tokens or money of a key, a project or the organisation."""
    return _declare(plane, ask, is_new=True)


def replace_limit(plane: Plane, ask: LimitWanted) -> LimitView:
    """Change a limit as a whole; what is spent in its period stays spent."""
    return _declare(plane, ask, is_new=False)


def retire_limit(plane: Plane, ask: OneLimit) -> LimitView:
    """Take a limit out of use; it comes back with what was spent when it is set again."""
    return _view(plane, retire_object(plane, "limit", ask.name))


def list_rates(plane: Plane, ask: models.Everything) -> RateList:
    """Return the currency rates of the organisation's own, by name."""
    found = plane.ports.objects.list("rate", ask.include_retired)
    return RateList(rates=[_rate_view(stored) for stored in found])


def create_rate(plane: Plane, ask: RateWanted) -> RateView:
    """Declare what a currency is worth from a day on; it comes before the catalog's rates."""
    stored = declare(plane, spec_of(ask, RateSpec), is_new=True)
    plane.recompile()
    return _rate_view(stored)


def retire_rate(plane: Plane, ask: OneRate) -> RateView:
    """Take a currency rate out of use; receipts that name it keep their amounts."""
    return _rate_view(retire_object(plane, "rate", ask.name))


def alerts(plane: Plane) -> list[LimitView]:
    """Return the budgets in use that are at one of their alerts, or used up."""
    found = [stored for stored in plane.ports.objects.list("limit") if _limit_spec(stored).money is not None]
    return [view for view in _views(plane, found) if view.state in {"alert", "over"}]


def _declare(plane: Plane, ask: LimitWanted, *, is_new: bool) -> LimitView:
    wanted = spec_of(ask, LimitSpec)
    rates = [one.spec for one in plane.ports.objects.list("rate") if isinstance(one.spec, RateSpec)]
    around = look_around(plane.ports.access, rates=rates, currencies=plane.currencies)
    spec, faults = settle_limit(wanted, around, before=limit_before(plane.ports.objects, wanted.name))
    refuse_faults([*check_spec(spec, hosts={}), *faults])
    return _view(plane, declare(plane, spec, is_new=is_new))


def _limit_spec(stored: StoredObject) -> LimitSpec:
    return msgspec.convert(stored.spec, LimitSpec)


def _view(plane: Plane, stored: StoredObject) -> LimitView:
    return _views(plane, [stored])[0]


class _Counted(msgspec.Struct, frozen=True):
    """A limit with the period that runs now."""

    limit: Limit
    period: Period

    @property
    def pool(self) -> str:
        return pool_id(self.limit.id, self.period.start_ms)


def _views(plane: Plane, found: Sequence[StoredObject]) -> list[LimitView]:
    specs = [_limit_spec(stored) for stored in found]
    access, now_ms = plane.ports.access, plane.ports.clock.now_ms()
    keys = {key.id: key for key in (access.keys() if any(spec.key for spec in specs) else ())}
    projects = {project.name: project.id for project in access.projects(True)}  # noqa: FBT003 -- the retired ones too
    organisation_id = access.organisation().id
    figures = plane.ports.pools.figures(now_ms)
    views = []
    for stored, spec in zip(found, specs, strict=True):
        scope_id = spec.key or (projects.get(spec.project, "") if spec.project is not None else organisation_id)
        limit = limit_of(spec, scope_id=scope_id)
        counted = _Counted(limit, period_of(limit, now_ms))
        views.append(_show(stored, counted, figures=figures.get(counted.pool), keys=keys))
    return views


def _show(
    stored: StoredObject, counted: _Counted, *, figures: PoolFigures | None, keys: Mapping[str, Key]
) -> LimitView:
    spec, limit = _limit_spec(stored), counted.limit
    key = keys.get(spec.key or "")
    is_live = stored.retired_at_ms is None
    standing = _standing(counted, figures) if is_live else None
    is_money = limit.measure == "money"
    shown = msgspec.structs.asdict(spec) | {
        "id": limit.id,
        "scope": limit.scope,
        "project": key.project if key is not None else spec.project,
        "key_name": key.name if key is not None else None,
        "timezone": limit.timezone if is_money and limit.period != "total" else None,
        "year_starts_in": limit.year_starts_in if limit.period == "fiscal_year" else None,
        "standing": standing,
        "state": _state(limit, standing) if standing is not None else "retired",
    }
    return LimitView.model_validate(shown | history_of(stored))


def _standing(counted: _Counted, figures: PoolFigures | None) -> StandingView:
    spent = figures.spent if figures is not None else ZERO
    leased = figures.leased if figures is not None else ZERO
    return StandingView(
        pool=counted.pool,
        start_ms=counted.period.start_ms,
        end_ms=counted.period.end_ms,
        spent=spent,
        reserved=figures.reserved if figures is not None else ZERO,
        leased=leased,
        left=subtract(counted.limit.amount, add(spent, leased)),
    )


def _state(limit: Limit, standing: StandingView) -> str:
    """Return how a limit stands: of money by what is spent, for what is leased may come back; else by what is left."""
    used = standing.spent if limit.measure == "money" else add(standing.spent, standing.leased)
    if used >= limit.amount:
        return "over"
    percent = percent_spent(used, limit.amount)
    return "alert" if any(level <= percent for level in limit.alert_at) else "fine"


def _rate_view(stored: StoredObject) -> RateView:
    spec = msgspec.convert(stored.spec, RateSpec)
    return RateView.model_validate({"name": stored.name} | msgspec.structs.asdict(spec) | history_of(stored))
