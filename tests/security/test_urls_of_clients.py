"""Hortus fetches nothing that a client names: who listens at such an address hears nobody."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import httpx2
import msgspec
import pytest

from gateway.workplace import KEY, Workplace, endpoint
from hortus.testkit.replay_host import ReplayHost
from security.doors import DIALECTS, make_place

OPENED = {"authorization": f"Bearer {KEY}", "anthropic-beta": "mcp-client-2025-11-20,files-api-2025-04-14"}

SAY = {"type": "text", "text": "look"}

ASKED: dict[str, list[dict[str, object]]] = {
    "openai_chat": [
        {"messages": [{"role": "user", "content": [SAY, {"type": "image_url", "image_url": {"url": "URL"}}]}]},
        {"messages": [{"role": "user", "content": [SAY, {"type": "image_url", "image_url": "URL"}]}]},
        {"messages": [{"role": "user", "content": [SAY, {"type": "video_url", "video_url": {"url": "URL"}}]}]},
        {"messages": [{"role": "user", "content": "look"}], "web_search_options": {"url": "URL"}, "webhook": "URL"},
        {"messages": [{"role": "user", "content": "URL"}], "tools": [{"type": "mcp", "server_url": "URL"}]},
    ],
    "openai_responses": [
        {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "URL"}]}], "store": False},
        {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "URL"}]}], "store": False},
        {"input": "look", "tools": [{"type": "mcp", "server_label": "x", "server_url": "URL"}], "store": False},
        {
            "input": [
                {"type": "computer_call_output", "call_id": "c", "output": {"type": "input_image", "image_url": "URL"}}
            ],
            "store": False,
        },
    ],
    "anthropic_messages": [
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "URL"}}]}]},
        {"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "url", "url": "URL"}}]}]},
        {
            "messages": [{"role": "user", "content": "look"}],
            "mcp_servers": [{"type": "url", "name": "x", "url": "URL"}],
        },
        {
            "messages": [{"role": "user", "content": "look"}],
            "tools": [{"type": "web_fetch_20250910", "name": "web_fetch", "allowed_domains": ["URL"]}],
        },
    ],
    "gemini": [
        {"contents": [{"role": "user", "parts": [{"fileData": {"fileUri": "URL", "mimeType": "image/png"}}]}]},
        {"contents": [{"role": "user", "parts": [{"file_data": {"file_uri": "URL"}}]}]},
        {"contents": [{"role": "user", "parts": [{"text": "URL"}]}], "tools": [{"urlContext": {}}]},
        {
            "contents": [{"role": "user", "parts": [{"text": "look"}]}],
            "tools": [{"mcpServers": [{"name": "x", "streamableHttpTransport": {"url": "URL"}}]}],
        },
    ],
    "mistral": [
        {"messages": [{"role": "user", "content": [SAY, {"type": "image_url", "image_url": "URL"}]}]},
        {"messages": [{"role": "user", "content": [SAY, {"type": "document_url", "document_url": "URL"}]}]},
        {"messages": [{"role": "user", "content": [SAY, {"type": "input_audio", "input_audio": "URL"}]}]},
    ],
    "cohere_v2": [
        {"messages": [{"role": "user", "content": [SAY, {"type": "image_url", "image_url": {"url": "URL"}}]}]},
        {"messages": [{"role": "user", "content": "look"}], "documents": [{"data": {"url": "URL"}}]},
    ],
    "bedrock_converse": [
        {"messages": [{"role": "user", "content": [{"text": "look"}, {"link": {"url": "URL"}}]}]},
        {
            "messages": [
                {"role": "user", "content": [{"video": {"format": "mp4", "source": {"s3Location": {"uri": "URL"}}}}]}
            ]
        },
        {
            "messages": [{"role": "user", "content": [{"text": "URL"}]}],
            "additionalModelRequestFields": {"mcp_servers": [{"type": "url", "name": "x", "url": "URL"}]},
        },
    ],
}

SPELLINGS = (
    "http://127.0.0.1:{port}/x.png",
    "http://localhost:{port}/x.pdf",
    "https://127.0.0.1:{port}/x",
    "//127.0.0.1:{port}/x",
)
OTHERS = (
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/x",
    "gopher://127.0.0.1:{port}/_x",
    "http://169.254.169.254/latest/meta-data/",
)


@pytest.fixture(scope="module")
def host() -> Iterator[ReplayHost]:
    with ReplayHost() as one:
        yield one


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, host: ReplayHost) -> Iterator[Workplace]:
    one = make_place(tmp_path_factory.mktemp("home"), host)
    inline = endpoint("inline", host.base_url, "fake")  # a server of one's own, which fetches nothing itself
    spoken = tuple(msgspec.structs.replace(each, wants_bytes=True) for each in inline.spoken)
    one.add_route("inline", msgspec.structs.replace(inline, spoken=spoken))
    try:
        one.start()
        yield one
    finally:
        one.close()


@pytest.fixture(scope="module")
def client(place: Workplace) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=place.url, headers={**OPENED, "content-type": "application/json"}, timeout=30) as one:
        yield one


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody who must hear nothing."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        one.setblocking(False)  # noqa: FBT003 -- the standard library's signature
        yield one


def was_called(listener: socket.socket) -> bool:
    try:
        listener.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_the_listener_would_hear_a_call(listener: socket.socket) -> None:
    with socket.create_connection(listener.getsockname()):
        assert was_called(listener)


@pytest.mark.parametrize("route", [*DIALECTS, "inline"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_address_in_a_request_is_called_by_us(
    client: httpx2.Client, host: ReplayHost, listener: socket.socket, dialect: str, route: str
) -> None:
    port = listener.getsockname()[1]
    path = DIALECTS[dialect][0].replace("{model}", route)
    named = {} if "{model}" in DIALECTS[dialect][0] else {"model": route}
    more = {"max_tokens": 9} if dialect == "anthropic_messages" else {}
    before, given = len(host.seen), set()
    for asked in ASKED[dialect]:
        for spelling in (*SPELLINGS, *OTHERS):
            url = spelling.replace("{port}", str(port))
            body = msgspec.json.encode({**named, **more, **asked}).replace(b"URL", url.encode())
            answer = client.post(path, content=body)
            given.add(answer.status_code)
            assert b"root:" not in answer.content
    assert not was_called(listener)
    assert given <= {200, 400, 403, 404, 413, 422}
    is_same = dialect == route
    assert not is_same or any(b"127.0.0.1" in seen.body for seen in host.seen[before:])  # it was really passed on
