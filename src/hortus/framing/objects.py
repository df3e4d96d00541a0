"""What dialects share that write JSON objects member by member: what was said, what was not, and putting it back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hortus.canon.errors import InvalidRequest
from hortus.canon.manifest import Manifest
from hortus.canon.nodes import Node
from hortus.canon.parts import Opaque
from hortus.canon.translation import Written
from hortus.framing.opening import NULL, Notes
from hortus.framing.paths import put_back, split_path

T = TypeVar("T")

Body = dict[str, object]
"""A JSON object that is being written."""


class _Kind(msgspec.Struct):
    """The member that tells one object from another."""

    type: str | UnsetType | None = UNSET


_ENCODE = msgspec.json.Encoder().encode
_DECODE_TEXT = msgspec.json.Decoder(str).decode
_DECODE_KIND = msgspec.json.Decoder(_Kind).decode


def told(value: T | UnsetType | None) -> T | None:
    """Return what was said, None where nothing was or null."""
    return None if value is UNSET else value


def told_raw(value: Raw | UnsetType, name: str, notes: Notes) -> Raw | None:
    """Return what was said, None where nothing was, or null, which is kept."""
    if value is UNSET:
        return None
    if bytes(value) == b"null":
        notes.keep(name, NULL)
        return None
    return value


def text_of(raw: Raw) -> str | None:
    """Return the string in `raw`, None where it is none."""
    try:
        return _DECODE_TEXT(raw)
    except msgspec.DecodeError:
        return None


def kind_of(raw: Raw, at: str) -> str | None:
    """Return the `type` of an object.

    Raises:
        InvalidRequest: It is no object, or its type no string.
    """
    try:
        kind = _DECODE_KIND(raw).type
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest("This must be an object whose `type` is a string.", path=at) from error
    return told(kind)


def note_absent(value: msgspec.Struct, names: Iterable[str], notes: Notes) -> None:
    """Note which of the members that the maker always sends are not there."""
    for name in names:
        if getattr(value, name) is UNSET:
            notes.form(f"-{name}")


def word_of(node: Node, prefix: str, *, dialect: str) -> str | None:
    """Return the rest of the notation that starts with `prefix`, where this dialect noted one."""
    forms = node.extras.forms if node.extras is not None and node.extras.dialect == dialect else ()
    return next((form.removeprefix(prefix) for form in forms if form.startswith(prefix)), None)


def write_opaque(part: Opaque, manifest: Manifest, *, dialect: str) -> Raw | None:
    """Return a part that only its dialect knows; where that is not this one, it is lost."""
    if part.dialect != dialect:
        manifest.lose(part, "", f"Only {part.dialect} has a `{part.kind[:100]}`.")
        return None
    manifest.take_all(part)
    return part.raw


def write_fields(body: Body, node: Node, manifest: Manifest, *, fields: Mapping[str, str]) -> None:
    """Write each field that is set as the member that stands for it, its value as it is."""
    for member, field in fields.items():
        value = getattr(node, field)
        if value is not None:
            manifest.take(node, field)
            body[member] = value


def finish_body(body: Body, manifest: Manifest) -> Written:
    """Return a whole body as it is sent, with what was lost on the way."""
    losses = manifest.losses()
    return Written(body=_ENCODE(body), losses=losses, adaptations=manifest.adaptations)


def restore_into(body: Body, node: Node, manifest: Manifest, *, dialect: str) -> Body:
    """Return `body` with what `dialect` alone knows of its node, and in the notation that the source used."""
    extras = node.extras
    if extras is not None and extras.dialect == dialect:
        members, silent = manifest.members(node), manifest.silent(node)
        absent = (form[1:] for form in extras.forms if form.startswith("-"))
        for path in (*absent, *silent, *members):
            _drop(body, path)
        put_back(body, silent)
        put_back(body, members)
    return body


def _drop(body: Body, path: str) -> None:
    """Take a member out, and each object that it leaves empty."""
    *way, last = split_path(path) or ("",)
    parents: list[tuple[dict[object, object], object]] = []
    target: object = body
    for step in way:
        if isinstance(target, dict) and step in target:
            parents.append((target, step))
            target = target[step]
        else:
            target = target[step] if isinstance(target, list) and isinstance(step, int) else None
            parents.clear()  # items of lists stay
    if isinstance(target, dict):
        target.pop(last, None)
        for parent, name in reversed(parents):
            if parent[name]:
                break
            del parent[name]
