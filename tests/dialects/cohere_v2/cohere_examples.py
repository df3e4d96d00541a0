"""Small wire examples of Cohere's API, and the ways that every test takes through the dialect."""

from __future__ import annotations

import msgspec

from hortus.canon.events import Event
from hortus.canon.request import Message, Request
from hortus.canon.translation import Asking, Call, Embeddings, Target, Translation, Written
from hortus.dialects.cohere_v2 import DIALECT


def _translation() -> Translation:
    assert DIALECT.translation is not None
    return DIALECT.translation


def _vectors() -> Embeddings:
    assert TRANSLATION.embeddings is not None
    return TRANSLATION.embeddings


TRANSLATION = _translation()
CHAT = TRANSLATION.chat
VECTORS = _vectors()
OPERATIONS = {operation.name: operation for operation in DIALECT.operations}
ENCODE, DECODE = msgspec.json.encode, msgspec.json.decode
ASKING = Asking(request=Request(model="r", messages=()), answer_id="0001", now_s=1)

USAGE = {"billed_units": {"input_tokens": 5, "output_tokens": 7}, "tokens": {"input_tokens": 600, "output_tokens": 9}}


def read(**members: object) -> Request:
    """Read a chat's request with these members."""
    body = {"model": "command-a", "messages": [{"role": "user", "content": "Hi"}]} | members
    return CHAT.read_request(ENCODE(body), Call())


def again(**members: object) -> object:
    """Read a request and write it again for Cohere: what it becomes."""
    written = CHAT.write_request(read(**members), Target("command-a", source=TRANSLATION.vocabulary))
    assert (written.losses, written.adaptations) == ((), ())
    return DECODE(written.body)


def sent(**members: object) -> object:
    """Return the request that `again` must give."""
    return {"model": "command-a", "messages": [{"role": "user", "content": "Hi"}]} | members


def asked(*messages: Message, **fields: object) -> Written:
    """Write a request of another dialect for Cohere."""
    request = Request(model="r", messages=messages, **fields)  # type: ignore[arg-type]  # a test's shorthand
    return CHAT.write_request(request, Target("command-a", source=TRANSLATION.vocabulary))


def body_of(written: Written) -> dict[str, object]:
    """Return what was written."""
    return DECODE(written.body, type=dict[str, object])


def answer(**message: object) -> bytes:
    """Return a whole answer with this message."""
    whole = {"id": "a1", "message": {"role": "assistant"} | message, "finish_reason": "COMPLETE", "usage": USAGE}
    return ENCODE(whole)


def answered(body: bytes) -> object:
    """Read an answer and write it again for Cohere's client."""
    written = CHAT.write_response(CHAT.read_response(body), ASKING)
    assert written.losses == ()
    return DECODE(written.body)


def stream(*events: dict[str, object]) -> bytes:
    """Return the frames of these events."""
    return b"".join(b"event: %b\ndata: %b\n\n" % (str(one.get("type")).encode(), ENCODE(one)) for one in events)


START: dict[str, object] = {
    "type": "message-start",
    "id": "a1",
    "delta": {"message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}},
}
END: dict[str, object] = {"type": "message-end", "delta": {"finish_reason": "COMPLETE", "usage": USAGE}}


def begun(index: int = 0, **block: object) -> dict[str, object]:
    """Return the start of a block."""
    return {"type": "content-start", "index": index, "delta": {"message": {"content": block}}}


def grown(index: int = 0, **words: object) -> dict[str, object]:
    """Return more of it."""
    return {"type": "content-delta", "index": index, "delta": {"message": {"content": words}}}


def events_of(data: bytes) -> list[Event]:
    """Read a stream."""
    reader = CHAT.open_reader()
    return reader.feed(data) + reader.close()


def streamed_again(data: bytes) -> bytes:
    """Read a stream and write it again; reading that must give the same events."""
    events = events_of(data)
    writer = CHAT.open_writer(ASKING)
    written = b"".join(writer.feed(event) for event in events)
    assert events_of(written) == events
    assert writer.losses == ()
    return written
