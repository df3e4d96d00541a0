"""How do the engines stand? Reads what the supervisor writes to `run/engines/NAME.json`."""

from __future__ import annotations

from pathlib import Path

import msgspec


class EngineState(msgspec.Struct, frozen=True):
    """One engine's state; its port and key are left where they are. It answers to the names in `serves`."""

    name: str
    state: str
    pid: int | None = None
    since_ms: int | None = None
    restarts: int = 0
    error: str | None = None
    memory_bytes: int | None = None
    engine: str = ""
    edition: str = ""
    load_s: float | None = None
    warm_s: float | None = None
    successor: str | None = None
    successor_error: str | None = None
    serves: dict[str, msgspec.Raw] = {}


def read_engine_states(folder: Path) -> dict[str, EngineState]:
    """Return the states by name; a file that cannot be read says nothing."""
    states: dict[str, EngineState] = {}
    for file in sorted(folder.glob("*.json")):
        try:
            state = msgspec.json.decode(file.read_bytes(), type=EngineState)
        except (OSError, msgspec.DecodeError):
            continue
        states[state.name] = state
    return states
