"""Answers that go on by their ids towards hosts that keep none, through two real workers and the official SDK."""

from __future__ import annotations

import contextlib
import os
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx2
import msgspec
import openai
import pytest
from workplace import KEY, NARROW_KEY, Workplace, endpoint, wait_until

from hortus.app.clock import SystemClock
from hortus.base.secrets import FixedVersions
from hortus.content.exchange import Wanted
from hortus.content.exchanges import Exchanges
from hortus.policy.facts import Facts, Gains, Lever
from hortus.policy.rules import Policy
from hortus.testkit.replay_host import ReplayHost

STATELESS_KEY, GUARDED_KEY, FORBIDDEN_KEY = ("hortus_sk_" + letter * 40 for letter in "sgb")
OTHER_KEY, FORGETFUL_KEY = "hortus_sk_" + "o" * 40, "hortus_sk_" + "f" * 40
HOSTS = {"claude": "anthropic_messages", "gemini": "gemini", "chat": "openai_chat"}
LAMP = {"type": "function", "name": "find_lamp", "parameters": {"type": "object", "properties": {}}, "strict": False}


@pytest.fixture(scope="module")
def garden(tmp_path_factory: pytest.TempPathFactory, host: ReplayHost) -> Iterator[Workplace]:
    place = Workplace(tmp_path_factory.mktemp("home"), body_limit_mib=1, content_largest_kib=64)
    for name, dialect in HOSTS.items():
        place.add_route(name, endpoint(name, host.base_of(dialect), "fake:scene=text", dialects=(dialect,)))
        loop = endpoint(f"{name}-loop", host.base_of(dialect), "fake:scene=tool-loop", dialects=(dialect,))
        place.add_route(f"{name}-loop", loop)
    place.add_route("gpt", endpoint("gpt", host.base_url, "fake:scene=text", dialects=("openai_responses",)))
    place.grant(KEY, ("*",), keep_content_days=30)
    for name, model in (("cut", "fake:scene=cuts-later"), ("slow", "fake:chunks=5000,delay_ms=5")):
        place.add_route(name, endpoint(name, host.base_url, model))
    place.grant(NARROW_KEY, ("chat",), keep_content_days=30)
    place.grant(OTHER_KEY, ("*",), project_id="prj_2", keep_content_days=30)
    place.grant(FORGETFUL_KEY, ("*",), project_id="prj_3")
    lever = Lever(
        "store=false", ("openai_responses",), Gains(state_days=0), member="store", value=msgspec.Raw(b"false")
    )
    facts = Facts("nobody", "test", state_days=30, levers=(lever,))
    stateless = endpoint("gpt-stateless", host.base_url, "fake:scene=text", dialects=("openai_responses",), facts=facts)
    place.add_route("gpt-stateless", stateless)
    for key, policy in (
        (STATELESS_KEY, Policy("stateless", stateless=True)),
        (GUARDED_KEY, Policy("guarded", personal_data="pseudonymise")),
        (FORBIDDEN_KEY, Policy("forgetful", keeps_content=False)),
    ):
        place.snapshot.policies[policy.name] = policy
        number = {"stateless": 4, "guarded": 5, "forgetful": 6}[policy.name]
        place.grant(key, ("*",), project_id=f"prj_{number}", keep_content_days=30, policy=policy.name)
    with contextlib.ExitStack() as stack:
        stack.callback(place.close)
        place.start()
        stack.enter_context(second_worker(place))
        yield place


