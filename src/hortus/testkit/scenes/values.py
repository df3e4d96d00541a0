"""The words between a scene and the dialect that plays it: what the request told, what is to be answered.

`Told` is read out of a request by a dialect, a scene turns it into a `Play` or a `Fault`, the dialect puts that on
the wire. Nothing here knows a wire format.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

import msgspec


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the host answers one request.

    Attributes:
        scene: Name of a scene (`plots.PLOTS`); empty answers plainly.
        chunks: Deltas of a stream.
        delay_ms: Pause before each delta, and before a whole answer.
        status: An HTTP status; other than 200 answers an error.
        retry_after: Value of that header, in seconds, on an error.
        reset_after: Cut the connection after so many deltas (0: before the head).
        stall_after: Say nothing more after so many deltas (0: before the head).
        no_done: End the stream without `[DONE]`.
        no_usage: Never report usage.
        error_after: Send an error object inside the stream after so many deltas; then end, or stall if that is to come.
        answer: Text of the answer.
        echo: Answer with the last message instead.
        prompt_tokens: Reported as usage.
    """

    scene: str = ""
    chunks: int = 3
    delay_ms: int = 0
    status: int = 200
    retry_after: int = -1
    reset_after: int = -1
    stall_after: int = -1
    no_done: int = 0
    no_usage: int = 0
    error_after: int = -1
    answer: str = "word"
    echo: int = 0
    prompt_tokens: int = 7

    @classmethod
    def of(cls, model: str) -> Behaviour:
        """Read a behaviour out of a model's name; a name without one answers plainly."""
        _, _, text = model.partition(":")
        pairs = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
        return msgspec.convert(pairs, cls, strict=False)


class Picture(msgspec.Struct, frozen=True):
    """A picture of the request: its bytes with their media type, or an address."""

    media_type: str
    data: bytes = b""
    url: str = ""


class PastCall(msgspec.Struct, frozen=True):
    """A tool call in the history; `id` is empty where the dialect goes by names."""

    id: str
    name: str
    arguments: dict[str, Any]


class Result(msgspec.Struct, frozen=True):
    """What a tool returned, as text."""

    id: str
    name: str
    text: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What a request said.

    Attributes:
        nonce: A short name of this request, for ids.
        seal_fault: What is wrong with the seals of the history; empty where all came back exactly.
        parameters: Sampling parameters under one set of names for all dialects.
        variant: A dialect's own way of streaming, such as Gemini's array.
    """

    nonce: str
    model: str
    is_stream: bool
    members: dict[str, Any]
    system: str = ""
    turns: tuple[tuple[str, str], ...] = ()
    pictures: tuple[Picture, ...] = ()
    schema: dict[str, Any] | None = None
    parameters: dict[str, Any] = {}
    tools: tuple[str, ...] = ()
    calls: tuple[PastCall, ...] = ()
    results: tuple[Result, ...] = ()
    seal_fault: str = ""
    variant: str = ""


class Call(msgspec.Struct, frozen=True):
    """A tool call to answer; `pieces` are its arguments' JSON text as a stream splits it."""

    name: str
    arguments: dict[str, Any]
    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        """The arguments as JSON text."""
        return "".join(self.pieces)


class Spent(msgspec.Struct, frozen=True):
    """Tokens: `given` holds the cached and cache-writing ones, `made` the reasoning ones."""

    given: int = 14
    made: int = 6
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0


Stop = Literal["end", "tools", "length", "sequence", "refusal", "filter"]


class Play(msgspec.Struct, frozen=True, kw_only=True):
    """An answer, whatever the dialect.

    Attributes:
        text: Its pieces, as a stream splits them.
        is_sealed: The maker's seal goes with reasoning or calls.
        breaks_after: Send an error inside the stream after so many pieces of text.
        quirks: `obfuscation`, `comments`, `empty-choices`, `no-done`, `mislabelled`.
    """

    text: tuple[str, ...] = ()
    reasoning: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    refusal: str = ""
    stop: Stop = "end"
    stop_sequence: str = ""
    spent: Spent = Spent()
    is_sealed: bool = False
    breaks_after: int = -1
    quirks: frozenset[str] = frozenset()


class Fault(msgspec.Struct, frozen=True):
    """An error to answer with; each dialect has its own form for every status."""

    status: int
    message: str = "the host says no"
    retry_after_s: int = -1
    is_mislabelled: bool = False


class Reply(msgspec.Struct, frozen=True):
    """A whole answer on the wire."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"


class HostDialect(Protocol):
    """One wire format, from the host's side. Modules of this package implement it."""

    def objection(self, asked: Asked, /) -> str:
        """Say what this maker's API refuses about a request, whatever it asks; empty where nothing is wrong."""
        ...

    def read(self, asked: Asked, /) -> Told:
        """Understand a request."""
        ...

    def whole(self, play: Play, told: Told, /) -> dict[str, Any]:
        """Put an answer as one body."""
        ...

    def frames(self, play: Play, told: Told, /) -> list[bytes]:
        """Put an answer as a stream's frames."""
        ...

    def error(self, fault: Fault, told: Told, /) -> Reply:
        """Put an error as this maker does."""
        ...

    def stream_type(self, told: Told, /) -> str:
        """Name the content type of a stream."""
        ...

    def other(self, operation: str, asked: Asked, /) -> dict[str, Any]:
        """Answer what is no chat: counting, embeddings, the list of models."""
        ...


class Asked(msgspec.Struct, frozen=True):
    """A request as it came: decoded body, the model that it names, the query, headers in lower case."""

    nonce: str
    model: str
    body: dict[str, Any]
    query: dict[str, str]
    headers: dict[str, str]


def encoded(value: Any) -> bytes:
    """Return JSON bytes."""
    return msgspec.json.encode(value)


def compact(value: Any) -> str:
    """Return JSON text in one spelling, for comparisons."""
    return msgspec.json.encode(value, order="deterministic").decode()


NO_KEY = "no key"
"""The objection to a request without a credential where this maker takes it."""
