"""Is this machine fit to run Hortus: a writable home that nobody else runs, and free ports."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from importlib.util import find_spec
from pathlib import Path

from hortus.app.home import Home
from hortus.base.errors import InstallationError

_BACKLOG = 4096
_SOCKET_PATH_LIMIT_BYTES = 107
"""Linux's `sun_path` without its closing zero (unix(7))."""


_CONTROL_NEEDS = ("alembic", "fastapi", "sqlalchemy")


def require_control() -> None:
    """Make sure that the store and the admin API are installed.

    Raises:
        InstallationError: This is the base install: gateway and command line only.
    """
    missing = [name for name in _CONTROL_NEEDS if find_spec(name) is None]
    if missing:
        raise InstallationError(
            f"this install has the gateway and the command line only ({', '.join(missing)} missing).",
            hint="Install the whole: pip install 'hortus[local]'.",
        )


def prepare_home(home: Home) -> None:
    """Make the directories of an installation, readable by their owner only.

    Raises:
        InstallationError: The place cannot be written, or its path is too long for sockets.
    """
    length = max(len(os.fsencode(path)) for path in (home.ledger_socket, home.control_socket))
    if length > _SOCKET_PATH_LIMIT_BYTES:
        raise InstallationError(
            f"the path is {length - _SOCKET_PATH_LIMIT_BYTES} bytes too long for the sockets that lie in it.",
            path=str(home.root),
            hint="Set HORTUS_HOME to a shorter path.",
        )
    try:
        home.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        for place in (home.journal, home.snapshot.parent, home.credentials, home.models, home.logs, home.run):
            place.mkdir(exist_ok=True, mode=0o700)
        for place in (home.content, home.engines, home.metrics):
            place.mkdir(exist_ok=True, mode=0o700)
        probe = home.run / "probe"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        raise InstallationError(
            f"cannot be written: {error.strerror}.",
            path=str(error.filename or home.root),
            hint="Set HORTUS_HOME to a directory that this user owns.",
        ) from error


def lock_home(home: Home) -> int:
    """Make sure that only one `hortus up` runs on a home; hold the returned descriptor while it does.

    Raises:
        InstallationError: Another one runs.
    """
    descriptor = os.open(home.run / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise InstallationError(
            "another Hortus runs on this home.",
            path=str(home.root),
            hint="`hortus status` shows it; stop it first, or set HORTUS_HOME to another directory.",
        ) from error
    return descriptor


def is_locked(home: Home) -> bool:
    """Tell whether a `hortus up` holds the home, without touching its lock; False where that cannot be seen."""
    try:
        inode = (home.run / "lock").stat().st_ino
        held = Path("/proc/locks").read_text("ascii").split()
    except (OSError, UnicodeDecodeError):
        return False
    return any(word.endswith(f":{inode}") for word in held)


def sweep_home(home: Home) -> None:
    """Clear what an earlier run left; only for the holder of the home's lock, as a living Hortus needs these files."""
    for place in (home.engines, home.metrics):
        for stale in place.iterdir():
            stale.unlink()


def listen(host: str, port: int, *, purpose: str) -> socket.socket:
    """Return a listening socket that children may inherit.

    Raises:
        InstallationError: The address is not ours, or the port is taken or needs rights.
    """
    try:
        listener = _bind(host, port)
    except OSError as error:
        raise InstallationError(
            f"cannot listen on {host} port {port}: {error.strerror}.", path=purpose, hint=_port_hint(error, purpose)
        ) from error
    listener.setblocking(False)  # noqa: FBT003 -- the standard library has no keyword here
    listener.set_inheritable(True)
    return listener


def _bind(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if host == "::" else 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _port_hint(error: OSError, purpose: str) -> str:
    flag = "--admin-port" if purpose == "admin API" else "--port"
    if error.errno == errno.EADDRINUSE:
        return f"Another program has it; choose another one with {flag}."
    if error.errno == errno.EACCES:
        return f"Ports below 1024 need rights; choose a higher one with {flag}."
    return "Choose an address of this machine with --host."


def url_of(listener: socket.socket, *, is_tls: bool) -> str:
    """Return the address by which a client on this machine reaches a listening socket."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 -- the text of an address, nothing is bound
    host = f"[{host}]" if ":" in host else host
    return f"{'https' if is_tls else 'http'}://{host}:{port}"


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner reads, replaced whole by a rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def sync_directory(directory: Path) -> None:
    """Let the names in a directory outlive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
