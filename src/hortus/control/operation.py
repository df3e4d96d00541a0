"""What is one admin operation, a row of the table in `operations.py`?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from hortus.control import models, views
from hortus.control.plane import Plane

Permission = Literal["look", "change"]
"""What a caller must be allowed: to see everything, or to change it. The admin token allows both."""

Run = Callable[[Plane, Any], views.View] | Callable[[Plane, Any], Awaitable[views.View]]


class Brought(msgspec.Struct, frozen=True):
    """A file that came as the body of a request; what does not move it away loses it."""

    aside: Path
    sha256: str


Take = Callable[[Plane, Any, Brought], views.View]


class Operation(msgspec.Struct, frozen=True):
    """One thing that an admin can do.

    Attributes:
        name: Noun and verb, such as `keys.create`; also the id in OpenAPI.
        path: Below `/admin/v1`; members of `takes` in braces come out of the path.
        takes: What is asked: in the query for GET and DELETE, else in the body.
        gives: What is answered.
        run: Does it; its first line says what. One that waits for a host is a coroutine function.
        status: HTTP status of success.
        changes: Whether it changes anything here, so that it waits its turn, where its permission is to change.
        takes_file: Whether the body is a file (`application/octet-stream`), which goes to the disk as it comes and is
            given to `run` as its third argument; what is asked is in the query then.
    """

    name: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    permission: Permission
    takes: type[models.Ask]
    gives: type[views.View]
    run: Run | Take
    status: int = 200
    changes: bool = True
    takes_file: bool = False

    @property
    def summary(self) -> str:
        """One sentence for people: the first line of the function's docstring."""
        return (self.run.__doc__ or "").strip().split("\n")[0]

    @property
    def is_in_query(self) -> bool:
        """Whether what is asked, and is not in the path, stands in the query."""
        return self.takes_file or self.method in {"GET", "DELETE"}
