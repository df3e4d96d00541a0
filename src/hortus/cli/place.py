"""Which installation does the CLI talk to? HORTUS_URL, else the `run/hortus.json` of this directory's home."""

from __future__ import annotations

import os
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from hortus.app.context import take_settings
from hortus.app.ground import is_locked
from hortus.app.home import Home
from hortus.app.settings import find_config_file, find_home, read_environment
from hortus.base.errors import ConfigurationError, InstallationError

_START_WITHIN_S = 5.0
_POLL_S = 0.05


class Installation(msgspec.Struct, frozen=True):
    """A Hortus that should be running.

    Attributes:
        door: Address of the door, without a path.
        admin: Address of the admin API.
        home: Its directory; None where HORTUS_URL names one on another machine.
        pid: Process of `hortus up`, where it runs here.
        version: What `hortus up` says it is.
        ca_bundle: File that vouches for its certificate, where it runs here with TLS.
    """

    door: str
    admin: str
    home: Home | None = None
    pid: int | None = None
    version: str | None = None
    ca_bundle: str | None = None


class _Addresses(msgspec.Struct, frozen=True):
    door: str
    admin: str
    pid: int
    version: str


def find_local_home() -> Home:
    """Return the home that belongs to this environment and directory, whether it exists or not."""
    return Home(find_home(read_environment(), config_file=find_config_file(Path.cwd())))


def find_installation() -> Installation:
    """Return the installation that commands talk to.

    Raises:
        InstallationError: None runs here, and HORTUS_URL names none.
        ConfigurationError: HORTUS_URL is not an address.
    """
    environment = read_environment()
    url = environment.get("HORTUS_URL")
    if url:
        return _far_installation(url, admin=environment.get("HORTUS_ADMIN_URL"))
    return find_running(find_local_home())


def find_running(home: Home) -> Installation:
    """Return the installation that runs on `home`; one that is just starting is waited for.

    Raises:
        InstallationError: None does.
    """
    deadline_s = time.monotonic() + _START_WITHIN_S
    while not home.addresses.exists() and is_locked(home) and time.monotonic() < deadline_s:
        time.sleep(_POLL_S)
    try:
        found = msgspec.json.decode(home.addresses.read_bytes(), type=_Addresses)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _not_running(home) from error
    except PermissionError as error:
        raise InstallationError(
            "belongs to another user.", path=str(home.root), hint="Run this as that user, or set HORTUS_URL."
        ) from error
    except (OSError, msgspec.MsgspecError) as error:
        raise InstallationError(
            "cannot be read.", path=str(home.addresses), hint="Stop Hortus, remove the file, start it again."
        ) from error
    if not is_alive(found.pid):
        raise _not_running(home)
    plain = Installation(door=found.door, admin=found.admin, home=home, pid=found.pid, version=found.version)
    return _with_tls(plain, home) if found.door.startswith("https:") else plain


def find_admin_token(installation: Installation) -> str:
    """Return the token for the admin API: HORTUS_ADMIN_TOKEN, else the home's file.

    Raises:
        InstallationError: There is none that this user can read.
    """
    token = read_environment().get("HORTUS_ADMIN_TOKEN")
    if token:
        return token
    if installation.home is None:
        raise InstallationError(
            "the admin API wants a token.",
            path=installation.admin,
            hint="Set HORTUS_ADMIN_TOKEN; `hortus up` shows it once, and it lies in the home's file admin-token.",
        )
    try:
        return installation.home.admin_token.read_text("utf-8").strip()
    except OSError as error:
        raise InstallationError(
            f"cannot be read: {error.strerror}.",
            path=str(installation.home.admin_token),
            hint="Run this as the user who runs Hortus, or set HORTUS_ADMIN_TOKEN.",
        ) from error


def is_alive(pid: int) -> bool:
    """Tell whether a process with this id exists."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _not_running(home: Home) -> InstallationError:
    if is_locked(home):
        return InstallationError(
            "Hortus is starting or stopping on this home.", path=str(home.root), hint="Try again in a moment."
        )
    return InstallationError(
        "no Hortus runs on this home.",
        path=str(home.root),
        hint="Start it with `hortus up`, or set HORTUS_HOME or HORTUS_URL to the one you mean.",
    )


def _with_tls(plain: Installation, home: Home) -> Installation:
    """A certificate names the public address, hardly ever loopback; and it may be one of the owner's own making."""
    settings = take_settings(home).settings
    return msgspec.structs.replace(plain, door=settings.public_url or plain.door, ca_bundle=settings.tls_cert)


def _far_installation(url: str, *, admin: str | None) -> Installation:
    door = _base_of(url, "HORTUS_URL")
    if admin:
        return Installation(door=door, admin=_base_of(admin, "HORTUS_ADMIN_URL"))
    parts = urlsplit(door)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return Installation(door=door, admin=f"{parts.scheme}://{host}:{port + 1}")


def _base_of(url: str, variable: str) -> str:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_good = False
    if not is_good:
        raise ConfigurationError(
            "this is not an address.",
            path=variable,
            hint="Write it as http://127.0.0.1:8000 or https://ai.example.org.",
        )
    return url.rstrip("/").removesuffix("/v1")
