"""Kept exchanges become chats to learn from, whatever dialect they were in; the rest is left out and counted."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from examples_ground import checked, encode, work_of
from hortus.content.exchange import Exchange
from hortus.tuning.datasets.kept import Selection, chats_of

OPENAI = {
    "model": "desk",
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello, I am PERSON_ABCDEFGHIJKL."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Is it open?"},
    ],
}
LEARNT = [*OPENAI["messages"], {"role": "assistant", "content": "Until six."}]


def openai_answer(finish: str = "stop", **message: Any) -> dict[str, Any]:
    said = {"role": "assistant", "content": "Until six."} | message
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "host-model",
        "choices": [{"index": 0, "message": said, "finish_reason": finish, "logprobs": None}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def openai_stream() -> bytes:
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "host-model"}
    deltas: list[tuple[dict[str, Any], str | None]] = [
        ({"role": "assistant", "content": "Until "}, None),
        ({"content": "six."}, None),
        ({}, "stop"),
    ]
    chunks = [head | {"choices": [{"index": 0, "delta": one, "finish_reason": end}]} for one, end in deltas]
    return b"".join(b"data: " + encode(one) + b"\n\n" for one in chunks) + b"data: [DONE]\n\n"


def kept(request: object = OPENAI, answer: object = None, **members: Any) -> Exchange:
    given: dict[str, Any] = {
        "receipt_id": "r1",
        "at_ms": 1000,
        "days": 30,
        "project_id": "p",
        "project": "desk",
        "key_id": "k",
        "route": "desk",
        "dialect": "openai_chat",
        "operation": "chat",
        "endpoint": "host/model",
        "status": 200,
        "is_stream": False,
        "is_whole": True,
        "request": encode(request),
        "answer": answer if isinstance(answer, bytes) else encode(answer or openai_answer()),
        "request_bytes": 1,
        "answer_bytes": 1,
    }
    return Exchange(**(given | members))


def chats(*exchanges: Exchange, selection: Selection | None = None) -> tuple[list[dict[str, Any]], Counter[str]]:
    left_out: Counter[str] = Counter()
    lines = list(chats_of(exchanges, selection or Selection(), left_out))
    return [msgspec.json.decode(one) for one in lines], left_out


def test_an_exchange_gives_its_history_and_answer() -> None:
    assert chats(kept()) == ([{"messages": LEARNT}], Counter())


def test_a_stream_gives_the_same() -> None:
    streamed = kept(OPENAI | {"stream": True}, openai_stream(), is_stream=True)
    assert chats(streamed) == ([{"messages": LEARNT}], Counter())


def test_another_dialect_gives_the_same() -> None:
    request = {"model": "desk", "max_tokens": 9, "system": "Be brief.", "messages": OPENAI["messages"][1:]}
    answer = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": "Until six."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    assert chats(kept(request, answer, dialect="anthropic_messages")) == ([{"messages": LEARNT}], Counter())


def test_calls_and_their_results_are_kept() -> None:
    function = {"name": "look", "description": "Looks.", "parameters": {"type": "object", "z": 1, "a": 2}}
    call = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"at": "hall"}'}}
    request = {
        "model": "desk",
        "tools": [{"type": "function", "function": function}],
        "messages": [
            {"role": "user", "content": "Is it open?"},
            {"role": "assistant", "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c1", "content": "until 18"},
        ],
    }
    given, _ = chats(kept(request))
    assert given == [
        {
            "messages": [*request["messages"], {"role": "assistant", "content": "Until six."}],
            "tools": request["tools"],
        }
    ]


LEFT_OUT: dict[str, Exchange] = {
    "no_chat": kept(operation="embeddings"),
    "not_completed": kept(is_whole=False),
    "not_kept": msgspec.structs.replace(kept(), request=None),
    "not_readable": kept(answer=b"{"),
    "not_ended": kept(answer=openai_answer("length")),
    "history_elsewhere": kept(continues="resp_1"),
    "several_answers": kept(answer=openai_answer() | {"choices": openai_answer()["choices"] * 2}),
    "no_answer": kept(answer=openai_answer(content=None)),
    "refusal": kept(
        {
            "model": "desk",
            "messages": [
                OPENAI["messages"][1],
                {"role": "assistant", "content": None, "refusal": "No."},
                OPENAI["messages"][3],
            ],
        }
    ),
    "more_than_text": kept(
        {
            "model": "desk",
            "messages": [
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}
            ],
        }
    ),
    "system_in_between": kept(
        {"model": "desk", "messages": [*OPENAI["messages"], {"role": "system", "content": "Now rhyme."}]}
    ),
}


@pytest.mark.parametrize("reason", LEFT_OUT)
def test_what_does_not_fit_is_left_out_with_its_reason(reason: str) -> None:
    assert chats(LEFT_OUT[reason]) == ([], Counter({reason: 1}))


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        (Selection(routes=frozenset(("desk",))), 1),
        (Selection(routes=frozenset(("other",))), 0),
        (Selection(models=frozenset(("host-model",))), 1),
        (Selection(models=frozenset(("host/model",))), 1),
        (Selection(models=frozenset(("other",))), 0),
        (Selection(since_ms=1000, until_ms=1001), 1),
        (Selection(since_ms=1001), 0),
        (Selection(until_ms=1000), 0),
    ],
)
def test_only_what_is_selected_is_given(selection: Selection, count: int) -> None:
    assert len(chats(kept(), selection=selection)[0]) == count


def test_a_file_of_them_passes_the_check(tmp_path: Path) -> None:
    words = ["hall", "park", "road", "desk", "bank", "lake", "pool", "farm", "port", "mill", "yard", "shop"]
    exchanges = [
        kept(
            OPENAI | {"messages": [{"role": "user", "content": f"When does the {word} open?"}]},
            openai_answer(content=f"The {word} opens at {n}."),
        )
        for n, word in enumerate(words)
    ]
    training = b"".join(chats_of(exchanges, Selection(), Counter()))
    assert checked(work_of(tmp_path, training)).facts.examples == 12
