"""Who may call the admin API? Checked before anything of a request is read but its head."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hortus.access.acts import BY_SOCKET, BY_TOKEN, acting
from hortus.control.errors import AdminError, ForeignName, LengthNeeded, NoToken, TooLong
from hortus.control.faults import render_fault

PROTECTED = "/admin"
METRICS = "/metrics"
MOST_BODY_BYTES = 8 * 1024 * 1024
MOST_FILE_BYTES = 512 * 1024 * 1024
"""Of a file that is brought; as much as OpenAI takes, recalled 2026-11."""


_FOREIGN = ForeignName(
    "This machine is asked for under a name that is not its own.", hint="Ask for it as 127.0.0.1 or localhost."
)


class AdminDoor:
    """Lets requests below `/admin` in with the token, or over the Unix socket.

    The socket is a file that only its owner (and root) may open, in a directory of the same kind: who can connect
    may read the token's file as well.

    Args:
        file_calls: Methods and paths whose body is a file, and so may be longer.
    """

    def __init__(self, app: ASGIApp, *, token: Callable[[], str], file_calls: Collection[tuple[str, str]] = ()) -> None:
        self._app = app
        self._token = token
        self._file_calls = file_calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what may pass."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not _is_protected(scope["path"]):
            open_door = render_fault(_FOREIGN) if _is_rebound(scope) else self._app
            await open_door(scope, receive, send)
            return

        async def send_unstored(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["cache-control"] = "no-store"
            await send(message)

        fault = self._judge(scope)
        if fault is not None:
            await render_fault(fault)(scope, receive, send_unstored)
            return
        with acting(BY_SOCKET if _is_unix(scope) else BY_TOKEN):
            await self._app(scope, receive, send_unstored)

    def _judge(self, scope: Scope) -> AdminError | None:
        headers = Headers(scope=scope)
        if not _is_unix(scope) and not self._is_token(headers.get("authorization", "")):
            hint = "Send `Authorization: Bearer …` with the token in the file admin-token of the installation's home."
            return NoToken("The admin token is missing or wrong.", hint=hint)
        if "transfer-encoding" in headers:
            return LengthNeeded("The body has no content-length.", hint="Send the body whole.")
        length = headers.get("content-length", "0")
        most = MOST_FILE_BYTES if (scope["method"], scope["path"]) in self._file_calls else MOST_BODY_BYTES
        if not length.isdigit() or int(length) > most:
            return TooLong(f"The body is over {most} bytes.", hint="Is this meant for the admin API?")
        return None

    def _is_token(self, header: str) -> bool:
        scheme, _, given = header.partition(" ")
        is_same = hmac.compare_digest(given.strip().encode("latin-1", "replace"), self._token().encode())
        return is_same and scheme.lower() == "bearer"


def _is_protected(path: str) -> bool:
    return path == PROTECTED or path.startswith(f"{PROTECTED}/")


def _is_rebound(scope: Scope) -> bool:
    """Tell whether figures are asked for on loopback under a name of the internet.

    A web page can have its own name resolved to 127.0.0.1 (DNS rebinding) and then read what needs no token.
    """
    server = scope.get("server")
    if scope["path"] != METRICS or server is None or not _is_loopback(server[0]):
        return False
    try:
        name = urlsplit(f"//{Headers(scope=scope).get('host', '')}").hostname or ""
    except ValueError:
        return True
    return name != "localhost" and not name.endswith(".localhost") and not _is_address(name)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_loopback(text: str) -> bool:
    return _is_address(text) and ip_address(text).is_loopback


def _is_unix(scope: Scope) -> bool:
    """Tell whether the request came over the Unix socket: the server's own end has no port then."""
    server = scope.get("server")
    return server is not None and server[1] is None
