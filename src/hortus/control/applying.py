"""What changes when a file's declaration is applied to the store, and the change itself.

One origin for each object: what the file declares belongs to the file, the rest to API and commands; a name in both
is an error. What is gone from the file is retired, never deleted. Applying twice changes nothing, so a kill between
two changes is mended by the next start.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hortus.access.objects import Project
from hortus.base.time import format_utc
from hortus.control.configfile import Declaration, Item, check_references, names_of
from hortus.control.fault import Fault
from hortus.control.policychecks import check_leaving, check_projects
from hortus.control.ports import Access, Declared, Objects, StoredObject
from hortus.snapshot.declared import ProjectSpec

OBJECT_KINDS = ("policy", "rate", "limit", "endpoint", "deployment", "route")
"""In the order in which they are made: what bounds or judges is there before what it binds can be used, and leaves
after it. Projects come last and go first."""

FILE = "file"
API = "api"
BUILT_IN = "built-in"
"""Made by the first start; API and file alike may take it over."""


class Change(msgspec.Struct, frozen=True):
    """One object that differs between file and store.

    Attributes:
        action: `create`, `replace`, `retire` or `move` (only its line in the file is another).
        fields: What differs, where it is replaced.
    """

    action: str
    kind: str
    name: str
    where: str | None = None
    fields: tuple[str, ...] = ()
    spec: Declared | ProjectSpec | None = None


def find_conflicts(declaration: Declaration, *, access: Access, objects: Objects) -> list[Fault]:
    """Return what stands between the file and the store: names that both have, endpoints that neither has."""
    taken = _names_of_the_api(access, objects)
    faults = []
    for item in declaration.items:
        key = next((key for key in names_of(item.kind, item.spec) if key in taken), None)
        if key is not None:
            message = f"`{key[1]}` is declared here, and the {taken[key]}: one name, two origins."
            faults.append(Fault((*item.path, "name"), message, "Retire the one or rename the other."))
    known = {stored.name for kind in ("endpoint", "deployment") for stored in objects.list(kind, include_retired=True)}
    faults += check_references(declaration, known={*known, "seedling"})
    return [*faults, *_policy_faults(declaration, access=access, objects=objects)]


def _policy_faults(declaration: Declaration, *, access: Access, objects: Objects) -> Iterator[Fault]:
    """Yield what is wrong with the policies that projects name, those of the file and those that stay beside it."""
    stored = objects.list("policy")
    yield from check_projects(declaration, known={one.name for one in stored if one.origin != FILE})
    declared = {(item.kind, item.spec.name) for item in declaration.items}
    leaving = {one.name for one in stored if one.origin == FILE and ("policy", one.name) not in declared}
    staying = [one for one in access.projects() if one.origin != FILE and ("project", one.name) not in declared]
    yield from check_leaving(leaving, staying)


def _names_of_the_api(access: Access, objects: Objects) -> dict[tuple[str, str], str]:
    """Return the names that the API has given, by kind of name, with the story of each."""
    taken: dict[tuple[str, str], str] = {}
    for kind in OBJECT_KINDS:
        for stored in objects.list(kind):
            if stored.origin == API:
                for key in names_of(kind, stored.spec):
                    taken[key] = f"{kind} was made through the API on {_day(stored.updated_at_ms)}"
    for project in access.projects():
        if project.origin == API:
            taken["project", project.name] = f"project was made through the API on {_day(project.created_at_ms)}"
    return taken


def plan(declaration: Declaration, *, access: Access, objects: Objects) -> list[Change]:
    """Return the changes that bring the store to what the file declares, in the order in which to make them."""
    declared = {(item.kind, item.spec.name) for item in declaration.items}
    order = {kind: place for place, kind in enumerate((*OBJECT_KINDS, "project"))}
    changes: list[Change] = []
    for item in sorted(declaration.items, key=lambda item: order[item.kind]):
        changes.extend(_plan_item(item, access=access, objects=objects))
    changes.extend(_plan_retirements(declared, access=access, objects=objects))
    return changes


def _plan_retirements(declared: set[tuple[str, str]], *, access: Access, objects: Objects) -> Iterator[Change]:
    for project in access.projects():
        if project.origin == FILE and ("project", project.name) not in declared:
            yield Change("retire", "project", project.name)
    for kind in reversed(OBJECT_KINDS):
        for stored in objects.list(kind):
            if stored.origin == FILE and (kind, stored.name) not in declared:
                yield Change("retire", kind, stored.name, where=stored.where)


def apply(changes: list[Change], *, access: Access, objects: Objects) -> None:
    """Make the changes."""
    for change in changes:
        match change.spec:
            case None if change.kind == "project":
                access.retire_project(change.name)
            case None:
                objects.retire(change.kind, change.name)
            case ProjectSpec():
                take_over(access, change.name)
                access.put_project(change.spec, origin=FILE)
            case _:
                objects.put(change.spec, origin=FILE, where=change.where)


def take_over(access: Access, name: str) -> None:
    """Free a project that the first start made: the store keeps an object in use with its origin."""
    stored = access.project(name)
    if stored is not None and stored.retired_at_ms is None and stored.origin == BUILT_IN:
        access.retire_project(name)


def visible(changes: list[Change]) -> list[Change]:
    """Return the changes that matter to people: all but those of a line number."""
    return [change for change in changes if change.action != "move"]


def _plan_item(item: Item, *, access: Access, objects: Objects) -> Iterator[Change]:
    if isinstance(item.spec, ProjectSpec):
        yield from _plan_project(item, item.spec, access.project(item.spec.name))
        return
    spec = item.spec
    stored = objects.get(item.kind, spec.name)
    if stored is None or stored.retired_at_ms is not None:
        yield Change("create", item.kind, spec.name, where=item.where, spec=spec)
    elif stored.spec != spec or stored.origin != FILE:
        fields = changed_fields(stored, spec)
        yield Change("replace", item.kind, spec.name, where=item.where, fields=fields, spec=spec)
    elif stored.where != item.where:
        yield Change("move", item.kind, spec.name, where=item.where, spec=spec)


def _plan_project(item: Item, spec: ProjectSpec, stored: Project | None) -> Iterator[Change]:
    if stored is None or stored.retired_at_ms is not None:
        yield Change("create", "project", spec.name, where=item.where, spec=spec)
        return
    fields = tuple(name for name in spec.__struct_fields__ if getattr(stored, name) != getattr(spec, name))
    if fields or stored.origin != FILE:
        fields = fields or ("origin",)
        yield Change("replace", "project", spec.name, where=item.where, fields=fields, spec=spec)


def changed_fields(stored: StoredObject, spec: Declared) -> tuple[str, ...]:
    """Return the names of the fields in which a stored object differs from `spec`."""
    names = tuple(name for name in spec.__struct_fields__ if getattr(stored.spec, name, None) != getattr(spec, name))
    return names if stored.origin == FILE else (*names, "origin")


def _day(instant_ms: int) -> str:
    return format_utc(instant_ms)[:10]
