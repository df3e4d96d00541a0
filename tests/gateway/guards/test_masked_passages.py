"""What leaves and what comes back where a policy hides or refuses: through the same passages that serve clients."""

from __future__ import annotations

import base64
import logging

import msgspec
import pytest
from hypothesis import given, settings

from gateway.guards.marking import (
    BY_NAME,
    HIDES,
    REFUSES,
    SECRET,
    Marks,
    Shelf,
    inquiry_for,
    inquiry_of,
    new_mask,
    passage_to,
    screener,
    target_of,
)
from hortus.canon.collect import collect
from hortus.canon.errors import BrokenStream, CallerFault, RefusedByGuard
from hortus.canon.nodes import Seal, bare
from hortus.canon.parts import Inline, Link, Media, Opaque, Plain, Reasoning, Text, ToolCall, ToolResult
from hortus.canon.request import Message, Request
from hortus.canon.response import Choice, Response
from hortus.canon.translation import Asking, Call
from hortus.gateway.crossing import Passages
from hortus.gateway.guards.placeholders import Mask
from hortus.gateway.guards.refusing import RefusedForFindings
from hortus.gateway.guards.screen import Guarded, Screener
from hortus.gateway.passage import Inquiry, RelayPassage
from hortus.policy.rules import Policy
from laws.canonical import requests
from laws.tally import LAW
from proof_of_dialects import NAMES, TRANSLATIONS

IBAN, EMAIL = "DE89 3704 0044 05", "anna@town.example"
BLOCKS = Policy("blocks", blocked_words=("Bluebird",))


def hide(value: str, mask: Mask | None = None) -> str:
    return (mask or new_mask()).hide(value, Marks().find(value))


def chat(*messages: Message, **more: object) -> Request:
    return Request(model="garden", messages=messages, **more)


def user(*parts: object) -> Message:
    return Message(role="user", parts=parts)


def model(*parts: object) -> Message:
    return Message(role="assistant", parts=parts)


def text_request(text: str = f"I am {EMAIL}, {IBAN}.") -> Request:
    return chat(user(Text(text=text)), max_output_tokens=100)


def answered(host: str, *parts: object) -> bytes:
    """Return what a host answers."""
    response = Response(choices=(Choice(message=model(*parts), stop="end"),), id="made1", model="m")
    asking = Asking(request=chat(), answer_id="0001", now_s=1_790_000_000)
    return TRANSLATIONS[host].chat.write_response(response, asking).body


def refusal_of(inquiry: Inquiry, policy: Policy = HIDES) -> RefusedByGuard:
    with pytest.raises(RefusedByGuard) as caught:
        screener().screen(policy, inquiry)
    return caught.value


def raw_chat(**members: object) -> Inquiry:
    body = {"model": "garden", "messages": [{"role": "user", "content": "Hello"}], **members}
    return inquiry_of("openai_chat", msgspec.json.encode(body))


@pytest.mark.parametrize("host", NAMES)
@pytest.mark.parametrize("client", NAMES)
def test_the_host_sees_placeholders_and_the_client_its_values(client: str, host: str) -> None:
    passage = passage_to(inquiry_for(client, text_request()), host)
    assert EMAIL.encode() not in passage.outgoing.body
    assert hide(IBAN).encode() in passage.outgoing.body
    assert "pseudonymised" in passage.outgoing.adaptations
    given = passage.read_answer(answered(host, Text(text=f"Dear {hide(EMAIL)}: {hide(IBAN).lower()}")))
    got = TRANSLATIONS[client].chat.read_response(given.body)
    assert got.choices[0].message.parts[0].text == f"Dear {EMAIL}: {IBAN}"


@pytest.mark.parametrize("host", NAMES)
@pytest.mark.parametrize("client", NAMES)
def test_a_stream_comes_back_with_its_values_byte_by_byte(client: str, host: str) -> None:
    passage = passage_to(inquiry_for(client, text_request(), is_stream=True), host)
    said = f"Dear {hide(EMAIL)}: {hide(IBAN)}"
    stream, data = passage.open_stream(), as_stream(host, Text(text=said))
    out = b"".join([stream.feed(data[i : i + 1]) for i in range(len(data))]) + stream.close()
    reader = TRANSLATIONS[client].chat.open_reader()
    got = collect(reader.feed(out) + reader.close())
    assert got.choices[0].message.parts[0].text == f"Dear {EMAIL}: {IBAN}"
    assert stream.is_finished


