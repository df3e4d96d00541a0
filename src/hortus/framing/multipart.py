"""Multipart forms (RFC 7578, 2046): bytes to parts and their places, however the bytes are split; content is not kept.

Strict, for somebody else reads the same bytes afterwards: whatever two readers could take for different parts is
refused. So there is no preamble or epilogue, lines end with CRLF, and no line of a content looks like a delimiter.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

from hortus.canon.errors import InvalidRequest
from hortus.canon.form import Form, FormPart
from hortus.framing.multipart_heads import PartHead, read_part_head

HEAD_LIMIT_BYTES: Final = 8192
MOST_PARTS: Final = 256
FIELDS_LIMIT_BYTES: Final = 1024 * 1024
"""Of all fields that are no files together: only these are held in memory."""

_CRLF: Final = b"\r\n"
_HEAD_END: Final = b"\r\n\r\n"
_CLOSED: Final = b"--"

_State = Literal["start", "delimiter", "head", "content", "after"]


class MultipartReader:
    r"""Reads one form.

    Args:
        boundary: As the content type names it.
        take: Gets the content of files, piece by piece; None: nobody keeps it.

    >>> reader = MultipartReader(b"x")
    >>> reader.feed(b'--x\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n--x--\r\n')
    >>> [(part.name, part.value) for part in reader.close().parts]
    [('model', 'whisper')]
    """

    __slots__ = (
        "_at",
        "_boundary",
        "_content_at",
        "_delimiter",
        "_fields_bytes",
        "_head",
        "_head_at",
        "_held",
        "_parts",
        "_start",
        "_state",
        "_take_file",
        "_value",
    )

    def __init__(self, boundary: bytes, *, take: Callable[[bytes], object] | None = None) -> None:
        self._boundary = boundary
        self._take_file = take
        self._delimiter = b"--" + boundary
        self._state: _State = "start"
        self._held = b""
        self._at = 0
        """Where `_held` begins in the body."""
        self._start = 0
        self._head: PartHead | None = None
        self._head_at = self._content_at = 0
        self._value: list[bytes] = []
        self._fields_bytes = 0
        self._parts: list[FormPart] = []

    def feed(self, data: bytes) -> None:
        """Take the next bytes.

        Raises:
            InvalidRequest: This is no form, or none that everybody reads alike.
        """
        self._held = self._held + data if self._held else data
        while self._step():
            pass

    def close(self) -> Form:
        """Return the form; there are no more bytes.

        Raises:
            InvalidRequest: It is not whole.
        """
        if self._state != "after" or self._held not in {b"", _CRLF}:
            raise _wrong("The form ends before its closing delimiter.", hint="Was the body cut? Send it again, whole.")
        return Form(self._boundary, tuple(self._parts), self._start, self._at + len(self._held))

    def _step(self) -> bool:
        """Go on by one step; False where more bytes are needed."""
        match self._state:
            case "start":
                return self._begin()
            case "delimiter":
                return self._end_delimiter()
            case "head":
                return self._read_head()
            case "content":
                return self._read_content()
            case "after":
                return self._refuse_more()

    def _drop(self, count: int) -> None:
        self._held = self._held[count:]
        self._at += count

    def _begin(self) -> bool:
        """Find the first delimiter; some clients begin with a line end."""
        held, skipped = self._held, 0
        if _CRLF.startswith(held[:2]):
            if len(held) <= len(_CRLF):
                return False
            skipped = len(_CRLF)
        seen = held[skipped : skipped + len(self._delimiter)]
        if not self._delimiter.startswith(seen):
            raise _wrong(
                "The body does not begin with the boundary that its content type names.",
                hint="Let your HTTP library write the header `Content-Type` itself.",
            )
        if len(seen) < len(self._delimiter):
            return False
        self._start = skipped
        self._drop(skipped + len(self._delimiter))
        self._state = "delimiter"
        return True

    def _end_delimiter(self) -> bool:
        end = self._held[:2]
        if len(end) < len(_CRLF):
            return False
        if end not in {_CRLF, _CLOSED}:
            raise _wrong("A delimiter is followed by something else than a line end.", hint="Use another boundary.")
        self._drop(len(end))
        self._state = "head" if end == _CRLF else "after"
        return True

    def _read_head(self) -> bool:
        if self._held.startswith(_CRLF):
            raise _wrong("A part has no head.", hint="Name it with `Content-Disposition: form-data`.")
        end = self._held.find(_HEAD_END, 0, HEAD_LIMIT_BYTES)
        if end < 0:
            if len(self._held) >= HEAD_LIMIT_BYTES:
                raise _wrong(f"The head of a part is longer than {HEAD_LIMIT_BYTES} bytes.", hint="Shorten its name.")
            return False
        if len(self._parts) >= MOST_PARTS:
            raise _wrong(f"The form has more than {MOST_PARTS} parts.", hint="Send fewer.")
        self._head = read_part_head(self._held[:end])
        self._head_at = self._at
        self._drop(end + len(_HEAD_END))
        self._content_at = self._at
        self._value = []
        self._state = "content"
        return True

    def _read_content(self) -> bool:
        """Look for the next delimiter; what cannot be a part of it is let go, or kept where it is a field's value."""
        found = self._find_delimiter()
        if found < 0:
            self._take(max(0, len(self._held) - len(self._delimiter) - 1))
            return False
        self._take(found - len(_CRLF))
        self._end_part()
        self._drop(len(_CRLF) + len(self._delimiter))
        self._state = "delimiter"
        return True

    def _find_delimiter(self) -> int:
        """Return where in `_held` the next delimiter is, -1 where there is none (yet)."""
        held, found = self._held, -1
        while (found := held.find(self._delimiter, found + 1)) >= 0:
            if found == 0 and self._at == self._content_at:
                raise _hidden()
            before = held[max(0, found - 2) : found]
            if before == _CRLF:
                return found
            if before.endswith((b"\r", b"\n")):
                raise _hidden()
        return -1

    def _take(self, count: int) -> None:
        """Let the next bytes of the content pass."""
        head = self._head
        if head is not None and not head.is_file and count:
            self._fields_bytes += count
            if self._fields_bytes > FIELDS_LIMIT_BYTES:
                raise InvalidRequest(
                    f"The fields of the form are longer than {FIELDS_LIMIT_BYTES} bytes.",
                    path=head.name,
                    hint="Send what is long as a file, with a file name.",
                )
            self._value.append(self._held[:count])
        elif count and self._take_file is not None:
            self._take_file(self._held[:count])
        self._drop(count)

    def _end_part(self) -> None:
        head = self._head
        if head is None:  # not reached: there is no content without a head
            return
        length = self._at - self._content_at
        if head.length is not None and head.length != length:
            raise _wrong("A part is not as long as its head says.", hint="Leave `Content-Length` out of parts.")
        self._parts.append(
            FormPart(
                name=head.name,
                value=None if head.is_file else _text(b"".join(self._value), name=head.name),
                filename=head.filename,
                content_type=head.content_type,
                head_start=self._head_at,
                start=self._content_at,
                end=self._at,
                tells_length=head.length is not None,
            )
        )
        self._head, self._value = None, []

    def _refuse_more(self) -> bool:
        if not _CRLF.startswith(self._held):
            raise _wrong("Something follows the form's closing delimiter.", hint="End the body there.")
        return False


def _text(value: bytes, *, name: str) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            "This field of the form is not UTF-8.", path=name, hint="Encode it so, or give a file its file name."
        ) from error


def _hidden() -> InvalidRequest:
    return _wrong("A content has the form's boundary at the beginning of a line.", hint="Use another boundary.")


def _wrong(message: str, *, hint: str) -> InvalidRequest:
    return InvalidRequest(message, hint=hint)
