"""An answer with placeholders becomes the one that the values would have got: for every pair, whole and in pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.guards.marking import Marks, new_mask
from hortus.canon.collect import collect
from hortus.canon.events import (
    ChoiceEnded,
    Cited,
    Event,
    Extra,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    SealSet,
    Started,
    TextAdded,
    ThoughtAdded,
)
from hortus.canon.nodes import Extras, Seal, bare
from hortus.canon.parts import Citation, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from hortus.canon.request import OutputFormat, Request
from hortus.canon.response import Choice, Message, Response
from hortus.canon.translation import Asking, Call
from hortus.gateway.guards.placeholders import Mask
from hortus.gateway.guards.restoring import Restorer
from laws.canonical import responses
from laws.streams import events_of_response
from laws.tally import LAW
from proof_of_dialects import NAMES, TRANSLATIONS

SOME = settings(LAW, max_examples=25)
VALUES = ("DE89 3704 0044 05", "anna@town.example", 'Anna "Smith', "Zoé Čapek", "sk-abc1")
EVENTS_SSE = {"alt": "sse"}
ASKED = Request(model="garden", messages=(), is_stream=True, wants_usage=True, choices=2)

Say = Callable[[str], str]


def asking_for(host: str, *, is_stream: bool) -> Asking:
    call = Call(route="garden", is_stream=is_stream, query=EVENTS_SSE)
    request = msgspec.structs.replace(ASKED, is_stream=is_stream)
    return Asking(request, answer_id="0001", now_s=1_790_000_000, call=call, source=TRANSLATIONS[host].vocabulary)


def saying(part: Part, value: str, say: Say) -> Part:
    """Return a part that speaks of a value, as `say` spells it."""
    match part:
        case Text():
            cited = tuple(msgspec.structs.replace(one, start=None, end=None) for one in part.citations)
            return msgspec.structs.replace(part, text=f"{part.text} {say(value)}!{say(value)}", citations=cited)
        case Refusal():
            return msgspec.structs.replace(part, text=f"{say(value)} {part.text}")
        case ToolCall():
            arguments = msgspec.json.encode({"zone": f"{say(value)}, {part.arguments}"}).decode()
            return msgspec.structs.replace(part, arguments=arguments)
        case Reasoning():
            texts = tuple(f"{one}{say(value)}" for one in part.texts)
            return msgspec.structs.replace(
                part, texts=texts, summary=tuple(f"{say(value)}{one}" for one in part.summary)
            )
        case Opaque():
            raw = bytes(part.raw).decode().replace('"zone"', msgspec.json.encode(say(value)).decode())
            return msgspec.structs.replace(part, raw=msgspec.Raw(raw.encode()))
        case _:
            return part


def answer(drawn: Response, value: str, say: Say) -> Response:
    choices = [
        msgspec.structs.replace(
            one,
            message=msgspec.structs.replace(one.message, parts=tuple(saying(p, value, say) for p in one.message.parts)),
        )
        for one in drawn.choices
    ]
    return msgspec.structs.replace(drawn, choices=tuple(choices))


def masking() -> tuple[Mask, Say]:
    mask = new_mask()
    return mask, lambda value: mask.hide(value, Marks().find(value))


def restorer(mask: Mask, host: str, request: Request = ASKED) -> Restorer:
    return Restorer(mask, request, source=TRANSLATIONS[host].vocabulary)


def host_stream(host: str, response: Response, size: int) -> bytes:
    writer = TRANSLATIONS[host].chat.open_writer(asking_for(host, is_stream=True))
    return b"".join([writer.feed(event) for event in events_of_response(response, size)])


def events_in(host: str, data: bytes, cuts: tuple[int, ...] = ()) -> list[Event]:
    reader = TRANSLATIONS[host].chat.open_reader()
    places = sorted({min(cut, len(data)) for cut in cuts})
    pieces = [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
    return [event for piece in pieces for event in reader.feed(piece)] + reader.close()


def client_stream(client: str, host: str, events: list[Event]) -> bytes:
    writer = TRANSLATIONS[client].chat.open_writer(asking_for(host, is_stream=True))
    return b"".join([writer.feed(event) for event in events])


def meant(client: str, data: bytes) -> Response:
    return bare(collect(events_in(client, data)))


@pytest.mark.parametrize("host", NAMES)
def test_a_whole_answer_is_the_one_that_the_values_would_have_got(host: str) -> None:
    theirs = TRANSLATIONS[host].chat

    @SOME
    @given(drawn=responses(), value=st.sampled_from(VALUES))
    def law(drawn: Response, value: str) -> None:
        mask, hide = masking()
        asking = asking_for(host, is_stream=False)
        sent = theirs.write_response(answer(drawn, value, hide), asking).body
        assert value.encode() not in sent
        got = restorer(mask, host).restore_response(theirs.read_response(sent))
        plain = theirs.read_response(theirs.write_response(answer(drawn, value, str), asking).body)
        for client in NAMES:
            ours = TRANSLATIONS[client].chat
            both = [ours.read_response(ours.write_response(one, asking).body) for one in (got, plain)]
            assert both[0] == both[1], client

    law()


@pytest.mark.parametrize("host", NAMES)
def test_a_stream_is_the_one_that_the_values_would_have_got(host: str) -> None:
    @SOME
    @given(drawn=responses(), value=st.sampled_from(VALUES), size=st.integers(1, 9))
    def law(drawn: Response, value: str, size: int) -> None:
        mask, hide = masking()
        one = restorer(mask, host)
        data = host_stream(host, answer(drawn, value, hide), size)
        got = [event for before in events_in(host, data) for event in one.restore_event(before)]
        plain = events_in(host, host_stream(host, answer(drawn, value, str), size))
        assert bare(collect(got)) == bare(collect(plain))
        for client in NAMES:
            both = [meant(client, client_stream(client, host, one)) for one in (got, plain)]
            assert both[0] == both[1], client

    law()


@pytest.mark.parametrize("host", NAMES)
def test_however_a_stream_is_cut_the_client_gets_the_same_bytes(host: str) -> None:
    @SOME
    @given(drawn=responses(), value=st.sampled_from(VALUES), cuts=st.lists(st.integers(0, 4000), max_size=30))
    def law(drawn: Response, value: str, cuts: list[int]) -> None:
        mask, hide = masking()
        data = host_stream(host, answer(drawn, value, hide), 3)

        def got(cuts: tuple[int, ...]) -> bytes:
            one = restorer(mask, host)
            events = [event for before in events_in(host, data, cuts) for event in one.restore_event(before)]
            return client_stream(host, host, events)

        assert got(tuple(cuts)) == got(())

    law()


@pytest.mark.parametrize("host", NAMES)
def test_a_whole_answer_says_what_its_stream_says(host: str) -> None:
    @SOME
    @given(drawn=responses(), value=st.sampled_from(VALUES), size=st.integers(1, 5))
    def law(drawn: Response, value: str, size: int) -> None:
        mask, hide = masking()
        hidden = answer(drawn, value, hide)
        one = restorer(mask, host)
        streamed = collect([e for before in events_of_response(hidden, size) for e in one.restore_event(before)])
        assert bare(streamed) == bare(restorer(mask, host).restore_response(hidden))

    law()


def said(*events: Event, request: Request = ASKED, mask: Mask | None = None) -> list[Event]:
    one = restorer(mask or masking()[0], "openai_chat", request)
    return [event for before in (Started(), *events) for event in one.restore_event(before)][1:]


def words(events: list[Event]) -> Iterator[str]:
    return (event.text for event in events if isinstance(event, TextAdded | ThoughtAdded))


def test_citations_move_with_the_words_that_they_stand_at() -> None:
    mask, hide = masking()
    hidden = f"{hide(VALUES[1])} lives in {hide(VALUES[0])}, town"
    plain = f"{VALUES[1]} lives in {VALUES[0]}, town"
    place, end = hidden.index(hide(VALUES[0])), hidden.index(",")
    part = Text(text=hidden, citations=(Citation(quote=hide(VALUES[1]), start=place, end=end), Citation(start=end)))
    response = Response(choices=(Choice(message=Message(role="assistant", parts=(part,))),))
    got = restorer(mask, "openai_chat").restore_response(response).choices[0].message.parts[0]
    assert got == Text(
        text=plain,
        citations=(
            Citation(quote=VALUES[1], start=plain.index(VALUES[0]), end=plain.index(",")),
            Citation(start=plain.index(",")),
        ),
    )


def test_a_citation_waits_for_the_words_that_are_held_back_before_it() -> None:
    mask, hide = masking()
    hidden = hide(VALUES[1])
    events = said(
        PartStarted(Text(text="")),
        TextAdded(hidden[:7]),
        Cited(Citation(start=0, end=len(hidden))),
        TextAdded(hidden[7:]),
        PartEnded(),
        mask=mask,
    )
    cited = Cited(Citation(start=0, end=len(VALUES[1])))
    assert events == [PartStarted(Text(text="")), TextAdded(VALUES[1]), cited, PartEnded()]


def test_what_is_held_back_is_given_when_its_part_ends_or_the_stream_fails() -> None:
    mask, hide = masking()
    begun = hide(VALUES[0])[:9]
    for last in (PartEnded(), Failed(code="host_error", message=f"no {begun}")):
        events = said(PartStarted(Text(text="")), TextAdded(begun), last, mask=mask)
        assert events[1:] == [TextAdded(begun), last]


def test_words_of_hosts_about_errors_stay_as_they_are() -> None:
    mask, hide = masking()
    failed = Failed(code="host_error", message=f"bad word {hide(VALUES[0])}")
    assert said(failed, mask=mask) == [failed]


def test_a_piece_of_thoughts_ends_where_the_next_begins() -> None:
    mask, hide = masking()
    hidden = hide(VALUES[0])
    events = said(
        PartStarted(Reasoning()),
        ThoughtAdded(hidden[:9]),
        ThoughtAdded(hidden, piece=1),
        SealSet(Seal("gemini", "x")),
        PartEnded(),
        mask=mask,
    )
    assert list(words(events)) == [hidden[:9], VALUES[0]]
    assert [getattr(event, "piece", None) for event in events[1:3]] == [0, 1]


def test_an_answer_in_json_stays_json() -> None:
    mask, hide = masking()
    request = msgspec.structs.replace(ASKED, output=OutputFormat(kind="json"))
    text = msgspec.json.encode({"name": hide(VALUES[2])}).decode()
    events = said(PartStarted(Text(text="")), TextAdded(text), PartEnded(), request=request, mask=mask)
    assert msgspec.json.decode("".join(words(events))) == {"name": VALUES[2]}


def test_names_of_tools_and_what_only_a_dialect_knows_are_restored() -> None:
    mask, hide = masking()
    extras = Extras("openai_chat", members={"x": msgspec.Raw(msgspec.json.encode([hide(VALUES[2])]))})
    call = ToolCall(id="call_1", name=f"ask_{hide(VALUES[0])}", arguments="", extras=extras)
    events = said(PartStarted(call), PartEnded(extras=extras), ChoiceEnded(extras=extras), Extra(extras), mask=mask)
    assert events[0].part.name == f"ask_{VALUES[0]}"
    found = [events[0].part.extras, *(event.extras for event in events[1:])]
    assert [msgspec.json.decode(one.members["x"]) for one in found] == [[VALUES[2]]] * 4


def test_probabilities_of_tokens_are_left_out_and_named() -> None:
    raw = msgspec.Raw(b'{"content":[]}')
    one = restorer(masking()[0], "openai_chat")
    ended = one.restore_event(ChoiceEnded(logprobs=raw, stop="end"))
    assert ended == [ChoiceEnded(stop="end")]
    assert [(loss.path, loss.weight) for loss in one.losses] == [("choices[0].logprobs", "tuning")]
    choice = Choice(message=Message(role="assistant", parts=()), logprobs=raw, at="choices[0]")
    other = restorer(masking()[0], "openai_chat")
    assert other.restore_response(Response(choices=(choice,))).choices[0].logprobs is None
    assert other.losses == one.losses


def test_nothing_waits_longer_than_it_must() -> None:
    mask, hide = masking()
    hide(VALUES[0])
    events = said(
        PartStarted(Text(text="")),
        TextAdded("all of it"),
        Cited(Citation(title="x")),
        TextAdded(" I"),
        PartEnded(),
        mask=mask,
    )
    assert list(words(events)) == ["all of it", " ", "I"]
    assert isinstance(events[2], Cited)


def test_a_stream_of_an_empty_mask_passes_as_it_is() -> None:
    events = [Started(id="a"), PartStarted(Text(text="")), TextAdded("IBAN_"), PartEnded(), ChoiceEnded(), Finished()]
    one = restorer(new_mask(), "gemini")
    assert [event for before in events for event in one.restore_event(before)] == events


@pytest.mark.parametrize("kind", [Text, Refusal, ToolCall])
def test_a_whole_answer_that_ends_like_a_placeholder_is_whole(kind: type) -> None:
    mask, hide = masking()
    begun = hide(VALUES[0])[:9]
    part = ToolCall(id="c", name="f", arguments=begun) if kind is ToolCall else kind(text=begun)
    response = Response(choices=(Choice(message=Message(role="assistant", parts=(part,))),))
    assert restorer(mask, "gemini").restore_response(response) == response
