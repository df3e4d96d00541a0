"""Administrative acts: who changed what, from what to what, and when; and who is acting now.

Secrets never stand in an act: digests of keys are left out, and an address that holds a password is hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

import msgspec

BY_TOKEN = "admin-token"  # noqa: S105 -- a word in a record, no token
BY_SOCKET = "socket"
BY_FILE = "file"
BY_HOME = "home"
BY_HORTUS = "built-in"
"""Who acts: whoever has the admin token, this machine's user over the Unix socket, `hortus.toml`, whoever may write in
the home (`hortus secrets`), the first start."""

HIDDEN: Final = '"(hidden)"'

_PASSWORD_MARK = "@"  # noqa: S105 -- what stands between a password and a host's name in an address


class Actor(msgspec.Struct, frozen=True):
    """Who is acting, and by which operation of the admin API (or `config.apply` for the file)."""

    by: str
    operation: str


class FieldChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field of the object; values as JSON, None where there was or is nothing."""

    field: str
    before: str | None = None
    after: str | None = None


class Act(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change.

    Attributes:
        change: `create`, `replace`, `retire`, `restore` (what was retired) or `revoke`.
        kind: Of the object: `key`, `project`, `endpoint`, `route`, `deployment`, `organisation`, ….
        name: Of the object; a key's is its id.
        project: Name of the project that it belongs to, where it belongs to one.
    """

    act_id: str
    at_ms: int
    by: str
    operation: str
    change: str
    kind: str
    name: str
    project: str | None = None
    fields: tuple[FieldChange, ...] = ()


_ACTING: ContextVar[Actor] = ContextVar("acting", default=Actor(BY_HORTUS, "start"))  # noqa: B039 -- a frozen value


def actor() -> Actor:
    """Return who is acting in this task or thread."""
    return _ACTING.get()


@contextmanager
def acting(by: str | None = None, *, operation: str | None = None) -> Iterator[None]:
    """Let everything inside be done by somebody, through an operation; what is not given stays as it was."""
    before = _ACTING.get()
    token = _ACTING.set(Actor(by or before.by, operation or before.operation))
    try:
        yield
    finally:
        _ACTING.reset(token)


def compare(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[FieldChange, ...]:
    """Return in which fields two states of an object differ; a field that is not there is as one that is None.

    >>> [one.field for one in compare({"name": "a", "routes": []}, {"name": "b", "routes": []})]
    ['name']
    """
    names = dict.fromkeys((*before, *after))
    return tuple(
        FieldChange(name, _spell(name, before), _spell(name, after))
        for name in names
        if before.get(name) != after.get(name)
    )


def change_of(before: Mapping[str, object], after: Mapping[str, object]) -> str:
    """Return the word for a change; an empty state is none.

    >>> change_of({"name": "a", "retired_at_ms": None}, {"name": "a", "retired_at_ms": 12})
    'retire'
    """
    if not before:
        return "create"
    for field, word in _ENDS.items():
        if before.get(field) is None and after.get(field) is not None:
            return word
    return "replace" if before.get("retired_at_ms") == after.get("retired_at_ms") else "restore"


_ENDS: Final = {"retired_at_ms": "retire", "revoked_at_ms": "revoke"}


def _spell(name: str, values: Mapping[str, object]) -> str | None:
    if values.get(name) is None:
        return None
    text = msgspec.json.encode(values[name]).decode()
    return HIDDEN if name.endswith("url") and _PASSWORD_MARK in text else text
