"""Forms as clients write them."""

from __future__ import annotations

BOUNDARY = b"-----------------------------9051914041544843365972754266"


def field(name: str, value: bytes) -> bytes:
    """Return a part that is a field."""
    return b'Content-Disposition: form-data; name="%b"\r\n\r\n%b' % (name.encode(), value)


def file(name: str, content: bytes, *, filename: str = "a.wav", content_type: str = "audio/wav") -> bytes:
    """Return a part that is a file."""
    head = (
        f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\nContent-Type: {content_type}\r\n\r\n'
    )
    return head.encode() + content


def form(*parts: bytes, boundary: bytes = BOUNDARY) -> bytes:
    """Return a form of these parts."""
    return b"".join(b"--%b\r\n%b\r\n" % (boundary, part) for part in parts) + b"--%b--\r\n" % boundary


CONTENT_TYPE = b"multipart/form-data; boundary=" + BOUNDARY
SPEECH = form(field("model", b"r"), file("file", b"RIFF....WAVE"))
