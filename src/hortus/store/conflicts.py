"""Why the store refuses a change of an object: it is not there, or it belongs to another origin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hortus.base.errors import ConfigurationError


class NotStored(ConfigurationError):  # noqa: N818 -- reads as what happened
    """There is no object of this kind and name."""

    code = "not_found"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"there is no {kind} `{name}`.", hint=f"List every {kind} to see the names in use.")


class OriginConflict(ConfigurationError):  # noqa: N818 -- reads as what happened
    """The object is in use and was declared elsewhere, which alone may change it."""

    code = "origin_conflict"


def check_origin(kind: str, name: str, *, stored: Mapping[Any, Any], origin: str) -> None:
    """Make sure that an object in use keeps the one origin it has; a retired one may be taken over.

    Raises:
        OriginConflict: It has another origin.
    """
    if stored["retired_at_ms"] is None and stored["origin"] != origin:
        where = stored.get("declared_where")
        hint = (
            "Change it in the configuration file, or remove it there first."
            if stored["origin"] == "file"
            else "Retire the one that was made through the API, or give this one another name."
        )
        raise OriginConflict(f"the {kind} `{name}` has the origin `{stored['origin']}`.", path=where, hint=hint)
