"""Do the rows lead where recorded programs really went? The recordings are read in place, from `HORTUS_TRAFFIC`."""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import msgspec
import pytest

from hortus.catalog.loading import load_catalog
from hortus.catalog.rows import Surface

TRAFFIC = Path(os.environ.get("HORTUS_TRAFFIC", Path(__file__).parents[3] / "shared" / "traffic"))

HOSTS = {
    "gemini": ("google",),
    "vertex": ("vertex", "vertex-eu", "vertex-global"),
    "openai": ("openai",),
}
"""Folder of the recordings -> hosts of the catalog, where they are called otherwise."""

CALLS = {
    "chat-completions": ("openai_chat", {"chat": "/chat/completions"}),
    "embeddings": ("openai_chat", {"embeddings": "/embeddings"}),
    "responses": ("openai_responses", {"chat": "/responses"}),
    "messages": ("anthropic_messages", {"chat": "/messages"}),
    "anthropic/count-tokens": ("anthropic_messages", {"count_tokens": "/messages/count_tokens"}),
    "gemini/count-tokens": ("gemini", {"count_tokens": "/models/{model}:countTokens"}),
    "vertex/count-tokens": ("gemini", {"count_tokens": "/models/{model}:countTokens"}),
    "generate-content": ("gemini", {"chat": "/models/{model}:generateContent"}),
    "stream-generate-content": ("gemini", {"chat_stream": "/models/{model}:streamGenerateContent?alt=sse"}),
    "embed-content": ("gemini", {"embeddings": "/models/{model}:embedContent"}),
    "batch-embed-contents": ("gemini", {"batch_embeddings": "/models/{model}:batchEmbedContents"}),
    "chat-v2": ("cohere_v2", {"chat": "/chat"}),
    "embed": ("cohere_v2", {"embeddings": "/embed"}),
}
"""Kind of call -> dialect, and the usual path of the operation."""

ELSEWHERE = {
    "https://router.huggingface.co/nebius/": "a path of one host behind the router; `/v1` chooses by the model's name",
    "https://router.huggingface.co/together/": "likewise",
    "https://api.together.xyz/": "Together's older name",
    "https://api.cohere.ai/v": "Cohere's older name",
    "https://api.cohere.com/v1/": "the first version of Cohere's API, which is not ours",
    "https://ollama.com/": "Ollama's own cloud, which has no row yet",
    "https://aiplatform.googleapis.com/v1beta1/projects/example-project/locations/us-central1/": "the global address "
    "for one region, which some SDKs use",
}
"""Addresses that no row has, each with the reason."""

OTHER_FOLDERS = {"azure", "bedrock", "cerebras", "perplexity"}
"""Folders of hosts that have no row, or are mostly spoken to in paths and dialects that are not ours yet."""


class _Request(msgspec.Struct):
    url: str


class _Recording(msgspec.Struct):
    id: str
    maker: str
    api: str
    request: _Request | None


@cache
def recorded() -> list[_Recording]:
    found = [msgspec.json.decode(file.read_bytes(), type=_Recording) for file in sorted(TRAFFIC.glob("*/*.json"))]
    return [one for one in found if one.request is not None and one.maker not in OTHER_FOLDERS and call_of(one)]


def call_of(one: _Recording) -> tuple[str, dict[str, str]] | None:
    return CALLS.get(f"{one.maker}/{one.api}") or CALLS.get(one.api)


def pattern(surface: Surface, usual: dict[str, str]) -> re.Pattern[str]:
    """Return what an address of this surface looks like; Google's SDKs say v1beta1 where the rows say v1."""
    ((operation, path),) = usual.items()
    address = f"{surface.base_url}{surface.paths.get(operation, path)}".partition("?")[0]
    loose = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(address))
    return re.compile(
        loose.replace("/v1/projects", "/v1(beta1)?/projects").replace("localhost", r"(localhost|127\.0\.0\.1)")
    )


@pytest.mark.skipif(not TRAFFIC.is_dir(), reason="no recordings here: set HORTUS_TRAFFIC")
def test_every_recorded_call_went_to_an_address_that_a_row_has() -> None:
    catalog = load_catalog()
    lost = []
    for one in recorded():
        dialect, usual = call_of(one) or ("", {})
        url = one.request.url.partition("?")[0] if one.request else ""
        surfaces = [catalog.host(host).surface(dialect) for host in HOSTS.get(one.maker, (one.maker,))]
        is_known = any(surface and pattern(surface, usual).fullmatch(url) for surface in surfaces)
        if not is_known and not any(url.startswith(address) for address in ELSEWHERE):
            lost.append(f"{one.id}: {url}")
    assert lost == []
    assert len(recorded()) > 300, "hardly any recording was looked at"