def as_stream(host: str, *parts: object, size: int = 2) -> bytes:
    from laws.streams import events_of_response  # noqa: PLC0415 -- its strategies load hypothesis, which few tests here need

    response = Response(choices=(Choice(message=model(*parts), stop="end"),), id="made1", model="m")
    call = Call(route="garden", is_stream=True, query={"alt": "sse"})
    writer = TRANSLATIONS[host].chat.open_writer(Asking(chat(is_stream=True), "0001", 1_790_000_000, call))
    return b"".join([writer.feed(event) for event in events_of_response(response, size)])


@pytest.mark.parametrize("client", NAMES)
def test_a_stream_that_breaks_off_gives_what_was_held_back(client: str) -> None:
    passage = passage_to(inquiry_for(client, text_request(), is_stream=True), "anthropic_messages")
    data = as_stream("anthropic_messages", Text(text=f"See {hide(EMAIL)[:9]}"))
    stream = passage.open_stream()
    out = stream.feed(data[: data.index(b"event: content_block_stop")])
    assert hide(EMAIL)[:9].encode() not in out
    assert b"".join(piece.encode() for piece in hide(EMAIL)[:9]) in passage.fail_stream(
        stream, BrokenStream("It ended.")
    )


@pytest.mark.parametrize("client", NAMES)
def test_an_answer_that_came_at_once_is_restored_as_a_stream(client: str) -> None:
    passage = passage_to(inquiry_for(client, text_request(), is_stream=True), "openai_chat")
    out = passage.read_answer(answered("openai_chat", Text(text=hide(EMAIL)))).body
    reader = TRANSLATIONS[client].chat.open_reader()
    assert collect(reader.feed(out) + reader.close()).choices[0].message.parts[0].text == EMAIL


@pytest.mark.parametrize("client", NAMES)
def test_without_findings_nothing_changes(client: str) -> None:
    some = settings(LAW, max_examples=30)

    @some
    @given(request=requests())
    def law(request: Request) -> None:
        asked = msgspec.structs.replace(request, continues=None)
        lets_pictures_pass = msgspec.structs.replace(HIDES, unseen_content="allow")
        try:
            inquiry = inquiry_for(client, asked, is_stream=asked.is_stream)
            guarded = screener().screen(lets_pictures_pass, inquiry)
        except CallerFault:
            return
        assert (guarded.findings, guarded.guise) == ((), None)
        for host in NAMES:
            outgoing = [
                Passages(inquiry, BY_NAME, seals=Shelf(), guarded=one).to(target_of(host)).outgoing
                for one in (guarded, Guarded())
            ]
            assert outgoing[0] == outgoing[1]

    law()


def test_without_findings_a_request_is_relayed() -> None:
    assert isinstance(passage_to(inquiry_for("gemini", text_request("Hello")), "gemini"), RelayPassage)


def test_with_findings_no_host_gets_the_clients_own_bytes() -> None:
    for client in NAMES:
        assert passage_to(inquiry_for(client, text_request()), client).outgoing.dialect == client


def test_two_workers_send_the_same() -> None:
    bodies = {passage_to(inquiry_for("gemini", text_request()), "openai_chat").outgoing.body for _ in range(2)}
    assert len(bodies) == 1


@pytest.mark.parametrize("client", NAMES)
def test_a_later_turn_sends_what_the_earlier_one_did(client: str) -> None:
    answer = Text(text=f"Is {IBAN} yours?")
    later = chat(*text_request().messages, model(answer), user(Text(text="Yes")), max_output_tokens=100)
    body = passage_to(inquiry_for(client, later), "openai_chat").outgoing.body
    assert f"Is {hide(IBAN)} yours?".encode() in body


def test_a_value_that_context_has_given_away_is_hidden_where_it_stands_alone() -> None:
    request = chat(user(Text(text="My tax number 12345678901")), user(Text(text="12345678901? Or 123456789012?")))
    body = passage_to(inquiry_for("openai_chat", request), "openai_chat").outgoing.body
    assert b"12345678901?" not in body
    assert b"123456789012?" in body


@pytest.mark.parametrize("client", NAMES)
def test_arguments_of_calls_come_back_as_json(client: str) -> None:
    name = 'Anna "Smith'
    passage = passage_to(inquiry_for(client, text_request(f"Greet {name}")), "anthropic_messages")
    arguments = msgspec.json.encode({"who": hide(name), "at": [hide(name)]}).decode()
    given = passage.read_answer(
        answered("anthropic_messages", ToolCall(id="toolu_1", name="greet", arguments=arguments))
    )
    call = TRANSLATIONS[client].chat.read_response(given.body).choices[0].message.parts[0]
    assert msgspec.json.decode(call.arguments) == {"who": name, "at": [name]}


