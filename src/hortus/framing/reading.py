"""Open reading: a JSON object into a wire Struct, its unknown members taken out and kept at their paths.

Wire Structs forbid unknown members, so the usual object costs one strict decode; only where a member is unknown does
the walker go through it level by level. It never looks into `msgspec.Raw`: that content is not ours to read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TypeVar

import msgspec
from msgspec import inspect

from hortus.canon.errors import CallerFault, InvalidRequest
from hortus.framing.paths import join_name, join_paths
from hortus.framing.shallow import check_utf8, not_an_object, too_deep, why_broken

T = TypeVar("T", bound=msgspec.Struct)

Extras = dict[str, msgspec.Raw]
"""Unknown members by their paths."""

_PLACE = re.compile(r" - at `(?:key` in `)?\$(.*)`$")
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODER = msgspec.json.Encoder()


class _Shape(msgspec.Struct, frozen=True):
    """Where Structs can be in a value of one type.

    Attributes:
        struct: Struct that an object here is read into.
        values: Shape of each value, where an object here is a dict.
        items: Shape of each item, where a list is here.
    """

    struct: type[msgspec.Struct] | None = None
    values: _Shape | None = None
    items: _Shape | None = None


def read_open(data: bytes | msgspec.Raw, kind: type[T], *, at: str = "") -> tuple[T, Extras]:
    """Return the object in `data` as a `kind`, and its unknown members by path (relative to `at`).

    Args:
        data: JSON text; of a client's body, `check_text` has passed it.
        kind: A Struct with `forbid_unknown_fields`, as are the Structs nested in it.
        at: Path of this object, for errors.

    Raises:
        NotJson: Not JSON, not UTF-8, or (at the root) not an object.
        InvalidRequest: A member is missing or has the wrong type, half a surrogate pair, or nested too deep; `path`
            names the member.
    """
    decoder: msgspec.json.Decoder[T] = _decoder_of(kind)
    try:
        return decoder.decode(data), {}
    except msgspec.DecodeError as error:
        if not isinstance(error, msgspec.ValidationError):
            raise why_broken(bytes(data), error) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise _why_not_text(bytes(data), error) from error
    taken: Extras = {}
    try:
        # Members after the first that was wrong have not been decoded yet: they may be broken still.
        known = _take_unknown(msgspec.Raw(bytes(data).lstrip()), _Shape(kind), at="", taken=taken)
        return decoder.decode(_ENCODER.encode(known)), taken
    except msgspec.ValidationError as error:
        raise _why_invalid(error, at) from error
    except msgspec.DecodeError as error:
        raise why_broken(bytes(data), error) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise _why_not_text(bytes(data), error) from error


@cache  # one for each wire Struct
def _decoder_of(kind: type[T]) -> msgspec.json.Decoder[T]:
    return msgspec.json.Decoder(kind)


@cache  # one for each wire Struct
def _members_of(kind: type[msgspec.Struct]) -> dict[str, _Shape | None]:
    described = inspect.type_info(kind)
    if not isinstance(described, inspect.StructType):
        raise TypeError(kind)
    members = {field.encode_name: _shape_of(field.type) for field in described.fields}
    if described.tag_field is not None:
        members[described.tag_field] = None
    return members


def _shape_of(kind: inspect.Type) -> _Shape | None:
    choices = kind.types if isinstance(kind, inspect.UnionType) else (kind,)
    struct, values, items = None, None, None
    for choice in choices:
        if isinstance(choice, inspect.StructType):
            struct = choice.cls
        elif isinstance(choice, inspect.DictType):
            values = _shape_of(choice.value_type)
        elif isinstance(choice, (inspect.ListType, inspect.VarTupleType)):
            items = _shape_of(choice.item_type)
    return _Shape(struct, values, items) if struct or values or items else None


def _take_unknown(value: msgspec.Raw, shape: _Shape | None, *, at: str, taken: Extras) -> object:
    """Return `value` without the unknown members of the Structs in it; these are added to `taken`."""
    if shape is None:
        return value
    first = bytes(memoryview(value)[:1])
    if first == b"[" and shape.items:
        items = enumerate(_LIST.decode(value))
        return [_take_unknown(item, shape.items, at=f"{at}[{index}]", taken=taken) for index, item in items]
    if first == b"{" and (shape.struct or shape.values):
        members = _OBJECT.decode(value)
        shapes: Mapping[str, _Shape | None] = (
            _members_of(shape.struct) if shape.struct else dict.fromkeys(members, shape.values)
        )
        return _take_from_object(members, shapes, at=at, taken=taken)
    return value


def _take_from_object(
    members: dict[str, msgspec.Raw], shapes: Mapping[str, _Shape | None], *, at: str, taken: Extras
) -> dict[str, object]:
    known: dict[str, object] = {}
    for name, member in members.items():
        path = join_name(at, name)
        if name in shapes:
            known[name] = _take_unknown(member, shapes[name], at=path, taken=taken)
        else:
            taken[path] = member
    return known


def _why_not_text(data: bytes, error: UnicodeDecodeError | RecursionError) -> CallerFault:
    if isinstance(error, UnicodeDecodeError):
        check_utf8(data)
    return too_deep()


def _why_invalid(error: msgspec.ValidationError, at: str) -> CallerFault:
    """Return the error with its path and without the value, which may be secret."""
    text = str(error)
    place = _PLACE.search(text)
    path = join_paths(at, place[1].removeprefix(".").replace("[...]", "[*]")) if place else at
    reason = text[: place.start()] if place else text
    if not path and reason.startswith("Expected `object`"):
        return not_an_object()
    if reason.startswith(("Object missing required field ", "Object contains unknown field ")):
        what, _, name = reason.removesuffix("`").partition(" field `")
        message = "This member is missing." if what.startswith("Object missing") else "This member is not known here."
        return InvalidRequest(message, path=join_name(path, name))
    if reason.startswith("Invalid "):
        return InvalidRequest("The value is none of those that this member takes.", path=path)
    return InvalidRequest(reason.replace("`", "") + ".", path=path)
