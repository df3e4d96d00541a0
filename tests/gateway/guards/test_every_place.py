"""No place of a request is forgotten: an identifier anywhere in it is hidden or refused, whatever host it goes to."""

from __future__ import annotations

import re
import types
import typing
from collections import Counter
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.guards.marking import BY_NAME, HIDES, IN_PATH, inquiry_of, passage_to, screener
from hortus.canon.embeddings import EmbeddingsRequest
from hortus.canon.errors import CallerFault, RefusedByGuard
from hortus.canon.parts import Inline
from hortus.canon.request import Request
from hortus.canon.translation import Call
from hortus.canon.translation import Target as Recipient
from hortus.gateway.crossing import can_cross
from hortus.gateway.guards.screen import Guarded
from hortus.gateway.passage import Inquiry
from hortus.policy.rules import Policy
from laws.canonical import embeddings_requests, requests
from laws.tally import LAW
from proof_of_dialects import NAMES

MARK = "DE89370400441234"
NUMBER = "9837040044123"
PICTURES_PASS = Policy("pictures-pass", personal_data="pseudonymise", unseen_content="allow")
TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*')

FEWER = settings(LAW, max_examples=60)

Plant = Callable[[str], str]


def plant(value: object, kind: object, change: Plant) -> object:
    """Return a canonical value with `change` made in every string of it, walked by its types alone."""
    if isinstance(value, msgspec.Raw):
        return msgspec.Raw(planted_json(bytes(value).decode(), change).encode())
    if isinstance(value, str):
        return value if typing.get_origin(kind) is typing.Literal else change(value)
    if isinstance(value, Inline) and value.media_type.startswith(("image/", "application/pdf")):
        return value  # no words: other tests are about it
    if isinstance(value, msgspec.Struct):
        hints = typing.get_type_hints(type(value))
        names = [one for one in value.__struct_fields__ if one != "at"]
        return msgspec.structs.replace(value, **{one: plant(getattr(value, one), hints[one], change) for one in names})
    if isinstance(value, tuple):
        inner = typing.get_args(kind)[0] if typing.get_origin(kind) is tuple else kind
        if typing.get_origin(kind) in {types.UnionType, typing.Union}:
            inner = None
        return tuple(plant(one, inner, change) for one in value)
    if isinstance(value, dict):
        return {change(name): plant(one, None, change) for name, one in value.items()}
    return value


def planted_json(text: str, change: Plant, *, with_keys: bool = True) -> str:
    """Return JSON with `change` made in each of its strings, values and perhaps keys."""

    def exchanged(match: re.Match[str]) -> str:
        if match[0][0] != '"' or (not with_keys and text[match.end() :].startswith(":")):
            return match[0]
        return msgspec.json.encode(change(msgspec.json.decode(match[0], type=str))).decode()

    return TOKEN.sub(exchanged, text)


def nth(number: int, mark: str = MARK) -> tuple[Plant, Counter[str]]:
    """Return a change of the n-th string alone."""
    seen: Counter[str] = Counter()

    def change(text: str) -> str:
        seen["strings"] += 1
        return f"{text} {mark}" if seen["strings"] - 1 == number else text

    return change, seen


def sent_to(host: str, inquiry: Inquiry, guarded: Guarded) -> bytes:
    """Return all that a host would get: path, body, and what is written down of it."""
    outgoing = passage_to(inquiry, host, guarded=guarded).outgoing
    return b" ".join((outgoing.path.encode(), outgoing.body, repr(outgoing.losses + outgoing.adaptations).encode()))


def outcome(inquiry: Inquiry, policy: Policy) -> str:
    """Send a request to every host; say whether it was hidden or refused, and by whom."""
    try:
        guarded = screener().screen(policy, inquiry)
    except RefusedByGuard as error:
        return "told" if MARK in str(error) or NUMBER in str(error) else "refused"
    except CallerFault:
        return "not a request"
    for host in NAMES:
        if can_cross(inquiry.operation.name, inquiry.dialect, BY_NAME[host]):
            try:
                sent = sent_to(host, inquiry, guarded)
            except CallerFault:
                continue
            assert MARK.encode() not in sent, host
            assert NUMBER.encode() not in sent, host
    return "hidden"