THOUGHT = Reasoning(
    texts=(f"The client is {hide(EMAIL)}, or {hide(EMAIL).lower()}.",), seal=Seal("anthropic_messages", "c2ln")
)


@pytest.mark.parametrize("with_call", [True, False], ids=["before a call", "before words"])
def test_sealed_thoughts_go_back_byte_for_byte_as_their_host_made_them(with_call: bool) -> None:  # noqa: FBT001
    shelf = Shelf()
    first = passage_to(inquiry_for("anthropic_messages", text_request()), "anthropic_messages", seals=shelf)
    after = ToolCall(id="toolu_1", name="f", arguments="{}") if with_call else Text(text="Hello")
    given = first.read_answer(answered("anthropic_messages", THOUGHT, after))
    came = TRANSLATIONS["anthropic_messages"].chat.read_response(given.body).choices[0].message.parts
    assert EMAIL in came[0].texts[0]
    results = [ToolResult(call_id=part.id, parts=(Text(text="ok"),)) for part in came if isinstance(part, ToolCall)]
    later = chat(*text_request().messages, model(*came), user(*results, Text(text="Go on")), max_output_tokens=100)
    second = passage_to(inquiry_for("anthropic_messages", later), "anthropic_messages", seals=shelf)
    sent = TRANSLATIONS["anthropic_messages"].chat.read_request(second.outgoing.body, Call())
    thoughts = [part for one in sent.messages for part in one.parts if isinstance(part, Reasoning)]
    assert [bare(one) for one in thoughts] == [THOUGHT]
    assert second.outgoing.losses == ()


def sealed_conversation(thought: str) -> Inquiry:
    """Return a second turn: what the maker has sealed in the first one comes back."""
    sealed = Reasoning(texts=(thought,), seal=Seal("anthropic_messages", "c2ln"))
    later = chat(user(Text(text="Hi")), model(sealed, Text(text="Hello")), user(Text(text="Go")), max_output_tokens=9)
    return inquiry_for("anthropic_messages", later)


def test_sealed_thoughts_that_alone_say_something_are_left_out_and_named() -> None:
    outgoing = passage_to(sealed_conversation(f"Write to {EMAIL}"), "anthropic_messages").outgoing
    assert (b"thinking" in outgoing.body, b"town.example" in outgoing.body) == (False, False)
    assert [(loss.path, loss.weight) for loss in outgoing.losses] == [("messages[1].content[0]", "tuning")]


def test_sealed_thoughts_without_findings_are_relayed() -> None:
    assert isinstance(passage_to(sealed_conversation("Nothing"), "anthropic_messages"), RelayPassage)


def test_a_refusal_names_kinds_numbers_and_places_and_no_value() -> None:
    request = chat(user(Text(text=f"{IBAN} {EMAIL}")), user(Text(text=EMAIL)))
    error = refusal_of(inquiry_for("openai_chat", request), REFUSES)
    assert isinstance(error, RefusedForFindings)
    assert error.message == (
        "The request has 2 x email, 1 x iban in `messages[0].content`, `messages[1].content`,"
        " which the project's policy does not let leave."
    )
    assert (error.path, error.findings) == ("messages[0].content", ("email:2", "iban:1"))


def test_a_path_that_holds_a_value_is_not_named() -> None:
    error = refusal_of(raw_chat(**{EMAIL: 1}))
    assert EMAIL not in str(error)
    assert "the request" in error.message


def test_blocked_words_refuse_whatever_else_is_hidden() -> None:
    policy = msgspec.structs.replace(HIDES, blocked_words=("Bluebird",))
    for one in (policy, BLOCKS):
        assert "blocked_word" in refusal_of(inquiry_for("gemini", text_request("Project Bluebird")), one).message


def test_what_a_policy_allows_stays() -> None:
    inquiry = inquiry_for("openai_chat", text_request(f"{EMAIL} sk-abc1"))
    policy = Policy("secrets-alone", secrets="pseudonymise")
    assert screener().screen(policy, inquiry).findings == ("api_key:1",)
    assert EMAIL.encode() in passage_to(inquiry, "openai_chat", policy=policy).outgoing.body


def test_a_policy_without_guards_looks_at_nothing() -> None:
    assert screener().screen(Policy("none"), raw_chat(user=EMAIL)) == Guarded()


