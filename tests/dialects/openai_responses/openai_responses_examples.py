"""Short ways to read and write with this dialect, as a host of the same dialect or another maker's would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from hortus.canon.events import Event
from hortus.canon.manifest import Vocabulary
from hortus.canon.parts import Part
from hortus.canon.request import Message, Request
from hortus.canon.response import Choice, Response, Stop
from hortus.canon.translation import Asking, Call, Target, Written
from hortus.dialects.openai_responses import DIALECT

NAME = "openai_responses"
assert DIALECT.translation is not None
TRANSLATION = DIALECT.translation
CHAT = TRANSLATION.chat
OWN = TRANSLATION.vocabulary


def read(**members: Any) -> Request:
    """Read a request with these members."""
    body = {"model": "garden", "input": "hello"} | members
    return CHAT.read_request(msgspec.json.encode(body), Call())


def read_item(item: Any) -> Message:
    """Read a request's only item."""
    return read(input=[item]).messages[0]


def write(request: Request, **target: Any) -> Written:
    """Write a request for a host, with the paths of this dialect."""
    return CHAT.write_request(request, Target(model=request.model, source=OWN, **target))


def again(**members: Any) -> dict[str, Any]:
    """Read a request with these members and write it again; nothing may be lost."""
    done = write(read(**members))
    assert (done.losses, done.adaptations) == ((), ())
    return msgspec.json.decode(done.body)


def item_again(item: Any) -> Any:
    """Read a request's only item and write it again."""
    return again(input=[item])["input"][0]


def foreign(*messages: Message, **fields: Any) -> Request:
    """Return a request that another dialect's client sent."""
    return Request(model="garden", messages=messages, **fields)


def body_of(request: Request, **target: Any) -> dict[str, Any]:
    """Return the body that a host gets."""
    return msgspec.json.decode(write(request, **target).body)


def losses(request: Request) -> dict[str, str]:
    """Return path and weight of what cannot be written."""
    return {loss.path: loss.weight for loss in write(request).losses}


def asking(request: Request | None = None) -> Asking:
    """Return for whom an answer is written."""
    return Asking(request=request or read(), answer_id="0ab", now_s=1_790_000_000, source=Vocabulary())


def whole(*output: Any, **members: Any) -> dict[str, Any]:
    """Return a host's whole answer with these items."""
    base: dict[str, Any] = {
        "id": "resp_1",
        "object": "response",
        "created_at": 7,
        "model": "m-1",
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "output": list(output),
        "usage": usage(),
        "tools": [],
        "service_tier": "default",
    }
    return base | members


def usage(given: int = 9, made: int = 4, **members: Any) -> dict[str, Any]:
    """Return a `usage` object."""
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": 3},
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": given + made,
    } | members


def message(*content: Any, **members: Any) -> dict[str, Any]:
    """Return an answer's message."""
    base = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant"}
    return base | {"content": list(content)} | members


def words(text: str, **members: Any) -> dict[str, Any]:
    """Return a text of the model."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []} | members


def call(arguments: str = "{}", **members: Any) -> dict[str, Any]:
    """Return a call of a function."""
    base = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "f"}
    return base | {"arguments": arguments} | members


def thoughts(**members: Any) -> dict[str, Any]:
    """Return an item of reasoning."""
    return {"id": "rs_1", "type": "reasoning", "summary": []} | members


def read_answer(answer: Any) -> Response:
    """Read a host's whole answer."""
    return CHAT.read_response(msgspec.json.encode(answer))


def parts_of(*output: Any) -> tuple[Part, ...]:
    """Read a host's whole answer with these items."""
    return read_answer(whole(*output)).choices[0].message.parts


def answer_again(answer: Any) -> Any:
    """Read a host's whole answer and write it again; nothing may be lost."""
    done = CHAT.write_response(read_answer(answer), asking())
    assert (done.losses, done.adaptations) == ((), ())
    return msgspec.json.decode(done.body)


def response(*parts: Part, stop: Stop | None = "end", **fields: Any) -> Response:
    """Return an answer of another maker's host."""
    said = Message(role="assistant", parts=parts, at="choices[0].message")
    return Response(choices=(Choice(message=said, stop=stop, at="choices[0]"),), id="x", model="m-1", **fields)


def answer(given: Response, request: Request | None = None) -> dict[str, Any]:
    """Return the body of an answer for a client."""
    return msgspec.json.decode(CHAT.write_response(given, asking(request)).body)


def answer_losses(given: Response) -> dict[str, str]:
    """Return path and weight of what of an answer cannot be written."""
    return {loss.path: loss.weight for loss in CHAT.write_response(given, asking()).losses}


def frames(*told: Any) -> bytes:
    """Return a stream of these events, given without `response.` and numbered in their order."""
    return b"".join(frame(number, *one) for number, one in enumerate(told))


def frame(number: int, name: str, members: dict[str, Any]) -> bytes:
    """Return one event as it is sent."""
    kind = name if name == "error" else f"response.{name}"
    data = msgspec.json.encode({"type": kind, "sequence_number": number} | members)
    return b"event: " + kind.encode() + b"\ndata: " + data + b"\n\n"


def begun(**members: Any) -> tuple[str, dict[str, Any]]:
    """Return the event that a stream begins with."""
    return "created", {"response": whole(status="in_progress", usage=None, **members)}


def ended(*output: Any, **members: Any) -> tuple[str, dict[str, Any]]:
    """Return the event that a stream ends with."""
    return "completed", {"response": whole(*output, **members)}


def events(data: bytes) -> list[Event]:
    """Read a whole stream."""
    reader = CHAT.open_reader()
    return reader.feed(data) + reader.close()


def told(written: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a written stream: names without `response.`, and members."""
    found = []
    for one in written.split(b"\n\n")[:-1]:
        name, _, data = one.removeprefix(b"event: ").partition(b"\ndata: ")
        members = msgspec.json.decode(data)
        assert members.pop("type") == name.decode()
        assert members.pop("sequence_number") == len(found)
        found.append((name.decode().removeprefix("response."), members))
    return found


def stream(given: Sequence[Event], request: Request | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Write these events for a client."""
    writer = CHAT.open_writer(asking(request))
    return told(b"".join(writer.feed(one) for one in given))


def names(of: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """Return the names of a stream's events."""
    return [name for name, _ in of]
