"""`hortus ask` against anything that speaks OpenAI's Chat Completions: here the replay host."""

from __future__ import annotations

import socketserver
from pathlib import Path
from threading import Thread

import pytest
from commandline import Ran, run

from hortus.cli.talk import read_refusal
from hortus.testkit.replay_host import ReplayHost


def answering(answer: bytes) -> type[socketserver.BaseRequestHandler]:
    class Answer(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(65536)
            self.request.sendall(answer)

    return Answer


def ask(host: ReplayHost, at: Path, *arguments: str, stdin: str = "") -> Ran:
    environment = {"HORTUS_URL": host.base_url, "HORTUS_KEY": "sk-mine"}
    return run("ask", *arguments, at=at, environment=environment, stdin=stdin)


def test_the_answer_alone_is_on_standard_output(replay_host: ReplayHost, tmp_path: Path) -> None:
    ran = ask(replay_host, tmp_path, "--route", "fake:chunks=3,answer=yes", "is", "it", "so?")
    assert ran.code == 0
    assert ran.out == "yes0 yes1 yes2 \n"
    assert "7 → 3 tokens" in ran.err
    sent = replay_host.seen[-1]
    assert sent.json["messages"] == [{"role": "user", "content": "is it so?"}]
    assert sent.headers["authorization"] == "Bearer sk-mine"


def test_a_question_may_come_through_a_pipe(replay_host: ReplayHost, tmp_path: Path) -> None:
    ask(replay_host, tmp_path, "--route", "fake", "--system", "Be brief.", stdin="from a pipe\n")
    roles = [(message["role"], message["content"]) for message in replay_host.seen[-1].json["messages"]]
    assert roles == [("system", "Be brief."), ("user", "from a pipe")]


def test_no_question_is_refused_before_anything_is_sent(replay_host: ReplayHost, tmp_path: Path) -> None:
    before = len(replay_host.seen)
    ran = ask(replay_host, tmp_path, "--route", "fake", stdin=" \n")
    assert ran.code == 1
    assert "no question" in ran.err
    assert len(replay_host.seen) == before


def test_json_is_the_whole_answer_and_nothing_else(replay_host: ReplayHost, tmp_path: Path) -> None:
    ran = ask(replay_host, tmp_path, "--route", "fake:chunks=2", "--json", "hello")
    assert ran.json["route"] == "fake:chunks=2"
    assert ran.json["text"]
    assert ran.json["usage"]["prompt_tokens"] == 7


@pytest.mark.parametrize("fault", ["status=500", "status=429", "reset_after=0", "reset_after=1", "error_after=1"])
def test_a_fault_is_one_line(replay_host: ReplayHost, tmp_path: Path, fault: str) -> None:
    ran = ask(replay_host, tmp_path, "--route", f"fake:{fault}", "hello")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "sk-mine" not in ran.err


def test_an_answer_with_a_finish_reason_needs_no_end_mark(replay_host: ReplayHost, tmp_path: Path) -> None:
    ran = ask(replay_host, tmp_path, "--route", "fake:chunks=1,no_done=1,no_usage=1", "hello")
    assert ran.code == 0
    assert "tokens" not in ran.err


def test_a_stream_without_any_end_is_not_taken_for_an_answer(tmp_path: Path) -> None:
    event = b'data: {"choices": [{"delta": {"content": "half"}}]}\n\n'
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + event
    with socketserver.TCPServer(("127.0.0.1", 0), answering(answer)) as server:
        Thread(target=server.handle_request).start()
        environment = {"HORTUS_URL": f"http://127.0.0.1:{server.server_address[1]}", "HORTUS_KEY": "k"}
        ran = run("ask", "hello", at=tmp_path, environment=environment)
    assert ran.code == 1
    assert "broke off" in ran.err


def test_a_key_on_the_command_line_goes_first(replay_host: ReplayHost, tmp_path: Path) -> None:
    ask(replay_host, tmp_path, "--route", "fake", "--key", "sk-other", "hello")
    assert replay_host.seen[-1].headers["authorization"] == "Bearer sk-other"


def test_without_any_key_a_far_door_is_not_asked(replay_host: ReplayHost, tmp_path: Path) -> None:
    ran = run("ask", "hello", at=tmp_path, environment={"HORTUS_URL": replay_host.base_url})
    assert ran.code == 1
    assert "HORTUS_KEY" in ran.err


def test_an_error_page_of_something_else_is_not_quoted() -> None:
    refusal = read_refusal(b"<html>secret text</html>", 502, route="r")
    assert "502" in refusal.message
    assert "secret" not in str(refusal)


def test_an_unknown_route_comes_with_what_to_do() -> None:
    body = b'{"error": {"message": "There is no such model.", "code": "model_not_found", "type": "x", "param": null}}'
    assert "hortus projects allow" in str(read_refusal(body, 404, route="r"))
