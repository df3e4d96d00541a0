"""What a driver is: how to check, start, probe and explain one kind of engine. A driver has no state and no process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from hortus.snapshot.model import Deployment


class Needs(msgspec.Struct, frozen=True):
    """What a checked deployment will take. `notes` are for the log: what was adapted, and why."""

    memory_bytes: int
    notes: tuple[str, ...] = ()


class Opening(msgspec.Struct, frozen=True):
    """What a child gets to know at its start, over its standard input: the key must not show in `ps`.

    Attributes:
        port: 0 lets the child take a free one; another one is kept if it is free.
    """

    deployment: Deployment
    model_path: str
    port: int
    key: str


class Ready(msgspec.Struct, frozen=True, tag_field="event", tag="ready"):
    """The child's line when it serves."""

    port: int
    load_s: float


class Broken(msgspec.Struct, frozen=True, tag_field="event", tag="failed"):
    """The child's line when it cannot serve."""

    reason: str
    is_fatal: bool


Report = Ready | Broken


class Driver(msgspec.Struct, frozen=True):
    """One kind of engine.

    Attributes:
        name: As `Deployment.engine` names it.
        child_module: Run as `python -m …`; reads an `Opening`, writes a `Report` line, serves until it is ended.
        check: Reads the model's header and says what it needs; raises `EngineError`.
        explain: The cause of a failed start, read from the end of the engine's log; None where it shows none.
        health_path: Answers 200 while the engine lives.
        api_path: Follows address and port in the base URL.
    """

    name: str
    child_module: str
    check: Callable[[Deployment, Path], Needs]
    explain: Callable[[str], Broken | None]
    health_path: str = "/health"
    api_path: str = "/v1"
