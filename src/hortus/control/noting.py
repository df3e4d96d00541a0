"""Acts that change nothing in the store, such as looking at what is secret: who did it, when, and to what."""

from __future__ import annotations

from hortus.access.acts import Act, FieldChange, actor
from hortus.base.ids import ENTROPY_BYTES, make_id
from hortus.control.plane import Ports


def note_act(ports: Ports, change: str, *, kind: str, name: str, project: str | None, field: FieldChange) -> None:
    """Write down what the one who is acting has done.

    Args:
        ports: Where it is written.
        change: One word, such as `read`.
        kind: Of the object.
        name: Of the object.
        project: Name of the project that it belongs to, where it belongs to one.
        field: What of it; never a secret.
    """
    at_ms, who = ports.clock.now_ms(), actor()
    act = Act(
        act_id=make_id("act", at_ms, entropy=ports.entropy(ENTROPY_BYTES)),
        at_ms=at_ms,
        by=who.by,
        operation=who.operation,
        change=change,
        kind=kind,
        name=name,
        project=project,
        fields=(field,),
    )
    ports.acts.note(act)