@pytest.mark.parametrize(
    "members",
    [
        {"metadata": {"number": 9837040044123}},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"enum": [9837040044123]}}}]},
        {"tools": [{"type": "web_search", "query": EMAIL}]},
        {"service_tier": EMAIL},
        {"logit_bias": {EMAIL: 1}},
        {"x_unknown": 9837040044123},
    ],
    ids=[
        "number in metadata",
        "number in a schema",
        "tool of the host",
        "setting",
        "keys of a setting",
        "unknown number",
    ],
)
def test_where_no_placeholder_can_stand_the_request_is_refused(members: dict[str, object]) -> None:
    assert "where no placeholder can stand" in refusal_of(raw_chat(**members)).message


def test_a_number_in_the_arguments_of_a_call_is_refused_with_its_path() -> None:
    call = ToolCall(id="call_1", name="f", arguments='{"number": 9837040044123}')
    error = refusal_of(inquiry_for("openai_chat", chat(user(Text(text="Hi")), model(call))))
    assert error.path == "messages[1].tool_calls[0]"


@pytest.mark.parametrize(
    "arguments",
    ['{"who":"anna\\u0040town.example"}', '{"deep":"{\\"who\\":\\"anna@town.example\\"}"}', "{who: anna@town.example"],
    ids=["escaped", "inside a string", "no json"],
)
def test_json_is_read_as_what_it_says(arguments: str) -> None:
    call = ToolCall(id="call_1", name="f", arguments=arguments)
    inquiry = inquiry_for("openai_chat", chat(user(Text(text="Hi")), model(call)))
    body = passage_to(inquiry, "openai_chat").outgoing.body
    assert hide(EMAIL).encode() in body
    assert b"town.example" not in body


def test_json_keeps_every_other_byte() -> None:
    raw = f'{{ "b" : 1.50, "a":["{EMAIL}", "\\u00e9"],"c":1e3 }}'
    call = ToolCall(id="call_1", name="f", arguments=raw)
    guarded = screener().screen(HIDES, inquiry_for("openai_chat", chat(user(Text(text="Hi")), model(call))))
    assert guarded.guise.chat.messages[1].parts[0].arguments == raw.replace(EMAIL, hide(EMAIL))


UNSEEN = {
    "picture": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
    "file": {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
    "link": {"type": "image", "source": {"type": "url", "url": "https://town.example/a.png"}},
}


@pytest.mark.parametrize("block", UNSEEN.values(), ids=UNSEEN)
def test_what_nobody_can_look_into_is_refused_unless_the_policy_lets_it_pass(block: dict[str, object]) -> None:
    body = {"model": "garden", "max_tokens": 9, "messages": [{"role": "user", "content": [block]}]}
    inquiry = inquiry_of("anthropic_messages", msgspec.json.encode(body))
    assert refusal_of(inquiry).path == "messages[0].content[0]"
    assert screener().screen(msgspec.structs.replace(HIDES, unseen_content="allow"), inquiry).guise is None


def test_links_are_looked_at_even_where_pictures_pass() -> None:
    part = Media(kind="image", source=Link(url=f"https://town.example/a.png?who={EMAIL}"))
    inquiry = inquiry_for("anthropic_messages", chat(user(part), max_output_tokens=9))
    assert "1 x email" in refusal_of(inquiry, msgspec.structs.replace(HIDES, unseen_content="allow")).message


@pytest.mark.parametrize("value", ["data:image/png;base64,AAAA", "A" * 600], ids=["data url", "long base64"])
def test_pictures_in_parts_that_only_a_dialect_knows_are_unseen(value: str) -> None:
    raw = msgspec.Raw(msgspec.json.encode({"type": "computer_call_output", "output": {"image": value}}))
    request = chat(
        user(Text(text="Hi")), user(Opaque(dialect="openai_responses", kind="computer_call_output", raw=raw))
    )
    assert "no guard can look into" in refusal_of(inquiry_for("openai_responses", request)).message


def test_texts_that_come_as_files_are_read_and_rewritten() -> None:
    document = base64.b64encode(f"Dear {EMAIL}".encode()).decode()
    part = Media(kind="document", source=Inline(media_type="text/plain", data=document))
    inquiry = inquiry_for("gemini", chat(user(part, Text(text="Read it"))))
    sent = TRANSLATIONS["gemini"].chat.read_request(passage_to(inquiry, "gemini").outgoing.body, inquiry.call)
    source = sent.messages[0].parts[0].source
    text = source.text if isinstance(source, Plain) else base64.b64decode(source.data).decode()
    assert text == f"Dear {hide(EMAIL)}"


def test_what_a_host_keeps_cannot_be_pointed_at() -> None:
    body = msgspec.json.encode({"model": "garden", "input": "Go on", "previous_response_id": "resp_1"})
    assert "what a host keeps" in refusal_of(inquiry_of("openai_responses", body)).message


def test_headers_and_query_that_go_along_are_looked_at() -> None:
    body = msgspec.json.encode({"model": "garden", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]})
    inquiry = inquiry_of("anthropic_messages", body, call=Call(headers={"anthropic-beta": EMAIL}))
    assert refusal_of(inquiry).path == "anthropic-beta"