@contextlib.contextmanager
def second_worker(place: Workplace) -> Iterator[None]:
    """One more worker on the same socket: which of the two gets a connection is the kernel's choice."""
    number = place.socket.fileno()
    command = [sys.executable, "-m", "hortus.app", "worker", "--name", "worker-2", "--home", str(place.home.root)]
    with place.log_path.open("ab") as log:
        process = subprocess.Popen(
            [*command, "--parent", str(os.getpid()), "--socket", str(number)],
            pass_fds=[number],
            env=place.environment,
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture
def client(garden: Workplace) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{garden.url}/v1", api_key=KEY, max_retries=0) as one:
        yield one


@pytest.fixture
def kept(garden: Workplace) -> Iterator[Exchanges]:
    one = Exchanges(
        garden.home.content, FixedVersions((garden.secrets.current,)), clock=SystemClock(), entropy=os.urandom
    )
    yield one
    one.close()


def said_in(body: bytes) -> list[str]:
    """Return every text in a body of any dialect, in order."""

    def walk(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            for name, one in value.items():
                if name in {"text", "content"} and isinstance(one, str):
                    yield one
                else:
                    yield from walk(one)
        elif isinstance(value, list):
            for one in value:
                yield from walk(one)

    return list(walk(msgspec.json.decode(body)))


@pytest.mark.parametrize("model", [*HOSTS])
def test_three_turns_by_id_reach_the_host_as_one_conversation(
    client: openai.OpenAI, host: ReplayHost, model: str
) -> None:
    first = client.responses.create(model=model, input="Where is the tin lamp?", instructions="Be brief.")
    second = client.responses.create(model=model, input="And the oil?", previous_response_id=first.id)
    third = client.responses.create(model=model, input="And the wick?", previous_response_id=second.id)
    said = said_in(host.seen[-1].body)
    asked = [said.index(one) for one in ("Where is the tin lamp?", "And the oil?", "And the wick?")]
    assert asked == sorted(asked)
    assert (said.count(first.output_text), "Be brief." in said) == (2, False)
    assert (third.previous_response_id, third.store) == (second.id, True)


@pytest.mark.parametrize("model", [*HOSTS])
def test_streams_go_on_by_id_the_moment_they_are_complete(client: openai.OpenAI, host: ReplayHost, model: str) -> None:
    previous: str | None = None
    for words in ("one wick", "two wicks", "three wicks"):
        more = {"previous_response_id": previous} if previous is not None else {}
        with client.responses.create(model=model, input=words, stream=True, **more) as events:
            previous = next(one.response.id for one in events if one.type == "response.completed")
    said = said_in(host.seen[-1].body)
    assert [one for one in said if "wick" in one] == ["one wick", "two wicks", "three wicks"]


@pytest.mark.parametrize("model", ["claude-loop", "gemini-loop", "chat-loop"])
def test_a_result_of_a_tool_finds_its_call_by_the_id_of_the_answer(client: openai.OpenAI, model: str) -> None:
    first = client.responses.create(model=model, input="Find the lamp.", tools=[LAMP])
    call = next(item for item in first.output if item.type == "function_call")
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "in the shed"}
    second = client.responses.create(model=model, input=[result], tools=[LAMP], previous_response_id=first.id)
    assert second.status == "completed"


def test_a_host_that_keeps_its_answer_is_asked_to_go_on_itself(client: openai.OpenAI, host: ReplayHost) -> None:
    first = client.responses.create(model="gpt", input="A first question.")
    client.responses.create(model="gpt", input="A second.", previous_response_id=first.id)
    assert host.seen[-1].json["previous_response_id"] == first.id
    assert host.seen[-1].json["input"] == "A second."


def test_an_answer_that_one_host_keeps_goes_on_at_another(client: openai.OpenAI, host: ReplayHost) -> None:
    first = client.responses.create(model="gpt", input="A question for the keeper.")
    client.responses.create(model="claude", input="And now you.", previous_response_id=first.id)
    said = said_in(host.seen[-1].body)
    assert [said[0], said[-1]] == ["A question for the keeper.", "And now you."]


def test_an_answer_that_the_client_does_not_want_stored_is_unknown(client: openai.OpenAI) -> None:
    first = client.responses.create(model="claude", input="Forget this.", store=False)
    assert first.store is False
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="claude", input="Go on.", previous_response_id=first.id)


def test_another_project_knows_nothing_of_an_answer(garden: Workplace, client: openai.OpenAI, host: ReplayHost) -> None:
    first = client.responses.create(model="claude", input="Ours alone.")
    before = len(host.seen)
    with openai.OpenAI(base_url=f"{garden.url}/v1", api_key=OTHER_KEY, max_retries=0) as other:
        with pytest.raises(openai.NotFoundError):
            other.responses.create(model="claude", input="Go on.", previous_response_id=first.id)
        with pytest.raises(openai.NotFoundError):
            other.responses.retrieve(first.id)
    assert len(host.seen) == before


