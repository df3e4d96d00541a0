"""Operations on the organisation, its projects and their keys."""

from __future__ import annotations

import base64
from fnmatch import fnmatchcase

import msgspec

from hortus.access.objects import Key, Project
from hortus.base.secrets import KEY_ENTROPY_BYTES, KEY_PREFIX, digest_key
from hortus.control import models, views
from hortus.control.applying import API, FILE, take_over
from hortus.control.checks import check_spec
from hortus.control.errors import Conflict, DeclaredInFile, Invalid, NotFound
from hortus.control.fault import suggest
from hortus.control.plane import Plane
from hortus.control.policychecks import check_named
from hortus.control.tomllines import format_path
from hortus.snapshot.declared import ProjectSpec

_DAY_MS = 86_400_000


def show_organisation(plane: Plane, _ask: models.Nothing) -> views.OrganisationView:
    """Return the owner of this installation."""
    return views.OrganisationView.model_validate(plane.ports.access.organisation())


def rename_organisation(plane: Plane, ask: models.OrganisationName) -> views.OrganisationView:
    """Give the organisation another name."""
    renamed = plane.ports.access.rename_organisation(ask.name)
    plane.recompile()
    return views.OrganisationView.model_validate(renamed)


def list_projects(plane: Plane, ask: models.Everything) -> views.ProjectList:
    """Return the projects, by name."""
    found = plane.ports.access.projects(ask.include_retired)
    return views.ProjectList(projects=[views.ProjectView.model_validate(project) for project in found])


def show_project(plane: Plane, ask: models.OneProject) -> views.ProjectView:
    """Return one project, retired or not."""
    return views.ProjectView.model_validate(find_project(plane, ask.name, path="name"))


def create_project(plane: Plane, ask: models.ProjectWanted) -> views.ProjectView:
    """Make a project; one that was retired comes back with its keys."""
    stored = plane.ports.access.project(ask.name)
    if stored is not None and stored.retired_at_ms is None:
        raise Conflict(f"There is a project `{ask.name}` already.", path="name", hint="Set its routes instead.")
    return views.ProjectView.model_validate(_put(plane, msgspec.convert(ask.model_dump(), ProjectSpec)))


def set_project_routes(plane: Plane, ask: models.ProjectRoutes) -> views.ProjectView:
    """Say which routes a project's keys may use from now on."""
    return _change(plane, ask.name, routes=ask.routes)


def set_project_loss(plane: Plane, ask: models.ProjectLoss) -> views.ProjectView:
    """Say which losses refuse a project's requests from now on."""
    return _change(plane, ask.name, loss=ask.loss)


def set_project_policy(plane: Plane, ask: models.ProjectPolicy) -> views.ProjectView:
    """Say which policy decides where a project's requests may go, and which one is only written down beside it."""
    return _change(plane, ask.name, policy=ask.policy, shadow_policy=ask.shadow_policy)


def set_project_keeping(plane: Plane, ask: models.ProjectKeeping) -> views.ProjectView:
    """Say for how many days a project's requests and answers are kept, encrypted."""
    return _change(plane, ask.name, keep_content_days=ask.keep_content_days)


def retire_project(plane: Plane, ask: models.OneProject) -> views.ProjectView:
    """Take a project out of use: its keys stop working, its receipts stay."""
    _refuse_if_in_file(plane, _live_project(plane, ask.name))
    plane.ports.access.retire_project(ask.name)
    return views.ProjectView.model_validate(find_project(plane, ask.name, path="name"))


def allow_routes(plane: Plane, name: str, routes: tuple[str, ...]) -> None:
    """Add routes to what a project may use, but for those that it may use already."""
    stored = _live_project(plane, name)
    fresh = missing_routes(stored, routes)
    if fresh:
        _change(plane, name, routes=(*stored.routes, *fresh))


def missing_routes(project: Project, routes: tuple[str, ...]) -> tuple[str, ...]:
    """Return the routes that a project may not use yet; its own may be patterns such as `eu/*`."""
    return tuple(route for route in routes if not any(fnmatchcase(route, pattern) for pattern in project.routes))


