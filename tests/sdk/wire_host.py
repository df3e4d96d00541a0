"""A host on loopback that answers with bytes written by hand, as its maker does, and keeps what it was asked."""

from __future__ import annotations

import email
import threading
from collections.abc import Mapping
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple, Self

import msgspec


class Wire(NamedTuple):
    """An answer: a whole one in JSON, unless it is a stream; or one of which so many bytes never come."""

    body: bytes
    status: int = 200
    kind: str = "application/json"
    missing_bytes: int = 0


def streamed(*frames: bytes) -> Wire:
    """Return a stream of events, one for each of `frames`."""
    return Wire(b"".join(frame + b"\n\n" for frame in frames), kind="text/event-stream")


class Question(NamedTuple):
    """What the host was asked: JSON, or a form's fields, and its files by name."""

    path: str
    headers: Mapping[str, str]
    json: dict[str, Any]
    files: tuple[tuple[str, str | None, bytes], ...] = ()


def read_question(path: str, headers: Mapping[str, str], body: bytes) -> Question:
    """Return what a body asks; forms are read by Python's own reader of mail, not by ours."""
    kind = headers.get("content-type", "")
    if not kind.startswith("multipart/"):
        return Question(path, headers, msgspec.json.decode(body))
    whole = email.message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body, policy=HTTP)
    fields: dict[str, Any] = {}
    files: list[tuple[str, str | None, bytes]] = []
    for part in whole.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        if part.get_filename() is None:
            fields[name] = content.decode()
        else:
            files.append((name, part.get_filename(), content))
    return Question(path, headers, fields, tuple(files))


class WireHost:
    """Answers each request by its model's name; use it as a context manager.

    Args:
        answers: Model to what is answered.
    """

    def __init__(self, answers: Mapping[str, Wire]) -> None:
        self.asked: list[Question] = []
        asked = self.asked

        class _Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers["content-length"]))
                question = read_question(self.path, headers, body)
                asked.append(question)
                wire = answers[question.json["model"]]
                self.send_response(wire.status)
                self.send_header("content-type", wire.kind)
                self.send_header("content-length", str(len(wire.body) + wire.missing_bytes))
                self.end_headers()
                self.wfile.write(wire.body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    def base_url(self, end: str) -> str:
        """Return the base address of an endpoint."""
        return f"http://127.0.0.1:{self._server.server_address[1]}{end}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def declared(name: str, dialect: str, *, base_url: str, model: str, operations: tuple[str, ...] = ("chat",)) -> str:
    """Return an endpoint of any host, and a route to it, as they stand in `hortus.toml`."""
    return f"""
[[endpoint]]
name = "{name}"
model = "made-up"
upstream_model = "{model}"
host = "any"
dialects = ["{dialect}"]
base_url = {{ {dialect} = "{base_url}" }}
private_address = true
credential = "env:REPLAY_KEY"
operations = {msgspec.json.encode(operations).decode()}
[[route]]
name = "{name}"
endpoints = ["{name}"]
"""
