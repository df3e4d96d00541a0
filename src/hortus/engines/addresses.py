"""Where each engine can be reached: `run/engines/NAME.json`, written by the supervisor, read by workers and the CLI."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec

from hortus.jobs.wholefiles import write_whole
from hortus.snapshot.model import WORKSHOP

State = Literal["starting", "ready", "failed", "stopped"]

_LONGEST_STEM = 200
"""File systems end names at 255 bytes; a longer name is cut and told apart by its digest."""

_SUFFIX = ".json"


class EngineAddress(msgspec.Struct, frozen=True):
    """One deployment's state as others see it. `key` is a secret: never log this value.

    Attributes:
        serves: What is to be set in requests, for each name that the engine answers to.
        edition: Tells the deployment that runs from another one of the same name.
        load_s: How long the engine took to load; likewise `warm_s` for its first answer.
        successor: How the engine does that shall take over; `successor_error` says what is wrong with it.
    """

    name: str
    state: State
    base_url: str = ""
    key: str = ""
    pid: int | None = None
    since_ms: int = 0
    restarts: int = 0
    error: str | None = None
    memory_bytes: int | None = None
    engine: str = ""
    serves: dict[str, dict[str, msgspec.Raw]] = {}
    edition: str = ""
    load_s: float | None = None
    warm_s: float | None = None
    successor: State | None = None
    successor_error: str | None = None

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # typing.override comes with Python 3.12
        return f"EngineAddress(name={self.name!r}, state={self.state!r}, base_url={self.base_url!r}, key=<hidden>)"


def file_stem(name: str) -> str:
    """Return a deployment's name as the stem of a file name, one to one.

    >>> file_stem("eu/mistral-7b")
    'eu%2Fmistral-7b'
    """
    stem = quote(name, safe="")
    if len(stem) <= _LONGEST_STEM:
        return stem
    return f"{stem[:_LONGEST_STEM]}~{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}"


def address_file(folder: Path, name: str) -> Path:
    """Return the file of one deployment."""
    return folder / f"{file_stem(name)}{_SUFFIX}"


def write_address(folder: Path, address: EngineAddress) -> None:
    """Replace a deployment's file whole; only its owner can read it."""
    write_whole(address_file(folder, address.name), msgspec.json.encode(address), outlives_power=False)


def read_address(folder: Path, name: str) -> EngineAddress | None:
    """Return a deployment's state, None where the supervisor has written none (or not a whole one)."""
    try:
        return msgspec.json.decode(address_file(folder, name).read_bytes(), type=EngineAddress)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def read_addresses(folder: Path) -> list[EngineAddress]:
    """Return the states of all deployments, by name."""
    found = []
    for path in sorted(folder.glob(f"[!.]*{_SUFFIX}")):
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=EngineAddress))
        except (FileNotFoundError, msgspec.DecodeError):
            continue  # removed while we looked
    return found


def remove_address(folder: Path, name: str) -> None:
    """Remove a deployment's file; nothing happens where there is none."""
    address_file(folder, name).unlink(missing_ok=True)


def remove_all(folder: Path) -> None:
    """Make the folder, readable by its owner only, and empty it: nothing in it survives its supervisor.

    But for the workshop's file, which the control process has written.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    spared = address_file(folder, WORKSHOP).name
    for path in folder.iterdir():
        is_ours = path.name != spared and not path.name.startswith(f".{spared}.")
        if is_ours and (path.suffix == _SUFFIX or path.name.startswith(".")):
            path.unlink(missing_ok=True)
