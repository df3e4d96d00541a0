"""Starts one process role: `python -m hortus.app ROLE --home PATH …`; only `hortus up` calls this."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import resource
import signal
import sys
from pathlib import Path

from hortus.app.context import RoleContext, take_settings
from hortus.app.home import Home
from hortus.app.logs import start_logs
from hortus.app.parent_death import die_with_parent
from hortus.base.errors import HortusError

ROLES = ("worker", "ledger", "control", "supervisor")
"""Each is a module of this package with `main(context)`; loaded by name so that a worker stays small."""

EXIT_UNFIT = 78
"""The role cannot run until somebody mends something (EX_CONFIG); the parent does not start it again at first."""

_OPEN_FILES = 65_536
"""Most systems allow a process 1,024 at first, which as many idle clients would use up; it may ask for more."""


def main() -> int:
    """Run one role until it is told to stop."""
    parser = argparse.ArgumentParser(prog="hortus.app")
    parser.add_argument("role", choices=ROLES)
    parser.add_argument("--name", required=True)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--socket", type=int, action="append", default=[])
    given = parser.parse_args()
    die_with_parent(given.parent)
    os.umask(0o077)  # whatever a library writes is its owner's alone too
    allow_many_files()
    home = Home(given.home)
    loaded = take_settings(home)
    start_logs(given.name, form=loaded.settings.log_format, level=loaded.settings.log_level)
    context = RoleContext(
        name=given.name, home=home, parent_pid=given.parent, sockets=tuple(given.socket), loaded=loaded
    )
    role = importlib.import_module(f"hortus.app.{given.role}")
    try:
        role.main(context)
    except HortusError as error:
        logging.getLogger("hortus.app").error(str(error))  # noqa: TRY400 -- a person mends this; a traceback would hide it
        return EXIT_UNFIT
    finally:
        _end_in_peace()
    return 0


def _end_in_peace() -> None:
    """Let a second signal no longer kill what has ended properly and only has to leave: its exit code would lie."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)


def allow_many_files() -> None:
    """Raise this process's soft limit of open files as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    sys.exit(main())
