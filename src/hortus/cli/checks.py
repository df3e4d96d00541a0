"""What can be wrong with an installation on this machine: one function a question, each with the command that mends it.

Nothing here asks a running Hortus; `doctor` adds that.
"""

from __future__ import annotations

import errno
import os
import platform
import shutil
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import msgspec

from hortus.app.clock import SystemClock
from hortus.app.home import Home
from hortus.app.settings import Loaded
from hortus.snapshot.model import Snapshot

_LEAST_FREE_MIB = 512
_OLDEST_CLOCK = datetime(2026, 11, 1, tzinfo=UTC)
"""Nothing of this release is older, so a clock that shows less is wrong."""
_CLOCK_LEEWAY_S = 300
_OTHERS_BITS = 0o077
_EXTRAS = {"control": ("fastapi", "sqlalchemy", "alembic", "pydantic"), "local": ("xllamacpp",)}


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer.

    Attributes:
        state: `good`, `note` (nothing is broken) or `bad`.
        mend: The command or act that puts it right.
    """

    about: str
    state: str
    says: str
    mend: str | None = None


class Patient(msgspec.Struct, frozen=True):
    """What is examined.

    Attributes:
        is_running: Whether a Hortus runs on the home, so that its own ports are taken.
    """

    loaded: Loaded
    home: Home
    is_running: bool


Check = Callable[[Patient], Iterator[Finding]]


def check_python(_: Patient) -> Iterator[Finding]:
    """Is the interpreter new enough, and the system one that Hortus knows?"""
    found = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    if sys.version_info < (3, 11):  # noqa: UP036 -- pip can be told to ignore what a package requires
        yield Finding("python", "bad", found, "Install Python 3.11 or newer and Hortus into it.")
    elif platform.system() != "Linux":
        yield Finding("python", "note", f"{found}; Hortus is tested on Linux.", "Run it in a Linux container.")
    else:
        yield Finding("python", "good", found)


def check_packages(_: Patient) -> Iterator[Finding]:
    """Are the extras there that `hortus up` needs?"""
    for extra, modules in _EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        if missing:
            yield Finding(
                f"extra {extra}", "bad", f"not installed: {', '.join(missing)}.", f"pip install 'hortus[{extra}]'"
            )
        else:
            yield Finding(f"extra {extra}", "good", "installed")


def check_home(patient: Patient) -> Iterator[Finding]:
    """Can the home be written, and is there room?"""
    place = _nearest_existing(patient.home.root)
    if not os.access(place, os.W_OK | os.X_OK):
        yield Finding(
            "home", "bad", f"{place} cannot be written by this user.", "Set HORTUS_HOME to a directory of your own."
        )
        return
    yield Finding("home", "good", str(patient.home.root))
    free_mib = shutil.disk_usage(place).free >> 20
    if free_mib < _LEAST_FREE_MIB:
        mend = "Free some space: at 0 the door refuses new requests, for it could not write their receipts."
        yield Finding("disk", "bad", f"{free_mib} MiB are free.", mend)
    else:
        yield Finding("disk", "good", f"{free_mib / 1024:.1f} GiB free")


def check_secrets(patient: Patient) -> Iterator[Finding]:
    """Are secrets readable by their owner only, and is the store's secret there?"""
    home = patient.home
    if home.store.exists() and not home.secret_key.exists():
        yield Finding(
            "secret.key", "bad", "The store is there, its secret is not: no key would be known.",
            f"Put {home.secret_key} back from your backup.",
        )  # fmt: skip
    credentials = sorted(home.credentials.iterdir()) if _can_list(home.credentials) else []
    private = [path for path in (home.secret_key, home.admin_token, *credentials) if path.exists()]
    open_ = [path for path in private if path.stat().st_mode & _OTHERS_BITS]
    for path in open_:
        yield Finding(path.name, "bad", "Other users of this machine can read it.", f"chmod 600 {path}")
    if private and not open_:
        names = ", ".join(path.name for path in private)
        yield Finding("secrets", "good", f"readable by their owner only: {names}")