def create_key(plane: Plane, ask: models.KeyWanted) -> views.NewKey:
    """Make a key, and its project if there is none; the answer alone shows the key."""
    project = plane.ports.access.project(ask.project)
    if project is None:
        project = _put(plane, ProjectSpec(name=ask.project))
    elif project.retired_at_ms is not None:
        hint = "Make the project again first; its old keys will work again then."
        raise Conflict(f"The project `{ask.project}` is retired.", path="project", hint=hint)
    text = base64.urlsafe_b64encode(plane.ports.entropy(KEY_ENTROPY_BYTES)).decode("ascii")
    key = KEY_PREFIX + text
    secret = plane.installation.secret()
    expires_at_ms = None
    if ask.expires_in_days is not None:
        expires_at_ms = plane.ports.clock.now_ms() + ask.expires_in_days * _DAY_MS
    record = plane.ports.access.add_key(
        project=ask.project,
        name=ask.name,
        digest=digest_key(key, secret),
        hint=key[-4:],
        secret_version=secret.version,
        expires_at_ms=expires_at_ms,
    )
    shown = views.KeyView.model_validate(record).model_dump()
    return views.NewKey(**shown, key=key, routes=project.routes)


def list_keys(plane: Plane, ask: models.KeysWanted) -> views.KeyList:
    """Return keys, the revoked ones included."""
    if ask.project is not None:
        find_project(plane, ask.project, path="name")
    found = plane.ports.access.keys(ask.project)
    return views.KeyList(keys=[views.KeyView.model_validate(key) for key in found])


def revoke_key(plane: Plane, ask: models.OneKey) -> views.KeyView:
    """Make a key useless at once and for ever."""
    return views.KeyView.model_validate(plane.ports.access.revoke_key(find_key(plane, ask.id).id))


def find_key(plane: Plane, key_id: str) -> Key:
    """Return a key's record, revoked or not.

    Raises:
        NotFound: There is none; the id is not repeated, for somebody may have sent the key itself.
    """
    every = plane.ports.access.keys()
    found = next((key for key in every if key.id == key_id), None)
    if found is None:
        raise NotFound("There is no key with this id.", path="id", hint="`hortus keys list` shows the ids.")
    return found


def find_project(plane: Plane, name: str, *, path: str = "project") -> Project:
    """Return a project, retired or not.

    Raises:
        NotFound: There is none of that name, which stands at `path`; the hint may say which was meant.
    """
    stored = plane.ports.access.project(name)
    if stored is None:
        hint = (
            suggest(name, [one.name for one in plane.ports.access.projects()]) or "`hortus projects list` shows them."
        )
        raise NotFound(f"There is no project `{name}`.", path=path, hint=hint)
    return stored


def _live_project(plane: Plane, name: str) -> Project:
    stored = find_project(plane, name, path="name")
    if stored.retired_at_ms is not None:
        raise NotFound(f"The project `{name}` is retired.", path="name", hint="Make it again to bring it back.")
    return stored


def spec_of_project(stored: Project) -> ProjectSpec:
    """Return a project as it would be declared, with every member that can be."""
    return ProjectSpec(**{name: getattr(stored, name) for name in ProjectSpec.__struct_fields__})


def _change(plane: Plane, name: str, **changed: object) -> views.ProjectView:
    """Change some members of a project and keep the others."""
    spec = msgspec.structs.replace(spec_of_project(_live_project(plane, name)), **changed)
    return views.ProjectView.model_validate(_put(plane, spec))


def _put(plane: Plane, spec: ProjectSpec) -> Project:
    policies = {one.name for one in plane.ports.objects.list("policy")}
    faults = [*check_spec(spec, hosts={}), *check_named(spec, policies)]
    if faults:
        raise Invalid(faults[0].message, path=format_path(faults[0].path), hint=faults[0].hint)
    stored = plane.ports.access.project(spec.name)
    if stored is not None and stored.retired_at_ms is None:
        _refuse_if_in_file(plane, stored)
        take_over(plane.ports.access, spec.name)
    return plane.ports.access.put_project(spec, origin=API)


def _refuse_if_in_file(plane: Plane, stored: Project) -> None:
    if stored.origin == FILE:
        where = plane.where_in_file("project", stored.name)
        message = f"The project `{stored.name}` is declared at {where}, which alone may change it."
        raise DeclaredInFile(message, path=where, hint="Change the file; it is applied when it is saved.")
