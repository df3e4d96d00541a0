"""The operation that explains: what the gateway would say of a request, by the same snapshot and the same verdicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial

import msgspec

from hortus.access.objects import Project
from hortus.control.checks import OPERATIONS
from hortus.control.declaring import facts_view, refuse_faults
from hortus.control.endpointforms import FactsView
from hortus.control.errors import Conflict, Invalid, NotFound
from hortus.control.fault import suggest
from hortus.control.plane import Plane
from hortus.control.policing import find_policy, rule_views
from hortus.control.policyforms import EndpointVerdictView, ExplainWanted, Explanation, RulingView
from hortus.control.policywords import say_policy
from hortus.control.readiness import ready_now, snapshot_of
from hortus.control.scopes import find_keys, unclear_key
from hortus.control.tenancy import find_project, missing_routes
from hortus.dialects import DIALECTS
from hortus.gateway.choose import NEEDS
from hortus.gateway.guards.sight import judge_operation
from hortus.policy.digest import policy_mark
from hortus.policy.facts import CHAT, Facts
from hortus.policy.rules import Policy
from hortus.policy.verdict import Ask, Ruling, judge_ask
from hortus.snapshot.model import Endpoint
from hortus.snapshot.resolved import ReadyRoute

_BEGUN_BY: Mapping[str, str] = {"files": "create_file", "batches": "create_batch", "fine_tuning": "create_tuning_job"}
"""Words for several operations: the one of them that brings content."""


class _Case(msgspec.Struct, frozen=True):
    """By which rules a request is judged."""

    policy: Policy
    shadow: Policy | None
    on: date
    operation: str
    show: Callable[[Facts], FactsView]


def explain_policy(plane: Plane, ask: ExplainWanted) -> Explanation:
    """Return what a policy says of a request to a route, endpoint by endpoint, without sending anything."""
    project = _project_of(plane, ask)
    route = _find_route(plane, ask.route)
    policies = snapshot_of(plane).policies
    if ask.draft is not None:
        find_policy(plane, ask.draft, path="draft")
    policy = policies.get(ask.draft or project.policy)
    if policy is None:
        raise Conflict(f"The policy `{project.policy}` is not there; nothing is sent.", path="project")
    shadow = policies.get(project.shadow_policy or "")
    known = plane.endpoints_if_lit()
    operation = _operation(ask.operation, route, known)
    case = _Case(policy, shadow, plane.today(), operation, show=partial(facts_view, plane))
    said = Ask(request_bytes=ask.request_bytes, tools=ask.tools, names_history=ask.names_history)
    against = _of_request(policy, said, operation)
    endpoints = list(_endpoints(route, case, known=known))
    return Explanation(
        project=project.name,
        route=ask.route,
        operation=operation,
        policy=policy.name,
        mark=policy_mark(policy),
        is_draft=policy.name != project.policy,
        shadow_policy=project.shadow_policy,
        on=case.on,
        may_use_route=not missing_routes(project, (ask.route,)),
        is_allowed=not against and any(one.is_allowed for one in endpoints),
        request_rulings=against,
        shadow_request_rulings=_of_request(shadow, said, operation) if shadow is not None else (),
        endpoints=endpoints,
        content=rule_views([one for one in say_policy(policy) if one.of_content]),
    )


def _endpoints(route: ReadyRoute, case: _Case, *, known: Mapping[str, Endpoint]) -> Iterator[EndpointVerdictView]:
    """Yield the verdict on each endpoint that a route names, in the order in which the route has them."""
    away = {one.endpoint: one.reason for one in route.unusable}
    for name in _endpoints_of(route):
        yield _endpoint(name, known.get(name), case, reason=away.get(name))


def _endpoints_of(route: ReadyRoute) -> tuple[str, ...]:
    """Return the names of a route's endpoints, in its order, those ruled out last."""
    eligible = [one.endpoint for one in route.route.candidates]
    return tuple(dict.fromkeys((*eligible, *(one.endpoint for one in route.route.ruled_out))))


def _endpoint(name: str, endpoint: Endpoint | None, case: _Case, *, reason: str | None) -> EndpointVerdictView:
    if endpoint is None:
        return EndpointVerdictView(endpoint=name, is_allowed=False, is_usable=False, reason=reason)
    if reason is None and NEEDS.get(case.operation, case.operation) not in endpoint.operations:
        reason = f"it does not do {case.operation}"
    meant = _BEGUN_BY.get(case.operation, case.operation)
    verdict = endpoint.judge(case.policy, on=case.on, operation=meant)
    shadow = endpoint.judge(case.shadow, on=case.on, operation=meant).rulings if case.shadow is not None else ()
    return EndpointVerdictView(
        endpoint=name,
        model=endpoint.model,
        is_allowed=verdict.is_allowed,
        rulings=_rulings(verdict.rulings),
        adaptations=tuple(lever.name for lever in verdict.levers),
        is_usable=reason is None,
        reason=reason,
        facts=case.show(endpoint.facts) if endpoint.facts is not None else None,
        shadow_rulings=_rulings(shadow),
    )


def _operation(asked: str | None, route: ReadyRoute, known: Mapping[str, Endpoint]) -> str:
    """Return which operation is judged: the one that is named, else a chat, else the first that the route's do.

    Raises:
        Invalid: There is no such operation.
    """
    if asked is None:
        names = _endpoints_of(route)
        offered = [one for name in names if name in known for one in known[name].operations]
        return offered[0] if offered and CHAT not in offered else CHAT
    if asked not in OPERATIONS and asked not in NEEDS:
        hint = suggest(asked, OPERATIONS) or f"Use any of: {', '.join(OPERATIONS)}."
        raise Invalid(f"`{asked}` is not an operation.", path="operation", hint=hint)
    return asked


def _of_request(policy: Policy, said: Ask, operation: str) -> tuple[RulingView, ...]:
    """Return what is said of the request wherever it goes: of its kind, and of what is told of it."""
    of_its_kind = judge_operation(policy, _BEGUN_BY.get(operation, operation), dialects=DIALECTS)
    return _rulings((*of_its_kind, *judge_ask(policy, said)))


def _rulings(rulings: tuple[Ruling, ...]) -> tuple[RulingView, ...]:
    return tuple(RulingView.model_validate(ruling) for ruling in rulings)


def _project_of(plane: Plane, ask: ExplainWanted) -> Project:
    """Return the project whose request it would be.

    Raises:
        Invalid: Neither key nor project is named, both contradict each other, or no single key is meant.
        NotFound: There is no such project.
        Conflict: Key or project is out of use.
    """
    name = ask.project
    if ask.key is not None:
        keys = plane.ports.access.keys()
        found = find_keys(ask.key, keys)
        if len(found) != 1:
            refuse_faults([unclear_key(ask.key, found, keys=keys)])
        if found[0].revoked_at_ms is not None:
            raise Conflict("The key is revoked; none of its requests goes anywhere.", path="key")
        name = found[0].project
    if name is None or ask.project not in {None, name}:
        hint = "Send `key` or `project`, whichever the request would come from."
        raise Invalid("The key belongs to another project." if name else "Who would ask?", path="project", hint=hint)
    project = find_project(plane, name)
    if project.retired_at_ms is not None:
        raise Conflict(f"The project `{name}` is retired; none of its requests goes anywhere.", path="project")
    return project


def _find_route(plane: Plane, name: str) -> ReadyRoute:
    routes = ready_now(plane).routes
    if name not in routes:
        hint = suggest(name, routes) or "`hortus models` lists the routes."
        raise NotFound(f"There is no route `{name}`.", path="route", hint=hint)
    return routes[name]
