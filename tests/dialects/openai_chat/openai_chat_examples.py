"""Short ways to read and write with this dialect, as a host of the same dialect or another maker's would."""

from __future__ import annotations

from typing import Any

import msgspec

from hortus.canon.events import Event
from hortus.canon.manifest import Vocabulary
from hortus.canon.request import Message, Request
from hortus.canon.response import Response
from hortus.canon.translation import Asking, Call, Target, Written
from hortus.dialects.openai_chat import DIALECT

assert DIALECT.translation is not None
TRANSLATION = DIALECT.translation
CHAT = TRANSLATION.chat
ASKED = Request(model="garden", messages=(), wants_usage=True)


def read(**members: Any) -> Request:
    """Read a request with these members."""
    body = {"model": "garden", "messages": []} | members
    return CHAT.read_request(msgspec.json.encode(body), Call())


def read_message(**members: Any) -> Message:
    """Read a request's only message."""
    return read(messages=[members]).messages[0]


def write(request: Request, **target: Any) -> Written:
    """Write a request for a host, with the paths of this dialect."""
    return CHAT.write_request(request, Target(model=request.model, source=TRANSLATION.vocabulary, **target))


def written(*messages: Message, **fields: Any) -> dict[str, Any]:
    """Return the body for a request with these messages and fields."""
    return msgspec.json.decode(write(Request(model="garden", messages=messages, **fields)).body)


def losses(request: Request) -> dict[str, str]:
    """Return path and weight of what cannot be written."""
    return {loss.path: loss.weight for loss in write(request).losses}


def asking(**changes: Any) -> Asking:
    """Return for whom an answer is written."""
    base = {"request": ASKED, "answer_id": "0ab", "now_s": 1_790_000_000, "source": Vocabulary()}
    return Asking(**(base | changes))


def answer(response: Response) -> dict[str, Any]:
    """Return the body of an answer for a client."""
    return msgspec.json.decode(CHAT.write_response(response, asking()).body)


def frames(*chunks: object, end: bytes = b"data: [DONE]\n\n") -> bytes:
    """Return a stream of these chunks."""
    return b"".join(b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in chunks) + end


def chunk(finish: str | None = None, *, index: int = 0, top: dict[str, Any] | None = None, **delta: Any) -> dict:
    """Return a chunk with this delta."""
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"id": "c1", "created": 7, "model": "m", "choices": [choice]} | (top or {})


def events(data: bytes) -> list[Event]:
    """Read a whole stream."""
    reader = CHAT.open_reader()
    return reader.feed(data) + reader.close()


def stream(*told: Event, **changes: Any) -> list[Any]:
    """Write these events; return the chunks, decoded, and the words that are no JSON as text."""
    writer = CHAT.open_writer(asking(**changes))
    data = b"".join(writer.feed(event) for event in told)
    return [decode(frame.removeprefix(b"data: ")) for frame in data.split(b"\n\n") if frame]


def decode(data: bytes) -> Any:
    """Decode JSON; the mark of a stream's end stays text."""
    return data.decode() if data == b"[DONE]" else msgspec.json.decode(data)
