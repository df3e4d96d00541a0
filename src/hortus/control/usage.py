"""The operation on usage: words of a question into sums that the store keeps, and these into shares and names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hortus.canon.usage import COUNTS
from hortus.control import usage_views as views
from hortus.control.bounds import check_timezone
from hortus.control.errors import Invalid
from hortus.control.fault import suggest
from hortus.control.instants import Reading, read_instant
from hortus.control.plane import Plane
from hortus.control.tenancy import find_project
from hortus.control.views import Finding
from hortus.receipts.rollups import (
    DIMENSIONS,
    SPANS,
    Answer,
    Group,
    Period,
    Question,
    Span,
    Sums,
    TooMany,
    periods_between,
    whole_quarters,
)

_WORDS = (*SPANS, *DIMENSIONS)
_PERCENT = Decimal("0.01")
_DAY_MS = 86_400_000


def show_usage(plane: Plane, ask: views.UsageQuery) -> views.UsageReport:
    """Return what receipts add up to, divided by project, key, route, model, maker, host, day or the like."""
    span, by = _divide(ask.by)
    zone = _zone(ask.timezone)
    since_ms, until_ms = _bounds(ask, now_ms=plane.ports.clock.now_ms(), zone=zone)
    try:
        periods = (
            periods_between(since_ms, until_ms, span=span, zone=zone) if span else (Period("", since_ms, until_ms),)
        )
        question = Question(periods, by=by, only=_only(plane, ask), currency=ask.currency)
        answer = plane.ports.receipts.usage(question)
    except TooMany as error:
        hint = "Ask for less time, fewer words in `by`, or one project or model only."
        raise Invalid("These are more groups than anybody can use.", path="by", hint=hint) from error
    names = _Names(plane, by)
    found = sorted(answer.groups, key=lambda group: (group.period.start_ms, *_weight(group, answer), group.names))
    return views.UsageReport(
        by=[*((span,) if span else ()), *by],
        timezone=ask.timezone,
        since_ms=since_ms,
        until_ms=until_ms,
        groups=[_group_view(one, answer, names, span=span) for one in found[: ask.limit]],
        groups_found=len(found),
        is_cut=len(found) > ask.limit,
        total=views.UsageSums(**_sums(answer.total, answer.total)),
    )


def examine_usage(plane: Plane) -> Finding:
    """Return whether the sums of the last day are those of its receipts."""
    missing = plane.ports.receipts.receipts_without_usage(plane.ports.clock.now_ms() - _DAY_MS)
    message = "The sums of the last 24 hours are those of its receipts."
    if missing:
        message = f"The sums of the last 24 hours and its receipts differ by {abs(missing)} requests."
    mend = "Restore a backup, and report this: Hortus never writes one without the other." if missing else None
    return Finding(name="usage", is_fine=not missing, message=message, mend=mend)


def _divide(text: str) -> tuple[Span | None, tuple[str, ...]]:
    """Return the stretch of time and the other words by which usage is divided."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    for word in words:
        if word not in _WORDS:
            hint = suggest(word[:40], _WORDS) or f"Use any of: {', '.join(_WORDS)}."
            raise Invalid(f"Usage is not kept by `{word[:40]}`.", path="by", hint=hint)
        if words.count(word) > 1:
            raise Invalid(f"`{word}` stands twice.", path="by", hint="Remove one.")
    spans = [span for span in SPANS if span in words]
    if len(spans) > 1:
        hint = f"Keep one of: {', '.join(spans)}."
        raise Invalid("Usage is divided by one length of time at once.", path="by", hint=hint)
    return (spans[0] if spans else None), tuple(word for word in words if word not in SPANS)


def _zone(name: str) -> ZoneInfo:
    fault = next(check_timezone(name), None)
    if fault is not None:
        raise Invalid(fault.message, path="timezone", hint=fault.hint)
    return ZoneInfo(name)


