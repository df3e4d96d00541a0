"""A collector on loopback that reads what comes with OpenTelemetry's own definitions, strictly, and answers as told."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from typing_extensions import override

ID_MEMBERS = ("traceId", "spanId", "parentSpanId")


def read_export(body: bytes) -> ExportTraceServiceRequest:
    """Return what a body says; an unknown member, or a value of the wrong type, is an error.

    Ids are hexadecimal in this protocol, where Protobuf's own JSON has base 64: the one departure from it that has to
    be undone for the official reader.
    """
    document = msgspec.json.decode(body)
    for span in _spans_of(document):
        for name in ID_MEMBERS:
            if name in span:
                span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
        assert isinstance(span["kind"], int)
    return json_format.ParseDict(document, ExportTraceServiceRequest())


def _spans_of(document: Any) -> Iterator[dict[str, Any]]:
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            yield from scope["spans"]


def spans_in(body: bytes) -> list[Span]:
    """Return the spans in a body."""
    return [
        span for resource in read_export(body).resource_spans for scope in resource.scope_spans for span in scope.spans
    ]


def attributes_of(span: Span) -> dict[str, Any]:
    """Return a span's attributes as plain values."""
    return {pair.key: _plain(pair.value) for pair in span.attributes}


def _plain(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_plain(one) for one in value.array_value.values]
    return getattr(value, kind)


class Answer(msgspec.Struct, frozen=True):
    """What the collector says."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = {}


class Gathering:
    """What a collector was sent. `answers` are used up first; then everything is taken."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []
        self.heads: list[tuple[str, dict[str, str]]] = []
        self.hold = threading.Event()
        self.hold.set()
        """Cleared, nothing is answered."""
        self.port = 0

    @property
    def url(self) -> str:
        """The address without the protocol's path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def spans(self) -> list[Span]:
        """Everything that came, in the order of coming."""
        return [span for body in list(self.bodies) for span in spans_in(body)]


@contextmanager
def gathering(*answers: Answer) -> Iterator[Gathering]:
    """Run a collector for the length of a block."""
    seen = Gathering(*answers)

    class Visit(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:  # its base class wants this name
            body = self.rfile.read(int(self.headers["content-length"]))
            seen.heads.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            seen.bodies.append(body)
            seen.hold.wait(60)
            answer = seen.answers.pop(0) if seen.answers else Answer()
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)

        @override
        def log_message(self, *arguments: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        @override
        def handle_error(self, *arguments: object) -> None:
            """A client that has gone is no error of a test."""

    with Server(("127.0.0.1", 0), Visit) as server:
        seen.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            seen.hold.set()
            server.shutdown()
            thread.join()