def test_a_project_that_keeps_nothing_cannot_go_on(garden: Workplace, kept: Exchanges) -> None:
    with openai.OpenAI(base_url=f"{garden.url}/v1", api_key=FORGETFUL_KEY, max_retries=0) as one:
        first = one.responses.create(model="claude", input="Nobody keeps this.")
        assert first.store is False
        with pytest.raises(openai.NotFoundError):
            one.responses.create(model="claude", input="Go on.", previous_response_id=first.id)
    assert kept.extent(Wanted(project_id="prj_3")).count == 0


@pytest.mark.parametrize("is_stream", [False, True])
def test_an_answer_is_fetched_as_it_was_given(client: openai.OpenAI, *, is_stream: bool) -> None:
    if is_stream:
        with client.responses.create(model="chat", input="Where?", stream=True) as events:
            first = next(one.response for one in events if one.type == "response.completed")
    else:
        first = client.responses.create(model="chat", input="Where?")
    assert client.responses.retrieve(first.id) == first


def test_what_the_model_was_given_is_listed_newest_first(client: openai.OpenAI) -> None:
    first = client.responses.create(model="chat", input="Where?")
    second = client.responses.create(model="chat", input="And when?", previous_response_id=first.id)
    items = list(client.responses.input_items.list(second.id, limit=2))
    assert [item.content[0].text for item in items] == ["And when?", first.output_text, "Where?"]


def test_a_deleted_answer_is_unknown_at_the_host_that_keeps_it_too(client: openai.OpenAI, host: ReplayHost) -> None:
    first = client.responses.create(model="gpt", input="Where?")
    client.responses.delete(first.id)
    before = len(host.seen)
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="gpt", input="Go on.", previous_response_id=first.id)
    assert len(host.seen) == before


def test_a_key_sees_no_answers_of_routes_that_it_may_not_use(garden: Workplace, client: openai.OpenAI) -> None:
    first = client.responses.create(model="claude", input="Where?")
    with openai.OpenAI(base_url=f"{garden.url}/v1", api_key=NARROW_KEY, max_retries=0) as narrow:
        for ask in (narrow.responses.retrieve, narrow.responses.delete):
            with pytest.raises(openai.NotFoundError):
                ask(first.id)
    assert client.responses.retrieve(first.id).id == first.id


def test_a_receipt_says_that_turns_were_put_in(garden: Workplace, client: openai.OpenAI) -> None:
    first = client.responses.create(model="chat", input="Where?")
    second = client.responses.with_raw_response.create(model="chat", input="When?", previous_response_id=first.id)
    opened, _ = garden.records_of(second.headers["hortus-receipt"])
    assert "kept_turns=1" in opened.adaptations


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x"])
def test_a_page_of_items_has_bounds(garden: Workplace, client: openai.OpenAI, query: str) -> None:
    first = client.responses.create(model="chat", input="Where?")
    url = f"{garden.url}/v1/responses/{first.id}/input_items?{query}"
    answer = httpx2.get(url, headers={"authorization": f"Bearer {KEY}"})
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "limit")


def test_a_stream_that_broke_cannot_be_continued(garden: Workplace, client: openai.OpenAI, kept: Exchanges) -> None:
    with client.responses.with_streaming_response.create(model="cut", input="Where?", stream=True) as answer:
        receipt_id, seen = answer.headers["hortus-receipt"], b"".join(answer.iter_bytes())
    wait_until(lambda: kept.extent(Wanted(receipt_ids=(receipt_id,))).count)
    (entry,) = kept.entries(Wanted(receipt_ids=(receipt_id,)), after=0, last=1 << 40, limit=9)
    exchange = kept.open(entry)
    assert exchange is not None
    assert (exchange.is_whole, exchange.response_id, exchange.answer) == (False, None, seen)


