"""References to credentials (`env:NAME`, `file:PATH`) and what they stand for; values never enter a message."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

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
        """Return what `reference` stands for.

        Raises:
            ConfigurationError: There is no such thing, or it cannot be sent in a header.
        """
        scheme, _, name = reference.partition(":")
        if scheme == "env":
            value = self._environment.get(name, "")
            missing = f"the environment variable {name} is not set"
        elif scheme == "file":
            value, missing = self._read_file(name), f"the credential file {name} is missing or empty"
        else:
            raise ConfigurationError(f"its credential reference has the unknown scheme {scheme!r}")
        value = value.strip()
        if not value:
            raise ConfigurationError(missing)
        if not value.isascii() or not value.isprintable():
            raise ConfigurationError(f"the credential under {scheme}:{name} has characters that no header can carry")
        return value

    def poll(self) -> bool:
        """Tell whether a credential file that was read has changed since."""
        return any(sign(path) != signature for path, signature in self._signatures.items())

    def _read_file(self, name: str) -> str:
        path = self._directory / name
        self._signatures[path] = sign(path)
        try:
            return path.read_text("ascii", "replace")
        except OSError:
            return ""
