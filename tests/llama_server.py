"""A GGUF file on llama.cpp's own server in this process, computing in 32 bits on one thread."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import xllamacpp


class Served:
    """A GGUF file on llama.cpp's own server."""

    def __init__(self, address: str) -> None:
        self.address = address

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask, and decode the answer."""
        asked = urllib.request.Request(  # noqa: S310 - our own server's address
            f"{self.address}{path}", msgspec.json.encode(body), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310 - as above
            return msgspec.json.decode(answer.read(), type=dict)

    def continues(self, ids: list[int], *, tokens: int, **more: object) -> list[int]:
        """Return the ids of the greedy continuation."""
        body = {"prompt": ids, "temperature": 0, "top_k": 1, "n_predict": tokens, "return_tokens": True}
        return list(self.post("/completion", body | {"cache_prompt": False} | more)["tokens"])


@contextmanager
def served(model: Path, *, adapter: Path | None = None) -> Iterator[Served]:
    """Serve while the block runs, in 32 bits, on one thread."""
    wished = xllamacpp.CommonParams()
    wished.model.path = str(model)
    wished.n_ctx, wished.n_parallel, wished.port, wished.verbosity = 512, 1, 0, 0
    wished.cpuparams.n_threads = wished.cpuparams_batch.n_threads = 1
    wished.hostnames, wished.ui, wished.cache_ram_mib = ["127.0.0.1"], False, 0
    wished.cache_type_k = wished.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
    if adapter is not None:
        listed = xllamacpp.CommonAdapterLoraInfo(str(adapter), 0.0)
        wished.lora_adapters = [listed]
    server = xllamacpp.Server(wished)
    try:
        yield Served(server.listening_address)
    finally:
        del server
