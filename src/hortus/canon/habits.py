"""What does a host's row change in the body that a writer made?"""

from __future__ import annotations

from collections.abc import Mapping

from hortus.canon.manifest import Manifest
from hortus.canon.nodes import Node
from hortus.canon.translation import Habits


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
