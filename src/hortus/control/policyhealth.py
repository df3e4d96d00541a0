"""Where do policies leave nothing to send to, and which facts need a look? For doctor and status."""

from __future__ import annotations

from collections.abc import Iterator

from hortus.access.objects import Project
from hortus.control.plane import DEFAULT_PROJECT, Plane
from hortus.control.policywords import say_policy
from hortus.control.readiness import snapshot_of
from hortus.control.tenancy import missing_routes
from hortus.control.views import Finding, PolicyInUse
from hortus.policy.facts import Facts
from hortus.policy.verdict import Verdict
from hortus.snapshot.model import Endpoint, Route

_MOST_NAMED = 10


def default_policy(plane: Plane) -> PolicyInUse | None:
    """Return what the first project's policy says, None where the project is out of use."""
    project = plane.ports.access.project(DEFAULT_PROJECT)
    policy = snapshot_of(plane).policies.get(project.policy) if project is not None else None
    if project is None or policy is None or project.retired_at_ms is not None:
        return None
    words = tuple(sentence.says for sentence in say_policy(policy))
    return PolicyInUse(project=project.name, policy=policy.name, words=words)


def examine_policies(plane: Plane) -> list[Finding]:
    """Return what policies rule out altogether, and the endpoints of which too little or nothing fresh is known."""
    return [*_Bench(plane).findings(), *_examine_facts(plane)]


class _Bench:
    """Judges each endpoint by each policy in use, once."""

    def __init__(self, plane: Plane) -> None:
        self._snapshot = snapshot_of(plane)
        self._on = plane.today()
        projects = plane.ports.access.projects()
        self._projects = [one for one in projects if one.policy in self._snapshot.policies]
        self._lost = [one for one in projects if one.policy not in self._snapshot.policies]
        self._said: dict[tuple[str, str], Verdict] = {}

    def findings(self) -> Iterator[Finding]:
        """Yield one for each project whose policy leaves nothing of a route, and one for endpoints nobody reaches."""
        routes = [route for route in self._snapshot.routes.values() if route.candidates]
        for project in self._lost:
            message = f"Its policy `{project.policy}` is not there, so nothing of it is sent."
            mend = f"hortus projects set {project.name} --policy NAME"
            yield Finding(name=f"policy of project {project.name}", is_fine=False, message=message, mend=mend)
        for project in self._projects:
            mine = [route for route in routes if not missing_routes(project, (route.name,))]
            yield from self._examine_project(project, mine)
        yield from self._examine_reach(routes)

    def _examine_project(self, project: Project, routes: list[Route]) -> Iterator[Finding]:
        """What a project names is to be reached; of what it may use by a pattern, something."""
        closed = [route for route in routes if not any(self._open_to(project, route))]
        if closed and len(closed) == len(routes):
            yield self._closed(project, closed[0], others=len(closed) - 1)
            return
        named = [route for route in closed if route.name in project.routes]
        for route in named[:_MOST_NAMED]:
            yield self._closed(project, route)
        if len(named) > _MOST_NAMED:
            yield self._closed(project, named[_MOST_NAMED], others=len(named) - _MOST_NAMED - 1)

    def _closed(self, project: Project, route: Route, *, others: int = 0) -> Finding:
        more = f" and of {others} other routes" if others else ""
        said = [(one.endpoint, self._judge(project, one.endpoint).rulings[0]) for one in route.candidates[:3]]
        why = "; ".join(f"{endpoint}: {ruling.reason} ({ruling.rule})" for endpoint, ruling in said)
        return Finding(
            name=f"policy of project {project.name}",
            is_fine=False,
            message=f"`{project.policy}` rules out every endpoint of `{route.name}`{more}. For `{route.name}`: {why}.",
            mend=f"`hortus policy explain --project {project.name} --route {route.name}` shows rules and facts.",
        )

    def _examine_reach(self, routes: list[Route]) -> Iterator[Finding]:
        asked: set[str] = set()
        reached: set[str] = set()
        for route in routes:
            for project in self._projects:
                if not missing_routes(project, (route.name,)):
                    asked.update(one.endpoint for one in route.candidates)
                    reached.update(self._open_to(project, route))
        if asked - reached:
            message = f"No project's policy lets anything go to: {_listed(asked - reached)}."
            mend = "Nothing is broken: `hortus policy explain` says why; write what is known into [endpoint.terms]."
            yield Finding(name="endpoints out of reach", is_fine=True, message=message, mend=mend)

    def _open_to(self, project: Project, route: Route) -> Iterator[str]:
        for one in route.candidates:
            if self._judge(project, one.endpoint).is_allowed:
                yield one.endpoint

    def _judge(self, project: Project, name: str) -> Verdict:
        key = (project.policy, name)
        if key not in self._said:
            endpoint, policy = self._snapshot.endpoints[name], self._snapshot.policies[project.policy]
            self._said[key] = endpoint.judge(policy, on=self._on)
        return self._said[key]


def _examine_facts(plane: Plane) -> Iterator[Finding]:
    on = plane.today()
    stale: list[str] = []
    open_: dict[tuple[str, ...], list[str]] = {}
    for endpoint in plane.endpoints_if_lit().values():
        facts = _known(endpoint)
        if facts is not None and facts.is_stale(on):
            stale.append(endpoint.name)
        if facts is not None and facts.undecided:
            open_.setdefault(facts.undecided, []).append(endpoint.name)
    if stale:
        message = f"What is known of these is over its review period: {_listed(stale)}."
        mend = "Take a newer release of Hortus, or read the contract again and write [endpoint.terms]."
        yield Finding(name="stale facts", is_fine=True, message=message, mend=mend)
    for deciding, names in open_.items():
        words = " and ".join(f"`{name}`" for name in deciding)
        message = f"Where these compute is decided by their {words}, which they do not say: {_listed(names)}."
        mend = f'Write facts = {{ {deciding[0]} = "…" }} into the [[endpoint]]; until then they count as anywhere.'
        yield Finding(name="undecided places", is_fine=True, message=message, mend=mend)


def _known(endpoint: Endpoint) -> Facts | None:
    """Return what others said of an endpoint; of its own machines the organisation knows itself."""
    return endpoint.facts if endpoint.facts is not None and not endpoint.facts.is_own else None


def _listed(names: list[str] | set[str]) -> str:
    found = sorted(names)
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return ", ".join(found[:_MOST_NAMED]) + more