def _bounds(ask: views.UsageQuery, *, now_ms: int, zone: ZoneInfo) -> tuple[int, int]:
    this_month = f"{datetime.fromtimestamp(now_ms / 1000, tz=zone):%Y-%m}"
    since_ms = read_instant(ask.since or this_month, Reading("since", now_ms, zone))
    until_ms = read_instant(ask.until, Reading("until", now_ms, zone, is_end=True)) if ask.until else now_ms
    if since_ms >= until_ms:
        hint = "Name a `since` that lies before `until`; without one, `until` is now."
        raise Invalid("There is no time between `since` and `until`.", path="since", hint=hint)
    return whole_quarters(since_ms, until_ms)


def _only(plane: Plane, ask: views.UsageQuery) -> Mapping[str, str]:
    only = {name: value for name in DIMENSIONS if (value := getattr(ask, name)) is not None}
    if ask.project is not None:
        only["project"] = find_project(plane, ask.project).id
    return only


class _Names:
    """How projects and keys are called; what is gone keeps its id."""

    def __init__(self, plane: Plane, by: tuple[str, ...]) -> None:
        self._by = by
        access = plane.ports.access
        self._projects = {one.id: one.name for one in access.projects(True)} if "project" in by else {}  # noqa: FBT003 -- the retired ones too
        self._keys = {one.id: one.name for one in access.keys()} if "key" in by else {}  # noqa: SIM118 -- these are keys to the door

    def of(self, group: Group) -> dict[str, str | None]:
        """Return a group's names by the words that it was asked by."""
        named: dict[str, str | None] = {word: name or None for word, name in zip(self._by, group.names, strict=True)}
        if "project" in named:
            named["project"] = self._projects.get(named["project"] or "", named["project"])
        if "key" in named:
            named["key_name"] = self._keys.get(named["key"] or "") or None
        return named


def _weight(group: Group, answer: Answer) -> tuple[Decimal, int]:
    """Return what puts the dearest group first, whatever its currency, and the busiest of those without a price."""
    shares = [_share(cost.amount, answer.total.costs[name].amount) or 0 for name, cost in group.sums.costs.items()]
    return -max([Decimal(share) for share in shares], default=Decimal(0)), -_tokens(group.sums)


def _group_view(group: Group, answer: Answer, names: _Names, *, span: Span | None) -> views.UsageGroup:
    period = group.period
    named = names.of(group)
    label: dict[str, str | None] = {span: period.label} if span else {}
    return views.UsageGroup(
        names=label | named,
        start_ms=period.start_ms if span else None,
        end_ms=period.end_ms if span else None,
        **_sums(group.sums, answer.total),
    )


def _sums(sums: Sums, total: Sums) -> dict[str, Any]:
    """Return the members of `views.UsageSums`."""
    plain = ("requests", "refused", "attempts", "estimated", "without_cost")
    return {
        **{name: getattr(sums, name) for name in plain},
        "units": {name: count for name in COUNTS if (count := getattr(sums.usage, name))},
        "costs": [
            views.UsageCost(
                currency=currency,
                cost=_plain(cost.amount),
                estimated=_plain(cost.estimated),
                share_percent=_share(cost.amount, total.costs[currency].amount),
            )
            for currency, cost in sorted(sums.costs.items())
        ],
        "mean_ms": round(sums.took_ms / sums.took_count) if sums.took_count else None,
        "mean_first_byte_ms": round(sums.first_byte_ms / sums.first_byte_count) if sums.first_byte_count else None,
        "share_percent": _share(Decimal(_tokens(sums)), Decimal(_tokens(total))),
    }


def _tokens(sums: Sums) -> int:
    return sums.usage.input_tokens + sums.usage.output_tokens


def _share(part: Decimal, whole: Decimal) -> Decimal | None:
    return (part * 100 / whole).quantize(_PERCENT) if whole else None


def _plain(amount: Decimal) -> str:
    """Return an exact amount as people write it: no powers of ten, no zeros at its end."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
