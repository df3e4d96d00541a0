"""A multipart form as far as anybody must know it: its parts by name, the small ones with their values, and places."""

from __future__ import annotations

import msgspec


class FormPart(msgspec.Struct, frozen=True):
    """One part of a form.

    Attributes:
        value: What it says, where it is a field; None where it is a file.
        filename: As it is written, None for a field.
        content_type: As it is written, in lower case; None where it says nothing.
        head_start: Where its head begins in the body, in bytes.
        start: Where its content begins.
        end: Where that ends.
        tells_length: Whether its head says how long the content is.
    """

    name: str
    value: str | None
    filename: str | None
    content_type: str | None
    head_start: int
    start: int
    end: int
    tells_length: bool = False


class Form(msgspec.Struct, frozen=True):
    """A whole form.

    Attributes:
        boundary: What its parts are divided by.
        start: Where its first delimiter begins in the body, in bytes.
        size_bytes: Length of the whole body.
    """

    boundary: bytes
    parts: tuple[FormPart, ...]
    start: int
    size_bytes: int

    def field(self, name: str) -> FormPart | None:
        """Return the first field of a name."""
        return next((part for part in self.parts if part.name == name and part.value is not None), None)

    @property
    def files(self) -> tuple[FormPart, ...]:
        """Those parts that are files."""
        return tuple(part for part in self.parts if part.value is None)

    @property
    def file_bytes(self) -> int:
        """Length of all files together."""
        return sum(part.end - part.start for part in self.files)
