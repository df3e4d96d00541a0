"""What every SDK can be asked for, and what was heard from it: the words between a feature and an official SDK."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import httpx2
import msgspec

TOOLS: dict[str, dict[str, Any]] = {
    "find_lamp": {
        "type": "object",
        "properties": {
            "street": {"type": "string"},
            "note": {"type": "string"},
            "radius_m": {"type": "integer"},
            "tags": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["street"],
    },
    "office_hours": {"type": "object", "properties": {}},
}
QUESTION = "The street lamp in front of “Haus 7” has been dark since Monday. Is somebody on it?"


class Call(msgspec.Struct, frozen=True):
    """A tool call as the SDK gave it."""

    id: str
    name: str
    arguments: dict[str, Any]


class Counted(msgspec.Struct, frozen=True):
    """Tokens as the SDK gave them, `given` with the cached ones; None: this API does not say."""

    given: int
    made: int
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


class Heard(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as the SDK gave it.

    Attributes:
        stop: `end`, `tools`, `length`, `refusal`, `filter`; a stop sequence is an `end` where the API says no more.
        turn: What a program appends to the history, as the SDK's documentation says.
        pieces: Pieces of text that a stream came in.
    """

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    calls: tuple[Call, ...] = ()
    stop: str = "end"
    stop_sequence: str | None = None
    counted: Counted | None = None
    turn: tuple[Any, ...] = ()
    pieces: int = 0


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A question in words that every SDK has.

    Attributes:
        history: Turns after the question, each in the SDK's own form.
        then: A question after them.
        more: Members in the SDK's own names.
        picture: Bytes of a PNG.
    """

    text: str = QUESTION
    system: str = ""
    tools: tuple[str, ...] = ()
    picture: bytes = b""
    picture_url: str = ""
    schema: dict[str, Any] | None = None
    wants_reasoning: bool = False
    history: tuple[Any, ...] = ()
    then: str = ""
    more: dict[str, Any] = {}


def turns(ask: Ask, question: Callable[[Ask], Any]) -> list[Any]:
    """Write the conversation, with an SDK's own way to write a question."""
    return [question(ask), *ask.history, *([question(Ask(text=ask.then))] if ask.then else [])]


class Client(Protocol):
    """An official SDK with the base address and key that it was given.

    Attributes:
        dialect: What it speaks.
        lacks: Features that its API does not offer.
        parameters: The SDK's names of sampling parameters, for `Ask.more`.
    """

    dialect: str
    lacks: frozenset[str]
    parameters: dict[str, Any]
    listening: Listening

    @property
    def headers(self) -> httpx2.Headers: ...

    def ask(self, model: str, ask: Ask) -> Heard: ...

    def stream(self, model: str, ask: Ask) -> Heard: ...

    def results(self, heard: Heard, found: dict[str, str]) -> tuple[Any, ...]: ...

    def count(self, model: str) -> int: ...

    def embed(self, model: str, texts: list[str]) -> list[list[float]]: ...

    def routes(self) -> set[str]: ...

    def raised(self, status: int) -> tuple[type[Exception], ...]: ...

    def broken(self) -> tuple[type[Exception], ...]: ...

    def status_of(self, error: Exception) -> int | None: ...


class Listening:
    """Keeps the headers of the last answer, the losses named in all of them, and where the last one came in."""

    def __init__(self) -> None:
        self.headers = httpx2.Headers()
        self.losses: list[str] = []
        self.local_port = 0
        self.hooks: dict[str, list[Any]] = {"response": [self._hear]}
        self.http = httpx2.Client(event_hooks=self.hooks, trust_env=False, timeout=20)
        self._kept: list[Any] = [self.http]

    def kept(self, client: Any) -> Any:
        """Keep an SDK's own HTTP client, to close it in the end."""
        self._kept.append(client)
        return client

    def close(self) -> None:
        """Close every client."""
        for one in self._kept:
            one.close()

    def hear(self, headers: Any, local_port: int) -> None:
        """Take an answer in."""
        self.headers = httpx2.Headers(dict(headers))
        self.losses.append(self.headers.get("hortus-losses", ""))
        self.local_port = local_port

    def _hear(self, response: Any) -> None:
        stream = response.extensions.get("network_stream")
        self.hear(response.headers, stream.get_extra_info("client_addr")[1] if stream else 0)


@contextlib.contextmanager
def listening() -> Iterator[Listening]:
    """Open an HTTP client for an SDK, and close it."""
    with contextlib.closing(Listening()) as one:
        yield one
