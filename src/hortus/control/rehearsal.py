"""The operation that rehearses: last week's receipts, summed up by the store, against a draft of a policy."""

from __future__ import annotations

import msgspec

from hortus.control.declaring import refuse_faults
from hortus.control.errors import Invalid
from hortus.control.plane import Plane
from hortus.control.policing import find_policy
from hortus.control.policychecks import check_rules, known_to
from hortus.control.policyforms import RulingView
from hortus.control.readiness import snapshot_of
from hortus.control.rehearsalforms import MoneyView, RehearsalView, RehearsalWanted, RehearsedChange
from hortus.control.tenancy import find_project
from hortus.dialects import DIALECTS
from hortus.gateway.guards.sight import judge_operation
from hortus.gateway.guards.table import SECRET_KINDS
from hortus.policy.digest import policy_mark
from hortus.policy.rehearsing import Change, Ground, Place, rehearse
from hortus.policy.rules import Policy

_DAY_MS = 86_400_000
_UNNAMED = "draft"


def rehearse_policy(plane: Plane, ask: RehearsalWanted) -> RehearsalView:
    """Return what a draft of a policy would have changed about what a project sent, without sending anything."""
    project = find_project(plane, ask.project)
    draft = _draft(plane, ask)
    since_ms = plane.ports.clock.now_ms() - ask.days * _DAY_MS
    sent = plane.ports.receipts.sent(project_id=project.id, since_ms=since_ms)
    snapshot = snapshot_of(plane)
    own = snapshot.policies.get(project.policy)
    ground = Ground(
        endpoints={name: Place(one.facts, one.chat_dialects) for name, one in plane.endpoints_if_lit().items()},
        routes={name: tuple(one.endpoint for one in route.candidates) for name, route in snapshot.routes.items()},
        secret_kinds=frozenset(SECRET_KINDS),
        before=own if own is not None and sent.marks <= {policy_mark(own)} else None,
        of_operations={
            name: judge_operation(draft, name, dialects=DIALECTS) for name in {row.operation for row in sent.rows}
        },
    )
    found = rehearse(draft, sent.rows, ground=ground, on=plane.today())
    return RehearsalView(
        project=project.name,
        policy=project.policy,
        draft=found.policy,
        since_ms=since_ms,
        requests=found.requests,
        unchanged=found.unchanged,
        changes=[_change_view(change) for change in found.changes],
        stranded=found.stranded,
        not_rehearsed=found.not_rehearsed,
    )


def _draft(plane: Plane, ask: RehearsalWanted) -> Policy:
    """Return the rules that are rehearsed.

    Raises:
        Invalid: Name and rules are both there, or neither, or the rules cannot be.
        NotFound: No policy has the name.
    """
    if (ask.draft is None) == (ask.rules is None):
        raise Invalid("A rehearsal takes one draft.", path="draft", hint="Send the name of a policy, or `rules`.")
    if ask.rules is None:
        return find_policy(plane, ask.draft or "", path="draft")
    draft = msgspec.convert({"name": _UNNAMED, **ask.rules.model_dump()}, Policy)
    faults = check_rules(draft, known_to(plane.catalog))
    refuse_faults([fault.under(("rules",)) for fault in faults])
    return draft


def _change_view(change: Change) -> RehearsedChange:
    return RehearsedChange(
        route=change.route,
        endpoint=change.endpoint,
        outcome=change.outcome,
        requests=change.requests,
        is_at_most=change.is_at_most,
        rulings=tuple(RulingView.model_validate(ruling) for ruling in change.rulings),
        instead=change.instead,
        adaptations=change.levers,
        findings=change.findings,
        cost=tuple(MoneyView.model_validate(cost) for cost in change.cost),
    )
