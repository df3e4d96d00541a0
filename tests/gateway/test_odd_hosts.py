"""Hosts that answer in ways that no host should: the client still gets an honest answer, and so does the receipt."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator

import httpx2
import msgspec
import pytest
from workplace import KEY, Workplace, endpoint, wait_until

CHAT = "/v1/chat/completions"


def reply(status: str, body: bytes, kind: str = "application/json", extra: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n{extra}connection: close\r\n\r\n"
    )
    return head.encode() + body


SSE = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
CHUNK = b'data: {"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}\r\n\r\n'
FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}\r\n\r\n'
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}\r\n\r\n'

ANSWERS = {
    "html-502": reply("502 Bad Gateway", b"<html>inner-host.internal is down</html>", "text/html"),
    "busy": reply("503 Service Unavailable", b'{"error":{"message":"full","type":"server_error"}}'),
    "moved": reply("307 Temporary Redirect", b"", extra="location: http://elsewhere.example/\r\n"),
    "html-404": reply("404 Not Found", b"<html>nothing here</html>", "text/html"),
    "detail-422": reply("422 Unprocessable Entity", b'{"detail":[{"msg":"bad"}]}'),
    "cookies": reply(
        "200 OK", b"{}", extra="set-cookie: a=b\r\nserver: x\r\nopenai-organization: o\r\nx-ratelimit-limit: 5\r\n"
    ),
    "not-json": reply("200 OK", b"plain words", "text/plain"),
    "cut-after-head": SSE.encode() + b"content-length: 500\r\n\r\n",
    "cut-in-body": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{",
    "ends-unfinished": SSE.encode() + b"connection: close\r\n\r\n" + CHUNK,
    "ends-in-half-an-event": SSE.encode() + b"connection: close\r\n\r\n" + CHUNK + CHUNK[:30],
    "ends-without-blank-line": SSE.encode() + b"connection: close\r\n\r\n" + CHUNK + CHUNK.rstrip(),
    "says-too-much": SSE.encode() + b"connection: close\r\n\r\n" + CHUNK * 20 + FINISH,
    "empty-stream": SSE.encode() + b"content-length: 0\r\n\r\n",
    "usage-unended": SSE.encode() + b"connection: close\r\n\r\n" + CHUNK + FINISH + USAGE.rstrip(),
    "not-http": b"SSH-2.0-OpenSSH_9.2\r\n",
}


class Odd(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        length = 0
        while (line := self.rfile.readline()) not in {b"\r\n", b""}:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if length:
            self.wfile.write(ANSWERS[msgspec.json.decode(self.rfile.read(length))["model"]])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Odd) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        one = Workplace(tmp_path_factory.mktemp("home"), log_format="text")
        for name in ANSWERS:
            one.add_route(name, endpoint(name, f"http://127.0.0.1:{server.server_address[1]}", name))
        try:
            one.start()
            yield one
        finally:
            one.close()
            server.shutdown()


def ask(place: Workplace, model: str, *, is_stream: bool = False) -> httpx2.Response:
    body = {"model": model, "stream": is_stream}
    return httpx2.post(f"{place.url}{CHAT}", json=body, headers={"authorization": f"Bearer {KEY}"}, timeout=30)


@pytest.mark.parametrize(
    ("model", "status", "code", "settled"),
    [
        ("html-502", 502, "host_error", "failed"),
        ("moved", 502, "host_error", "failed"),
        ("cut-after-head", 502, "broken_stream", "failed"),
        ("cut-in-body", 502, "broken_stream", "failed"),
        ("empty-stream", 502, "broken_stream", "failed"),
        ("not-http", 502, "broken_stream", "failed"),
    ],
)
def test_what_is_no_answer_becomes_an_error_of_the_house(
    place: Workplace, model: str, status: int, code: str, settled: str
) -> None:
    answer = ask(place, model, is_stream=True)
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "inner-host" not in answer.text
    records = place.records_of(answer.headers["hortus-receipt"])
    assert (records[-1].status, records[-1].http_status, records[-1].is_last) == (settled, status, True)


def test_the_receipt_has_the_status_that_the_clients_dialect_has_for_an_error(place: Workplace) -> None:
    body = {"model": "busy", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
    answer = httpx2.post(f"{place.url}/v1/messages", json=body, headers={"x-api-key": KEY}, timeout=30)
    assert (answer.status_code, answer.json()["error"]["type"]) == (529, "overloaded_error")
    assert place.records_of(answer.headers["hortus-receipt"])[-1].http_status == 529


@pytest.mark.parametrize(("model", "status"), [("html-404", 404), ("detail-422", 422)])
def test_the_hosts_word_on_the_request_is_passed_on(place: Workplace, model: str, status: int) -> None:
    answer = ask(place, model)
    assert answer.status_code == status
    assert ANSWERS[model].endswith(answer.content)
    settled = place.records_of(answer.headers["hortus-receipt"])[1]
    assert (settled.status, settled.error_code, settled.usage) == ("failed", "host_rejected_request", None)


def test_only_listed_headers_of_the_host_pass(place: Workplace) -> None:
    headers = ask(place, "cookies").headers
    assert headers["x-ratelimit-limit"] == "5"
    assert not {"set-cookie", "server", "openai-organization", "connection"} & set(headers)


def test_an_answer_that_is_not_json_passes_and_is_estimated(place: Workplace) -> None:
    answer = ask(place, "not-json")
    assert (answer.content, answer.headers["content-type"]) == (b"plain words", "text/plain")
    assert place.records_of(answer.headers["hortus-receipt"])[1].usage.is_estimated


def test_a_stream_that_ends_unfinished_says_so(place: Workplace) -> None:
    answer = ask(place, "ends-unfinished", is_stream=True)
    assert answer.status_code == 200
    assert answer.content.startswith(CHUNK + b'data: {"error":{')
    assert b'"broken_stream"' in answer.content
    assert place.records_of(answer.headers["hortus-receipt"])[1].usage.output_tokens == 1


def test_an_estimate_is_no_more_than_the_host_was_asked_for(place: Workplace) -> None:
    body = {
        "model": "says-too-much",
        "stream": True,
        "max_tokens": 3,
        "messages": [{"role": "user", "content": "hello"}],
    }
    headers = {"authorization": f"Bearer {KEY}"}
    answer = httpx2.post(f"{place.url}{CHAT}", json=body, headers=headers, timeout=30)
    usage = place.records_of(answer.headers["hortus-receipt"])[1].usage
    assert (usage.output_tokens, usage.is_estimated) == (3, True)


def test_half_an_event_does_not_spoil_the_error_that_follows(place: Workplace) -> None:
    answer = ask(place, "ends-in-half-an-event", is_stream=True)
    assert answer.content.startswith(CHUNK + b'data: {"error":{')


def test_an_event_without_its_blank_line_stays_apart_from_the_error_that_follows(place: Workplace) -> None:
    answer = ask(place, "ends-without-blank-line", is_stream=True)
    assert answer.content.startswith(CHUNK + CHUNK.rstrip() + b'\n\ndata: {"error":{')


def test_a_usage_frame_without_its_blank_line_is_still_read_and_consumed(place: Workplace) -> None:
    answer = ask(place, "usage-unended", is_stream=True)
    assert answer.content == CHUNK + FINISH
    settled = place.records_of(answer.headers["hortus-receipt"])[1]
    assert (settled.status, settled.usage.input_tokens) == ("completed", 3)


def test_the_log_reads_well_on_a_terminal(place: Workplace) -> None:
    receipt = ask(place, "not-json").headers["hortus-receipt"]
    line = wait_until(lambda: next((x for x in place.log_path.read_text().splitlines() if x.endswith(receipt)), None))
    assert " info    worker-1   chat not-json 200 " in line
    assert " tokens=" in line
