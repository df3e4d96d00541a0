"""What the heads of a multipart form say: its boundary, and of each part the name and whether it is a file.

Strict, as `framing.multipart` is: a head that two readers could take for different names is refused.
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from hortus.canon.errors import InvalidRequest, UnsupportedMediaType

_MOST_LINES: Final = 16
_FORM_DATA: Final = "multipart/form-data"

# https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1 and rfc9110#section-5.6.2, recalled 2026-11. A quote that is
# escaped is not taken: some readers would see the end of the value there, and what follows as a name.
_VALUE: Final = r'(?:"(?P<quoted>(?:[^"\\\r\n]|\\(?!"))*)"|(?P<token>[!#$%&\'*+.^_`|~0-9A-Za-z-]+))'
_PARAMETER: Final = re.compile(rf"[ \t]*;[ \t]*(?P<name>[A-Za-z]+\*?)={_VALUE}[ \t]*")
_BOUNDARY: Final = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_LINE: Final = re.compile(r"(?P<name>[!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(?P<value>[^\x00-\x08\x0a-\x1f\x7f]*)")
_NAME: Final = re.compile(r"[A-Za-z0-9_.:\[\]-]{1,128}")

_PLAIN_ENCODINGS: Final = frozenset(("7bit", "8bit", "binary"))
_CHARSETS: Final = frozenset(("utf-8", "us-ascii"))
_LONGEST_NUMBER: Final = 15


class PartHead(msgspec.Struct, frozen=True):
    """What the head of a part says.

    Attributes:
        filename: As it is written; None where it has none.
        content_type: In lower case; None where it says nothing.
        length: How long the content is, where it says so.
        is_file: Whether it has a file name, in either way of writing one.
    """

    name: str
    filename: str | None
    content_type: str | None
    length: int | None
    is_file: bool


def read_boundary(content_type: bytes) -> bytes:
    """Return the boundary of a form, from the header of its request.

    >>> read_boundary(b'multipart/form-data; boundary="a b"')
    b'a b'

    Raises:
        UnsupportedMediaType: It is no form.
        InvalidRequest: It has no boundary, or none that everybody reads alike.
    """
    text = content_type.decode("latin-1")
    kind, _, _ = text.partition(";")
    if kind.strip().lower() != _FORM_DATA:
        raise UnsupportedMediaType(
            "The body is not declared as a form.", hint=f"Send it as `{_FORM_DATA}`, as the SDKs do."
        )
    given = _read_parameters(text[len(kind) :], where="The content type of the form")
    boundary = given.pop("boundary", "")
    is_known = not given.keys() - {"charset"} and given.get("charset", "utf-8").lower() in _CHARSETS
    if not is_known or not _BOUNDARY.fullmatch(boundary):
        raise _wrong(
            "The content type of the form names no boundary, or more than that.",
            hint="Let your HTTP library write the header `Content-Type` itself.",
        )
    return boundary.encode("ascii")


def read_part_head(block: bytes) -> PartHead:
    r"""Return what the head of a part says; `block` is the head without its last line end.

    >>> head = read_part_head(b'Content-Disposition: form-data; name="file"; filename="a.wav"')
    >>> head.name, head.is_file
    ('file', True)

    Raises:
        InvalidRequest: It cannot be one, or could be read in two ways.
    """
    lines = _read_lines(block)
    kind, semicolon, rest = lines.pop("content-disposition", "").partition(";")
    if kind.strip().lower() != "form-data":
        raise _wrong("A part is not named.", hint="Give it `Content-Disposition: form-data; name=…`.")
    given = _read_parameters(semicolon + rest, where="The head of a part")
    name = given.get("name", "")
    if given.keys() - {"name", "filename", "filename*"} or not _NAME.fullmatch(name):
        raise _wrong(
            "A part has no name, or one with other characters than letters, digits and `_.:-[]`.",
            hint="Name it as the API's reference does.",
        )
    is_file = not given.keys().isdisjoint(("filename", "filename*"))
    content_type = lines.get("content-type")
    _check_content(name, content_type, lines, is_file=is_file)
    filename = given.get("filename", given.get("filename*"))
    return PartHead(name, filename, content_type, _read_length(lines.get("content-length"), name=name), is_file)


def _read_lines(block: bytes) -> dict[str, str]:
    lines: dict[str, str] = {}
    texts = block.decode("utf-8", "replace").split("\r\n")
    for text in texts:
        match = _LINE.fullmatch(text)
        if match is None or len(texts) > _MOST_LINES:
            raise _wrong("A line in the head of a part is no header.", hint="Let your HTTP library write the form.")
        name, value = match["name"].lower(), match["value"].strip()
        if name in lines:
            raise _wrong("The head of a part has a header twice.", hint="Send each once.")
        lines[name] = value if name == "content-disposition" else value.lower()
    return lines


def _read_parameters(text: str, *, where: str) -> dict[str, str]:
    given: dict[str, str] = {}
    at = 0
    while at < len(text):
        match = _PARAMETER.match(text, at)
        if match is None or match["name"].lower() in given:
            raise _wrong(
                f"{where} has a parameter twice, or one that cannot be read.",
                hint='Leave `\\"` out of file names; let your HTTP library write the form.',
            )
        given[match["name"].lower()] = match["quoted"] if match["token"] is None else match["token"]
        at = match.end()
    return given


def _check_content(name: str, content_type: str | None, lines: dict[str, str], *, is_file: bool) -> None:
    """Refuse what would make somebody read the content in another way than byte for byte."""
    kind, _, rest = (content_type or "").partition(";")
    if kind.startswith("multipart/"):
        raise InvalidRequest("A part is a form itself.", path=name, hint="Send its parts one by one.")
    _, is_said, charset = rest.partition("charset=")
    if is_said and not is_file and charset.split(";")[0].strip().strip('"') not in _CHARSETS:
        raise InvalidRequest("This field is not declared as UTF-8.", path=name, hint="Encode fields as UTF-8.")
    if lines.get("content-transfer-encoding", "binary") not in _PLAIN_ENCODINGS:
        raise InvalidRequest(
            "A part has a transfer encoding.", path=name, hint="Send its bytes as they are (RFC 7578, 4.7)."
        )


def _read_length(said: str | None, *, name: str) -> int | None:
    if said is None:
        return None
    if not (said.isascii() and said.isdigit()) or len(said) > _LONGEST_NUMBER:
        raise InvalidRequest("The length of a part is no number.", path=name, hint="Leave `Content-Length` out.")
    return int(said)


def _wrong(message: str, *, hint: str) -> InvalidRequest:
    return InvalidRequest(message, hint=hint)
