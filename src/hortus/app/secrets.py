"""The installation's two secret files: `secret.key`, which keys the digests of client keys, and `admin-token`.

Both are made at the first start, readable by their owner only. A store without its secret is refused, for every key
in it would silently stop working.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import os
import stat
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Protocol

import msgspec

from hortus.app.clock import SystemClock, random_bytes
from hortus.app.ground import sync_directory, write_private
from hortus.app.home import Home
from hortus.base.errors import ConfigurationError, InstallationError
from hortus.base.secrets import Secret, digest_key

SECRET_FORMAT = 1
ADMIN_TOKEN_PREFIX = "hortus_at_"  # noqa: S105 -- the prefix by which secret scanners find a token, not a token
SHORTEST_ADMIN_TOKEN = 16

_SECRET_BYTES = 32
_TOKEN_BYTES = 30
_CHECKED_WORDS = "hortus: is this the secret of this store?"


class _SecretFile(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    format: int
    current: int
    secrets: dict[int, str]
    made_at_ms: dict[int, int] = {}


class Secrets(msgspec.Struct, frozen=True):
    """All versions of the installation's secret; new keys are made with the current one.

    Attributes:
        made_at_ms: When each was made; the first ones of an old installation are not in it.
    """

    current: Secret
    by_version: dict[int, Secret]
    made_at_ms: dict[int, int] = {}


class SecretChecks(Protocol):
    """Where the store remembers which secret it belongs to."""

    def check_of(self, version: int) -> str | None:
        """Return what was remembered for a version of the secret, None before the first time."""
        ...

    def remember_check(self, version: int, check: str) -> None:
        """Remember a version of the secret."""
        ...

    def needed(self) -> frozenset[int]:
        """Return the versions without which keys that work would not."""
        ...

    def forget_others(self, versions: Collection[int]) -> None:
        """Forget the versions that there are no longer."""
        ...


def ensure_secret(home: Home) -> Secrets:
    """Read `secret.key`, or make it where this installation is new.

    Raises:
        InstallationError: It is missing although a store exists, open to others, or damaged.
    """
    if not home.secret_key.exists():
        if home.store.exists() and home.store.stat().st_size:
            raise InstallationError(
                "the secret of this installation is missing, but its store exists: no key in it would work.",
                path=str(home.secret_key),
                hint="Restore this file from a backup, or move the store away to begin anew.",
            )
        first = make_version(1)
        write_once(home.secret_key, _write_secrets(Secrets(first, {1: first}, {1: SystemClock().now_ms()})))
    return load_secrets(home)


def load_secrets(home: Home) -> Secrets:
    """Read `secret.key`.

    Raises:
        InstallationError: It is missing, open to others, or damaged.
    """
    data = read_private(home.secret_key)
    try:
        content = msgspec.json.decode(data, type=_SecretFile)
        secrets = {version: Secret(version, bytes.fromhex(text)) for version, text in content.secrets.items()}
        if content.format != SECRET_FORMAT or any(len(secret.value) < _SECRET_BYTES for secret in secrets.values()):
            raise ValueError("format")  # noqa: TRY301 -- one answer to every kind of damage
        return Secrets(secrets[content.current], secrets, content.made_at_ms)
    except (ValueError, KeyError) as error:
        raise InstallationError(
            "this is not a secret file that this release can read.",
            path=str(home.secret_key),
            hint="Restore it from a backup; its loss makes every key useless.",
        ) from error


def make_version(version: int) -> Secret:
    """Return a fresh secret."""
    return Secret(version, random_bytes(_SECRET_BYTES))


def replace_secrets(home: Home, secrets: Secrets) -> None:
    """Write `secret.key` anew, whole; only within `secrets_stay`."""
    write_private(home.secret_key, _write_secrets(secrets))
    sync_directory(home.root)


def _write_secrets(secrets: Secrets) -> bytes:
    texts = {version: secret.value.hex() for version, secret in secrets.by_version.items()}
    content = _SecretFile(SECRET_FORMAT, secrets.current.version, texts, secrets.made_at_ms)
    return msgspec.json.encode(content) + b"\n"


def check_words(secret: Secret) -> str:
    """Return what a store remembers of a version of its secret."""
    return digest_key(_CHECKED_WORDS, secret)


def confirm_secret(secrets: Secrets, checks: SecretChecks, *, path: Path) -> None:
    """Make sure that store and secret belong together; the store remembers new versions, and forgets retired ones.

    Args:
        secrets: What `secret.key` holds.
        checks: The store's memory.
        path: Of `secret.key`, for the message.

    Raises:
        InstallationError: The store belongs to another secret, or one that keys need is missing.
    """
    if missing := checks.needed() - secrets.by_version.keys():
        raise InstallationError(
            f"version {min(missing)} of the secret is missing, and keys need it.",
            path=str(path),
            hint="Put back the file that was in use last, or restore store and file from the same backup.",
        )
    for version, secret in secrets.by_version.items():
        check, known = check_words(secret), checks.check_of(version)
        if known is None:
            checks.remember_check(version, check)
        elif known != check:
            raise InstallationError(
                "the store belongs to another secret: no key in it would work.",
                path=str(path),
                hint="Restore the store and this file from the same backup.",
            )
    checks.forget_others(secrets.by_version.keys())


def ensure_admin_token(home: Home, *, given: str | None = None) -> tuple[str, bool]:
    """Return the admin token, and whether this call made it.

    Args:
        home: Where it lies.
        given: The value of `HORTUS_ADMIN_TOKEN`; it goes before the file and is not written down.

    Raises:
        ConfigurationError: The given token is too weak or cannot be sent in a header.
        InstallationError: The file is open to others or empty.
    """
    is_new = not given and not home.admin_token.exists()
    if is_new:
        is_new = write_once(home.admin_token, _make_admin_token().encode() + b"\n")
    return read_admin_token(home, given=given), is_new


def replace_admin_token(home: Home) -> str:
    """Make another admin token; a running Hortus takes it, and the one before no longer."""
    token = _make_admin_token()
    write_private(home.admin_token, token.encode() + b"\n")
    sync_directory(home.root)
    return token


def _make_admin_token() -> str:
    return ADMIN_TOKEN_PREFIX + base64.urlsafe_b64encode(random_bytes(_TOKEN_BYTES)).decode()


def read_admin_token(home: Home, *, given: str | None = None) -> str:
    """Return the admin token. Arguments and errors as `ensure_admin_token`, and InstallationError if there is none."""
    if given:
        if len(given) < SHORTEST_ADMIN_TOKEN or not given.isascii() or not given.isprintable() or " " in given:
            raise ConfigurationError(
                f"the admin token needs at least {SHORTEST_ADMIN_TOKEN} printable ASCII characters without spaces.",
                path="HORTUS_ADMIN_TOKEN",
                hint="Remove the variable to let Hortus make a token.",
            )
        return given
    token = read_private(home.admin_token).decode("ascii", "replace").strip()
    if len(token) < SHORTEST_ADMIN_TOKEN:
        raise InstallationError(
            "this file holds no admin token.", path=str(home.admin_token), hint="Remove it; the next start makes one."
        )
    return token


@contextlib.contextmanager
def secrets_stay(home: Home, *, is_changing: bool = False) -> Iterator[None]:
    """Let no version of the secret come or go meanwhile; or, for whoever changes them, see that nobody counts on it.

    Raises:
        InstallationError: Versions cannot change now: a backup is being made, or somebody else changes them.
    """
    home.run.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(home.run / "secrets.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB if is_changing else fcntl.LOCK_SH)
        except BlockingIOError as error:
            raise InstallationError(
                "a backup or another change of secrets is going on.",
                path=str(home.root),
                hint="Try again when it is done.",
            ) from error
        yield
    finally:
        os.close(descriptor)


def read_private(path: Path) -> bytes:
    """Return what a file holds that only its owner may read.

    Raises:
        InstallationError: It cannot be read, or others may read it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise InstallationError(
            f"cannot be read: {error.strerror}.", path=str(path), hint="Is HORTUS_HOME right, and has Hortus run there?"
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        if os.fstat(descriptor).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise InstallationError("other users may read this secret.", path=str(path), hint=f"Run: chmod 600 {path}")
        return file.read()


def write_once(path: Path, content: bytes) -> bool:
    """Make a private file appear whole, unless another process was first; tell whether it was this one.

    Raises:
        InstallationError: It cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{random_bytes(4).hex()}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        try:
            os.link(temporary, path)
        except FileExistsError:
            return False
        finally:
            temporary.unlink()
    except OSError as error:
        raise InstallationError(
            f"cannot be written: {error.strerror}.", path=str(path), hint="Give this user the right to write there."
        ) from error
    return True
