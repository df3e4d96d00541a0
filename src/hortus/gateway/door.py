"""Which dialect and operation a path means: the first thing that is decided of every request."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hortus.canon.dialect import Dialect, Operation
from hortus.canon.errors import MethodNotAllowed, UnknownPath, UpgradeRefused

_ROUTE = "{route}"


class Found(msgspec.Struct, frozen=True):
    """What a path means; `argument` is what stands for `{route}` in it."""

    dialect: Dialect
    operation: Operation
    argument: str | None = None


class WrongMethod(MethodNotAllowed):
    """The path exists, with other methods: `allow` names them."""

    def __init__(self, message: str, *, allow: str) -> None:
        super().__init__(message, hint=f"Use {allow}.")
        self.allow = allow


class Door:
    """The paths of all dialects.

    Args:
        dialects: The first one answers for paths that belong to none.
    """

    def __init__(self, dialects: Sequence[Dialect]) -> None:
        self.first = dialects[0]
        self._exact: dict[str, dict[str, Found]] = {}
        self._below: dict[str, dict[str, Found]] = {}
        for dialect in dialects:
            for operation in dialect.operations:
                path, is_below, _ = operation.path.partition(_ROUTE)
                table = self._below if is_below else self._exact
                table.setdefault(path, {})[operation.method] = Found(dialect, operation)

    def find(self, method: str, path: str) -> Found:
        """Return what `method` on `path` means.

        Raises:
            UnknownPath: No operation has this path.
            WrongMethod: It exists with other methods.
        """
        methods = self._exact.get(path)
        argument = None
        if methods is None:
            for prefix, found_below in self._below.items():
                if path.startswith(prefix) and len(path) > len(prefix):
                    methods, argument = found_below, path[len(prefix) :]
        if methods is None:
            raise UnknownPath("This path is not served here.", hint=self._advise(path))
        found = methods.get(method)
        if found is None:
            raise WrongMethod("This path does not take this method.", allow=", ".join(sorted(methods)))
        return found if argument is None else Found(found.dialect, found.operation, argument)

    def _advise(self, path: str) -> str:
        """Say which path was probably meant: the usual slip is a base URL without `/v1`, or with it twice."""
        tail = "/" + path.strip("/").removeprefix("v1/")
        for known in self._exact:
            if known == path.rstrip("/") or known.removeprefix("/v1") == tail.removeprefix("/v1"):
                return f"Did you mean {known}? The base URL of OpenAI's SDKs ends with /v1."
        return "Served are " + ", ".join(sorted(self._exact)) + "."


def refuse_upgrade(headers: dict[bytes, bytes]) -> None:
    """Refuse what asks to become a WebSocket.

    Raises:
        UpgradeRefused: It does.
    """
    if headers.get(b"upgrade", b"").lower() == b"websocket":
        raise UpgradeRefused(
            "WebSockets are not spoken here.", hint="Send plain HTTP; set `stream` to true to get an answer in parts."
        )
