"""Ids of calls for hosts that take nine letters and digits only."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import Raw

from hortus.framing.call_ids import is_short, short_id, with_short_ids

CALL = b'{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\\"a\\": 1.50}"},"x":1.50}'
OWN_CALL = b'{"id":"a1B2c3D4e","function":{"name":"f","arguments":"{}"}}'


def changed(messages: bytes) -> bytes | None:
    members = with_short_ids({"model": Raw(b'"m"'), "messages": Raw(messages)})
    return None if members is None else bytes(members["messages"])


@pytest.mark.parametrize("call_id", ["call_1", "toolu_01A09q90qw90lq917835lq9", "a1B2c3D4", "a1B2c3D4-", "é", "x_hsg"])
def test_an_id_becomes_nine_letters_and_digits_always_the_same(call_id: str) -> None:
    assert not is_short(call_id)
    assert is_short(short_id(call_id))
    assert short_id(call_id) == short_id(call_id)


def test_a_call_and_its_result_get_the_same_id_and_nothing_else_changes() -> None:
    call, result = b'[{"role":"assistant","tool_calls":[' + CALL + b"]},", b'{"role":"tool","tool_call_id":"call_1"}]'
    short = short_id("call_1").encode()
    assert changed(call + result) == (call + result).replace(b"call_1", short)


def test_messages_that_name_no_other_ids_stay_byte_for_byte() -> None:
    own = b'{ "role": "assistant", "tool_calls": [ ' + OWN_CALL + b" ] }"
    assert changed(b"[" + own + b"]") is None
    written = changed(b"[" + own + b', {"role":"tool","tool_call_id":"call_1"}]')
    assert written is not None
    assert own in written


def test_calls_of_one_message_that_fit_stay_beside_those_that_do_not() -> None:
    written = changed(b'[{"tool_calls":[' + OWN_CALL + b"," + CALL + b"]}]")
    assert written is not None
    assert OWN_CALL in written
    assert msgspec.json.decode(written)[0]["tool_calls"][1]["id"] == short_id("call_1")


@pytest.mark.parametrize(
    "messages",
    [
        b"null",
        b'"tool_calls"',
        b'[{"role":"user","content":"hi"}]',
        b'["tool_calls", 7]',
        b'[{"tool_calls":7,"tool_call_id":7}]',
        b'[{"tool_calls":[7,{"id":7},{"id":""},{}]}]',
        b'[{"tool_calls":null,"tool_call_id":null}]',
    ],
)
def test_what_is_no_id_is_left_to_the_host(messages: bytes) -> None:
    assert changed(messages) is None


def test_a_body_without_messages_has_no_ids() -> None:
    assert with_short_ids({"input": Raw(b'"tool_call_id"')}) is None