def read(client: str, request: Request | EmbeddingsRequest, body: bytes, *, operation: str = "chat") -> Inquiry:
    is_stream = bool(getattr(request, "is_stream", None))
    call = Call(route="garden", is_stream=is_stream, query={"alt": "sse"}) if client in IN_PATH else Call()
    return inquiry_of(client, body, operation=operation, call=call)


@pytest.mark.parametrize("client", NAMES)
def test_an_identifier_in_any_field_is_hidden_or_refused(client: str, record_property) -> None:
    ends: Counter[str] = Counter()
    chat = BY_NAME[client].translation.chat

    @FEWER
    @given(request=requests(), number=st.integers(0, 500))
    def law(request: Request, number: int) -> None:
        asked = msgspec.structs.replace(request, continues=None)
        change, seen = nth(-1)
        plant(asked, Request, change)
        change, _ = nth(number % seen["strings"])
        planted = plant(asked, Request, change)
        try:
            body = chat.write_request(planted, Recipient(model="garden", source=BY_NAME[client].translation.vocabulary))
            inquiry = read(client, request, body.body)
        except CallerFault:
            ends["not a request"] += 1
            return
        if MARK.encode() not in body.body:
            ends["not carried"] += 1
        else:
            ends[outcome(inquiry, PICTURES_PASS)] += 1

    law()
    record_property("law", f"an identifier in any field, {client}: {dict(ends)}")
    assert ends["told"] == 0
    assert ends["hidden"] >= 10


@pytest.mark.parametrize("client", NAMES)
def test_an_identifier_in_any_string_of_a_body_is_hidden_or_refused(client: str, record_property) -> None:
    ends: Counter[str] = Counter()
    chat = BY_NAME[client].translation.chat

    @FEWER
    @given(request=requests(), number=st.integers(0, 500), planted=st.sampled_from(["values", "all"]))
    def law(request: Request, number: int, planted: str) -> None:
        with_keys = planted == "all"
        written = chat.write_request(
            msgspec.structs.replace(request, continues=None),
            Recipient("garden", BY_NAME[client].translation.vocabulary),
        )
        members = msgspec.json.decode(written.body, type=dict[str, msgspec.Raw])
        if number % 2:
            members["x_unknown"] = msgspec.Raw(b'{"deep":[{"er":"x"}],"s":"{\\"in\\":\\"side\\"}"}')
        text = msgspec.json.encode(members).decode()
        change, seen = nth(-1)
        planted_json(text, change, with_keys=with_keys)
        if not seen["strings"]:
            ends["not carried"] += 1
            return
        change, _ = nth(number % seen["strings"])
        body = planted_json(text, change, with_keys=with_keys).encode()
        try:
            inquiry = read(client, request, body)
        except CallerFault:
            ends["not a request"] += 1
            return
        ends[outcome(inquiry, PICTURES_PASS)] += 1

    law()
    record_property("law", f"an identifier in any string of a body, {client}: {dict(ends)}")
    assert ends["told"] == 0
    assert ends["hidden"] >= 10


@pytest.mark.parametrize("client", [name for name in NAMES if BY_NAME[name].translation.embeddings is not None])
def test_an_identifier_in_a_text_for_vectors_is_hidden_or_refused(client: str) -> None:
    ends: Counter[str] = Counter()
    embeddings = BY_NAME[client].translation.embeddings

    @LAW
    @given(request=embeddings_requests(), number=st.integers(0, 6))
    def law(request: EmbeddingsRequest, number: int) -> None:
        change, _ = nth(number)
        planted = plant(request, EmbeddingsRequest, change)
        try:
            source = BY_NAME[client].translation.vocabulary
            body = embeddings.write_request(planted, Recipient(model="garden", source=source)).body
            operation = "embeddings" if client != "gemini" or len(request.inputs) == 1 else "batch_embeddings"
            inquiry = read(client, request, body, operation=operation)
            if MARK.encode() in body:
                ends[outcome(inquiry, HIDES)] += 1
        except CallerFault:
            return

    law()
    assert ends["told"] == 0
    assert ends["hidden"] >= 10
