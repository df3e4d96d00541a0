"""The CLI's own key: made on the first `hortus ask` with the admin token, kept in the home, renewed when revoked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hortus.app.ground import write_private
from hortus.base.errors import InstallationError
from hortus.base.secrets import looks_like_key
from hortus.cli.admin import Admin, DeclinedError
from hortus.cli.place import Installation, find_admin_token
from hortus.cli.talk import Heard, Question, RefusalError
from hortus.cli.wire import ask_door

_PROJECT = "cli"
_FILE = "cli-key"


def ask_with_own_key(question: Question, installation: Installation, *, on_text: Callable[[str], None]) -> Heard:
    """Ask with the key that the CLI keeps in the home; make one where there is none or it is no longer valid.

    Raises:
        HortusError: The door or the admin API cannot be reached, or said no.
        InstallationError: It is not an installation of this user.
    """
    if installation.home is None:
        raise InstallationError(
            "the door wants a key.", path=installation.door, hint="Set HORTUS_KEY, or give one with --key."
        )
    file = installation.home.root / _FILE
    kept = _read(file)
    if kept is not None:
        try:
            return ask_door(question, kept, ca_bundle=installation.ca_bundle, on_text=on_text)
        except RefusalError as error:
            if not error.is_bad_key:
                raise
    made = _make(Admin(installation, find_admin_token(installation)))
    write_private(file, made.encode())
    return ask_door(question, made, ca_bundle=installation.ca_bundle, on_text=on_text)


def _read(file: Path) -> str | None:
    try:
        key = file.read_text("utf-8").strip()
    except OSError:
        return None
    return key if looks_like_key(key) else None


def _make(admin: Admin) -> str:
    """Whoever has the admin token may use every route."""
    try:
        admin.project(_PROJECT)
    except DeclinedError as error:
        if not error.is_absent:
            raise
        admin.create_project(_PROJECT, routes=("*",))
    return admin.create_key(project=_PROJECT, name="hortus ask").key
