"""Operations on policies: what is declared, what it says in words, who uses it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hortus.access.objects import Project
from hortus.control import models
from hortus.control.applying import BUILT_IN
from hortus.control.declaring import declare, history_of, refuse_faults, retire_object, spec_of, stored_object
from hortus.control.errors import Conflict, NotFound
from hortus.control.fault import suggest
from hortus.control.plane import Plane
from hortus.control.policychecks import check_rules, known_to, say_users, users_of
from hortus.control.policyforms import OnePolicy, PolicyList, PolicyView, PolicyWanted, RulesForm, RuleView
from hortus.control.policywords import Sentence, say_policy
from hortus.control.ports import StoredObject
from hortus.policy.digest import policy_mark
from hortus.policy.ready import READY
from hortus.policy.rules import Policy


def list_policies(plane: Plane, ask: models.Everything) -> PolicyList:
    """Return the policies, by name, each in words and with the projects that use it."""
    projects = plane.ports.access.projects()
    own = [_own_view(stored, projects) for stored in plane.ports.objects.list("policy", ask.include_retired)]
    ready = [_ready_view(plane, policy, projects) for policy in READY.values()]
    return PolicyList(policies=sorted((*own, *ready), key=lambda view: view.name))


def show_policy(plane: Plane, ask: OnePolicy) -> PolicyView:
    """Return one policy, ready-made, declared or retired, in words."""
    projects = plane.ports.access.projects()
    if ask.name in READY:
        return _ready_view(plane, READY[ask.name], projects)
    if plane.ports.objects.get("policy", ask.name) is None:
        find_policy(plane, ask.name, path="name")
    return _own_view(stored_object(plane, "policy", ask.name), projects)


def create_policy(plane: Plane, ask: PolicyWanted) -> PolicyView:
    """Declare a policy; no project has it before one is told to."""
    return _declare(plane, ask, is_new=True)


def replace_policy(plane: Plane, ask: PolicyWanted) -> PolicyView:
    """Change a policy as a whole; the next request of its projects is judged by it."""
    return _declare(plane, ask, is_new=False)


def retire_policy(plane: Plane, ask: OnePolicy) -> PolicyView:
    """Take a policy out of use; refused while a project in use names it."""
    if ask.name in READY:
        raise Conflict(f"The policy `{ask.name}` is ready-made and stays.", path="name")
    users = users_of(ask.name, plane.ports.access.projects())
    if users:
        hint = "Give them another policy first: `hortus projects set NAME --policy …`."
        raise Conflict(f"The policy `{ask.name}` is in use: {say_users(users)}.", path="name", hint=hint)
    return _own_view(retire_object(plane, "policy", ask.name), ())


def find_policy(plane: Plane, name: str, *, path: str) -> Policy:
    """Return a policy that a project could name.

    Raises:
        NotFound: There is none of that name, which stands at `path`, or it is retired.
    """
    own = {one.name: one.spec for one in plane.ports.objects.list("policy")}
    found = READY.get(name) or own.get(name)
    if not isinstance(found, Policy):
        hint = suggest(name, {*READY, *own}) or "`hortus policy list` shows them."
        raise NotFound(f"There is no policy `{name}`.", path=path, hint=hint)
    return found


def rule_views(sentences: Sequence[Sentence]) -> tuple[RuleView, ...]:
    """Return sentences as answers hold them."""
    return tuple(RuleView(rule=one.rule, says=one.says) for one in sentences)


def _declare(plane: Plane, ask: PolicyWanted, *, is_new: bool) -> PolicyView:
    policy = spec_of(ask, Policy)
    refuse_faults(check_rules(policy, known_to(plane.catalog)))
    stored = declare(plane, policy, is_new=is_new)
    plane.recompile()
    return _own_view(stored, plane.ports.access.projects())


def _own_view(stored: StoredObject, projects: Sequence[Project]) -> PolicyView:
    return _view(msgspec.convert(stored.spec, Policy), projects, history=history_of(stored))


def _ready_view(plane: Plane, policy: Policy, projects: Sequence[Project]) -> PolicyView:
    history = {"origin": BUILT_IN, "created_at_ms": plane.started_at_ms, "updated_at_ms": plane.started_at_ms}
    return _view(policy, projects, history=history)


def _view(policy: Policy, projects: Sequence[Project], *, history: dict[str, object]) -> PolicyView:
    members = msgspec.structs.asdict(policy)
    name = members.pop("name")
    shown = {
        "name": name,
        "rules": RulesForm.model_validate(members),
        "words": rule_views(say_policy(policy)),
        "mark": policy_mark(policy),
        "projects": tuple(project.name for project in projects if project.policy == name),
        "shadow_of": tuple(project.name for project in projects if project.shadow_policy == name),
    }
    return PolicyView.model_validate(shown | history)
