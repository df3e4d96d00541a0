"""Open reading: what is known is typed, what is not is kept at its path, what is wrong is refused with its path."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Raw, UnsetType

from hortus.canon.errors import InvalidRequest, NotJson
from hortus.framing.paths import join_name, join_paths, put_back, split_path, write_open
from hortus.framing.reading import read_open


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    deeper: Inner | None = None


class Tagged(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="function", tag_field="type"):
    name: str


class Outer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    number: int | UnsetType = UNSET
    one: Inner | UnsetType | None = UNSET
    many: list[Inner] | UnsetType | None = UNSET
    some: tuple[Inner, ...] = ()
    by_name: dict[str, Inner] | UnsetType = UNSET
    nested: list[list[Inner]] | str | UnsetType = UNSET
    tool: Tagged | UnsetType = UNSET
    content: Raw | UnsetType = UNSET
    contents: list[Raw] | UnsetType = UNSET


def texts(extras: dict[str, Raw]) -> dict[str, bytes]:
    return {path: bytes(value) for path, value in extras.items()}


def test_an_object_of_known_members_has_no_extras() -> None:
    value, extras = read_open(b'{"number":1,"byName":{"x":{"name":"a"}},"content":{"any":[1.50]}}', Outer)
    assert (value.number, value.by_name, extras) == (1, {"x": Inner("a")}, {})
    assert bytes(value.content) == b'{"any":[1.50]}'


def test_unknown_members_are_taken_out_wherever_a_struct_can_be() -> None:
    body = rb"""
    {"new": 1.50, "one": {"name": "a", "x": [1, 2], "deeper": {"y": {}, "name": "b"}},
     "many": [{"name": "c"}, {"name": "d", "z": "\u00e9"}], "some": [{"name": "e", "a.b": null}],
     "byName": {"k[0]": {"name": "f", "": 1e2}}, "nested": [[], [{"w": true, "name": "g"}]],
     "tool": {"type": "function", "name": "t", "strict": 1}, "by_name": 2}"""
    value, extras = read_open(Raw(body), Outer)
    assert texts(extras) == {
        "new": b"1.50",
        "one.x": b"[1, 2]",
        "one.deeper.y": b"{}",
        "many[1].z": rb'"\u00e9"',
        'some[0]["a.b"]': b"null",
        'byName["k[0]"][""]': b"1e2",
        "nested[1][0].w": b"true",
        "tool.strict": b"1",
        "by_name": b"2",
    }
    assert value.one == Inner("a", Inner("b"))
    assert value.nested == [[], [Inner("g")]]
    assert value.tool == Tagged("t")


def test_raw_content_is_never_looked_into() -> None:
    value, extras = read_open(b'{"new":1,"content":{"b": 1.50, "a":{}},"contents":[{"name" :"x"}]}', Outer)
    assert texts(extras) == {"new": b"1"}
    assert bytes(value.content) == b'{"b": 1.50, "a":{}}'
    assert [bytes(one) for one in value.contents] == [b'{"name" :"x"}']


@pytest.mark.parametrize(
    ("body", "at", "path"),
    [
        (b'{"number":"secret"}', "", "number"),
        (b'{"number":"secret"}', "choices[0]", "choices[0].number"),
        (b'{"many":[{"name":"a"},{"name":1}]}', "", "many[1].name"),
        (b'{"many":[{"name":"a"},{}]}', "", "many[1].name"),
        (b'{"new":1,"one":{"name":1}}', "", "one.name"),
        (b'{"byName":{"secret":{"name":1}}}', "", "byName[*].name"),
        (b'{"tool":{"type":"secret","name":"a"}}', "", "tool.type"),
        (b'["secret"]', "messages[2]", "messages[2]"),
    ],
)
def test_a_wrong_member_is_named_by_its_path_and_not_by_its_value(body: bytes, at: str, path: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_open(body, Outer, at=at)
    assert caught.value.path == path
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", r"byte 0"),
        (b'{"number": 1', r"byte 12"),
        (b'{"number": tru}', r"byte 15"),
        (b'{"new": 1, "number": 1} x', r"byte 25"),
        (b"[1]", "not an object"),
        (b'{"one":{"name":"\xff"}}', "byte 16"),
        (b'{"new":1,"one":{"name":"\xff"}}', "byte 24"),
    ],
)
def test_what_is_no_object_is_refused_with_its_place(body: bytes, reason: str) -> None:
    with pytest.raises(NotJson, match=reason):
        read_open(body, Outer)


@pytest.mark.parametrize("before", [b"{", b'{"new":1,'])
@pytest.mark.parametrize("member", [b'"content"', b'"one"', b'"number"', b'"other"'])
@pytest.mark.parametrize("half", [rb'"\ud800"', rb'"\ud800\u0041"', rb'["\udc00 and more text"]', rb'"\\\ud83dx"'])
def test_half_a_character_is_never_read_as_another(before: bytes, member: bytes, half: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_open(before + member + b":" + half + b"}", Outer)


def test_deep_nesting_does_not_break_the_reader() -> None:
    for name in (b"content", b"new"):
        with pytest.raises(InvalidRequest, match="deeper"):
            read_open(b'{"number":1,"%s":%s1%s}' % (name, b"[" * 100_000, b"]" * 100_000), Outer)


NAMES = st.text(st.characters(codec="utf-8"), max_size=5) | st.sampled_from(["a.b", "[0]", '"', "name", "\\", "0"])
LEAVES = st.sampled_from([Raw(b"1.50"), Raw(b"null"), Raw(b'{"x": 1}')])


def inner_objects(depth: int) -> st.SearchStrategy[dict]:
    fixed = {"name": st.just("n")}
    optional = {"deeper": inner_objects(depth - 1)} if depth else {}
    return with_unknown(st.fixed_dictionaries(fixed, optional=optional), {"name", "deeper"})


def with_unknown(known: st.SearchStrategy[dict], names: set[str]) -> st.SearchStrategy[dict]:
    unknown = st.dictionaries(NAMES.filter(lambda name: name not in names), LEAVES, max_size=2)
    return st.builds(lambda a, b: {**a, **b}, known, unknown)


OUTER = with_unknown(
    st.fixed_dictionaries(
        {},
        optional={
            "number": st.integers(0, 9),
            "one": inner_objects(2) | st.none(),
            "many": st.lists(inner_objects(1), max_size=3),
            "byName": st.dictionaries(NAMES, inner_objects(1), max_size=2),
            "content": LEAVES,
        },
    ),
    {"number", "one", "many", "some", "byName", "nested", "tool", "content", "contents"},
)


@given(value=OUTER)
def test_what_is_taken_out_can_be_put_back(value: dict) -> None:
    data = msgspec.json.encode(value)
    read, extras = read_open(data, Outer)
    written, unplaced = write_open(read, extras)
    assert unplaced == ()
    assert msgspec.json.decode(written) == msgspec.json.decode(data)


@given(steps=st.lists(NAMES | st.integers(0, 99), min_size=1, max_size=5))
def test_every_path_splits_into_the_steps_it_was_made_of(steps: list[str | int]) -> None:
    path = ""
    for step in steps:
        path = join_name(path, step) if isinstance(step, str) else f"{path}[{step}]"
    assert split_path(path) == tuple(steps)


@pytest.mark.parametrize("path", ["a..b", ".", "a[", "a[x]", "a]", 'a["x]', ".a", "a."])
def test_what_is_no_path_is_not_split(path: str) -> None:
    assert (split_path(path) or ()) == () or path == ".a"


def test_paths_are_joined_with_a_dot_only_before_names() -> None:
    assert join_paths("a[0]", "b") == "a[0].b"
    assert join_paths("a", "[0].b") == "a[0].b"
    assert join_paths("", "b") == "b"
    assert join_paths("a", "") == "a"


def test_members_are_put_back_into_values_of_every_kind() -> None:
    target: dict[str, object] = {"a": [{"n": 1}], "raw": Raw(b'{"x": 1.50}'), "struct": Inner("i"), "leaf": Raw(b"1")}
    one = Raw(b"1")
    unplaced = put_back(
        target,
        {"new": one, "a[0].b": one, "raw.y": one, "struct.z": one, "made.on.the.way": one}
        | {
            "a[1].b": one,
            "leaf.c": one,
            "a[0].n": one,
            "absent[0].x": one,
            "absent.x[0].y": one,
            "a.b": one,
            "[0]": one,
        },
    )
    assert unplaced == ("a[1].b", "leaf.c", "a[0].n", "absent[0].x", "absent.x[0].y", "a.b", "[0]")
    assert (
        msgspec.json.encode(target)
        == b'{"a":[{"n":1,"b":1}],"raw":{"x":1.50,"y":1},"struct":{"name":"i","z":1},"leaf":1,'
        b'"new":1,"made":{"on":{"the":{"way":1}}}}'
    )


def test_only_structs_are_read_openly() -> None:
    with pytest.raises(TypeError):
        read_open(b'{"a":1}', int)
