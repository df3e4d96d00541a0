"""What do all canonical nodes have in common? Where they came from, and what only their own dialect knows of them.

A node's own fields are meaning, shared by all dialects. `at` and `extras` are not meaning: two nodes mean the same when
they differ in nothing else (`bare`).
"""

from __future__ import annotations

from typing import TypeVar

import msgspec


class Extras(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one dialect said about a node beyond its canonical meaning.

    Attributes:
        dialect: Which dialect; only a writer of the same one may put it back.
        members: Relative dotted path below the node (`name`, `function.cost`, `choices[0].x`) to the value as sent.
            Towards another dialect each is a loss, unless it is `null`.
        forms: Words of the dialect's own for notations without meaning, such as a bare string instead of a list of
            one text. Never a loss.
        silent: Like `members`, of what nobody elsewhere can miss: ids of items, an answer's echo of its request. Never
            a loss.
    """

    dialect: str
    members: dict[str, msgspec.Raw] = {}
    forms: tuple[str, ...] = ()
    silent: dict[str, msgspec.Raw] = {}


class Node(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="node"):
    """A part of a request or answer that losses can name.

    Attributes:
        at: Its path in the source's own wire format (`messages[2].content[0]`), empty for the whole.
        extras: What only the source's dialect knows of it.
    """

    at: str = ""
    extras: Extras | None = None


class Seal(msgspec.Struct, frozen=True):
    """Opaque bytes of a maker without which its next turn fails or forgets.

    Attributes:
        dialect: In whose words `data` stands (`gemini`, `anthropic_messages`, `openai_responses`): only a target that
            speaks this dialect can read it.
        data: As the maker gave it, a string.
    """

    dialect: str
    data: str


class CacheHint(msgspec.Struct, frozen=True, omit_defaults=True):
    """The wish that everything up to and including a node be kept in the maker's cache; `ttl` such as `5m`, `1h`."""

    ttl: str | None = None


N = TypeVar("N", bound=Node)


def bare(node: N) -> N:
    """Return a node without `at` and `extras`, all the way down: its meaning."""
    changes: dict[str, object] = {"at": "", "extras": None}
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if isinstance(value, Node):
            changes[name] = bare(value)
        elif isinstance(value, tuple) and any(isinstance(one, Node) for one in value):
            changes[name] = tuple(bare(one) if isinstance(one, Node) else one for one in value)
    return msgspec.structs.replace(node, **changes)
