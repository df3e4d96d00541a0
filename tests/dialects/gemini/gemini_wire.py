"""Short ways to read and write Google's wire, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from hortus.canon.errors import RequestError
from hortus.canon.events import Event
from hortus.canon.parts import Part
from hortus.canon.request import Message, Request
from hortus.canon.response import Choice, Response
from hortus.canon.translation import Asking, Call, Habits, Target, Written
from hortus.dialects.gemini import DIALECT

TRANSLATION = DIALECT.translation
assert TRANSLATION is not None
CHAT = TRANSLATION.chat
EVENTS = Call(route="garden", is_stream=True, query={"alt": "sse"})


def encode(value: object) -> bytes:
    return msgspec.json.encode(value)


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))


def decode(data: bytes | msgspec.Raw) -> dict:
    return msgspec.json.decode(data)


def read(body: object) -> Request:
    """Read a client's request."""
    return CHAT.read_request(encode(body), Call(route="garden", is_stream=False))


def user(*parts: object, **more: object) -> dict:
    """Return a request of one content."""
    return {"contents": [{"role": "user", "parts": list(parts)}], **more}


def read_part(part: object) -> Part:
    """Read one part of a request."""
    return read(user(part)).messages[0].parts[0]


def target(model: str = "gemini-2.5-flash", **habits: object) -> Target:
    return Target(model=model, source=TRANSLATION.vocabulary, habits=Habits(**habits))


def write(request: Request, model: str = "gemini-2.5-flash", **habits: object) -> Written:
    """Write a request for a host."""
    return CHAT.write_request(request, target(model, **habits))


def asked(*parts: Part, role: str = "user", **more: object) -> Request:
    """Return a request of one message that came from elsewhere."""
    return Request(model="garden", messages=(Message(role=role, parts=parts, at="messages[0]"),), **more)


def sent(request: Request, model: str = "gemini-2.5-flash") -> dict:
    """Return the body that a host gets of what came from elsewhere, which loses nothing."""
    written = write(request, model)
    assert written.losses == ()
    return decode(written.body)


def again(body: dict) -> dict:
    """Read a request and write it again; it must be the same."""
    written = write(read(body))
    assert written.losses == ()
    assert written.adaptations == ()
    assert decode(written.body) == body
    return body


def lost(written: Written) -> dict[str, str]:
    return {loss.path: loss.weight for loss in written.losses}


def asking(call: Call = EVENTS) -> Asking:
    return Asking(request=Request(model="garden", messages=()), answer_id="0001", now_s=1_790_000_000, call=call)


def answered(*parts: Part, **more: object) -> Response:
    """Return an answer of one choice that came from elsewhere."""
    choice = Choice(message=Message(role="assistant", parts=parts), at="choices[0]", **more)
    return Response(choices=(choice,), id="made1", model="m-1")


def answer_again(body: dict, call: Call = EVENTS) -> Response:
    """Read an answer and write it again; it must be the same."""
    response = CHAT.read_response(encode(body))
    written = CHAT.write_response(response, asking(call))
    assert written.losses == ()
    assert decode(written.body) == body
    return response


def candidate(*parts: object, **more: object) -> dict:
    return {"content": {"parts": list(parts), "role": "model"}, **more}


def frame(*parts: object, index: int = 0, **more: object) -> dict:
    """Return one frame of a stream."""
    return {"candidates": [candidate(*parts, index=index, **more)], "modelVersion": "m-1", "responseId": "made1"}


def events(frames: Iterable[object]) -> bytes:
    return b"".join(b"data: " + encode(one) + b"\r\n\r\n" for one in frames)


def read_stream(data: bytes) -> list[Event]:
    reader = CHAT.open_reader()
    return reader.feed(data) + reader.close()


def write_stream(parts: Iterable[Event], call: Call = EVENTS) -> tuple[bytes, object]:
    writer = CHAT.open_writer(asking(call))
    return b"".join(writer.feed(event) for event in parts), writer


def frames_of(data: bytes) -> list[dict]:
    return [decode(line.removeprefix(b"data: ")) for line in data.split(b"\r\n\r\n") if line]


def error_of(status: int, body: object) -> RequestError:
    data = body if isinstance(body, bytes) else encode(body)
    return TRANSLATION.read_error(status, data)
