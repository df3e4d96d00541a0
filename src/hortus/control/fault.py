"""One thing that is wrong with what was declared, and what a mistyped word may have meant."""

from __future__ import annotations

import msgspec

from hortus.base.spelling import suggest
from hortus.control.tomllines import Path

__all__ = ["MOST_QUOTED", "Fault", "suggest"]

MOST_QUOTED = 60
"""Characters of what was written that a message repeats."""


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong: where, what, and what to do next."""

    path: Path
    message: str
    hint: str | None = None

    def under(self, path: Path) -> Fault:
        """Return the same with its place as seen from what `path` leads through."""
        return msgspec.structs.replace(self, path=(*path, *self.path))