def check_ports(patient: Patient) -> Iterator[Finding]:
    """Could Hortus listen where it is told to?"""
    settings = patient.loaded.settings
    if patient.is_running:
        return
    admin = (settings.admin_host, settings.actual_admin_port, "--admin-port")
    wanted = ((settings.host, settings.port, "--port"), admin)
    for host, port, flag in wanted:
        reason = _why_not_bind(host, port)
        if reason:
            yield Finding(f"port {port}", "bad", f"{host}: {reason}.", f"hortus up {flag} {port + 1000}")
        else:
            yield Finding(f"port {port}", "good", f"free on {host}")


def check_store(patient: Patient) -> Iterator[Finding]:
    """Can the store be read, and is it no newer than this Hortus?"""
    store = patient.home.store
    if not store.exists():
        yield Finding("store", "good", "not there yet; the first `hortus up` makes it")
        return
    try:
        revision = _read_revision(store)
    except sqlite3.Error as error:
        yield Finding("store", "bad", f"{store}: {error}.", "Stop Hortus and put the file back from your backup.")
        return
    known = _known_revisions()
    if revision is not None and known and revision not in known:
        yield Finding(
            "store", "bad", f"It was written by a newer Hortus (revision {revision}).", "pip install --upgrade hortus"
        )
    else:
        yield Finding("store", "good", f"revision {revision or 'none yet'}")


def check_credentials(patient: Patient) -> Iterator[Finding]:
    """Is there a secret behind every credential that endpoints refer to? A running Hortus says so itself."""
    if patient.is_running:
        return
    for endpoint in read_snapshot_endpoints(patient.home):
        name, reference = endpoint
        scheme, _, target = reference.partition(":")
        about = f"credential of {name}"
        if scheme == "env" and not patient.loaded.environment.get(target):
            yield Finding(about, "bad", f"{target} is not set here.", f"export {target}=… and start Hortus again")
        elif scheme == "file" and not (patient.home.credentials / target).is_file():
            mend = "Connect the host again: `hortus connect HOST --key-stdin`."
            yield Finding(about, "bad", f"The file {target} is not there.", mend)


def check_clock(patient: Patient) -> Iterator[Finding]:
    """Does the clock tell a possible time? Receipts and expiry go by it."""
    now_ms = SystemClock().now_ms()
    newest_ms = max((path.stat().st_mtime_ns // 1_000_000 for path in _journal_files(patient.home)), default=0)
    if now_ms < _OLDEST_CLOCK.timestamp() * 1000:
        yield Finding("clock", "bad", "It is earlier than this release of Hortus.", "timedatectl set-ntp true")
    elif newest_ms > now_ms + _CLOCK_LEEWAY_S * 1000:
        yield Finding(
            "clock", "bad", "The journal is newer than the time it shows: it was set back.", "timedatectl set-ntp true"
        )
    else:
        yield Finding("clock", "good", "plausible")


CHECKS: tuple[Check, ...] = (
    check_python,
    check_packages,
    check_home,
    check_secrets,
    check_ports,
    check_store,
    check_credentials,
    check_clock,
)
"""In the order in which they are shown."""


def read_snapshot_endpoints(home: Home) -> list[tuple[str, str]]:
    """Return (endpoint, reference) for each endpoint with a credential, nothing where no snapshot can be read."""
    try:
        snapshot = msgspec.json.decode(home.snapshot.read_bytes(), type=Snapshot)
    except (OSError, msgspec.MsgspecError):
        return []
    return [(name, endpoint.credential) for name, endpoint in snapshot.endpoints.items() if endpoint.credential]


def _nearest_existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def _can_list(path: Path) -> bool:
    return path.is_dir() and os.access(path, os.R_OK | os.X_OK)


def _journal_files(home: Home) -> list[Path]:
    return list(home.journal.glob("*.journal")) if _can_list(home.journal) else []


def _why_not_bind(host: str, port: int) -> str | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        return "another program has this port" if error.errno == errno.EADDRINUSE else str(error.strerror)
    return None


def _read_revision(store: Path) -> str | None:
    connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
    try:
        connection.execute("PRAGMA schema_version")
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "alembic_version" not in tables:
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return row[0] if row else None
    finally:
        connection.close()


def _known_revisions() -> set[str]:
    """Migrations are files named `REVISION_words.py`; reading their names needs no SQLAlchemy."""
    folder = files("hortus").joinpath("store", "migrations", "versions")
    if not folder.is_dir():
        return set()
    return {entry.name.split("_")[0].removesuffix(".py") for entry in folder.iterdir() if entry.name.endswith(".py")}
