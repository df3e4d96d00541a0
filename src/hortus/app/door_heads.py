"""What is wrong with the head of a request, beyond what the parser refuses? Pure.

Whatever two programs on the way could read differently is refused: that is how requests are smuggled past a proxy.
"""

from __future__ import annotations

from hortus.framing.websocket import accept_of
from hortus.gateway.exchange import Headers

_ONCE = frozenset((b"authorization", b"content-encoding", b"content-type", b"host", b"transfer-encoding"))
"""A doubled `content-length` is the parser's to refuse."""

_OPENING = frozenset(
    (b"upgrade", b"sec-websocket-key", b"sec-websocket-version", b"content-length", b"transfer-encoding")
)
"""What of a request for a WebSocket may stand there once."""

_FRAMING = frozenset((b"content-length", b"transfer-encoding"))


_HEADER_EXTRA_BYTES = 4  # colon, blank, CR, LF
_VERSIONS = frozenset({"1.0", "1.1"})


def find_fault(headers: Headers, *, version: str) -> bytes | None:
    """Return what is wrong, None where nothing is.

    >>> find_fault([(b"transfer-encoding", b"gzip, chunked")], version="1.1")
    b'The only transfer encoding taken is `chunked`, in HTTP/1.1.'

    Args:
        headers: Names in lower case.
        version: Of HTTP, as the request says it; the parser takes more than these two.
    """
    if version not in _VERSIONS:
        return b"Only HTTP/1.0 and HTTP/1.1 are spoken here."
    return _find_fault(headers, can_chunk=version != "1.0")


def _find_fault(headers: Headers, *, can_chunk: bool) -> bytes | None:
    names = {name for name, _ in headers}
    if len(names) == len(headers) and b"transfer-encoding" not in names:
        return None  # nearly always
    seen: set[bytes] = set()
    for name, value in headers:
        if name in _ONCE and name in seen:
            return b"The header `%b` stands twice." % name
        seen.add(name)
        if name == b"transfer-encoding" and not (can_chunk and value.strip().lower() == b"chunked"):
            return b"The only transfer encoding taken is `chunked`, in HTTP/1.1."
    return None


def accept_to(headers: Headers) -> bytes | None:
    """Return what is answered to a request for a WebSocket (RFC 6455, 4.2.1); None where it is no such request.

    >>> key = (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")
    >>> accept_to(((b"upgrade", b"websocket"), (b"connection", b"Upgrade"), (b"sec-websocket-version", b"13"), key))
    b's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
    """
    said = dict(headers)
    has_body = said.get(b"content-length", b"0").strip(b"0") or b"transfer-encoding" in said
    names = [name for name, _ in headers if name in _OPENING]
    if has_body or len(set(names)) < len(names):
        return None  # what follows could be taken for a body as well as for frames
    wants = {word.strip().lower() for name, value in headers if name == b"connection" for word in value.split(b",")}
    if said.get(b"upgrade", b"").lower() != b"websocket" or b"upgrade" not in wants:
        return None
    return accept_of(said.get(b"sec-websocket-key", b"")) if said.get(b"sec-websocket-version") == b"13" else None


def measure(headers: Headers) -> int:
    """Return how many bytes the lines of the headers have."""
    return sum([len(name) + len(value) + _HEADER_EXTRA_BYTES for name, value in headers])


def write_bare_head(headers: Headers) -> bytes:
    """Return a head that says of the body what `headers` say, and nothing else."""
    lines = [b"%b: %b\r\n" % pair for pair in headers if pair[0] in _FRAMING]
    return b"POST / HTTP/1.1\r\n" + b"".join(lines) + b"\r\n"
