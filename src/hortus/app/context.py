"""What every process role is given at its start: name, home, sockets and the settings as the parent resolved them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from hortus.app.ground import write_private
from hortus.app.home import Home
from hortus.app.settings import Loaded, Settings, read_environment


class RoleContext(msgspec.Struct, frozen=True):
    """One child's start.

    Attributes:
        name: Such as `worker-1`; also the writer's name in the journal.
        parent_pid: The process whose death ends this one.
        sockets: Inherited listening sockets by number, in the order that the role expects.
    """

    name: str
    home: Home
    parent_pid: int
    sockets: tuple[int, ...]
    loaded: Loaded

    @property
    def settings(self) -> Settings:
        """The node's settings."""
        return self.loaded.settings


class _Handed(msgspec.Struct, frozen=True):
    settings: Settings
    origins: dict[str, str]
    config_file: str | None


def hand_settings(home: Home, loaded: Loaded) -> None:
    """Write the resolved settings where the children read them (never the environment: they inherit it)."""
    handed = _Handed(
        settings=loaded.settings,
        origins=loaded.origins,
        config_file=str(loaded.config_file) if loaded.config_file else None,
    )
    write_private(home.run / "settings.json", msgspec.json.encode(handed))


def take_settings(home: Home) -> Loaded:
    """Read what `hand_settings` wrote."""
    handed = msgspec.json.decode((home.run / "settings.json").read_bytes(), type=_Handed)
    return Loaded(
        settings=handed.settings,
        origins=handed.origins,
        home=home.root,
        config_file=Path(handed.config_file) if handed.config_file else None,
        environment=read_environment(),
    )
