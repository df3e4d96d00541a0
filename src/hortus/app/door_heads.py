"""What is wrong with the head of a request, beyond what the parser refuses? Pure.

Whatever two programs on the way could read differently is refused: that is how requests are smuggled past a proxy.
"""

from __future__ import annotations

from hortus.gateway.exchange import Headers

_ONCE = frozenset((b"authorization", b"content-encoding", b"content-type", b"host", b"transfer-encoding"))
"""A doubled `content-length` is the parser's to refuse."""

_FRAMING = frozenset((b"content-length", b"transfer-encoding"))


def find_fault(headers: Headers, *, can_chunk: bool) -> bytes | None:
    """Return what is wrong, None where nothing is.

    >>> find_fault([(b"transfer-encoding", b"gzip, chunked")], can_chunk=True)
    b'The only transfer encoding taken is `chunked`, in HTTP/1.1.'

    Args:
        headers: Names in lower case.
        can_chunk: The request is of HTTP/1.1, not 1.0.
    """
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


def write_bare_head(headers: Headers) -> bytes:
    """Return a head that says of the body what `headers` say, and nothing else."""
    lines = [b"%b: %b\r\n" % pair for pair in headers if pair[0] in _FRAMING]
    return b"POST / HTTP/1.1\r\n" + b"".join(lines) + b"\r\n"
