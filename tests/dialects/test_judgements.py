"""Judgements of content: as they were when read and written, between both dialects, and on the recordings."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exchanges import traffic_place
from hortus.canon.errors import BrokenStream, HostRejected, InvalidRequest
from hortus.canon.manifest import Vocabulary
from hortus.canon.moderation import (
    ModerationCategory,
    ModerationInput,
    ModerationRequest,
    ModerationResponse,
    ModerationResult,
    ModerationTurn,
)
from hortus.canon.nodes import bare
from hortus.canon.parts import HostFile, Media, Text
from hortus.canon.translation import Call, Moderations, Target, Translation, Written
from hortus.canon.usage import Usage
from hortus.dialects import DIALECTS

SPEAKING: dict[str, Translation] = {
    one.name: one.translation
    for one in DIALECTS
    if one.translation is not None and one.translation.moderations is not None
}
BY_NAME = {one.name: one for one in DIALECTS}
OPENAI, MISTRAL = "openai_moderations", "mistral"
PAIRS = [(client, host) for client in SPEAKING for host in SPEAKING]
LAW = settings(
    max_examples=100, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
ENCODE = msgspec.json.Encoder().encode
DECODE = msgspec.json.Decoder().decode
IMAGE = {"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}
DATA = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}}
TEXT = {"type": "text", "text": "a caption"}
ASK, REPLY = {"role": "user", "content": "a"}, {"role": "assistant", "content": [{"type": "text", "text": "b"}]}

REQUESTS: list[tuple[str, dict[str, object]]] = [
    (OPENAI, {"model": "m", "input": "a"}),
    (OPENAI, {"model": "m", "input": ["a"], "own": 1}),
    (OPENAI, {"model": "m", "input": ["a", "b"]}),
    (OPENAI, {"model": "m", "input": []}),
    (OPENAI, {"model": "m", "input": [TEXT]}),
    (OPENAI, {"model": "m", "input": [TEXT, IMAGE, DATA]}),
    (MISTRAL, {"model": "m", "input": "a"}),
    (MISTRAL, {"model": "m", "input": ["a", "b"], "metadata": {"x": 1}}),
    (MISTRAL, {"model": "m", "input": [ASK, REPLY]}),
    (MISTRAL, {"model": "m", "input": [[ASK], [REPLY, {"role": "tool", "name": "t"}]]}),
]
FLAGS = {"categories": {"sexual": False, "pii": True}, "category_scores": {"sexual": 3.0256842364906333e-05, "pii": 1}}
ANSWERS: list[tuple[str, dict[str, object]]] = [
    (OPENAI, {"id": "x", "model": "m", "results": [{"flagged": True, **FLAGS, "category_applied_input_types": {}}]}),
    (OPENAI, {"results": [{"flagged": True, "categories": {"odd": True}}]}),
    (MISTRAL, {"id": "x", "model": "m", "results": [FLAGS]}),
    (MISTRAL, {"id": "x", "model": "m", "results": [{}], "usage": {"prompt_tokens": 3, "total_tokens": 3}}),
]


def brought(name: str) -> Moderations:
    found = SPEAKING[name].moderations
    assert found is not None
    return found


def ask(client: str, host: str, body: object) -> Written:
    request = brought(client).read_request(ENCODE(body), Call())
    return brought(host).write_request(request, Target("up", source=SPEAKING[client].vocabulary))


def answer(host: str, client: str, body: object) -> Written:
    request = ModerationRequest(model="r", inputs=())
    return brought(client).write_response(brought(host).read_response(ENCODE(body)), request)


@pytest.mark.parametrize(("name", "body"), REQUESTS)
def test_a_request_is_as_it_was(name: str, body: dict[str, object]) -> None:
    written = ask(name, name, body)
    assert DECODE(written.body) == body | {"model": "up"}
    assert written.losses == ()


@pytest.mark.parametrize(("name", "body"), ANSWERS)
def test_an_answer_is_as_it_was(name: str, body: dict[str, object]) -> None:
    written = answer(name, name, body)
    assert DECODE(written.body) == body
    assert written.losses == ()


plain = st.text(max_size=20).map(lambda text: ModerationInput(turns=(ModerationTurn(parts=(Text(text=text),)),)))
requests = st.builds(
    ModerationRequest, model=st.just("garden"), inputs=st.lists(plain, min_size=1, max_size=3).map(tuple)
)


@pytest.mark.parametrize(("client", "host"), PAIRS)
@LAW
@given(drawn=requests)
def test_between_two_dialects_texts_lose_nothing(client: str, host: str, drawn: ModerationRequest) -> None:
    said = brought(client).write_request(drawn, Target("garden", Vocabulary()))
    request = brought(client).read_request(said.body, Call())
    written = brought(host).write_request(request, Target("garden", SPEAKING[client].vocabulary))
    assert (said.losses, written.losses) == ((), ())
    assert bare(brought(host).read_request(written.body, Call())) == bare(drawn)


categories = st.builds(
    ModerationCategory,
    name=st.sampled_from(["sexual", "pii", "hate/threatening"]),
    is_flagged=st.booleans(),
    score=st.floats(0, 1).map(lambda number: msgspec.Raw(ENCODE(number))),
)
results = st.lists(categories, max_size=3, unique_by=lambda one: one.name).map(
    lambda found: ModerationResult(is_flagged=any(one.is_flagged for one in found), categories=tuple(found))
)


@pytest.mark.parametrize(("client", "host"), [pair for pair in PAIRS if pair[0] != pair[1]])
@LAW
@given(drawn=st.lists(results, max_size=3).map(tuple))
def test_what_was_found_keeps_the_host_s_own_names(client: str, host: str, drawn: tuple[ModerationResult, ...]) -> None:
    request = ModerationRequest(model="garden", inputs=())
    told = brought(host).write_response(ModerationResponse(results=drawn, id="x", model="m"), request)
    written = brought(client).write_response(brought(host).read_response(told.body), request)
    assert [str(one) for one in written.losses] == ["tuning:results[].categories"]
    again = brought(client).read_response(written.body)
    assert [
        (one.is_flagged, [(each.name, each.is_flagged, bytes(each.score or b"")) for each in one.categories])
        for one in again.results
    ] == [
        (one.is_flagged, [(each.name, each.is_flagged, bytes(each.score or b"")) for each in one.categories])
        for one in drawn
    ]


def test_pictures_are_lost_where_texts_are_judged() -> None:
    written = ask(OPENAI, MISTRAL, {"model": "m", "input": [TEXT, IMAGE]})
    assert DECODE(written.body)["input"] == ["a caption"]
    assert [str(one) for one in written.losses] == ["meaning:input[1]"]


def test_texts_beside_each_other_become_one() -> None:
    written = ask(OPENAI, MISTRAL, {"model": "m", "input": [TEXT, TEXT]})
    assert DECODE(written.body)["input"] == ["a caption\n\na caption"]
    assert [str(one) for one in written.losses] == ["tuning:input"]


def test_a_conversation_is_judged_by_its_last_message_or_not_at_all() -> None:
    written = ask(MISTRAL, OPENAI, {"model": "m", "input": [ASK, REPLY]})
    assert DECODE(written.body)["input"] == ["b"]
    assert [str(one) for one in written.losses] == ["meaning:input[0]"]
    alone = ask(MISTRAL, OPENAI, {"model": "m", "input": [[ASK], [REPLY]]})
    assert (DECODE(alone.body)["input"], alone.losses) == (["a", "b"], ())


def test_of_several_inputs_pictures_cannot_go_to_openai() -> None:
    picture = Media(kind="image", source=HostFile(id="f"), at="input[1]")
    several = ModerationInput(turns=(ModerationTurn(parts=(Text(text="a"), picture, Text(text="c")), at="input"),))
    request = ModerationRequest(model="m", inputs=(several, several))
    written = brought(OPENAI).write_request(request, Target("up", Vocabulary()))
    assert DECODE(written.body)["input"] == ["a\n\nc", "a\n\nc"]
    assert {str(one) for one in written.losses} == {"meaning:input[1]", "tuning:input.parts"}


def test_of_several_inputs_the_words_beside_a_picture_go_to_openai() -> None:
    picture = Media(kind="image", source=HostFile(id="f"), at="input[1]")
    both = ModerationInput(turns=(ModerationTurn(parts=(Text(text="a"), picture), at="input"),))
    request = ModerationRequest(model="m", inputs=(both, both))
    written = brought(OPENAI).write_request(request, Target("up", Vocabulary()))
    assert {str(one) for one in written.losses} == {"meaning:input[1]"}


def test_a_file_of_a_host_cannot_be_judged_by_openai() -> None:
    picture = Media(kind="image", source=HostFile(id="f"), at="input[0]")
    request = ModerationRequest(model="m", inputs=(ModerationInput(turns=(ModerationTurn(parts=(picture,)),)),))
    written = brought(OPENAI).write_request(request, Target("up", Vocabulary()))
    assert [str(one) for one in written.losses] == ["meaning:input[0]"]


@pytest.mark.parametrize(
    ("name", "given_input", "path"),
    [
        (OPENAI, ["a", TEXT], "input[1]"),
        (OPENAI, [{"type": "video"}], "input[0]"),
        (MISTRAL, ["a", 1], "input[1]"),
        (MISTRAL, [{"role": "user", "content": [IMAGE]}], "input[0].content[0]"),
    ],
)
def test_what_cannot_be_judged_is_named(name: str, given_input: object, path: str) -> None:
    with pytest.raises(InvalidRequest) as raised:
        brought(name).read_request(ENCODE({"model": "m", "input": given_input}), Call())
    assert raised.value.path == path


@pytest.mark.parametrize("name", SPEAKING)
@pytest.mark.parametrize("body", [b"<html>", b'{"results": 1}'])
def test_an_answer_that_cannot_be_read_is_the_host_s_fault(name: str, body: bytes) -> None:
    with pytest.raises(BrokenStream):
        brought(name).read_response(body)


@pytest.mark.parametrize(("input_", "path"), [(["a"], "moderations"), ([ASK], "chat_moderations")])
def test_conversations_have_a_path_of_their_own(input_: object, path: str) -> None:
    request = brought(MISTRAL).read_request(ENCODE({"model": "m", "input": input_}), Call())
    assert brought(MISTRAL).path_of(request) == path
    assert brought(OPENAI).path_of(request) == "moderations"


@pytest.mark.parametrize(
    ("body", "route", "adaptations"),
    [
        (b'{"input": "a", "model": "r"}', "r", ("model",)),
        (b'{"input": "a"}', "omni-moderation-latest", ("model", "+model")),
        (b'{"input": "a", "model": null}', "omni-moderation-latest", ("model", "path>model")),
    ],
)
def test_a_relayed_request_names_its_model(body: bytes, route: str, adaptations: tuple[str, ...]) -> None:
    dialect = BY_NAME[OPENAI]
    asked = dialect.read_request(dialect.operations[0], body, None)
    assert asked.route == route
    changed = dialect.write_request(asked, "up")
    assert (DECODE(changed.body)["model"], changed.adaptations) == ("up", adaptations)


@pytest.mark.parametrize(("body", "model"), [(b'{"model": "m"}', "m"), (b"<html>", None)])
def test_openai_charges_nothing_for_a_judgement(body: bytes, model: str | None) -> None:
    dialect = BY_NAME[OPENAI]
    found = dialect.read_answer(dialect.operations[0], body, 8)
    assert (found.usage, found.served_model) == (Usage(), model)


def test_pictures_are_weighed() -> None:
    dialect = BY_NAME[OPENAI]
    body = ENCODE({"model": "m", "input": [TEXT, IMAGE]})
    found = dialect.weigh(dialect.operations[0], dialect.read_request(dialect.operations[0], body, None), body)
    assert (found.images, found.output_tokens) == (1, 0)


RECORDED = sorted(traffic_place().glob("openai/*moderations*.json"))


@pytest.mark.parametrize("file", RECORDED, ids=[file.stem for file in RECORDED])
def test_a_recorded_judgement_is_what_it_was(file) -> None:
    recording = DECODE(file.read_bytes())
    asked = {"model": "omni-moderation-latest"} | recording["request"]["body"]
    written = ask(OPENAI, OPENAI, asked)
    assert (DECODE(written.body), written.losses) == (asked | {"model": "up"}, ())
    body = recording["response"]["body"]
    told = answer(OPENAI, OPENAI, body)
    assert (DECODE(told.body), told.losses) == (body, ())


def test_errors_are_openai_s() -> None:
    error = SPEAKING[OPENAI].read_error(400, b'{"error": {"message": "no", "type": "invalid_request_error"}}')
    assert isinstance(error, HostRejected)
    reply = BY_NAME[OPENAI].render_error(error, "rcp_1")
    assert (reply.status, DECODE(reply.body)["error"]["message"]) == (400, "no")
