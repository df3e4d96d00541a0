"""What the gateway must know of a request, and the request as a host gets it: the model changed, the rest as sent."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from hortus.canon.dialect import Asked, HostId, Operation, Rewritten
from hortus.canon.form import Form
from hortus.framing import forms
from hortus.framing.asking import read_asked
from hortus.framing.shallow import Members, read_value, write_members

ADAPTED_MODEL = "model"
"""Adaptation: the route's name is replaced by the host's name of the model."""

_FILE_ID = "file_id"
_FILE = b'"file_id"'
_MODEL = "model"
_ENCODE = msgspec.json.Encoder().encode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read route, stream, output limit and files out of a request.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: `model` is missing, or a member that the gateway reads has the wrong type.
    """
    del route  # it stands in the body
    asked = read_asked(operation, body, limit="max_tokens")
    return replace(asked, host_ids=_files_in(asked.members))


def read_form(operation: Operation, form: Form, in_path: str | None) -> Asked:
    """Read the same out of a form. Raises InvalidRequest likewise."""
    kept = tuple(("file", part.value) for part in form.parts if part.name == _FILE_ID and part.value is not None)
    return replace(forms.read_form(operation, form, in_path), host_ids=kept)


def write_request(asked: Asked, upstream_model: str) -> Rewritten:
    """Return the body for a host that calls the model `upstream_model`."""
    if upstream_model == asked.route:
        return Rewritten(body=write_members(asked.members), adaptations=())
    changed: Members = {_MODEL: msgspec.Raw(_ENCODE(upstream_model))}
    return Rewritten(body=write_members(asked.members | changed), adaptations=(ADAPTED_MODEL,))


def _files_in(members: Members) -> tuple[HostId, ...]:
    """Return the files that a chat or a document names by their ids."""
    found: dict[HostId, None] = {}
    for name in ("messages", "document", "input"):
        value = members.get(name)
        if value is not None and (_FILE in bytes(value) or b"\\u00" in bytes(value)):
            found |= dict.fromkeys(("file", one) for one in _ids_in(read_value(value)))
    return tuple(found)


def _ids_in(value: object) -> list[str]:
    left, found = [value], []
    while left:
        here = left.pop()
        if isinstance(here, list):
            left.extend(reversed(here))
        elif isinstance(here, dict):
            file_id = here.get("file_id")
            found += [file_id] if here.get("type") == "file" and isinstance(file_id, str) else []
            left.extend(reversed(here.values()))
    return found
