"""Where can training go on from: folders that appear whole or not at all, whatever is killed.

A checkpoint is written aside, brought to the disk and renamed. Knows files only, no trainer.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from hortus.jobs.wholefiles import bring_to_disk

PREFIX = "checkpoint-"
_ASIDE = ".writing"
_STATE = "hortus.json"


class Reached(msgspec.Struct, frozen=True):
    """What the trainer's own state does not know of a run.

    Attributes:
        finished: Whether no step comes after this checkpoint.
        seconds: Of training so far, over all processes that worked on it.
        best_step: With the lowest held-out loss so far; None where nothing was held out.
    """

    step: int
    finished: bool = False
    seconds: float = 0.0
    energy_j: float = 0.0
    energy_source: str = ""
    tokens: int = 0
    held_out_tokens: int = 0
    best_step: int | None = None


def newest(folder: Path) -> Path | None:
    """Return the newest whole checkpoint, or None."""
    whole = _whole(folder)
    return whole[-1] if whole else None


def reached(checkpoint: Path) -> Reached:
    """Return what was reached. Raises OSError, msgspec.DecodeError where it is none of ours."""
    return msgspec.json.decode((checkpoint / _STATE).read_bytes(), type=Reached)


def sweep(folder: Path, *, kept: int) -> None:
    """Remove what a killed process left half written, and all but the newest checkpoints."""
    for half in folder.glob(f"{_ASIDE}*"):
        shutil.rmtree(half)
    for old in _whole(folder)[: -max(1, kept)]:
        shutil.rmtree(old)


@contextmanager
def written_whole(target: Path) -> Iterator[Path]:
    """Yield a new folder beside the target that takes its place, brought to the disk, when the block ends well.

    Raises:
        OSError: It cannot be written.
    """
    aside = make_aside(target)
    yield aside
    put_in_place(aside, target)


def make_aside(target: Path) -> Path:
    """Return the new, empty folder in which a target is written. Raises OSError."""
    aside = aside_of(target)
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    return aside


def aside_of(target: Path) -> Path:
    """Return the folder in which a target is written."""
    return target.parent / f"{_ASIDE}-{target.name}"


def put_in_place(aside: Path, target: Path) -> None:
    """Bring a folder that was written aside to the disk, then give it its name. Raises OSError."""
    for place, _, names in os.walk(aside, topdown=False):
        for name in names:
            bring_to_disk(Path(place, name))
        bring_to_disk(Path(place))
    if target.exists():
        shutil.rmtree(target)
    aside.rename(target)
    bring_to_disk(target.parent)


def note(checkpoint: Path, what: Reached) -> None:
    """Write what was reached into a checkpoint that is being written."""
    (checkpoint / _STATE).write_bytes(msgspec.json.encode(what))


def _whole(folder: Path) -> list[Path]:
    found = [one for one in folder.glob(f"{PREFIX}*") if one.name.removeprefix(PREFIX).isdigit()]
    return sorted(found, key=lambda one: int(one.name.removeprefix(PREFIX)))
