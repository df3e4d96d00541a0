"""The official mistralai SDK against a running Hortus: to hosts of its own API, and to others that are translated."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import openai
import pytest
from mistralai.client import Mistral
from mistralai.client.errors import HTTPValidationError, MistralError
from mistralai.client.models import ReferenceChunk, ThinkChunk

from garden import Hortus, wait_for
from hortus.framing.call_ids import is_short, short_id
from hortus.testkit.replay_host import ReplayHost
from sdk.wire_host import Wire, WireHost, declared, streamed

pytestmark = pytest.mark.slow

HELLO = [{"role": "user", "content": "The lamp in front of our house is dark."}]
TOOL = {"name": "find_lamp", "description": "Finds it.", "parameters": {"type": "object", "properties": {}}}
TOOLS = [{"type": "function", "function": TOOL}]
OTHERS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini", "cohere_v2")
HEAD = b'"id": "0a1b2c3d", "object": "chat.completion", "created": 1790000000, "model": "made-up"'
USAGE = b'"usage": {"prompt_tokens": 12, "completion_tokens": 9, "total_tokens": 21}'


def chat(message: bytes, finish: bytes = b"stop") -> Wire:
    choice = b'{"index": 0, "finish_reason": "' + finish + b'", "message": ' + message + b"}"
    return Wire(b"{" + HEAD + b', "choices": [' + choice + b"], " + USAGE + b"}")


def chunk(delta: bytes, finish: bytes = b"null", more: bytes = b"") -> bytes:
    choice = b'{"index": 0, "delta": ' + delta + b', "finish_reason": ' + finish + b"}"
    return (
        b"data: {" + HEAD.replace(b"completion", b"completion.chunk") + b', "choices": [' + choice + b"]" + more + b"}"
    )


def refused(status: int, body: bytes) -> Wire:
    return Wire(body, status=status)


SAID = b'{"role": "assistant", "tool_calls": null, "content": "We will send someone."}'
ANSWERS = {
    "words": chat(SAID),
    "chunks": chat(
        b'{"role": "assistant", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Seven?"}]},'
        b' {"type": "text", "text": "At seven"}, {"type": "reference", "reference_ids": [0, 2]}]}'
    ),
    "stream": streamed(
        chunk(b'{"role": "assistant", "content": ""}'),
        chunk(b'{"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "And"}]}]}'),
        chunk(b'{"content": "One moment."}'),
        chunk(
            b'{"tool_calls": [{"id": "aB3dE6gI1", "function": {"name": "find_lamp", "arguments": "{}"}, "index": 0}]}',
            b'"tool_calls"',
            b", " + USAGE,
        ),
        b"data: [DONE]",
    ),
    "fim": chat(b'{"role": "assistant", "content": "return a + b", "tool_calls": null}'),
    "fim-stream": streamed(
        chunk(b'{"content": "return "}'), chunk(b'{"content": "a"}', b'"stop"', b", " + USAGE), b"data: [DONE]"
    ),
    "vectors": Wire(
        b'{"id": "e1", "object": "list", "model": "made-up", "data": [{"object": "embedding", "index": 0,'
        b' "embedding": [0.5, -0.25]}], "usage": {"prompt_tokens": 4, "total_tokens": 4, "completion_tokens": 0}}'
    ),
    "pages": Wire(
        b'{"model": "made-up", "document_annotation": null, "pages": [{"index": 0, "markdown": "# Notice",'
        b' "images": [], "dimensions": {"dpi": 200, "height": 9, "width": 9}}, {"index": 1, "markdown": "",'
        b' "images": [], "dimensions": null}], "usage_info": {"pages_processed": 2, "doc_size_bytes": 1024}}'
    ),
    "heard": Wire(
        b'{"model": "made-up", "text": "The lamp is dark.", "language": "en", "segments": [], "usage":'
        b' {"prompt_tokens": 4, "completion_tokens": 6, "total_tokens": 385, "prompt_audio_seconds": 7}}'
    ),
    "heard-stream": streamed(
        b'event: transcription.text.delta\ndata: {"type": "transcription.text.delta", "text": "The lamp"}',
        b'event: transcription.done\ndata: {"type": "transcription.done", "model": "made-up", "text":'
        b' "The lamp is dark.", "language": "en", "usage": {"prompt_tokens": 4, "completion_tokens": 6}}',
    ),
    "judged": Wire(
        b'{"id": "mod-1", "model": "made-up", "results": [{"categories": {"violence": false},'
        b' "category_scores": {"violence": 0.0125}}]}'
    ),
    "judged-by-openai": Wire(
        b'{"id": "modr-1", "model": "made-up", "results": [{"flagged": true, "categories": {"violence": true},'
        b' "category_scores": {"violence": 0.75}, "category_applied_input_types": {"violence": ["text"]}}]}'
    ),
    "says-422": refused(
        422,
        b'{"detail": [{"type": "extra_forbidden", "loc": ["body", "made_up"], "msg": "Extra inputs are not permitted",'
        b' "input": 1}]}',
    ),
    "says-400": refused(
        400,
        b'{"object": "error", "message": "Invalid model: made-up", "type": "invalid_model", "param": null,'
        b' "code": "1500", "raw_status_code": 400}',
    ),
    "says-429": refused(
        429,
        b'{"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "param": null, "code": "1300",'
        b' "raw_status_code": 429}',
    ),
    "says-401": refused(401, b'{"detail": "Unauthorized"}'),
}
OPERATIONS = ("chat", "fim", "embeddings", "ocr", "moderations", "transcriptions")
ELSEWHERE = {"judged-by-openai": ("openai_moderations", ("moderations",))}
"""Answers of a host that speaks another format."""


@pytest.fixture(scope="module")
def host() -> Iterator[WireHost]:
    with WireHost(ANSWERS) as one:
        yield one


@pytest.fixture(scope="module")
def garden(start_hortus, replay_host: ReplayHost, host: WireHost) -> Hortus:
    text = '[[project]]\nname = "default"\nroutes = ["*"]\n'
    text += '[[policy]]\nname = "careful"\npersonal_data = "refuse"\n'
    text += '[[project]]\nname = "careful"\nroutes = ["*"]\npolicy = "careful"\n'
    for name in ANSWERS:
        dialect, operations = ELSEWHERE.get(name, ("mistral", OPERATIONS))
        text += declared(name, dialect, base_url=host.base_url("/v1"), model=name, operations=operations)
    for dialect in (*OTHERS, "mistral"):
        base = replay_host.base_of(dialect)
        text += declared(f"loop-{dialect}", dialect, base_url=base, model="fake:scene=tool-loop")
        text += declared(f"results-{dialect}", dialect, base_url=base, model="fake:scene=tool-results")
        text += declared(f"fails-{dialect}", dialect, base_url=base, model="fake:status=429,retry_after=7")
        operations = ("chat", "embeddings") if dialect != "anthropic_messages" else ("chat",)
        text += declared(f"says-{dialect}", dialect, base_url=base, model="fake:chunks=3", operations=operations)
    base = replay_host.base_of("mistral")
    text += (
        declared("at-mistral", "mistral", base_url=base, model="fake:scene=text")
        .replace('host = "any"\ndialects = ["mistral"]\n', 'host = "mistral"\n')
        .replace(f'{{ mistral = "{base}" }}', f'"{base}"')
    )
    return start_hortus(toml=text, environment={"REPLAY_KEY": "sk-replay"})


@pytest.fixture(scope="module")
def client(garden: Hortus) -> Iterator[Mistral]:
    with Mistral(api_key=garden.new_key(), server_url=f"{garden.door}/mistral") as one:
        yield one


def receipt_of(garden: Hortus, number: int = 1) -> dict:
    """Return the receipt of the last request, once the ledger has it."""
    return garden.cli_json("receipts", "--last", str(number))[0]


# --- hosts of the same API: a relay ---------------------------------------------------------------------------------


def test_members_of_mistrals_own_reach_a_host_of_its_api_as_they_were_sent(client: Mistral, host: WireHost) -> None:
    prefix = {"role": "assistant", "content": "We will ", "prefix": True}
    answer = client.chat.complete(model="words", messages=[*HELLO, prefix], safe_prompt=True, random_seed=7)
    assert answer.choices[0].message.content == "We will send someone."
    sent = host.asked[-1]
    assert sent.path == "/v1/chat/completions"
    assert (sent.json["safe_prompt"], sent.json["random_seed"]) == (True, 7)
    assert sent.json["messages"][-1] == prefix
    assert sent.headers["authorization"] == "Bearer sk-replay"


def test_content_comes_in_chunks_thoughts_and_references_among_them(client: Mistral) -> None:
    content = client.chat.complete(model="chunks", messages=HELLO).choices[0].message.content
    thought, text, reference = content
    assert isinstance(thought, ThinkChunk)
    assert text.text == "At seven"
    assert isinstance(reference, ReferenceChunk)
    assert reference.reference_ids == [0, 2]


def test_a_stream_brings_thoughts_words_and_calls_with_short_ids(client: Mistral) -> None:
    with client.chat.stream(model="stream", messages=HELLO) as stream:
        chunks = [event.data for event in stream]
    contents = [one.choices[0].delta.content for one in chunks]
    assert isinstance(contents[1][0], ThinkChunk)
    assert contents[2] == "One moment."
    assert [call.id for call in chunks[-1].choices[0].delta.tool_calls] == ["aB3dE6gI1"]
    assert chunks[-1].usage.total_tokens == 21


def test_code_is_filled_in_the_middle(client: Mistral, host: WireHost) -> None:
    answer = client.fim.complete(model="fim", prompt="def add(a, b):\n    ", suffix="\n\nprint(add(1, 2))")
    assert answer.choices[0].message.content == "return a + b"
    assert host.asked[-1].path == "/v1/fim/completions"
    with client.fim.stream(model="fim-stream", prompt="def f(a):\n    ") as stream:
        assert "".join(event.data.choices[0].delta.content for event in stream) == "return a"


def test_vectors_are_made(client: Mistral) -> None:
    answer = client.embeddings.create(model="vectors", inputs=["one"])
    assert answer.data[0].embedding == [0.5, -0.25]


def test_pages_are_read_and_in_the_receipt(client: Mistral, garden: Hortus, host: WireHost) -> None:
    document = {"type": "document_url", "document_url": "https://town.example/notice.pdf"}
    answer = client.ocr.process(model="pages", document=document)
    assert [page.markdown for page in answer.pages] == ["# Notice", ""]
    assert host.asked[-1].json["document"] == document

    def find() -> dict | None:
        found = garden.cli_json("receipts", "--last", "20")
        return next((one for one in found if one["route"] == "pages"), None)

    receipt = wait_for(find, what="the receipt of the pages")
    assert (receipt["status"], receipt["usage"]["pages"]) == ("completed", 2)


def test_texts_and_chats_are_judged(client: Mistral, host: WireHost) -> None:
    answer = client.classifiers.moderate(model="judged", inputs=["one"])
    assert answer.results[0].category_scores == {"violence": 0.0125}
    chats = client.classifiers.moderate_chat(model="judged", inputs=[HELLO])
    assert chats.results[0].categories == {"violence": False}
    assert [one.path for one in host.asked[-2:]] == ["/v1/moderations", "/v1/chat/moderations"]


@pytest.mark.parametrize(
    ("route", "status", "words"),
    [
        ("says-400", 400, "Invalid model: made-up"),
        ("says-429", 429, "Rate limit exceeded"),
        ("says-401", 502, "refused this installation's credential"),
        ("nobody", 404, "nobody"),
    ],
)
def test_an_error_has_its_status_and_words(client: Mistral, route: str, status: int, words: str) -> None:
    with pytest.raises(MistralError, match=words) as caught:
        client.chat.complete(model=route, messages=HELLO)
    assert caught.value.status_code == status


def test_the_shape_that_lists_wrong_members_is_the_sdks_own_class(client: Mistral) -> None:
    with pytest.raises(HTTPValidationError) as caught:
        client.chat.complete(model="says-422", messages=HELLO)
    assert caught.value.data.detail[0].loc == ["body", "made_up"]


def test_a_wrong_key_is_an_error_with_its_words(garden: Hortus) -> None:
    with (
        Mistral(api_key="hortus_sk_" + "x" * 40, server_url=f"{garden.door}/mistral") as stranger,
        pytest.raises(MistralError) as caught,
    ):
        stranger.chat.complete(model="words", messages=HELLO)
    assert caught.value.status_code == 401
    assert msgspec.json.decode(caught.value.body)["object"] == "error"


def test_what_no_guard_can_look_into_is_refused_where_a_policy_has_it_looked_at(garden: Hortus, host: WireHost) -> None:
    before = len(host.asked)
    with Mistral(api_key=garden.new_key("careful"), server_url=f"{garden.door}/mistral") as client:
        for ask in (
            lambda: client.fim.complete(model="fim", prompt="def add(a, b):"),
            lambda: client.ocr.process(
                model="pages", document={"type": "document_url", "document_url": "https://town.example/a.pdf"}
            ),
            lambda: client.classifiers.moderate(model="judged", inputs=["write to anna.kowalska@town.example"]),
            lambda: client.chat.complete(
                model="words", messages=[{"role": "user", "content": "DE89370400440532013000"}]
            ),
        ):
            with pytest.raises(MistralError) as caught:
                ask()
            assert caught.value.status_code == 403
    assert len(host.asked) == before


def test_paths_that_are_mistrals_alone_work_at_the_root(garden: Hortus) -> None:
    with Mistral(api_key=garden.new_key(), server_url=garden.door) as client:
        assert client.fim.complete(model="fim", prompt="a").choices[0].message.content == "return a + b"
        document = {"type": "image_url", "image_url": "data:image/png;base64,AA=="}
        assert client.ocr.process(model="pages", document=document).usage_info.pages_processed == 2
        assert client.classifiers.moderate_chat(model="judged", inputs=[HELLO]).id == "mod-1"
        assert client.chat.complete(model="words", messages=HELLO).choices[0].message.content  # at OpenAI's path


def test_the_routes_are_listed(client: Mistral) -> None:
    assert {one.id for one in client.models.list().data} >= set(ANSWERS)
    assert client.models.retrieve(model_id="words").id == "words"


# --- hosts of other APIs: translated --------------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", OTHERS)
def test_a_chat_is_answered_and_streamed(client: Mistral, dialect: str) -> None:
    route = f"says-{dialect}"
    answer = client.chat.complete(model=route, messages=HELLO)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == ("word", "stop")
    with client.chat.stream(model=route, messages=HELLO) as stream:
        chunks = [event.data for event in stream]
    assert "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "word0 word1 word2 "
    assert chunks[-1].usage.completion_tokens == 3


@pytest.mark.parametrize("dialect", [one for one in OTHERS if one not in {"anthropic_messages", "openai_responses"}])
def test_vectors_come_from_other_hosts(client: Mistral, dialect: str) -> None:
    assert len(client.embeddings.create(model=f"says-{dialect}", inputs=["one", "two"]).data) == 2


@pytest.mark.parametrize("dialect", [*OTHERS, "mistral"])
def test_calls_are_made_and_their_results_read_out(client: Mistral, dialect: str) -> None:
    route = f"loop-{dialect}"
    wanted = {"model": route, "tools": TOOLS, "reasoning_effort": "high"}
    first = client.chat.complete(messages=HELLO, **wanted).choices[0]
    assert first.finish_reason == "tool_calls"
    calls = first.message.tool_calls
    results = [
        {"role": "tool", "name": one.function.name, "tool_call_id": one.id, "content": "4 July"} for one in calls
    ]
    second = client.chat.complete(messages=[*HELLO, first.message, *results], **wanted).choices[0]
    assert "4 July" in str(second.message.content)


@pytest.mark.parametrize("dialect", OTHERS)
def test_a_conversation_moves_to_mistral_with_the_calls_of_another_host(
    client: Mistral, replay_host: ReplayHost, dialect: str
) -> None:
    first = client.chat.complete(model=f"loop-{dialect}", messages=HELLO, tools=TOOLS).choices[0].message
    call = first.tool_calls[0]
    said = {"role": "assistant", "content": "", "tool_calls": [call]}
    result = {"role": "tool", "name": "find_lamp", "tool_call_id": call.id, "content": "4 July"}
    answer = client.chat.complete(model="results-mistral", messages=[*HELLO, said, result], tools=TOOLS)
    assert "4 July" in answer.choices[0].message.content
    sent = replay_host.seen[-1].json["messages"]
    assert not is_short(call.id)
    assert (sent[1]["tool_calls"][0]["id"], sent[2]["tool_call_id"]) == (short_id(call.id), short_id(call.id))


def test_openais_clients_move_to_mistral_too(garden: Hortus, replay_host: ReplayHost) -> None:
    call = {"id": "call_made_by_openai", "type": "function", "function": {"name": "find_lamp", "arguments": "{}"}}
    result = {"role": "tool", "tool_call_id": call["id"], "content": "4 July"}
    with openai.OpenAI(base_url=f"{garden.door}/openai/v1", api_key=garden.new_key(), max_retries=0) as client:
        answer = client.chat.completions.create(
            model="at-mistral",
            messages=[*HELLO, {"role": "assistant", "content": "", "tool_calls": [call]}, result],
            tools=TOOLS,
            max_completion_tokens=50,
        )
    assert answer.choices[0].message.content
    sent = replay_host.seen[-1]
    assert sent.path == "/mistral/v1/chat/completions"
    assert sent.json["messages"][2]["tool_call_id"] == short_id(call["id"])
    assert sent.json["max_tokens"] == 50


@pytest.mark.parametrize("dialect", OTHERS)
def test_errors_of_other_hosts_have_mistrals_shape(client: Mistral, dialect: str) -> None:
    with pytest.raises(MistralError) as caught:
        client.chat.complete(model=f"fails-{dialect}", messages=HELLO)
    assert caught.value.status_code == 429
    assert caught.value.headers["retry-after"] == "7"
    assert msgspec.json.decode(caught.value.body)["raw_status_code"] == 429


def test_texts_are_judged_by_a_host_of_openais_format(client: Mistral, host: WireHost) -> None:
    (judgement,) = client.classifiers.moderate(model="judged-by-openai", inputs=["one"]).results
    assert any(judgement.categories.values())
    assert host.asked[-1].json["model"] == "judged-by-openai"


def test_what_only_mistral_has_is_refused_elsewhere_with_its_path(client: Mistral) -> None:
    prefix = {"role": "assistant", "content": "We will ", "prefix": True}
    with pytest.raises(MistralError, match=r"messages\[1\]\.prefix") as caught:
        client.chat.complete(model="says-openai_chat", messages=[*HELLO, prefix])
    assert caught.value.status_code == 400


def test_pages_are_not_read_where_no_endpoint_can(client: Mistral) -> None:
    document = {"type": "document_url", "document_url": "https://town.example/notice.pdf"}
    with pytest.raises(MistralError, match="ocr") as caught:
        client.ocr.process(model="says-openai_chat", document=document)
    assert caught.value.status_code == 400


SOUND = {"file_name": "a.wav", "content": bytes(300_000)}


def test_sound_is_written_down(client: Mistral, host: WireHost) -> None:
    said = client.audio.transcriptions.complete(model="heard", file=SOUND, timestamp_granularities=["segment"])

    assert (said.text, said.usage.prompt_audio_seconds) == ("The lamp is dark.", 7)
    assert host.asked[-1].files == (("file", "a.wav", SOUND["content"]),)


def test_what_is_written_down_is_streamed(client: Mistral) -> None:
    with client.audio.transcriptions.stream(model="heard-stream", file=SOUND) as events:
        kinds = [one.event for one in events]

    assert kinds == ["transcription.text.delta", "transcription.done"]
