"""What should be started, stopped or forgotten now? A pure function of what is wanted and what is held."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import msgspec

from hortus.snapshot.model import Deployment


class Phase(Enum):
    """Where one deployment stands.

    starting -> ready -> (ended) waiting -> starting …; a fatal error ends in failed; stopping ends in nothing.
    """

    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    WAITING = "waiting"
    FAILED = "failed"


class FileStamp(msgspec.Struct, frozen=True):
    """Tells one state of a model file from another."""

    size: int
    modified_ns: int
    inode: int


class Wanted(msgspec.Struct, frozen=True):
    """A deployment that should run, and its file's state now (None where there is no file)."""

    deployment: Deployment
    stamp: FileStamp | None = None


class Held(msgspec.Struct, frozen=True):
    """A deployment that the supervisor knows, as it was when it was last started.

    Attributes:
        retry_at_s: When a waiting one may start again, on the monotonic clock.
    """

    wanted: Wanted
    phase: Phase
    retry_at_s: float = 0.0


class Start(msgspec.Struct, frozen=True):
    """Start a deployment that has no process now."""

    wanted: Wanted


class Stop(msgspec.Struct, frozen=True):
    """End a deployment's process; what is wanted then is decided when it has ended."""

    name: str
    reason: str


class Forget(msgspec.Struct, frozen=True):
    """Drop a deployment without a process, and its files."""

    name: str


Action = Start | Stop | Forget

_ALIVE = frozenset({Phase.STARTING, Phase.READY})


def plan(wanted: Mapping[str, Wanted], held: Mapping[str, Held], *, now_s: float) -> list[Action]:
    """Return what to do, stops first, so that what they free can be used by what starts."""
    stops: list[Action] = []
    starts: list[Action] = []
    for name, one in held.items():
        action = _for_held(one, wanted.get(name), name=name, now_s=now_s)
        (starts if isinstance(action, Start) else stops).extend([action] if action else [])
    starts += [Start(one) for name, one in wanted.items() if name not in held]
    return stops + starts


def _for_held(held: Held, wanted: Wanted | None, *, name: str, now_s: float) -> Action | None:
    is_alive = held.phase in _ALIVE
    if held.phase is Phase.STOPPING:
        return None
    if wanted is None:
        return Stop(name, "no longer wanted") if is_alive else Forget(name)
    if wanted.deployment != held.wanted.deployment:
        return Stop(name, "its deployment changed") if is_alive else Start(wanted)
    if held.phase is Phase.FAILED and wanted.stamp != held.wanted.stamp:
        return Start(wanted)
    if held.phase is Phase.WAITING and now_s >= held.retry_at_s:
        return Start(wanted)
    return None
