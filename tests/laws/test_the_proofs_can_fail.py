"""A proof that cannot fail proves nothing: each way of losing something in silence is found."""

from __future__ import annotations

import msgspec
import pytest
from canonical import placed

from arrival import Arrival
from hortus.canon.loss import Loss
from hortus.canon.parts import Part, Reasoning, Text, ToolCall, ToolResult
from hortus.canon.request import Message, Request, Tool
from hortus.canon.response import Choice, Response
from hortus.canon.usage import Usage
from proof_of_dialects import differences

SCHEMA = b'{"type":"object","minimum":1.50,"a":1}'
SENT = placed(
    Request(
        model="garden",
        temperature=0.5,
        tools=(Tool(name="f", parameters=msgspec.Raw(SCHEMA)),),
        messages=(
            Message(role="user", parts=(Text(text="Fee?"),)),
            Message(
                role="assistant",
                parts=(
                    Text(text="I look."),
                    ToolCall(id="a", name="f", arguments='{"x":1,"y":2}'),
                    ToolCall(id="b", name="f", arguments="{}"),
                ),
            ),
            Message(
                role="user",
                parts=(
                    ToolResult(call_id="a", parts=(Text(text="1"),)),
                    ToolResult(call_id="b", parts=(Text(text="2"),)),
                ),
            ),
        ),
    )
)


def faults(got: Request, *lost: str, adaptations: tuple[str, ...] = ()) -> list[str]:
    losses = [Loss(path=path, weight="meaning", reason="") for path in lost]
    arrival = Arrival(losses, adaptations=adaptations)
    arrival.of_requests(SENT, got)
    return arrival.faults


def with_parts(number: int, *parts: Part) -> Request:
    messages = list(SENT.messages)
    messages[number] = msgspec.structs.replace(messages[number], parts=parts)
    return msgspec.structs.replace(SENT, messages=tuple(messages))


def test_what_arrives_whole_has_no_fault() -> None:
    assert faults(SENT) == []


replace = msgspec.structs.replace
CALLS = SENT.messages[1].parts
RESULTS = SENT.messages[2].parts


@pytest.mark.parametrize(
    ("got", "path"),
    [
        (replace(SENT, temperature=None), "temperature"),
        (replace(SENT, temperature=0.6), "temperature"),
        (replace(SENT, tools=()), "tools[0]"),
        (with_parts(1, *CALLS[1:]), "messages[1].parts[0]"),
        (with_parts(2, RESULTS[1]), "messages[2].parts[0]"),
    ],
)
def test_what_does_not_arrive_is_a_fault_unless_it_is_named(got: Request, path: str) -> None:
    assert faults(got) != []
    assert faults(got, path) == []
    assert faults(got, "top_p") != []


@pytest.mark.parametrize(
    "got",
    [
        replace(SENT, top_p=0.5),
        with_parts(0, Text(text="Fee!")),
        with_parts(0, Text(text="Fee?"), Text(text="And?")),
        with_parts(1, CALLS[0], replace(CALLS[1], arguments='{"y":2,"x":1}'), CALLS[2]),
        with_parts(1, CALLS[0], CALLS[2], CALLS[1]),
        with_parts(2, replace(RESULTS[0], call_id="b"), replace(RESULTS[1], call_id="a")),
        with_parts(2, Reasoning(texts=("?",)), *RESULTS),
        replace(SENT, tools=(Tool(name="f", parameters=msgspec.Raw(SCHEMA.replace(b"1.50", b"1.5"))),)),
        replace(SENT, messages=SENT.messages[:2]),
        replace(SENT, messages=(Message(role="system", parts=SENT.messages[0].parts), *SENT.messages[1:])),
    ],
)
def test_what_arrives_changed_is_a_fault(got: Request) -> None:
    assert faults(got) != []


def test_notation_is_no_fault() -> None:
    call, other = (replace(one, id=f"x{number}") for number, one in enumerate(CALLS[1:]))
    renamed = with_parts(1, CALLS[0], call, other)
    results = (replace(one, call_id=f"x{number}") for number, one in enumerate(RESULTS))
    split = [Message(role="user", parts=(one,)) for one in results]
    assert faults(replace(renamed, messages=(*renamed.messages[:2], *split), choices=1)) == []


def test_an_added_limit_needs_a_named_adaptation() -> None:
    got = replace(SENT, max_output_tokens=4096)
    assert faults(got) != []
    assert faults(got, adaptations=("+max_tokens",)) == []


def test_changed_counts_and_stops_of_an_answer_are_faults() -> None:
    choice = Choice(message=Message(role="assistant", parts=(Text(text="Two."),)), stop="end")
    sent = placed(Response(choices=(choice,), model="m", usage=Usage(3, 4)))
    changed = (
        replace(sent, usage=Usage(3, 5)),
        replace(sent, usage=None),
        replace(sent, model="n"),
        replace(sent, choices=(replace(sent.choices[0], stop="length"),)),
        replace(sent, choices=()),
    )
    for got in changed:
        arrival = Arrival(())
        arrival.of_responses(sent, got)
        assert arrival.faults != []


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        (b'{"a":1,"b":[1,2]}', b'{"b":[1,2],"a":1.0}', 0),
        (b'{"a":1}', b'{"a":2}', 1),
        (b'{"a":1}', b'{"a":1,"b":null}', 1),
        (b'{"a":[1]}', b'{"a":[1,2]}', 1),
        (b'{"a":{}}', b'{"a":[]}', 1),
        (b'{"schema":{"a":1,"b":2}}', b'{"schema":{"b":2,"a":1}}', 1),
        (b'{"args":{"a":1.50}}', b'{"args":{"a":1.5}}', 1),
        (b'{"args":{"a": 1.50}}', b'{"args":{"a":1.50}}', 0),
        (b'{"arguments":"{}"}', b'{"arguments":"{ }"}', 1),
    ],
)
def test_json_is_compared_as_values_and_content_by_its_spelling(first: bytes, second: bytes, count: int) -> None:
    assert len(differences(first, second)) == count
