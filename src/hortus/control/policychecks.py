"""What is wrong with a declared policy, and with the policies that projects name? Pure.

A grant that names a policy which the snapshot lacks is refused at the door, so neither may ever come about here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from hortus.access.objects import Project
from hortus.catalog.lookup import Catalog
from hortus.control.configfile import Declaration
from hortus.control.fault import MOST_QUOTED, Fault, suggest
from hortus.gateway.guards.table import PERSONAL_KINDS
from hortus.policy.checking import Known, check_policy
from hortus.policy.ready import READY
from hortus.policy.rules import Policy
from hortus.snapshot.declared import ProjectSpec
from hortus.snapshot.endpoints import LOCAL_HOST
from hortus.snapshot.surfaces import OPEN_HOSTS


def check_rules(policy: Policy, known: Known) -> list[Fault]:
    """Return what is wrong with a policy; whether its name is one at all is looked at elsewhere."""
    return [Fault(flaw.path, flaw.message, flaw.hint) for flaw in check_policy(policy, known)]


def known_to(catalog: Catalog) -> Known:
    """Return what a policy may name: rows of the catalog, kinds of the guards."""
    return Known(
        makers=frozenset(catalog.makers),
        hosts=frozenset((*catalog.hosts, *OPEN_HOSTS, LOCAL_HOST)),
        licences=frozenset(model.licence for model in catalog.models.values() if model.licence is not None),
        personal_kinds=frozenset(PERSONAL_KINDS),
    )


def check_policies(declaration: Declaration, known: Known) -> list[Fault]:
    """Return what is wrong with the policies of a file."""
    return [
        fault.under(item.path)
        for item in declaration.items
        if isinstance(item.spec, Policy)
        for fault in check_rules(item.spec, known)
    ]


def check_named(spec: ProjectSpec, known: Collection[str]) -> Iterator[Fault]:
    """Yield a fault for each policy that a project names and nobody declares.

    Args:
        spec: The project.
        known: Names of declared policies; the ready-made ones need not be among them.
    """
    names = {*READY, *known}
    for field in ("policy", "shadow_policy"):
        name = getattr(spec, field)
        if name is not None and name not in names:
            hint = suggest(name[:MOST_QUOTED], names) or f"Declare it as a [[policy]], or use one of: {_listed(READY)}."
            yield Fault((field,), f"There is no policy `{name[:MOST_QUOTED]}`.", hint)


def check_projects(declaration: Declaration, *, known: Collection[str]) -> list[Fault]:
    """Return a fault for each policy that a project of the file names and nothing declares.

    Args:
        declaration: What the file declares.
        known: Names of policies outside the file.
    """
    own = {item.spec.name for item in declaration.items if item.kind == "policy"}
    return [
        fault.under(item.path)
        for item in declaration.items
        if isinstance(item.spec, ProjectSpec)
        for fault in check_named(item.spec, own | set(known))
    ]


def check_leaving(leaving: Collection[str], projects: Iterable[Project]) -> Iterator[Fault]:
    """Yield a fault for each policy that is to leave while projects outside the file name it.

    Args:
        leaving: Policies that the file declared and no longer does.
        projects: Those that stay as they are.
    """
    outside = list(projects)
    for name in sorted(leaving):
        users = users_of(name, outside)
        if users:
            message = f"The policy `{name}` is no longer declared, and {say_users(users)}."
            yield Fault(("policy",), message, "Put it back, or give them another policy first.")


def users_of(name: str, projects: Iterable[Project]) -> list[str]:
    """Return the projects in use that name a policy, as theirs or as their shadow."""
    return [
        project.name
        for project in projects
        if project.retired_at_ms is None and name in {project.policy, project.shadow_policy}
    ]


def say_users(users: list[str]) -> str:
    """Return who names a policy, as part of a sentence.

    >>> say_users(["library", "museum"])
    'the projects library, museum name it'
    """
    return f"the project {users[0]} names it" if len(users) == 1 else f"the projects {_listed(users)} name it"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
