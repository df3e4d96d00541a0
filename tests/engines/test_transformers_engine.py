"""A model served with transformers: the same contract as every engine, OpenAI's chats, no code but its own."""

from __future__ import annotations

import http.client
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from engine_bench import PATIENCE_S, Bench, ask, children_of, is_alive, until
from tiny_folder import CONTEXT, write_tiny_folder

from hortus.snapshot.model import Deployment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hortus.engines.addresses import EngineAddress

pytest.importorskip("torch")
pytest.importorskip("transformers")
pytestmark = pytest.mark.slow

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_tiny_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def engine(folder: Path, tmp_path_factory) -> Iterator[EngineAddress]:
    bench = Bench(tmp_path_factory.mktemp("transformers") / "home")
    bench.want(Deployment(name="tiny", engine="auto", model_path=str(folder), context_tokens=4096, threads=1))
    bench.start()
    try:
        yield bench.until_state("tiny", "ready", within_s=300)  # torch is slow to load where others work
    finally:
        bench.close()


@pytest.fixture(scope="module")
def greedy(engine: EngineAddress, folder: Path) -> str:
    """What the library itself says to the greeting."""
    import torch  # noqa: PLC0415 - heavy
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415 - heavy

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    prompt = tokenizer.apply_chat_template(HELLO, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    with torch.inference_mode():
        ids = model.generate(**prompt, max_new_tokens=24, do_sample=False)
    return str(tokenizer.decode(ids[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True))


def _chat(engine: EngineAddress, **more: object) -> tuple[int, Any]:
    return ask(engine, "/chat/completions", {"messages": HELLO, "max_tokens": 24, "temperature": 0, **more})


def _say(engine: EngineAddress, **more: object) -> str:
    status, answer = _chat(engine, **more)
    assert status == 200, answer
    return str(answer["choices"][0]["message"]["content"])


def _stream(engine: EngineAddress, **more: object) -> list[Any]:
    connection = http.client.HTTPConnection(engine.base_url.split("/")[2], timeout=PATIENCE_S)
    body = {"messages": HELLO, "max_tokens": 24, "temperature": 0, "stream": True, **more}
    try:
        connection.request("POST", "/v1/chat/completions", msgspec.json.encode(body), _headers(engine))
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    events = [line.removeprefix("data: ") for line in text.splitlines() if line]
    assert events.pop() == "[DONE]"
    return [msgspec.json.decode(event) for event in events]


def _headers(engine: EngineAddress) -> dict[str, str]:
    return {"authorization": f"Bearer {engine.key}", "content-type": "application/json"}


def test_a_folder_of_safetensors_is_served_by_this_engine(engine: EngineAddress) -> None:
    assert engine.engine == "transformers"
    assert engine.base_url.startswith("http://127.0.0.1:")


def test_it_answers_to_its_key_only(engine: EngineAddress) -> None:
    assert ask(engine, "/chat/completions", {"messages": HELLO}, key="wrong")[0] == 401
    assert ask(engine, "/models", key="wrong")[0] == 401
    assert ask(engine, "/models")[1]["data"][0]["id"] == "tiny"


def test_the_key_is_in_nobodys_sight_and_there_is_one_process(engine: EngineAddress) -> None:
    assert engine.pid
    for place in ("cmdline", "environ"):
        with open(f"/proc/{engine.pid}/{place}", "rb") as shown:  # noqa: PTH123 - /proc
            assert engine.key.encode() not in shown.read()
    assert children_of(engine.pid) == []
    assert os.getpgid(engine.pid) == engine.pid


def test_a_greedy_answer_is_the_librarys_own(engine: EngineAddress, greedy: str) -> None:
    assert _say(engine) == greedy


def test_a_stream_says_the_same_piece_by_piece_and_ends_with_its_usage(engine: EngineAddress, greedy: str) -> None:
    *pieces, usage = _stream(engine, stream_options={"include_usage": True})
    assert "".join(piece["choices"][0]["delta"].get("content", "") for piece in pieces) == greedy
    assert pieces[-1]["choices"][0]["finish_reason"] in {"stop", "length"}
    assert usage["choices"] == []
    assert usage["usage"] == _chat(engine)[1]["usage"]
    assert usage["usage"]["total_tokens"] > usage["usage"]["completion_tokens"] > 0


def test_a_stop_text_ends_the_answer_before_it(engine: EngineAddress, greedy: str) -> None:
    stop = greedy[3:5]
    status, answer = _chat(engine, stop=[stop])
    assert status == 200
    assert answer["choices"][0]["message"]["content"] == greedy[: greedy.index(stop)]
    assert answer["choices"][0]["finish_reason"] == "stop"
    streamed = _stream(engine, stop=stop)
    assert "".join(one["choices"][0]["delta"].get("content", "") for one in streamed) == greedy[: greedy.index(stop)]


def test_a_seed_gives_the_same_answer_again(engine: EngineAddress) -> None:
    first, again, other = (_say(engine, temperature=1.5, seed=seed) for seed in (7, 7, 8))
    assert first == again != other


def test_the_answer_is_cut_where_it_was_asked_to(engine: EngineAddress) -> None:
    answer = _chat(engine, max_tokens=3)[1]
    assert (answer["choices"][0]["finish_reason"], answer["usage"]["completion_tokens"]) == ("length", 3)


@pytest.mark.parametrize(
    ("member", "value"),
    [("lora", [{"id": 0}]), ("tools", [{"type": "function"}]), ("n", 2), ("top_p", 1.5), ("logprobs", True)],
)
def test_what_it_does_not_do_is_refused_by_name(engine: EngineAddress, member: str, value: object) -> None:
    status, answer = _chat(engine, **{member: value})
    assert status == 400
    assert answer["error"]["param"] == member


def test_members_that_change_nothing_are_taken(engine: EngineAddress, greedy: str) -> None:
    assert _say(engine, n=1, frequency_penalty=0, tools=[], store=False, user="me", logprobs=None) == greedy


def test_text_in_parts_is_read_and_a_picture_refused(engine: EngineAddress, greedy: str) -> None:
    parts = [{"type": "text", "text": "hel"}, {"type": "text", "text": "lo"}]
    assert _say(engine, messages=[{"role": "user", "content": parts}]) == greedy
    picture = [{"type": "image_url", "image_url": {"url": "data:,"}}]
    status, answer = _chat(engine, messages=[{"role": "user", "content": picture}])
    assert (status, answer["error"]["param"]) == (400, "messages[0].content[0]")


def test_a_prompt_longer_than_the_context_is_refused(engine: EngineAddress) -> None:
    status, answer = _chat(engine, messages=[{"role": "user", "content": "x" * CONTEXT}])
    assert (status, answer["error"]["code"]) == (400, "context_length_exceeded")


def test_many_at_once_are_all_answered(engine: EngineAddress, greedy: str) -> None:
    with ThreadPoolExecutor(8) as clients:
        assert set(clients.map(lambda _: _say(engine), range(24))) == {greedy}


def test_nobody_waits_for_the_answer_of_a_client_that_left(engine: EngineAddress) -> None:
    connection = http.client.HTTPConnection(engine.base_url.split("/")[2], timeout=PATIENCE_S)
    body = {"messages": HELLO, "max_tokens": 200, "temperature": 2, "stream": True}
    connection.request("POST", "/v1/chat/completions", msgspec.json.encode(body), _headers(engine))
    connection.getresponse().readline()
    connection.close()

    def is_idle() -> bool:
        asking = http.client.HTTPConnection(engine.base_url.split("/")[2], timeout=PATIENCE_S)
        asking.request("GET", "/metrics", headers=_headers(engine))
        text = asking.getresponse().read().decode()
        asking.close()
        return "requests_running 0" in text

    until(is_idle, "the work is given up")


def test_it_dies_with_its_supervisor(folder: Path, tmp_path: Path) -> None:
    bench = Bench(tmp_path / "home")
    bench.want(Deployment(name="tiny", engine="transformers", model_path=str(folder), threads=1))
    supervisor = bench.start()
    try:
        (pid,) = until(lambda: children_of(supervisor.pid), "the engine's process")
        supervisor.kill()
        supervisor.wait()
        until(lambda: not is_alive(pid), "it is gone")
    finally:
        bench.close()
