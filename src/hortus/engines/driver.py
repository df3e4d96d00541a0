"""What a driver is: how to check, start, probe and explain one kind of engine. A driver has no state and no process."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
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

Causes = Sequence[tuple[re.Pattern[str], bool]]
"""How an engine words `what` went wrong, and whether trying again is useless."""


def find_cause(log_tail: str, causes: Causes) -> Broken | None:
    """Return the first of the causes that the end of a log names."""
    for pattern, is_fatal in causes:
        found = pattern.search(log_tail)
        if found:
            return Broken(reason=found["what"].strip(), is_fatal=is_fatal)
    return None


Members = dict[str, msgspec.Raw]
"""Members of a request's body."""


def first_chat(deployment: Deployment) -> bytes:
    """Return a chat of one word with an answer of one token."""
    asked = {"model": deployment.name, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1}
    return msgspec.json.encode(asked)


def serves_by_name(deployment: Deployment) -> dict[str, Members]:
    """Return the names of an engine that chooses between its adapters by the name of the model alone."""
    return {name: {} for name in (deployment.name, *(adapter.name for adapter in deployment.adapters))}


class Driver(msgspec.Struct, frozen=True):
    """One kind of engine.

    Attributes:
        name: As `Deployment.engine` names it.
        child_module: Run as `python -m …`; reads an `Opening`, writes a `Report` line, serves until it is ended.
        check: Reads the model's header and says what it needs; raises `EngineError`.
        explain: The cause of a failed start, read from the end of the engine's log; None where it shows none.
        health_path: Answers 200 while the engine lives.
        api_path: Follows address and port in the base URL.
        running: Names of the figures at `/metrics` that add up to the requests it works on.
        warm_up: Body of the first, tiny chat that it answers before anybody else may ask.
        environment: Variables that its child needs besides those of every engine.
        stands_alone: Whether two processes of a deployment cannot have what they need at the same time.
        serves: What is to be set in a request's body for each name that the engine answers to, the deployment's own
            among them: what chooses between adapters lies with whoever runs the engine, never with its clients.
    """

    name: str
    child_module: str
    check: Callable[[Deployment, Path], Needs]
    explain: Callable[[str], Broken | None]
    health_path: str = "/health"
    api_path: str = "/v1"
    running: tuple[str, ...] = ()
    warm_up: Callable[[Deployment], bytes] = first_chat
    environment: Mapping[str, str] = {}
    stands_alone: bool = False
    serves: Callable[[Deployment], dict[str, Members]] = serves_by_name
