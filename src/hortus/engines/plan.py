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
    """Tells one state of a deployment's files from another."""

    size: int
    modified_ns: int
    inode: int


class Wanted(msgspec.Struct, frozen=True):
    """A deployment that should run, and its files' state now (None where its model is not there).

    Attributes:
        stands_alone: It takes what two cannot have at a time, such as a GPU's memory.
    """

    deployment: Deployment
    stamp: FileStamp | None = None
    stands_alone: bool = False


class Held(msgspec.Struct, frozen=True):
    """A deployment that the supervisor knows, as it was when it was last started.

    Attributes:
        retry_at_s: When a waiting one may start again, on the monotonic clock.
        needs_room: Of a successor: there is memory for it only when its predecessor has gone.
        is_blocked: A predecessor that it cannot run beside has not gone yet.
        successor: What is being started beside it to take its place.
    """

    wanted: Wanted
    phase: Phase
    retry_at_s: float = 0.0
    needs_room: bool = False
    is_blocked: bool = False
    successor: Held | None = None


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


class Prepare(msgspec.Struct, frozen=True):
    """Start a successor beside what serves; it takes over when it is ready."""

    wanted: Wanted


class Abandon(msgspec.Struct, frozen=True):
    """End a successor; what serves goes on serving."""

    name: str
    reason: str


class MakeRoom(msgspec.Struct, frozen=True):
    """Let what serves finish and end, then start what is wanted: both together have no room."""

    wanted: Wanted
    reason: str


Action = Start | Stop | Forget | Prepare | Abandon | MakeRoom

_ALIVE = frozenset({Phase.STARTING, Phase.READY})
_STARTS = (Start, Prepare)


def plan(wanted: Mapping[str, Wanted], held: Mapping[str, Held], *, now_s: float) -> list[Action]:
    """Return what to do, stops first, so that what they free can be used by what starts."""
    stops: list[Action] = []
    starts: list[Action] = []
    for name, one in held.items():
        action = _for_held(one, wanted.get(name), name=name, now_s=now_s)
        (starts if isinstance(action, _STARTS) else stops).extend([action] if action else [])
    starts += [Start(one) for name, one in wanted.items() if name not in held]
    return stops + starts


def _for_held(held: Held, wanted: Wanted | None, *, name: str, now_s: float) -> Action | None:
    if held.phase is Phase.STOPPING:
        return None
    if wanted is None:
        return Stop(name, "no longer wanted") if held.phase in _ALIVE else Forget(name)
    if held.phase is Phase.READY:
        return _for_ready(held, wanted, name=name, now_s=now_s)
    if held.phase is Phase.STARTING:
        return Stop(name, "its deployment changed") if wanted.deployment != held.wanted.deployment else None
    return _for_resting(held, _startable(held, wanted), now_s=now_s)


def _startable(held: Held, wanted: Wanted) -> Wanted:
    """Return what is wanted, or what served last where that is known not to start."""
    successor = held.successor
    is_known_bad = successor is not None and successor.phase is Phase.FAILED and successor.wanted == wanted
    return held.wanted if is_known_bad else wanted


def _for_resting(held: Held, wanted: Wanted, *, now_s: float) -> Action | None:
    if held.is_blocked:
        return None
    has_changed = wanted.deployment != held.wanted.deployment
    is_mended = held.phase is Phase.FAILED and wanted.stamp != held.wanted.stamp
    is_due = held.phase is Phase.WAITING and now_s >= held.retry_at_s
    return Start(wanted) if has_changed or is_mended or is_due else None


def _for_ready(held: Held, wanted: Wanted, *, name: str, now_s: float) -> Action | None:
    successor = held.successor
    if successor is not None and successor.phase is Phase.STOPPING:
        return None
    is_same = wanted.deployment == held.wanted.deployment and wanted.stamp in {None, held.wanted.stamp}
    if is_same:  # a file that was taken away has been read
        return Abandon(name, "what serves is wanted again") if successor is not None else None
    if wanted.stands_alone or held.wanted.stands_alone:
        return MakeRoom(wanted, "its engine takes what two cannot share")
    if successor is None:
        return Prepare(wanted)
    return _for_successor(successor, wanted, name=name, now_s=now_s)


def _for_successor(successor: Held, wanted: Wanted, *, name: str, now_s: float) -> Action | None:
    has_changed = successor.wanted != wanted
    if successor.phase is Phase.STARTING:
        return Abandon(name, "its deployment changed again") if has_changed else None
    if successor.needs_room and not has_changed:
        return MakeRoom(wanted, "memory is too short for it and its successor at the same time")
    is_due = successor.phase is Phase.WAITING or has_changed
    return Prepare(wanted) if is_due and now_s >= successor.retry_at_s else None
