"""How a request head is written: the only place where bytes of a head come together, so nothing slips in."""

from __future__ import annotations

import msgspec

from hortus.gateway.ports import HostRequest, size_of
from hortus.transport.faults import unsendable
from hortus.transport.proxies import Proxy
from hortus.transport.target import Target

_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"  # lower case only: names are compared as bytes
_CONTROLS = bytes(code for code in range(32) if code != ord("\t")) + b"\x7f"  # a tab is allowed by RFC 9110, 5.5

_OURS = frozenset(
    {
        b"connection",
        b"content-length",
        b"expect",
        b"host",
        b"keep-alive",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Headers about the connection and the framing: the client's own affair."""

Pairs = tuple[tuple[bytes, bytes], ...]

_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "DELETE"})
"""Methods that say nothing of a length where there is no body."""


class HeadLines(msgspec.Struct, frozen=True):
    """What is the same in many requests to one URL.

    Attributes:
        opening: From the method to the last standing header.
        usual: Names and lines of headers that are sent where a request has none of that name.
    """

    opening: bytes
    usual: tuple[tuple[bytes, bytes], ...]


def prepare_head(request: HostRequest, target: Target, proxy: Proxy | None, *, user_agent: str) -> HeadLines:
    """Return the lines that all requests share which are like this one; a plain proxy is told the whole URL.

    Raises:
        HostUnavailable: As `write_head`, for the standing headers; or the method is not a word.
    """
    if not (request.method.isascii() and request.method.isalpha()):
        raise unsendable("its method is not a word", hint="Correct the method.")
    names = [name for name, _ in request.standing]
    _check(request.standing, names)
    opening = f"{request.method} {_first_lines(target, proxy)}".encode("ascii")
    usual = ((b"accept-encoding", b"identity"), (b"user-agent", user_agent.encode("ascii")))
    return HeadLines(
        opening=opening + b"".join([b"%b: %b\r\n" % pair for pair in request.standing]),
        usual=tuple((name, b"%b: %b\r\n" % (name, value)) for name, value in usual if name not in names),
    )


def _first_lines(target: Target, proxy: Proxy | None) -> str:
    """Return the lines up to `host`, without the method; and a plain proxy's credential."""
    if proxy is None or target.scheme != "http":
        return f"{target.resource} HTTP/1.1\r\nhost: {target.authority}\r\n"
    opening = f"{target.origin}{target.resource} HTTP/1.1\r\nhost: {target.authority}\r\n"
    if proxy.authorization is None:
        return opening
    return f"{opening}proxy-authorization: {proxy.authorization.decode('ascii')}\r\n"


def write_head(request: HostRequest, lines: HeadLines) -> bytes:
    """Return the head of a request.

    Raises:
        HostUnavailable: A header holds a line break or another control character, its name is not one, or it is the
            client's own affair (framing, connection). The message names the header, never its value.
    """
    names = [name for name, _ in request.headers]
    _check(request.headers, names)
    parts = [lines.opening]
    for name, value in request.headers:
        parts += (name, b": ", value, b"\r\n")
    parts += [line for name, line in lines.usual if name not in names]
    length = size_of(request.body)
    if length or request.method not in _WITHOUT_BODY:
        parts.append(b"content-length: %d\r\n\r\n" % length)
    else:
        parts.append(b"\r\n")
    return b"".join(parts)


def _check(headers: Pairs, names: list[bytes]) -> None:
    values = b"".join([value for _, value in headers])
    if (
        not b"".join(names).translate(None, _TOKEN)
        and len(values.translate(None, _CONTROLS)) == len(values)
        and all(names)
        and _OURS.isdisjoint(names)
    ):
        return
    raise unsendable(_first_wrong(headers), hint="Correct the header, or the credential that fills it.")


def _first_wrong(headers: Pairs) -> str:
    for name, value in headers:
        if not name or name.translate(None, _TOKEN):
            return "the name of a header is not a word in lower case"
        if name in _OURS:
            return f"the header {name.decode('ascii')} is set by the client itself"
        if len(value.translate(None, _CONTROLS)) != len(value):
            break
    return f"the header {name.decode('ascii')} holds a line break or control character"


def write_connect(target: Target, proxy: Proxy) -> bytes:
    """Return the head that asks a proxy for a tunnel to the target."""
    shown = f"[{target.host}]" if ":" in target.host else target.host
    authority = f"{shown}:{target.port}".encode("ascii")
    head = b"CONNECT " + authority + b" HTTP/1.1\r\nhost: " + authority + b"\r\n"
    if proxy.authorization is not None:
        head += b"proxy-authorization: " + proxy.authorization + b"\r\n"
    return head + b"\r\n"
