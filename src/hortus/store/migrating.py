"""Brings the tables of a store up to this release; refuses one that a newer release has written."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from hortus.base.errors import InstallationError

_SCRIPTS = Path(__file__).parent / "migrations"


def current_revision(connection: Connection) -> str | None:
    """Return the revision of the store's tables, None for an empty store."""
    return MigrationContext.configure(connection).get_current_revision()


def migrate(connection: Connection, *, path: Path) -> None:
    """Run the migrations that are missing, inside the caller's transaction.

    Raises:
        InstallationError: The store was written by a newer release.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    here, head = current_revision(connection), scripts.get_current_head()
    if here == head:
        return
    if here is not None and here not in {script.revision for script in scripts.walk_revisions()}:
        raise InstallationError(
            f"the store was written by a newer release of Hortus (tables at {here}, this release knows {head}).",
            path=str(path),
            hint="Install that release again, or restore a backup made before it.",
        )
    command.upgrade(config, "head")
