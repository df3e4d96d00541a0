"""What does a host's row change in a request, before and after a writer has written it?"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hortus.canon.loss import Loss
from hortus.canon.manifest import Manifest
from hortus.canon.nodes import Node
from hortus.canon.parts import Link, Media, Part, ToolResult
from hortus.canon.request import Request
from hortus.canon.translation import Habits

_WANTS_BYTES = "This host fetches nothing: send the image or document inline (base64)."


def without_links(request: Request) -> tuple[Request, tuple[Loss, ...]]:
    """Take out media that the host would have to fetch, for hosts that take bytes only; each is a loss."""
    lost: list[Loss] = []

    def kept(part: Part) -> Part | None:
        if isinstance(part, ToolResult):
            inner = tuple(one for one in part.parts if kept(one) is not None)
            return part if len(inner) == len(part.parts) else msgspec.structs.replace(part, parts=inner)
        if isinstance(part, Media) and isinstance(part.source, Link):
            lost.append(Loss(path=part.at, weight="meaning", reason=_WANTS_BYTES))
            return None
        return part

    messages = tuple(
        msgspec.structs.replace(message, parts=tuple(one for one in map(kept, message.parts) if one is not None))
        for message in request.messages
    )
    return (msgspec.structs.replace(request, messages=messages), tuple(lost)) if lost else (request, ())


def apply_habits(
    body: dict[str, object], habits: Habits, *, manifest: Manifest, root: Node, fields: Mapping[str, str]
) -> None:
    """Leave out what the host forbids, rename, and add what it demands; `fields`: the canonical field of a member.

    A member that is left out is a loss where it carried something of the request, and nothing otherwise.
    """
    for name in habits.forbids & body.keys():
        del body[name]
        field = fields.get(name)
        if field is not None and getattr(root, field, None) not in (None, (), ""):
            manifest.lose(root, field, f"This host refuses `{name}`.")
    for name, other in habits.renames.items():
        if name in body:
            body[other] = body.pop(name)
            manifest.adapt(f"{name}>{other}")
    for name, value in habits.demands.items():
        if name not in body:
            body[name] = value
            manifest.adapt(f"+{name}")
