"""What the gateway must know of a request that is a form: route and flags, from its fields."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import Asked, Operation
from hortus.canon.errors import InvalidRequest
from hortus.canon.form import Form
from hortus.framing.asking import name_route
from hortus.framing.shallow import Members

_FLAGS = {"true": True, "1": True, "false": False, "0": False, "": False}
_ENCODE = msgspec.json.Encoder().encode


def read_form(operation: Operation, form: Form, in_path: str | None) -> Asked:
    """Return what a form asks for; its members are its fields as JSON texts, the first of each name.

    Raises:
        InvalidRequest: It names no route, or `stream` is neither true nor false.
    """
    members = members_of(form)
    named = name_route(members, in_path)
    return Asked(
        route=named.route,
        is_stream=operation.can_stream and _read_flag(form, "stream"),
        wants_usage=True,
        output_limit=None,
        members=members,
        adaptations=named.adaptations,
        form=form,
    )


def members_of(form: Form) -> Members:
    """Return the fields of a form as JSON texts, the first of each name."""
    members: Members = {}
    for part in form.parts:
        if part.value is not None:
            members.setdefault(part.name, msgspec.Raw(_ENCODE(part.value)))
    return members


def _read_flag(form: Form, name: str) -> bool:
    said = form.field(name)
    flag = _FLAGS.get((said.value or "").lower()) if said is not None else False
    if flag is None:
        raise InvalidRequest(f"`{name}` must be true or false.", path=name, hint="Send one of the two words.")
    return flag