@pytest.mark.parametrize("client", ["openai_chat", "gemini"])
@pytest.mark.parametrize("host", ["openai_chat", "gemini"])
def test_texts_for_vectors_are_hidden(client: str, host: str) -> None:
    bodies = {
        "openai_chat": {"model": "garden", "input": [EMAIL, "Hi"]},
        "gemini": {"requests": [{"model": "models/garden", "content": {"parts": [{"text": EMAIL}]}}]},
    }
    operation = "embeddings" if client == "openai_chat" else "batch_embeddings"
    inquiry = inquiry_of(client, msgspec.json.encode(bodies[client]), operation=operation)
    outgoing = passage_to(inquiry, host).outgoing
    assert (EMAIL.encode() in outgoing.body, hide(EMAIL).encode() in outgoing.body) == (False, True)
    assert outgoing.adaptations[0] == "pseudonymised"


def test_tokens_instead_of_texts_cannot_be_looked_into() -> None:
    body = msgspec.json.encode({"model": "garden", "input": [[1, 2, 3]]})
    assert "no guard can look into" in refusal_of(inquiry_of("openai_chat", body, operation="embeddings")).message


@pytest.mark.parametrize("client", ["anthropic_messages", "openai_responses", "gemini"])
def test_tokens_are_counted_of_what_would_leave(client: str) -> None:
    bodies = {
        "anthropic_messages": {"model": "garden", "messages": [{"role": "user", "content": EMAIL}]},
        "openai_responses": {"model": "garden", "input": EMAIL},
        "gemini": {"contents": [{"role": "user", "parts": [{"text": EMAIL}]}]},
    }
    inquiry = inquiry_of(client, msgspec.json.encode(bodies[client]), operation="count_tokens")
    outgoing = passage_to(inquiry, client).outgoing
    assert (EMAIL.encode() in outgoing.body, hide(EMAIL).encode() in outgoing.body) == (False, True)


def test_nothing_that_is_hidden_is_logged_or_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for client in NAMES:
        inquiry = inquiry_for(client, text_request())
        passage = passage_to(inquiry, "openai_chat")
        error = passage.read_error(400, msgspec.json.encode({"error": {"message": f"bad: {hide(EMAIL)}"}}), {})
        told = f"{caplog.text} {error} {passage.outgoing.losses} {passage.outgoing.adaptations}"
        told += f"{screener().screen(HIDES, inquiry).findings} {refusal_of(inquiry, REFUSES)}"
        assert EMAIL not in told
        assert IBAN not in told


def test_words_beside_half_a_pair_of_surrogates_are_hidden() -> None:
    call = ToolCall(id="call_1", name="f", arguments='{"who":"\\ud800 anna@town.example"}')
    body = passage_to(inquiry_for("openai_chat", chat(user(Text(text="Hi")), model(call))), "openai_chat").outgoing.body
    assert b"town.example" not in body


def test_json_deep_inside_strings_is_read_as_it_is_spelled() -> None:
    text = EMAIL
    for _ in range(7):
        text = msgspec.json.encode([text]).decode()
    call = ToolCall(id="call_1", name="f", arguments=text)
    body = passage_to(inquiry_for("openai_chat", chat(user(Text(text="Hi")), model(call))), "openai_chat").outgoing.body
    assert b"town.example" not in body


def test_a_finder_is_made_once_for_each_policy() -> None:
    made: list[Policy] = []

    def make(policy: Policy) -> Marks:
        made.append(policy)
        return Marks()

    one = Screener(lambda: SECRET, make)
    for policy in (HIDES, REFUSES, HIDES):
        one.screen(policy, inquiry_for("openai_chat", text_request("Hello")))
    assert made == [HIDES, REFUSES]


def test_a_member_that_nobody_knows_is_read_as_what_it_says() -> None:
    body = b'{"model":"garden","messages":[{"role":"user","content":"Hi"}],"x_unknown":"anna\\u0040town.example"}'
    sent = msgspec.json.decode(passage_to(inquiry_of("openai_chat", body), "openai_chat").outgoing.body)
    assert sent["x_unknown"] == hide(EMAIL)
