"""What the gateway must know of pictures as they pass: the route of a request, and what an answer says was used."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hortus.canon.dialect import Answer, Asked, HostId, Operation, StreamUsage
from hortus.canon.errors import InvalidRequest
from hortus.canon.form import Form
from hortus.canon.usage import Usage
from hortus.framing import forms, plain
from hortus.framing.asking import name_route, read_flag
from hortus.framing.counting import UNREADABLE, read_served_model
from hortus.framing.media_events import open_events, read_media_usage
from hortus.framing.shallow import Members, read_members
from hortus.framing.weighing import list_of

NAME: Final = "openai_images"
GENERATIONS: Final = "images"
EDITS: Final = "image_edits"
VARIATIONS: Final = "image_variations"

_NUMBER: Final = re.compile("[0-9]{1,4}")
_NOTHING: Final = Raw(b"null")


class _Body(msgspec.Struct):
    data: list[Raw] | None = None
    usage: Raw = _NOTHING
    model: Raw = _NOTHING


class _Picture(msgspec.Struct):
    file_id: str | None = None


_DECODE = msgspec.json.Decoder(_Body).decode
_DECODE_PICTURES = msgspec.json.Decoder(list[_Picture]).decode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read route and stream out of a request.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: `model` is missing, or `stream` is no boolean.
    """
    asked = plain.ask(name_route(read_members(body), route))
    is_stream = operation.can_stream and read_flag(asked.members, "stream", path="stream")
    return replace(asked, is_stream=is_stream, host_ids=tuple(_kept_pictures(asked.members)))


def read_form(operation: Operation, form: Form, in_path: str | None) -> Asked:
    """Read the same out of a form.

    Raises:
        InvalidRequest: Likewise; or `n`, by which pictures are charged, is no plain number.
    """
    number = form.field("n")
    if number is not None and not _NUMBER.fullmatch(number.value or ""):
        raise InvalidRequest("`n` must be a whole number.", path="n", hint="Such as 1.")
    return forms.read_form(operation, form, in_path)


def open_stream(wants_usage: bool) -> StreamUsage:  # noqa: FBT001 -- as `Dialect.open_stream` is called
    """Return a reader of events."""
    del wants_usage
    return open_events(NAME)


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return what an answer says was used: tokens where it does, and its pictures, which are counted."""
    del operation, input_bytes
    try:
        said = _DECODE(body)
    except UNREADABLE:
        return Answer(usage=Usage(is_estimated=True), served_model=None)
    usage = read_media_usage(NAME, said.usage) or Usage()
    return Answer(usage=replace(usage, images=len(said.data or ())), served_model=read_served_model(said.model))


def _kept_pictures(members: Members) -> Iterator[HostId]:
    """Return the pictures that a request names by the id of a file."""
    pictures = list_of(members, "images", _DECODE_PICTURES)
    pictures += list_of({"mask": Raw(b"[%b]" % bytes(members.get("mask", _NOTHING)))}, "mask", _DECODE_PICTURES)
    for one in pictures:
        if one.file_id is not None:
            yield "file", one.file_id
