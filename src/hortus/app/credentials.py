"""References to credentials (`env:NAME`, `file:PATH`) and what they stand for; values never enter a message."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

from hortus.base.errors import ConfigurationError
from hortus.snapshot.reading import Signature, sign


class Credentials:
    """Reads credentials.

    Args:
        environment: Variables of this process.
        directory: Where `file:` paths that are not absolute start.
    """

    def __init__(self, environment: Mapping[str, str], *, directory: Path) -> None:
        self._environment = environment
        self._directory = directory
        self._signatures: dict[Path, Signature | None] = {}

    def read(self, reference: str) -> str:
        """Return what `reference` stands for, a plain key.

        Raises:
            ConfigurationError: There is no such thing, or it cannot be sent in a header.
        """
        value = self._read_text(reference)
        if not value.isascii() or not value.isprintable():
            raise ConfigurationError(f"the credential under {reference} has characters that no header can carry")
        return value

    def read_document(self, reference: str) -> str:
        """Return the document (a key file in JSON) that `reference` stands for; a variable may hold its path.

        Raises:
            ConfigurationError: There is no such thing.
        """
        value = self._read_text(reference)
        if reference.startswith("env:") and not value.startswith("{"):
            missing = (
                f"the file that the environment variable {reference.removeprefix('env:')} names is missing or empty"
            )
            return self._read_file(value) or _refuse(missing)
        return value

    def is_present(self, reference: str) -> bool:
        """Tell whether there is anything behind `reference`; whether it is of use is seen when it is read."""
        try:
            self._read_text(reference)
        except ConfigurationError:
            return False
        return True

    def poll(self) -> bool:
        """Tell whether a credential file that was read has changed since."""
        return any(sign(path) != signature for path, signature in self._signatures.items())

    def _read_text(self, reference: str) -> str:
        scheme, _, name = reference.partition(":")
        if scheme == "env":
            return self._environment.get(name, "").strip() or _refuse(f"the environment variable {name} is not set")
        if scheme == "file":
            return self._read_file(name) or _refuse(f"the credential file {name} is missing or empty")
        return _refuse(f"its credential reference has the unknown scheme {scheme!r}")

    def _read_file(self, name: str) -> str:
        path = self._directory / name
        self._signatures[path] = sign(path)
        try:
            return path.read_text("ascii", "replace").strip()
        except OSError:
            return ""


def _refuse(reason: str) -> NoReturn:
    raise ConfigurationError(reason)
