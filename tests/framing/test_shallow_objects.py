"""The top level of an object: what is refused, and that replacing one member leaves every other byte for byte."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.canon.errors import InvalidRequest, NotJson
from hortus.framing.shallow import DEPTH_LIMIT, check_text, is_deeper_than, read_members, write_members

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=6)


@given(value=OBJECTS, ascii_only=st.booleans(), indent=st.sampled_from([None, 1]), name=st.text(), new=VALUES)
def test_replacing_a_member_keeps_every_other_value_byte_for_byte(
    value: dict, *, ascii_only: bool, indent: int | None, name: str, new: object
) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    members = read_members(text.encode())
    written = write_members(members | {name: msgspec.Raw(json.dumps(new).encode())})
    assert json.loads(written) == value | {name: new}
    again = read_members(written)
    assert list(again) == list(value | {name: new})
    for other in set(value) - {name}:
        assert bytes(again[other]) == bytes(members[other])
        assert bytes(members[other]) in text.encode()


@pytest.mark.parametrize(
    "spelling", [b"1.50", b"1e400", b"-0", b"100000000000000000000000", b'"\\u00e9\\/"', b"[ 1,2 ]"]
)
def test_the_spelling_of_numbers_and_texts_survives(spelling: bytes) -> None:
    written = write_members(read_members(b'{"a": ' + spelling + b', "m": 1}') | {"m": msgspec.Raw(b"2")})
    assert written == b'{"a":' + spelling + b',"m":2}'


def test_a_doubled_key_collapses_to_the_one_that_is_judged() -> None:
    members = read_members(b'{"model": "a", "x": 1, "mod\\u0065l": "b"}')
    assert write_members(members) == b'{"model":"b","x":1}'


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not valid JSON"),
        (b'{"a": 1', "not valid JSON"),
        (b'{"a": 1} x', "not valid JSON"),
        (b'{"a": tru}', "not valid JSON"),
        (b'{"a": NaN}', "not valid JSON"),
        (b'{"a": "\x01"}', "not valid JSON"),
        (b"[1]", "not an object"),
        (b'"text"', "not an object"),
        (b"null", "not an object"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b'{"a": "\xed\xa0\x80"}', "not UTF-8"),
        (b'\xef\xbb\xbf{"a": 1}', "byte order mark"),
    ],
)
def test_what_is_not_an_object_of_text_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(NotJson, match=reason):
        read_members(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "\\ud800"}',
        b'{"a": "\\ud800 and more text"}',
        b'{"a": {"b": "\\uDC00 and more text"}}',
        b'{"a": "\\\\\\ud800x"}',
        b'{"\\ud83d": 1}',
    ],
)
def test_half_a_character_has_its_own_error(body: bytes) -> None:
    with pytest.raises(InvalidRequest, match="surrogate"):
        read_members(body)


def test_a_whole_surrogate_pair_and_an_escaped_backslash_are_fine() -> None:
    body = b'{"a":"\\ud83d\\ude00","b":"\\\\ud800"}'
    assert write_members(read_members(body)) == body


@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_bounded(pair: tuple[bytes, bytes]) -> None:
    def nested(levels: int) -> bytes:
        inside = levels - 1
        return b'{"a":' + pair[0] * inside + b"1" + pair[1] * inside + b"}"

    read_members(nested(DEPTH_LIMIT))
    check_text(nested(DEPTH_LIMIT))
    for levels in (DEPTH_LIMIT + 1, 5000, 200_000):
        with pytest.raises(InvalidRequest, match="deeper"):
            read_members(nested(levels))
        with pytest.raises(InvalidRequest, match="deeper"):
            check_text(nested(levels))


@given(value=VALUES, limit=st.integers(0, 4))
def test_depth_is_measured_exactly(value: object, limit: int) -> None:
    def depth(one: object) -> int:
        if isinstance(one, dict):
            return 1 + max(map(depth, one.values()), default=0)
        return 1 + max(map(depth, one), default=0) if isinstance(one, list) else 0

    assert is_deeper_than(json.dumps(value).encode(), limit) == (depth(value) > limit)


def test_brackets_in_texts_are_not_nesting() -> None:
    read_members(json.dumps({"a": ['[{"' * 200, "\\" * 7 + '"[[[' * 200]}).encode())
