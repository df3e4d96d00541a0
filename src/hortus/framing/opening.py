"""What one dialect says about a node beyond its meaning, gathered while the node is read from its wire Structs."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from hortus.canon.nodes import Extras
from hortus.framing.paths import join_name, join_paths
from hortus.framing.reading import read_open

T = TypeVar("T", bound=msgspec.Struct)

NULL = msgspec.Raw(b"null")


class Notes:
    """Extras in the making; one object a node.

    Args:
        dialect: Whose words these are.
        at: Path of the node, for errors.
    """

    __slots__ = ("_at", "_dialect", "_forms", "_members", "_silent")

    def __init__(self, dialect: str, at: str) -> None:
        self._dialect = dialect
        self._at = at
        self._members: dict[str, msgspec.Raw] = {}
        self._forms: list[str] = []
        self._silent: dict[str, msgspec.Raw] = {}

    def open(self, data: bytes | msgspec.Raw, kind: type[T], *, under: str = "") -> T:
        """Return the object in `data` as a `kind`; its unknown members and those that are null are kept.

        Args:
            data: JSON text of the node, or of the member of it that stands at `under`.
            kind: As in `read_open`; members that may be null have None in their type.
            under: Relative path of what is opened.

        Raises:
            NotJson: As `read_open`.
            InvalidRequest: As `read_open`.
        """
        value, unknown = read_open(data, kind, at=join_paths(self._at, under))
        for path, member in unknown.items():
            self._members[join_paths(under, path)] = member
        self._keep_nulls(value, under)
        return value

    def keep(self, path: str, value: msgspec.Raw) -> None:
        """Keep a member that has no canonical meaning."""
        self._members[path] = value

    def hush(self, path: str, value: msgspec.Raw) -> None:
        """Keep a member that nobody elsewhere can miss."""
        self._silent[path] = value

    def form(self, word: str) -> None:
        """Note a notation."""
        self._forms.append(word)

    def extras(self) -> Extras | None:
        """Return what was gathered, None where nothing was."""
        if not (self._members or self._forms or self._silent):
            return None
        return Extras(dialect=self._dialect, members=self._members, forms=tuple(self._forms), silent=self._silent)

    def _keep_nulls(self, value: msgspec.Struct, under: str) -> None:
        for name, encoded in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            member = getattr(value, name)
            if member is None:
                self._members[join_name(under, encoded)] = NULL
            elif isinstance(member, msgspec.Struct):
                self._keep_nulls(member, join_name(under, encoded))
