"""A host's `usage` object in tokens as Hortus counts them, and a note of whatever else it says, to be restored."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec import UNSET, Raw, UnsetType

from hortus.canon.usage import Usage
from hortus.framing.metering import read_members, usage_of
from hortus.framing.opening import Notes
from hortus.framing.paths import join_name

_NOTHING = frozenset((b"0", b"0.0", b"null", b"{}", b"[]"))
"""Values of counts that say nothing."""

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_DECODE_ANY = msgspec.json.decode
_ENCODE = msgspec.json.Encoder().encode


def note_usage(
    raw: Raw,
    notes: Notes,
    *,
    dialect: str,
    write: Callable[[Usage], dict[str, object]],
    tier: Raw | UnsetType = UNSET,
) -> Usage | None:
    """Return the usage in `raw`, and note whatever else it says, below `usage`.

    Args:
        raw: The object.
        notes: Of the answer.
        dialect: Whose row of the table of counts.
        write: How the dialect writes a usage: what comes out of it need not be noted.
        tier: The service tier that the answer names elsewhere.
    """
    members = read_members(raw)
    said_tier = None if isinstance(tier, UnsetType) else _DECODE_ANY(tier)
    usage = None if members is None else usage_of(dialect, members, tier=said_tier)
    if usage is None:
        (notes.hush if bytes(raw) in _NOTHING else notes.keep)("usage", raw)
        return None
    _note_rest(raw, Raw(_ENCODE(write(usage))), notes)
    return usage


def _note_rest(raw: Raw, written: Raw, notes: Notes) -> None:
    """Note what a usage says otherwise than it would be written, and what it does not say."""
    said, known = dict(_leaves(raw, "usage")), dict(_leaves(written, "usage"))
    for path, value in said.items():
        if path in known and _DECODE_ANY(known[path]) == _DECODE_ANY(value):
            continue
        is_ours = path in known or bytes(value) in _NOTHING
        (notes.hush if is_ours else notes.keep)(path, value)
    for path in [path for path in known if path not in said]:
        notes.form(f"-{path}")


def _leaves(raw: Raw, at: str) -> Iterator[tuple[str, Raw]]:
    """Return the values in an object and in the objects right below it, by path."""
    for name, value in _OBJECT.decode(raw).items():
        path = join_name(at, name)
        inner = _OBJECT.decode(value) if bytes(memoryview(value)[:1]) == b"{" else {}
        if inner:
            yield from ((join_name(path, deeper), one) for deeper, one in inner.items())
        else:
            yield path, value
