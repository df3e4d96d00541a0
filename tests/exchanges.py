"""Recorded exchanges between clients and hosts: the shared ones, read in place, and the project's own small set."""

from __future__ import annotations

import os
import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from hortus.canon.translation import Call
from proof_of_dialects import NAMES

ROOT = Path(__file__).parents[1]
OWN = Path(__file__).parent / "recordings"
_BINARY = "application/vnd.amazon.eventstream"
"""Streams that the project's own set keeps in base64."""

_STREAMS = re.compile("event-?stream")
DIALECT_HEADERS = ("anthropic-beta", "anthropic-version")

OPERATIONS = {
    "chat-completions": ("openai_chat", "chat"),
    "embeddings": ("openai_chat", "embeddings"),
    "responses": ("openai_responses", "chat"),
    "messages": ("anthropic_messages", "chat"),
    "anthropic/count-tokens": ("anthropic_messages", "token_count"),
    "gemini/count-tokens": ("gemini", "token_count"),
    "vertex/count-tokens": ("gemini", "token_count"),
    "generate-content": ("gemini", "chat"),
    "stream-generate-content": ("gemini", "chat"),
    "embed-content": ("gemini", "embeddings"),
    "batch-embed-contents": ("gemini", "embeddings"),
    "chat-v2": ("cohere_v2", "chat"),
    "embed": ("cohere_v2", "embeddings"),
    "converse": ("bedrock_converse", "chat"),
    "converse-stream": ("bedrock_converse", "chat"),
    "bedrock/count-tokens": ("bedrock_converse", "token_count"),
}
"""Dialect and operation of each kind of call, told apart by maker where several call theirs the same."""


OWN_DIALECTS = {"mistral": "mistral"}
"""Makers whose exchanges are both: calls of OpenAI's API, and of their own."""


class Exchange(NamedTuple):
    """One request and its answer.

    Attributes:
        request: None where only the answer is known.
        model: As the request names it.
        is_framed: Whether the answer is a stream.
    """

    id: str
    dialect: str
    operation: str
    call: Call
    model: str
    request: bytes | None
    status: int
    answer: bytes
    is_framed: bool
    is_own: bool


class _Request(msgspec.Struct):
    url: str
    headers: dict[str, str]
    body: msgspec.Raw = msgspec.Raw(b"null")


class _Answer(msgspec.Struct):
    status: int
    body: msgspec.Raw = msgspec.Raw(b"")
    body_text: str | None = None
    body_b64: str | None = None


class _Recording(msgspec.Struct):
    id: str
    maker: str
    api: str
    request: _Request | None
    response: _Answer


class _OwnNote(msgspec.Struct, forbid_unknown_fields=True):
    host: str
    date: str
    why: str
    operation: str = "chat"


def traffic_place() -> Path:
    """Return where the shared recordings lie, if they do."""
    return Path(os.environ.get("HORTUS_TRAFFIC") or ROOT.parent / "shared" / "traffic")


def shared_exchanges() -> Iterator[Exchange]:
    """Read the shared recordings of the dialects that there are."""
    for file in sorted(traffic_place().glob("*/*.json")):
        recording = msgspec.json.decode(file.read_bytes(), type=_Recording)
        known = OPERATIONS.get(recording.api) or OPERATIONS.get(f"{recording.maker}/{recording.api}")
        if known is not None and known[0] in NAMES:
            yield _shared(recording, *known)
    for maker in NAMES:
        yield from exchanges_with(maker)


def exchanges_with(maker: str) -> Iterator[Exchange]:
    """Read once more the shared recordings of a maker whose own dialect resembles OpenAI's: now as that dialect."""
    for file in sorted((traffic_place() / maker).glob("*.json")) if maker in OWN_DIALECTS else ():
        recording = msgspec.json.decode(file.read_bytes(), type=_Recording)
        known = OPERATIONS.get(recording.api)
        if known is not None:
            exchange = _shared(recording, OWN_DIALECTS[maker], known[1])
            yield exchange._replace(id=f"{exchange.dialect}/{exchange.id}")


def _shared(recording: _Recording, dialect: str, operation: str) -> Exchange:
    request, answer = recording.request, recording.response
    body = bytes(request.body) if request is not None and bytes(request.body) != b"null" else None
    text = None if answer.body_text is None else answer.body_text.encode()
    if answer.body_b64 is not None:
        text = b64decode(answer.body_b64)
    # Plain JSON that is labelled as a stream is what some hosts answer errors with.
    is_framed = text is not None and answer.status < 400
    return Exchange(
        id=recording.id,
        dialect=dialect,
        operation=operation,
        call=_call(request.url, request.headers) if request else Call(),
        model=_model(request.url if request else "", body),
        request=body,
        status=answer.status,
        answer=text if text is not None else bytes(answer.body),
        is_framed=is_framed,
        is_own=False,
    )


def own_exchanges() -> Iterator[Exchange]:
    """Read the project's own set: `<dialect>/<case>/` with `exchange.toml`, `request.http` and `response.http`."""
    for note in sorted(OWN.glob("*/*/exchange.toml")):
        case = note.parent
        if case.parent.name in NAMES:
            operation = msgspec.toml.decode(note.read_bytes(), type=_OwnNote).operation
            yield _own(case, operation)


def _own(case: Path, operation: str) -> Exchange:
    line, headers, body = _http(case / "request.http")
    url = line.split(" ")[1]
    status_line, answer_headers, answer = _http(case / "response.http")
    status = int(status_line.split(" ")[1])
    if answer_headers.get("content-type") == _BINARY:
        answer = b64decode(answer)
    is_stream = "streamGenerateContent" in url or bool(_STREAMS.search(answer_headers.get("content-type", "")))
    return Exchange(
        id=f"own/{case.parent.name}/{case.name}",
        dialect=case.parent.name,
        operation=operation,
        call=_call(url, headers),
        model=_model(url, body),
        request=body,
        status=status,
        answer=answer,
        is_framed=is_stream and status < 400,
        is_own=True,
    )


def _http(file: Path) -> tuple[str, dict[str, str], bytes]:
    head, _, body = file.read_bytes().partition(b"\n\n")
    first, *lines = head.decode().splitlines()
    headers = dict(line.split(": ", 1) for line in lines)
    return first, {name.lower(): value for name, value in headers.items()}, body.removesuffix(b"\n")


def _call(url: str, headers: dict[str, str]) -> Call:
    parts = urlsplit(url)
    kept = {name.lower(): value for name, value in headers.items() if name.lower() in DIALECT_HEADERS}
    query = dict(parse_qsl(parts.query))
    if "/model/" in parts.path:
        route, _, method = unquote(parts.path).rpartition("/model/")[2].rpartition("/")
        return Call(route=route, is_stream=method == "converse-stream", query=query, headers=kept)
    if "/models/" not in parts.path:
        return Call(query=query, headers=kept)
    route, _, method = unquote(parts.path).rpartition("/models/")[2].rpartition(":")
    return Call(route=route, is_stream=method == "streamGenerateContent", query=query, headers=kept)


def _model(url: str, body: bytes | None) -> str:
    class Named(msgspec.Struct):
        model: str = ""

    in_path = _call(url, {}).route
    return in_path or (msgspec.json.decode(body, type=Named).model if body else "")
