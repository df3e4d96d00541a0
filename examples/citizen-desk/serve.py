"""How does a script ask a GGUF file a question over HTTP?"""

import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import xllamacpp

TIMEOUT_S = 60.0


class Served:
    """A model in llama.cpp's server, on a free port of this machine."""

    def __init__(self, address: str) -> None:
        """Keep the address."""
        self._address = address

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send a JSON body and return the JSON answer.

        Raises:
            urllib.error.URLError: the server refused the request or is gone.
        """
        request = urllib.request.Request(  # noqa: S310 - the address is our own server's
            f"{self._address}{path}", msgspec.json.encode(body), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
            return msgspec.json.decode(answer.read(), type=dict)

    def answer(self, text: str, *, system: str | None = None) -> str:
        """Return the model's answer to a message, through chat completions."""
        turns = [{"role": "system", "content": system}] if system else []
        turns.append({"role": "user", "content": text})
        body = {"messages": turns, "temperature": 0, "max_tokens": 8}
        return str(self.post("/v1/chat/completions", body)["choices"][0]["message"]["content"])


@contextmanager
def served(model: Path, *, threads: int = 1) -> Iterator[Served]:
    """Serve a GGUF file while the block runs."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.n_ctx = 1024
    params.n_parallel = 1
    params.cpuparams.n_threads = threads
    params.cpuparams_batch.n_threads = threads
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.ui = False
    params.cache_ram_mib = 0
    params.verbosity = 0
    server = xllamacpp.Server(params)
    try:
        yield Served(server.listening_address)
    finally:
        del server
