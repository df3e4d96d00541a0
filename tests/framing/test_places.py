"""Where values of members stand in a text: exactly there, or the text is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hortus.canon.errors import InvalidRequest
from hortus.framing.places import places_in
from hortus.framing.shallow import read_members

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
SPACE = st.text(" \t\n\r", max_size=3)


@given(st.dictionaries(st.text(max_size=6), VALUES, max_size=5), st.sampled_from(["ascii", "utf-8"]), SPACE)
def test_each_value_stands_where_it_is_said_to(value: dict[str, object], letters: str, space: str) -> None:
    separators = f"{space},{space}", f"{space}:{space}"
    text = (space + json.dumps(value, ensure_ascii=letters == "ascii", separators=separators) + space).encode()
    members = read_members(text)
    places = places_in(text, members)
    assert places.keys() == value.keys()
    for name, at in places.items():
        assert text[at:].startswith(bytes(members[name]))
        assert text[:at].rstrip().endswith(b":")


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":1}',
        b'{"a":1,"b":2,"a":1}',
        b'{"a":{"x":1},"a":{"x":1}}',
        b'{"b":0,"a":1,"c":"\\"a\\":1","a":1}',
    ],
)
def test_a_member_that_stands_there_twice_is_refused(text: bytes) -> None:
    with pytest.raises(InvalidRequest, match="twice"):
        places_in(text, read_members(text))
