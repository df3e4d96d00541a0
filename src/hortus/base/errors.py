"""The root of every error that Hortus raises on purpose: what happened, where, and what to do next.

Nothing here knows a wire format. Faults of a single request live in `canon.errors`; this root also carries
faults of an installation (a broken file, an occupied port), which only people read.
"""

from __future__ import annotations

from typing_extensions import override


class HortusError(Exception):
    """Something went wrong that a person or a program can act on.

    Args:
        message: What happened, in one sentence. Never a secret, never a request's content.
        path: Where: a JSON path, a file with its line, or an address.
        hint: What to do next, in one sentence.
    """

    code = "error"

    def __init__(self, message: str, *, path: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.path = path
        self.hint = hint

    @override
    def __str__(self) -> str:
        where = f"{self.path}: " if self.path else ""
        after = f" {self.hint}" if self.hint else ""
        return f"{where}{self.message}{after}"


class ConfigurationError(HortusError):
    """A setting or a declared object is wrong; `path` names file and line where there is one."""

    code = "configuration_error"


class InstallationError(HortusError):
    """The ground is not fit: an unwritable directory, an occupied port, a store that is too new."""

    code = "installation_error"