def test_what_a_client_that_left_had_got_is_kept(garden: Workplace, client: openai.OpenAI, kept: Exchanges) -> None:
    with client.responses.with_streaming_response.create(model="slow", input="Where?", stream=True) as answer:
        receipt_id, first = answer.headers["hortus-receipt"], next(answer.iter_bytes())
    wait_until(lambda: kept.extent(Wanted(receipt_ids=(receipt_id,))).count)
    (entry,) = kept.entries(Wanted(receipt_ids=(receipt_id,)), after=0, last=1 << 40, limit=9)
    exchange = kept.open(entry)
    assert exchange is not None
    assert (exchange.is_whole, (exchange.answer or b"").startswith(first)) == (False, True)


def test_a_refused_request_is_not_kept(garden: Workplace, kept: Exchanges) -> None:
    body = {"model": "nowhere", "input": "Hi", "user": "u-refused"}
    answer = httpx2.post(f"{garden.url}/v1/responses", json=body, headers={"authorization": f"Bearer {KEY}"})
    assert (answer.status_code, kept.extent(Wanted(subject="u-refused")).count) == (404, 0)


def test_a_deleted_answer_is_gone(client: openai.OpenAI) -> None:
    first = client.responses.create(model="chat", input="Where?")
    client.responses.delete(first.id)
    for ask in (client.responses.retrieve, client.responses.delete):
        with pytest.raises(openai.NotFoundError):
            ask(first.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="chat", input="Go on.", previous_response_id=first.id)


def test_a_conversation_with_an_erased_turn_is_unknown(client: openai.OpenAI, kept: Exchanges) -> None:
    first = client.responses.with_raw_response.create(model="claude", input="Erase me.")
    second = client.responses.create(model="claude", input="Go on.", previous_response_id=first.parse().id)
    assert kept.erase([first.headers["hortus-receipt"]]) == [first.headers["hortus-receipt"]]
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="claude", input="And on.", previous_response_id=second.id)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/v1/chat/completions",
            {"model": "claude", "messages": [{"role": "user", "content": "Hi"}], "user": "u-chat"},
        ),
        (
            "/v1/messages",
            {
                "model": "chat",
                "max_tokens": 99,
                "messages": [{"role": "user", "content": "Hi"}],
                "metadata": {"user_id": "u-messages"},
            },
        ),
        ("/v1/responses", {"model": "gpt", "input": "Hi", "safety_identifier": "u-responses", "stream": True}),
    ],
)
def test_what_went_both_ways_is_kept_as_it_was_and_found_by_person(
    garden: Workplace, kept: Exchanges, path: str, body: dict[str, object]
) -> None:
    sent = msgspec.json.format(msgspec.json.encode(body))
    answer = httpx2.post(f"{garden.url}{path}", content=sent, headers={"authorization": f"Bearer {KEY}"})
    receipt_id, person = answer.headers["hortus-receipt"], "u-" + path.rpartition("/")[2].replace("completions", "chat")
    wait_until(lambda: kept.extent(Wanted(subject=person)).count)
    (entry,) = kept.entries(Wanted(subject=person), after=0, last=1 << 40, limit=9)
    exchange = kept.open(entry)
    assert exchange is not None
    assert (exchange.receipt_id, exchange.request, exchange.answer) == (receipt_id, sent, answer.content)


def test_what_is_too_long_is_kept_without_its_words(garden: Workplace, kept: Exchanges) -> None:
    body = {"model": "chat", "messages": [{"role": "user", "content": "long " * 20_000}]}
    answer = httpx2.post(f"{garden.url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {KEY}"})
    (entry,) = kept.entries(Wanted(receipt_ids=(answer.headers["hortus-receipt"],)), after=0, last=1 << 40, limit=9)
    exchange = kept.open(entry)
    assert exchange is not None
    assert (exchange.request, exchange.request_bytes > 100_000, exchange.answer) == (None, True, answer.content)


def test_nothing_that_was_said_can_be_read_on_the_disk(garden: Workplace, client: openai.OpenAI) -> None:
    words = "an unmistakable secret lantern"
    client.responses.create(model="claude", input=words, user="person-of-the-lantern")
    files = [one for one in garden.home.root.rglob("*") if one.is_file()]
    readable = {
        one.name for one in files for text in (words, "person-of-the-lantern") if text.encode() in one.read_bytes()
    }
    assert readable == set()


