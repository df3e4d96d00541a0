"""Gemini's own schema language in JSON Schema."""

from __future__ import annotations

import pytest
from gemini_wire import decode, raw

from hortus.dialects.gemini.schema import to_json_schema


@pytest.mark.parametrize(
    ("own", "schema"),
    [
        ({"type": "STRING", "minLength": "3"}, {"type": "string", "minLength": 3}),
        ({"type": 6, "properties": {"a": {"type": 1}}}, {"type": "object", "properties": {"a": {"type": "string"}}}),
        ({"type": ["STRING", "NULL"]}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"anyOf": [{"type": "STRING"}], "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"type": "NULL", "nullable": True}, {"type": "null"}),
        ({"type": "STRING", "nullable": False}, {"type": "string"}),
        ({"type": "STRING", "example": "a"}, {"type": "string", "examples": ["a"]}),
        (
            {"type": "ARRAY", "items": {"type": "NUMBER"}, "min_items": "1"},
            {"type": "array", "items": {"type": "number"}, "minItems": 1},
        ),
        (
            {"ref": "#/defs/A", "defs": {"A": {"type": "STRING"}}},
            {"$ref": "#/$defs/A", "$defs": {"A": {"type": "string"}}},
        ),
        ({"type": "OBJECT", "additional_properties": False}, {"type": "object", "additionalProperties": False}),
        (
            {"type": "STRING", "minLength": "many", "properties": 7, "anyOf": 7},
            {"type": "string", "minLength": "many", "properties": 7, "anyOf": 7},
        ),
        ({"type": "STRING", "somethingNew": 1}, {"type": "string", "somethingNew": 1}),
    ],
)
def test_each_word_has_its_counterpart(own: dict, schema: dict) -> None:
    assert decode(to_json_schema(raw(own))) == schema


def test_the_order_that_is_asked_for_is_the_order_of_the_properties() -> None:
    own = {
        "type": "OBJECT",
        "properties": {"a": {"type": "STRING"}, "b": {"type": "STRING"}, "c": {"type": "STRING"}},
        "propertyOrdering": ["c", "b", 1],
    }
    assert list(decode(to_json_schema(raw(own)))["properties"]) == ["c", "b", "a"]
    assert decode(to_json_schema(raw({"type": "OBJECT", "propertyOrdering": ["c"]}))) == {"type": "object"}


def test_what_is_json_schema_already_stays_byte_for_byte() -> None:
    schema = raw({"type": "object", "minimum": 1.50, "additionalProperties": False})
    assert to_json_schema(schema) is schema


@pytest.mark.parametrize("own", [{"type": "FANCY"}, {"type": 0}, {"type": 99}, {"type": {}}, {"items": {"type": None}}])
def test_a_type_without_a_word_cannot_be_converted(own: dict) -> None:
    assert to_json_schema(raw(own)) is None
