"""What would a draft of a policy have changed about what was sent? Judged from sums of receipts, nothing is sent.

Receipts hold no content and not every trait of a request: which rules cannot be rehearsed is part of the report.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from hortus.canon.loss import WEIGHTS, Loss, Weight, refusing
from hortus.policy.digest import policy_mark
from hortus.policy.facts import CHAT, LEVER_MARK, Facts
from hortus.policy.rules import Policy, Treatment
from hortus.policy.verdict import Ask, Ruling, Verdict, judge_ask, judge_endpoint

Outcome = Literal["refused", "moved", "adapted", "allowed"]
"""No endpoint is left; another endpoint of the route would be asked; the same one, but otherwise; what was refused
would go."""

_NONE = Policy(name="")
_BY_LENGTH = "largest_request_kib"
_ORDER: tuple[Outcome, ...] = ("refused", "moved", "adapted", "allowed")


_Hop = tuple[str, str]
"""An endpoint or route, and an operation."""

_Verdicts = Mapping[_Hop, Verdict]


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """Receipts that are alike, summed up.

    Attributes:
        project: Name or id, as the report is to show it; likewise route and endpoint.
        endpoint: Which answered; None: the policy or a guard refused.
        requests: How many.
        largest_request_bytes: Of the longest of them.
        losses: What the host did not get, as `weight:path`.
        findings: What guards found, as `KIND:NUMBER` or `KIND`.
        adaptations: What was changed, as in the receipts.
        cost: Of all of them.
        operation: What was asked.
    """

    project: str
    route: str
    endpoint: str | None
    requests: int
    largest_request_bytes: int = 0
    losses: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    adaptations: tuple[str, ...] = ()
    cost: Decimal | None = None
    currency: str | None = None
    operation: str = CHAT


class Place(msgspec.Struct, frozen=True):
    """What a policy judges of an endpoint."""

    facts: Facts | None
    dialects: tuple[str, ...]


class Ground(msgspec.Struct, frozen=True):
    """What there is now.

    Attributes:
        endpoints: By name; of one that is no longer there nothing is known.
        routes: Name -> its endpoints in order.
        secret_kinds: Kinds of findings that fall under the policy's `secrets`; all others are personal data.
        before: The policy that held; None: several, or it is not known.
        of_operations: Operation -> what the draft says of all its requests, such as that no guard can look into them.
    """

    endpoints: Mapping[str, Place]
    routes: Mapping[str, tuple[str, ...]]
    secret_kinds: frozenset[str] = frozenset()
    before: Policy | None = None
    of_operations: Mapping[str, tuple[Ruling, ...]] = {}


class Cost(msgspec.Struct, frozen=True):
    """An amount in one currency."""

    currency: str
    amount: Decimal


class Change(msgspec.Struct, frozen=True, omit_defaults=True):
    """What would have been otherwise.

    Attributes:
        rulings: Every rule of the draft that says no to that endpoint, or to the requests as such.
        instead: Endpoints of the route that the draft leaves, in the route's order.
        levers: What would newly be asked of the host, by name.
        findings: What would become of what guards found, as `KIND:TREATMENT`.
        requests: How many; where `is_at_most`, not more than these, for sums do not tell each request's length.
        cost: What they cost, by currency.
    """

    project: str
    route: str
    endpoint: str | None
    outcome: Outcome
    rulings: tuple[Ruling, ...] = ()
    instead: tuple[str, ...] = ()
    levers: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    requests: int = 0
    is_at_most: bool = False
    cost: tuple[Cost, ...] = ()


class Rehearsal(msgspec.Struct, frozen=True, omit_defaults=True):
    """The report.

    Attributes:
        policy: The draft, `NAME~DIGEST`.
        requests: How many were looked at.
        unchanged: For how many nothing would change.
        changes: Refused ones first, then by project, route and endpoint.
        stranded: Routes in use of which no endpoint would be left.
        not_rehearsed: What the draft demands that receipts cannot show, in words.
    """

    policy: str
    requests: int
    unchanged: int
    changes: tuple[Change, ...] = ()
    stranded: tuple[str, ...] = ()
    not_rehearsed: tuple[str, ...] = ()


def rehearse(draft: Policy, rows: Iterable[Row], *, ground: Ground, on: date) -> Rehearsal:
    """Return what a draft would have changed."""
    seen = list(rows)
    verdicts = {one: _judge(draft, one, ground=ground, on=on) for row in seen for one in _judged(row, ground)}
    left = {(row.route, row.operation): _left(row, ground, verdicts) for row in seen}
    changes = _summed((_change(draft, row, ground=ground, verdicts=verdicts, left=left), row) for row in seen)
    total = sum(row.requests for row in seen)
    return Rehearsal(
        policy=policy_mark(draft),
        requests=total,
        unchanged=total - sum(change.requests for change in changes),
        changes=tuple(sorted(changes, key=_place_in_report)),
        stranded=tuple(sorted({route for (route, _), endpoints in left.items() if not endpoints})),
        not_rehearsed=tuple(_not_rehearsed(draft)),
    )


def _judged(row: Row, ground: Ground) -> set[_Hop]:
    """Return what has to be judged for a row: the endpoint that answered, and those of its route."""
    used = () if row.endpoint is None else (row.endpoint,)
    return {(name, row.operation) for name in (*used, *ground.routes.get(row.route, ()))}


def _judge(draft: Policy, hop: _Hop, *, ground: Ground, on: date) -> Verdict:
    name, operation = hop
    known = ground.endpoints.get(name) or Place(None, ())
    return judge_endpoint(draft, known.facts, dialects=known.dialects, on=on, operation=operation)


def _left(row: Row, ground: Ground, verdicts: _Verdicts) -> tuple[str, ...]:
    return tuple(name for name in ground.routes.get(row.route, ()) if verdicts[name, row.operation].is_allowed)


def _change(
    draft: Policy, row: Row, *, ground: Ground, verdicts: _Verdicts, left: Mapping[_Hop, tuple[str, ...]]
) -> Change | None:
    """Return what would change for these receipts, still without number and cost; None: nothing.

    Args:
        draft: The policy.
        row: The receipts.
        ground: What there is now.
        verdicts: By endpoint and operation.
        left: By route and operation, the endpoints that the draft allows.
    """
    verdict = verdicts[row.endpoint, row.operation] if row.endpoint is not None else None
    others = left[row.route, row.operation]
    treated = _treated(draft, row, ground)
    of_request = (*ground.of_operations.get(row.operation, ()), *_of_request(draft, row), *_of_findings(treated))
    change = Change(row.project, row.route, row.endpoint, "allowed", findings=_words(treated))
    if verdict is None:
        return change if others and not of_request else None
    rulings = (*of_request, *verdict.rulings)
    if rulings:
        return _denied(change, rulings, left=() if of_request else others)
    levers = tuple(lever.name for lever in verdict.levers if LEVER_MARK + lever.name not in row.adaptations)
    return msgspec.structs.replace(change, outcome="adapted", levers=levers) if levers or treated else None


def _denied(change: Change, rulings: tuple[Ruling, ...], *, left: tuple[str, ...]) -> Change:
    return msgspec.structs.replace(
        change,
        outcome="moved" if left else "refused",
        rulings=rulings,
        instead=left,
        is_at_most={ruling.rule for ruling in rulings} == {_BY_LENGTH},
    )


def _of_request(draft: Policy, row: Row) -> Iterator[Ruling]:
    yield from judge_ask(draft, Ask(request_bytes=row.largest_request_bytes))
    if draft.loss is not None:
        lost = refusing(tuple(_losses(row)), draft.loss)
        if lost:
            yield Ruling("loss", f"it would lose {', '.join(str(loss) for loss in lost)}")


def _losses(row: Row) -> Iterator[Loss]:
    weights: dict[str, Weight] = {weight: weight for weight in WEIGHTS}
    for one in row.losses:
        word, _, path = one.partition(":")
        yield Loss(path, weights.get(word, "meaning"), "")


def _treated(draft: Policy, row: Row, ground: Ground) -> dict[str, Treatment]:
    """Return what would become of each kind of finding, where the draft does not let it pass as before."""
    treated: dict[str, Treatment] = {}
    for kind in (one.partition(":")[0] for one in row.findings):
        treatment = _treatment(draft, kind, is_secret=kind in ground.secret_kinds)
        before = _treatment(ground.before or _NONE, kind, is_secret=kind in ground.secret_kinds)
        if treatment == "refuse" or treatment not in {"allow", before}:
            treated[kind] = treatment
    return treated


def _treatment(draft: Policy, kind: str, *, is_secret: bool) -> Treatment:
    if is_secret:
        return draft.secrets
    is_looked_for = not draft.personal_kinds or kind in draft.personal_kinds
    return draft.personal_data if is_looked_for else "allow"


def _of_findings(treated: Mapping[str, Treatment]) -> Iterator[Ruling]:
    refused = [kind for kind, treatment in treated.items() if treatment == "refuse"]
    if refused:
        yield Ruling("findings", f"guards found {', '.join(refused)} in it")


def _words(treated: Mapping[str, Treatment]) -> tuple[str, ...]:
    return tuple(f"{kind}:{treatment}" for kind, treatment in treated.items())


def _summed(found: Iterable[tuple[Change | None, Row]]) -> list[Change]:
    """Return changes that are alike as one, with number and cost."""
    alike: dict[Change, list[Row]] = {}
    for change, row in found:
        if change is not None:
            alike.setdefault(change, []).append(row)
    return [
        msgspec.structs.replace(change, requests=sum(row.requests for row in rows), cost=_cost(rows))
        for change, rows in alike.items()
    ]


def _cost(rows: list[Row]) -> tuple[Cost, ...]:
    sums: dict[str, Decimal] = {}
    for row in rows:
        if row.cost is not None and row.currency is not None:
            sums[row.currency] = sums.get(row.currency, Decimal(0)) + row.cost
    return tuple(Cost(currency, sums[currency]) for currency in sorted(sums))


def _place_in_report(change: Change) -> tuple[int, str, str, str, str]:
    beside = "".join((*change.levers, *change.findings, *(ruling.rule + ruling.reason for ruling in change.rulings)))
    return _ORDER.index(change.outcome), change.project, change.route, change.endpoint or "", beside


def _not_rehearsed(draft: Policy) -> Iterator[str]:
    if draft.tools is not None:
        yield "tools: receipts do not say which tools a request brought"
    if draft.stateless or draft.personal_data != "allow" or draft.secrets != "allow":
        yield "history: receipts do not say whether a request pointed at what a host keeps"
    if draft.personal_data != "allow" or draft.secrets != "allow":
        yield "findings: known only of requests that a guard looked at then"
    if draft.blocked_words:
        yield "blocked_words: receipts hold no content"
    if draft.looks_at_content and draft.unseen_content == "refuse":
        yield "unseen_content: receipts do not say whether a request had images, sound or files"