def test_a_host_that_the_policy_lets_keep_nothing_is_given_the_whole_conversation(
    garden: Workplace, host: ReplayHost
) -> None:
    with openai.OpenAI(base_url=f"{garden.url}/v1", api_key=STATELESS_KEY, max_retries=0) as client:
        first = client.responses.create(model="gpt-stateless", input="A first question.")
        second = client.responses.create(model="gpt-stateless", input="A second.", previous_response_id=first.id)
        third = client.responses.create(model="gpt-stateless", input="A third.", previous_response_id=second.id)
        sent = host.seen[-1].json
        assert (sent["store"], "previous_response_id" in sent, third.status) == (False, False, "completed")
        assert [one for one in said_in(host.seen[-1].body) if one.startswith("A ")] == [
            "A first question.",
            "A second.",
            "A third.",
        ]


def test_a_guard_sees_what_was_said_before(garden: Workplace, host: ReplayHost) -> None:
    with openai.OpenAI(base_url=f"{garden.url}/v1", api_key=GUARDED_KEY, max_retries=0) as client:
        first = client.responses.create(model="gpt", input="Write to ada@example.org.")
        client.responses.create(model="gpt", input="Once more.", previous_response_id=first.id)
    sent = host.seen[-1].body.decode()
    assert ("Write to EMAIL_" in sent, "ada@example.org" in sent, "previous_response_id" in sent) == (
        True,
        False,
        False,
    )


def test_what_a_client_said_is_kept_as_it_said_it_where_a_guard_changes_it(garden: Workplace, kept: Exchanges) -> None:
    with openai.OpenAI(base_url=f"{garden.url}/v1", api_key=GUARDED_KEY, max_retries=0) as client:
        client.responses.create(model="gpt", input="Write to bob@example.org.", user="bob")
    (entry,) = kept.entries(Wanted(subject="bob"), after=0, last=1 << 40, limit=9)
    exchange = kept.open(entry)
    assert exchange is not None
    assert b"bob@example.org" in (exchange.request or b"")


def test_a_policy_may_forbid_to_keep_anything(garden: Workplace, kept: Exchanges) -> None:
    with openai.OpenAI(base_url=f"{garden.url}/v1", api_key=FORBIDDEN_KEY, max_retries=0) as client:
        first = client.responses.create(model="claude", input="Not to be kept.")
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(first.id)
    assert kept.extent(Wanted(project_id="prj_6")).count == 0


class _HostThatStays(socketserver.StreamRequestHandler):
    """Sends a whole stream, and does not hang up before the client does."""

    def handle(self) -> None:
        while (line := self.rfile.readline()).strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        self.rfile.read(length)
        body = b'{"id":"resp_stays","object":"response","model":"m","status":"completed","output":[]}'
        frame = b'event: response.completed\ndata: {"type":"response.completed","response":' + body + b"}\n\n"
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        self.wfile.write(head + b"%x\r\n%b\r\n" % (len(frame), frame))
        self.rfile.read()


def test_a_stream_ends_with_its_answer_although_the_host_does_not_hang_up(tmp_path: Path) -> None:
    place = Workplace(tmp_path / "home")
    with contextlib.closing(place), socketserver.ThreadingTCPServer(("127.0.0.1", 0), _HostThatStays) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        address = f"http://127.0.0.1:{server.server_address[1]}/v1"
        place.add_route("stays", endpoint("stays", address, "m", dialects=("openai_responses",)))
        place.grant(KEY, ("*",), keep_content_days=1)
        place.start()
        with openai.OpenAI(base_url=f"{place.url}/v1", api_key=KEY, max_retries=0) as client:
            with client.responses.create(model="stays", input="Hi", stream=True) as events:
                assert [one.type for one in events] == ["response.completed"]
            assert client.responses.retrieve("resp_stays").id == "resp_stays"
        server.shutdown()
        thread.join()
