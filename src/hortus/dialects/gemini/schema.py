"""What is Gemini's own schema language (a subset of OpenAPI 3.0) in JSON Schema? A small table, and a walk.

https://ai.google.dev/api/caching#Schema, read 2026-11. Names that the table does not know pass as they are: JSON Schema
lets readers skip them.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

_TYPES: Mapping[object, str] = {
    name: word
    for number, word in enumerate(("string", "number", "integer", "boolean", "array", "object", "null"), start=1)
    for name in (number, word, word.upper())
}
"""By name in either case, and by number, as Vertex' clients write it."""

_NAMES: Mapping[str, str] = {
    "any_of": "anyOf",
    "prefix_items": "prefixItems",
    "additional_properties": "additionalProperties",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_properties": "minProperties",
    "max_properties": "maxProperties",
    "ref": "$ref",
    "defs": "$defs",
}
_COUNTS = frozenset(("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"))
"""64-bit numbers, which this JSON writes as strings."""

_MAPS = frozenset(("properties", "$defs"))
_LISTS = frozenset(("anyOf", "prefixItems"))
_ONES = frozenset(("items", "additionalProperties"))
_ORDERS = frozenset(("propertyOrdering", "property_ordering"))

_Object = dict[str, object]


class _Unknown(Exception):  # noqa: N818 -- it never leaves this file
    """A type that JSON Schema has no word for."""


def to_json_schema(raw: msgspec.Raw) -> msgspec.Raw | None:
    """Return the schema as JSON Schema, byte for byte where it is one already; None where it cannot be one.

    >>> bytes(to_json_schema(msgspec.Raw(b'{"type": "OBJECT", "nullable": true}')))
    b'{"type":["object","null"]}'
    """
    try:
        schema = msgspec.json.decode(raw)
        converted = _convert(schema)
    except (_Unknown, msgspec.DecodeError, RecursionError):
        return None
    return raw if converted == schema else msgspec.Raw(msgspec.json.encode(converted))


def _convert(schema: object) -> object:
    if not isinstance(schema, dict):
        return schema  # true, false
    converted: _Object = {}
    for given, value in schema.items():
        name = _NAMES.get(given, given)
        if name == "nullable" or given in _ORDERS:
            continue
        if name == "example":
            converted["examples"] = [value]
        else:
            converted[name] = _value(name, value)
    if schema.get("nullable") is True:
        _allow_null(converted)
    _order(converted, next((schema[name] for name in _ORDERS if name in schema), None))
    return converted


def _value(name: str, value: object) -> object:
    if name == "type":
        return _type(value)
    if name in _ONES:
        return _convert(value)
    match value:
        case str():
            return _word(name, value)
        case list() if name in _LISTS:
            return [_convert(one) for one in value]
        case dict() if name in _MAPS:
            return {key: _convert(one) for key, one in value.items()}
        case _:
            return value


def _word(name: str, value: str) -> object:
    if name == "$ref":
        return value.replace("#/defs/", "#/$defs/", 1)
    return int(value) if name in _COUNTS and value.isdecimal() else value


def _type(value: object) -> object:
    if isinstance(value, list):
        return [_type(one) for one in value]
    known = _TYPES.get(value) if isinstance(value, (str, int)) else None
    if known is None:
        raise _Unknown
    return known


def _allow_null(schema: _Object) -> None:
    kind = schema.get("type")
    if isinstance(kind, str) and kind != "null":
        schema["type"] = [kind, "null"]
    for name in ("enum", "anyOf"):
        values = schema.get(name)
        extra: object = None if name == "enum" else {"type": "null"}
        if isinstance(values, list) and extra not in values:
            schema[name] = [*values, extra]


def _order(schema: _Object, names: object) -> None:
    """Put the properties into the order that the schema asks for."""
    properties = schema.get("properties")
    if isinstance(names, list) and isinstance(properties, dict):
        rank = {name: number for number, name in enumerate(names) if isinstance(name, str)}
        schema["properties"] = dict(sorted(properties.items(), key=lambda item: rank.get(item[0], len(rank))))
