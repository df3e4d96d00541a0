"""What Azure's streams have beside OpenAI's: filters before the first word and after the last one."""

from __future__ import annotations

from typing import Any

from openai_chat_examples import chunk, events, frames

from hortus.canon.collect import collect
from hortus.canon.events import Finished, Started
from hortus.canon.parts import Text
from hortus.dialects.openai_chat.relay_stream import open_stream

SAFE = {"hate": {"filtered": False, "severity": "safe"}}
FILTERS = [{"prompt_index": 0, "content_filter_results": SAFE}]
EARLY = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": FILTERS}
COUNTED = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}


def with_filters(piece: dict[str, Any]) -> dict[str, Any]:
    (choice,) = piece["choices"]
    return piece | {"choices": [choice | {"content_filter_results": SAFE}]}


def late(**usage: int) -> dict[str, Any]:
    return chunk() | {
        "choices": [],
        "usage": COUNTED | usage,
        "prompt_filter_results": FILTERS,
        "latency_checkpoint": {},
    }


def text_of(data: bytes) -> str:
    return "".join(part.text for part in collect(events(data)).choices[0].message.parts if isinstance(part, Text))


def test_filters_before_the_first_word_leave_id_and_model_to_the_next_frame() -> None:
    data = frames(EARLY, chunk(role="assistant", content=""), with_filters(chunk(content="Yes")), chunk("stop"), late())
    found = events(data)
    started = [one for one in found if isinstance(one, Started)]
    assert [(one.id, one.model) for one in started] == [("c1", "m")]
    assert isinstance(found[-1], Finished)
    assert text_of(data) == "Yes"


def test_filters_in_the_last_frame_do_not_hide_its_usage() -> None:
    stream = open_stream(wants_usage=True)
    data = frames(EARLY, chunk(content="Yes"), chunk("stop"), late())
    assert stream.feed(data) + stream.close() == data
    assert stream.usage is not None
    assert (stream.usage.input_tokens, stream.usage.output_tokens) == (9, 2)
    assert stream.is_finished


def test_where_the_client_asked_for_no_usage_the_early_filters_still_pass() -> None:
    stream = open_stream(wants_usage=False)
    given = stream.feed(frames(EARLY, chunk(content="Yes"), chunk("stop"), late())) + stream.close()
    assert b"prompt_filter_results" in given
    assert stream.usage is not None
