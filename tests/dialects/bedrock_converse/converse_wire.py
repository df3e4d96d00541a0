"""What the tests of Converse share: bodies read and written again, and streams in plain form."""

from __future__ import annotations

import msgspec

from hortus.canon.events import Event
from hortus.canon.manifest import Vocabulary
from hortus.canon.nodes import Extras
from hortus.canon.request import Message, Request
from hortus.canon.response import Response
from hortus.canon.translation import Asking, Call, Chat, StreamReader, Target, Written
from hortus.dialects.bedrock_converse import DIALECT
from hortus.framing.aws_frames import Frame, Splitter, write_event

TRANSLATION = DIALECT.translation
assert TRANSLATION is not None
CHAT: Chat = TRANSLATION.chat
VOCABULARY: Vocabulary = TRANSLATION.vocabulary
CLAUDE, OLD_CLAUDE = "eu.anthropic.claude-opus-4-7-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"
NOVA = "amazon.nova-lite-v1:0"
CALL = Call(route="garden", is_stream=False)


def encode(value: object) -> bytes:
    return msgspec.json.encode(value)


def decode(data: bytes) -> dict:
    return msgspec.json.decode(data)


def read(body: object, call: Call = CALL) -> Request:
    return CHAT.read_request(encode(body), call)


def write(request: Request, model: str = NOVA) -> Written:
    return CHAT.write_request(request, Target(model=model, source=Vocabulary()))


def body_of(request: Request, model: str = NOVA) -> dict:
    return decode(write(request, model).body)


def again(body: object) -> tuple[dict, tuple]:
    """Return a request read and written again, and what was lost of it."""
    written = CHAT.write_request(read(body), Target(model="garden", source=VOCABULARY))
    return decode(written.body), written.losses


def said(*content: object, role: str = "user") -> dict:
    return {"messages": [{"role": role, "content": list(content)}]}


def asking(**others: object) -> Asking:
    request = Request(model="garden", messages=())
    return Asking(request=request, answer_id="0001", now_s=1_790_000_000, source=Vocabulary(), **others)


def answer(*content: object, **others: object) -> dict:
    usage = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}
    message = {"role": "assistant", "content": list(content)}
    whole = {"output": {"message": message}, "stopReason": "end_turn", "usage": usage, "metrics": {"latencyMs": 7}}
    return whole | others


def read_answer(body: object) -> Response:
    return CHAT.read_response(encode(body))


def answer_again(body: object) -> dict:
    return decode(CHAT.write_response(read_answer(body), asking()).body)


def frames_of(data: bytes) -> list[Frame]:
    splitter = Splitter()
    frames = splitter.feed(data)
    splitter.close()
    return frames


def plain(data: bytes) -> list[tuple[str, dict]]:
    return [(frame.kind, decode(frame.payload)) for frame in frames_of(data)]


def stream_of(*frames: tuple[str, dict]) -> bytes:
    return b"".join(write_event(kind, encode(payload)) for kind, payload in frames)


def events_of(*frames: tuple[str, dict]) -> list[Event]:
    reader: StreamReader = CHAT.open_reader()
    return reader.feed(stream_of(*frames)) + reader.close()


def written_again(events: list[Event]) -> bytes:
    writer = CHAT.open_writer(asking())
    return b"".join(writer.feed(event) for event in events)


def chat(*messages: Message, **others: object) -> Request:
    return Request(model="garden", messages=messages, **others)


def user(*parts: object) -> Message:
    return Message(role="user", parts=parts, at="messages[0]")


def foreign(**members: bytes) -> Extras:
    return Extras("openai_chat", members={name: msgspec.Raw(raw) for name, raw in members.items()})


START = ("messageStart", {"role": "assistant"})
STOP = ("messageStop", {"stopReason": "end_turn"})
METADATA = (
    "metadata",
    {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 7}},
)


def delta(index: int, **members: object) -> tuple[str, dict]:
    return "contentBlockDelta", {"contentBlockIndex": index, "delta": members}


def start(index: int, **members: object) -> tuple[str, dict]:
    return "contentBlockStart", {"contentBlockIndex": index, "start": members}


def stop(index: int) -> tuple[str, dict]:
    return "contentBlockStop", {"contentBlockIndex": index}
