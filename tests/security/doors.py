"""The three doors through which attacks are tried: our own protocol, uvicorn's, and nginx in front as the docs say."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from garden import wait_for
from gateway.workplace import KEY, Workplace, endpoint
from hortus.testkit.replay_host import ReplayHost

ROOT = Path(__file__).parents[2]
AUTH = b"Authorization: Bearer " + KEY.encode() + b"\r\n"

DIALECTS = {
    "openai_chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}]}),
    "openai_responses": ("/v1/responses", {"input": "hello", "store": False}),
    "anthropic_messages": ("/v1/messages", {"max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}),
    "gemini": (
        "/gemini/v1beta/models/{model}:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
    ),
    "mistral": ("/mistral/v1/chat/completions", {"messages": [{"role": "user", "content": "hello"}]}),
    "cohere_v2": ("/v2/chat", {"messages": [{"role": "user", "content": "hello"}]}),
    "bedrock_converse": (
        "/bedrock/model/{model}/converse",
        {"messages": [{"role": "user", "content": [{"text": "hello"}]}]},
    ),
}
"""Dialect -> path and a request; each has a route of its name, at a host that speaks it."""

_NGINX_CONF = """
daemon off; worker_processes 1; pid nginx.pid; error_log error.log error;
events {{ worker_connections 256; }}
http {{
  log_format plain "$request_method $upstream_status"; access_log access.log plain;
  client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
  server {{ listen 127.0.0.1:{port}; {location} }}
}}
"""


def exchange(port: int, data: bytes) -> bytes:
    """Send bytes, return everything that comes until the door closes."""
    received = b""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=15) as connection,
        contextlib.suppress(ConnectionError),
    ):  # what was not read any more is thrown back; the answer came before it
        connection.sendall(data)
        while part := connection.recv(65536):
            received += part
    return received


def statuses(received: bytes) -> list[int]:
    """Return the status of each answer; those that only invite a body are none."""
    found = [int(text) for text in re.findall(rb"HTTP/1\.[01] (\d{3}) ", received)]
    return [status for status in found if status != 100]


def asking(dialect: str, route: str | None = None) -> tuple[str, dict[str, object]]:
    """Return path and body of a request to a route, that of the dialect's name where none is said."""
    path, members = DIALECTS[dialect]
    named = route or dialect
    if "{model}" in path:
        return path.replace("{model}", named), dict(members)
    return path, {"model": named, **members}


def make_place(root: Path, host: ReplayHost, **settings: object) -> Workplace:
    """Return a worker, not started, with the route `plain`."""
    place = Workplace(root, **settings)
    place.add_route("plain", endpoint("plain", host.base_url, "fake"))
    for dialect in DIALECTS:
        place.add_route(dialect, endpoint(dialect, host.base_of(dialect), "fake", dialects=(dialect,)))
    return place


@contextlib.contextmanager
def nginx_before(port: int, place: Path) -> Iterator[int]:
    """Run nginx with the block of `behind-nginx.md` in front of a port; give its own."""
    block = re.search(r"```nginx\n(.*?)```", (ROOT / "docs/how-to/behind-nginx.md").read_text("utf-8"), re.DOTALL)
    assert block is not None
    location = block[1].replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        own = int(probe.getsockname()[1])
    user = "user root;" if os.geteuid() == 0 else ""  # started as root, its workers would be nobody
    (place / "nginx.conf").write_text(user + _NGINX_CONF.format(port=own, location=location))
    process = subprocess.Popen([_nginx(), "-p", str(place), "-c", "nginx.conf", "-e", "start.log"])
    try:
        wait_for(lambda: _is_open(own), what="nginx")
        yield own
    finally:
        process.terminate()
        process.wait(10)


def _nginx() -> str:
    fetched = ROOT / ".cache" / "bin" / "nginx"
    found = shutil.which("nginx") or (str(fetched) if fetched.exists() else None)
    if found is None:
        pytest.fail("nginx is missing: run tools/need_program.sh nginx, which `make test` does")
    return found


def _is_open(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
        return True
    return False
