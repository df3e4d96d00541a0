"""What the gateway knows of a wire format: a record of paths and pairs of functions, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import msgspec

from hortus.canon.errors import RequestError
from hortus.canon.usage import Usage


class Operation(msgspec.Struct, frozen=True):
    """One thing that a client can ask for.

    Attributes:
        name: Field's word: `chat`, `embeddings`, `list_models`, `get_model`.
        method: HTTP method.
        path: Path at the door; `{route}` stands for a route's name, which may hold slashes.
        host_path: Path below the endpoint's base address; None where Hortus answers itself.
        can_stream: Whether the request's `stream` member may ask for a stream.
    """

    name: str
    method: str
    path: str
    host_path: str | None
    can_stream: bool = False


class ErrorReply(msgspec.Struct, frozen=True):
    """An error as the client's SDK expects it: status, headers in lower case, JSON body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class StreamUsage(Protocol):
    """Reads usage out of a stream as it passes and says which bytes to pass on. One object a stream."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the host, return bytes for the client (split anywhere, order kept)."""
        ...

    def close(self) -> bytes:
        """The host ended the stream: return what was held back."""
        ...

    @property
    def usage(self) -> Usage | None:
        """What the host reported, once it has; else None."""
        ...

    @property
    def is_finished(self) -> bool:
        """Whether the stream's own end mark, or a finish reason, has been seen."""
        ...

    def estimate(self, *, input_bytes: int) -> Usage:
        """Count what was delivered where the host reported nothing; marked as estimated."""
        ...


class Dialect(msgspec.Struct, frozen=True):
    """A wire format.

    Attributes:
        name: Such as `openai_chat`.
        operations: What it offers, with its paths.
        render_error: Error and receipt id to the reply that this dialect's SDKs raise the right class for.
        render_stream_error: The same inside a stream that has begun: bytes to append.
        read_usage: Usage out of a whole answer's body, None where it has none.
        open_stream: A usage reader for one stream; its argument says whether the client asked for the usage frame.
    """

    name: str
    operations: tuple[Operation, ...]
    render_error: Callable[[RequestError, str], ErrorReply]
    render_stream_error: Callable[[RequestError, str], bytes]
    read_usage: Callable[[bytes], Usage | None]
    open_stream: Callable[[bool], StreamUsage]
