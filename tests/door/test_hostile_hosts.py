"""Hosts that lie, flood and trick: the installation keeps answering, and its receipts stay sane."""

from __future__ import annotations

import contextlib
import gzip
import os
import pty
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import msgspec
import pytest

from garden import Hortus, wait_for

pytestmark = pytest.mark.slow

CHAT = "/v1/chat/completions"
HUGE = b"9" * 30
ENDLESS = {
    "endless-head": (b"HTTP/1.1 200 OK\r\n", b"x-a: " + b"b" * 1000 + b"\r\n"),
    "endless-line": (b"HTTP/1.1 200 OK\r\nx-a: ", b"b" * 1000),
    "endless-interim": (b"", b"HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n"),
    "endless-frame": (b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ", b"b" * 1400),
}


def reply(body: bytes, *, extra: bytes = b"") -> bytes:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%bconnection: close\r\n\r\n"
    return head % (len(body), extra) + body


def with_usage(usage: bytes) -> bytes:
    return reply(b'{"model":"m","choices":[],"usage":' + usage + b"}")


ANSWERS = {
    "plain": with_usage(b'{"prompt_tokens":3,"completion_tokens":2}'),
    "usage-beyond-words": with_usage(b'{"prompt_tokens":' + HUGE + b',"completion_tokens":' + HUGE + b"}"),
    "usage-of-64-bits": with_usage(b'{"prompt_tokens":18446744073709551615,"completion_tokens":9223372036854775807}'),
    "usage-negative": with_usage(b'{"prompt_tokens":-3,"completion_tokens":-2}'),
    "usage-of-text": with_usage(b'{"prompt_tokens":"3","completion_tokens":1e999}'),
    "deep": reply(b'{"model":' + b"[" * 100_000 + b"]" * 100_000 + b',"usage":' + b"[" * 9_000 + b"]" * 9_000 + b"}"),
    "deep-stream": b"HTTP/1.1 200 OK\r\ncontent-type: Text/Event-Stream\r\nconnection: close\r\n\r\n"
    b'data: {"choices":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n\ndata: [DONE]\n\n",
    "escapes": reply(
        b'{"model":"\\u001b]0;owned\\u0007\\nsecond line","choices":[]}', extra=b"x-request-id: \x9b31m\r\n"
    ),
    "long-name": reply(b'{"model":"' + b"m" * 1_000_000 + b'","choices":[]}'),
    "compressed": reply(gzip.compress(b'{"model":"m"}'), extra=b"content-encoding: gzip\r\n"),
    "commands": b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    b'data: {"choices":[{"delta":{"content":"\\u001b]0;owned\\u0007\\u009b31mwords\\n"},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n",
    "secrets": reply(
        b"{}", extra=b"set-cookie: a=b\r\nauthorization: Bearer x\r\nhortus-receipt: rcp_x\r\nupgrade: x\r\n"
    ),
    "folded": reply(b"{}", extra=b"x-ratelimit-a: b\r\n set-cookie: c\r\n"),
    "two-lengths": reply(b"{}", extra=b"content-length: 1\r\n"),
    "length-and-chunks": reply(b"2\r\n{}\r\n0\r\n\r\n", extra=b"transfer-encoding: chunked\r\n"),
}


NAMES = (
    "\x1b]0;owned\x07",
    "\x9b31mred",
    "line\nbreak",
    "[red]marked[/red]",
    'x"\n[[endpoint]]\nname = "theirs"',
    "../../admin",
    "x" * 10_000,
    "\u202eover",
    "plain-model",
)
LIST = reply(
    msgspec.json.encode(
        {"data": [{"id": name, "owned_by": name, "name": name, "display_name": name} for name in (*NAMES, *NAMES)]}
    )
)
"""What a host lists that wants to get at terminals, files and other objects."""


class Hostile(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        length = 0
        if self.rfile.readline().startswith(b"GET /v1/models"):
            self.wfile.write(LIST)
            return
        while (line := self.rfile.readline()) not in {b"\r\n", b""}:
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if not length:
            return
        model = msgspec.json.decode(self.rfile.read(length))["model"]
        try:
            if model in ANSWERS:
                self.wfile.write(ANSWERS[model])
                return
            start, again = ENDLESS[model]
            self.wfile.write(start)
            while True:
                self.wfile.write(again)
        except OSError:
            pass  # the other side has had enough


class Host(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 64


ROUTE = """
[[endpoint]]
name = "{name}"
model = "fake"
host = "openai-compatible"
base_url = "http://127.0.0.1:{port}/v1"
private_address = true
upstream_model = "{name}"
credential = "env:HOST_KEY"

[[route]]
name = "{name}"
endpoints = ["{name}"]
"""


@pytest.fixture(scope="module")
def garden(start_hortus: Callable[..., Hortus]) -> Iterator[Hortus]:
    with Host(("127.0.0.1", 0), Hostile) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        routes = "".join(ROUTE.format(name=name, port=server.server_address[1]) for name in (*ANSWERS, *ENDLESS))
        toml = '[[project]]\nname = "default"\nroutes = ["*"]\n' + routes
        yield start_hortus(toml=toml, environment={"HOST_KEY": "sk-host", "HORTUS_SEEDLING": "false"})
        server.shutdown()


@pytest.fixture(scope="module")
def door(garden: Hortus) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Bearer {garden.new_key()}"}
    with httpx2.Client(base_url=garden.door, headers=headers, timeout=60) as client:
        yield client


def receipt_of(garden: Hortus, answer: httpx2.Response) -> dict[str, Any]:
    """Wait until the answer's receipt has reached the store."""
    name = answer.headers["hortus-receipt"]

    def find() -> dict[str, Any] | None:
        listed = garden.cli_json("receipts", "--last", "1000")
        return next((one for one in listed if one["receipt_id"] == name), None)

    return wait_for(find, what="the receipt")


@pytest.mark.parametrize("model", [name for name in ANSWERS if name.startswith("usage-")])
def test_absurd_usage_is_estimated_and_stops_no_other_receipt(garden: Hortus, door: httpx2.Client, model: str) -> None:
    answer = door.post(CHAT, json={"model": model, "messages": []})
    assert answer.status_code == 200
    usage = receipt_of(garden, answer)["usage"]
    assert usage["is_estimated"]
    assert 0 <= usage["input_tokens"] < 100
    assert receipt_of(garden, door.post(CHAT, json={"model": "plain"}))["usage"]["input_tokens"] == 3


@pytest.mark.parametrize("model", ["deep", "deep-stream"])
def test_endless_nesting_passes_as_it_is(garden: Hortus, door: httpx2.Client, model: str) -> None:
    answer = door.post(CHAT, json={"model": model})
    assert answer.status_code == 200
    assert ANSWERS[model].endswith(answer.content)
    assert receipt_of(garden, answer)["status"] == "completed"


@pytest.mark.parametrize("model", ["escapes", "long-name"])
def test_what_a_host_calls_its_model_reaches_no_receipt_unless_it_is_a_name(
    garden: Hortus, door: httpx2.Client, model: str
) -> None:
    receipt = receipt_of(garden, door.post(CHAT, json={"model": model}))
    [attempt] = receipt["attempts"]
    assert attempt.get("served_model") is None
    assert attempt.get("host_request_id") is None


@pytest.mark.parametrize("model", ["compressed", "folded", "two-lengths", "length-and-chunks", *ENDLESS])
def test_what_could_be_misread_or_never_ends_is_no_answer(door: httpx2.Client, model: str) -> None:
    answer = door.post(CHAT, json={"model": model, "stream": model == "endless-frame"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "broken_stream")


def test_an_answer_gives_no_commands_to_the_terminal(garden: Hortus) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "hortus.cli", "ask", "--route", "commands", "hello"]
    subprocess.run(command, stdout=theirs, env=garden.environment, cwd=garden.directory, timeout=60, check=True)
    os.close(theirs)
    shown = os.read(ours, 65536)
    os.close(ours)
    assert b"words" in shown
    assert not {b"\x1b", b"\x07", "\x9b".encode()} & {shown[i : i + n] for n in (1, 2) for i in range(len(shown))}
    piped = garden.cli("ask", "--route", "commands", "hello").stdout
    assert "\x1b]0;owned\x07" in piped


def connecting(garden: Hortus, *more: str) -> list[str]:
    declared = (garden.directory / "hortus.toml").read_text("utf-8").splitlines()
    there = next(line for line in declared if line.startswith("base_url")).split('"')[1]
    return ["connect", "openai-compatible", "--base-url", there, "--all", *more]


def test_what_a_host_lists_gives_no_commands_to_the_terminal_and_makes_nothing_else(garden: Hortus) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "hortus.cli", *connecting(garden, "--private-address", "--yes")]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=garden.environment, cwd=garden.directory):
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal says that the other side is gone
            while part := os.read(ours, 65_536):
                shown += part
    os.close(ours)
    assert b"plain-model" in shown
    assert b"owned" not in shown or b"\x1b]" not in shown
    assert not any(one in shown for one in (b"\x07", "\x9b".encode(), "\u202e".encode(), b"x" * 1000))
    assert not any(line.startswith((b"break", b"[[endpoint]]", b"name =")) for line in shown.splitlines())
    made = {one["name"] for one in garden.cli_json("models")}
    assert not any(name in made for name in NAMES if name != "plain-model")
    assert not any("theirs" in name for name in made)


def test_a_host_at_a_private_address_is_not_asked_for_its_list_unless_an_admin_says_so(garden: Hortus) -> None:
    refused = garden.cli(*connecting(garden, "--yes"), check=False)
    assert refused.returncode != 0
    assert "plain-model" not in refused.stdout


def test_headers_of_a_host_do_not_pass(door: httpx2.Client) -> None:
    answer = door.post(CHAT, json={"model": "secrets"})
    assert answer.status_code == 200
    assert not {"set-cookie", "authorization", "upgrade"} & set(answer.headers)
    assert answer.headers.get_list("hortus-receipt") != ["rcp_x"]
    assert len(answer.headers.get_list("hortus-receipt")) == 1
