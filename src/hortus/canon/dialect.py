"""What the gateway knows of a wire format: a record of paths and pairs of functions, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, Protocol

import msgspec

from hortus.canon.errors import RequestError
from hortus.canon.form import Form
from hortus.canon.realtime import Realtime
from hortus.canon.translation import Translation
from hortus.canon.units import Units
from hortus.canon.usage import Usage
from hortus.canon.work import Work

Body = Literal["json", "multipart", "either", "none"]
"""What a request's body is; `either`: its content type says which of the two before."""

Reply = Literal["json", "bytes"]
"""What an answer's body is: read whole, unless it is a stream; or passed on in parts, whatever it is."""


HostIdKind = Literal[
    "response",
    "conversation",
    "file",
    "cached_content",
    "container",
    "upload",
    "batch",
    "message_batch",
    "batch_job",
    "tuning_job",
    "tuned_model",
]


class Operation(msgspec.Struct, frozen=True):
    """One thing that a client can ask for.

    Attributes:
        name: Field's word: `chat`, `embeddings`, `count_tokens`, `list_models`, `get_model`.
        method: HTTP method.
        path: Path at the door, below the dialect's bases; `{route}` stands for a route's name, which may hold slashes,
            `{id}` for an id, which may not.
        host_path: Path below the endpoint's base address, `{model}` in it for the host's name of the model,
            `{whole_model}` where slashes in that are encoded too; None where Hortus answers itself.
        can_stream: Whether the request's `stream` member may ask for a stream.
        is_stream: Whether it is one, where the path says it; None where the body does.
        is_at_root: Whether the path is also served without a base.
        id_kind: What the `{id}` in the path names, where a host keeps it; it decides the endpoint, and stands in
            `host_path`, too.
        lists: What is listed: Hortus asks for each of the project's own under `host_path`.
        deletes: Whether the host keeps the thing no longer once it has answered.
        is_free: Whether nothing is used that costs anything.
        body: What the request's body is; a multipart one is spooled, not held in memory.
        answer: What the answer's body is.
    """

    name: str
    method: str
    path: str
    host_path: str | None
    can_stream: bool = False
    is_stream: bool | None = None
    is_at_root: bool = True
    id_kind: HostIdKind | None = None
    lists: HostIdKind | None = None
    deletes: bool = False
    is_free: bool = False
    body: Body = "json"
    answer: Reply = "json"


CONTENT_KINDS: frozenset[HostIdKind] = frozenset(("file",))
"""What hosts keep that is content as it was sent: no guard can look into it, but it is no earlier turn."""

HostId = tuple[HostIdKind, str]
"""Something that a host keeps: what it is, and its id."""


class Asked(msgspec.Struct, frozen=True):
    """What the gateway reads out of a request; everything else stays as it was sent.

    Attributes:
        route: The name in the path, else in `model`; empty where the request names none.
        wants_usage: Whether the client asked for the usage frame of a stream.
        output_limit: Most output tokens that the client allows, None where it names none.
        members: The request's members, values byte for byte.
        host_ids: What the request names of what a host keeps.
        adaptations: Where `members` are not what was sent, the names of these changes.
        form: The parts of a multipart body; `members` are then its fields, as JSON texts.
        work: What the requests of a file may use that is to be kept.
    """

    route: str
    is_stream: bool
    wants_usage: bool
    output_limit: int | None
    members: dict[str, msgspec.Raw]
    host_ids: tuple[HostId, ...] = ()
    adaptations: tuple[str, ...] = ()
    form: Form | None = None
    work: Work | None = None


class Rewritten(msgspec.Struct, frozen=True):
    """A request as a host gets it, with the names of the adaptations made (for the receipt)."""

    body: bytes
    adaptations: tuple[str, ...]


class Answer(msgspec.Struct, frozen=True):
    """What the gateway reads out of a whole answer.

    Attributes:
        usage: As the host reported it, else counted here and marked as estimated.
        served_model: What the host says has answered.
        given_ids: What the host keeps from now on, by the ids that it gave out.
        body: As clients get it, where it is not as it came.
        has_ended: Whether work that was begun earlier is at its end: `usage` is all that it has used.
    """

    usage: Usage
    served_model: str | None
    given_ids: tuple[HostId, ...] = ()
    body: bytes | None = None
    has_ended: bool = False


class RouteCard(msgspec.Struct, frozen=True):
    """A route as it is listed to clients."""

    name: str
    owned_by: str
    created_at_s: int


class ErrorReply(msgspec.Struct, frozen=True):
    """An error as the client's SDK expects it: status, headers in lower case, JSON body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class StreamUsage(Protocol):
    """Reads usage out of a stream as it passes and says which bytes to pass on. One object a stream."""

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the host, return bytes for the client (split anywhere, order kept).

        Raises:
            hortus.canon.errors.BrokenStream: What the host sends cannot be a stream of this dialect.
        """
        ...

    def close(self) -> bytes:
        """The host ended the stream: return what was held back."""
        ...

    @property
    def usage(self) -> Usage | None:
        """What the host reported, once it has; else None."""
        ...

    @property
    def served_model(self) -> str | None:
        """What the host says answers, once it has; else None."""
        ...

    @property
    def is_finished(self) -> bool:
        """Whether the stream's own end mark, or a finish reason, has been seen."""
        ...

    @property
    def is_failed(self) -> bool:
        """Whether the host reported an error inside the stream; it was passed on."""
        ...

    @property
    def given_ids(self) -> tuple[HostId, ...]:
        """What the host keeps from now on, by the ids that it gave out so far."""
        ...

    def estimate(self, *, input_bytes: int) -> Usage:
        """Count what was delivered where the host reported nothing; marked as estimated."""
        ...


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is wanted: so many at most, older than the one with the id `after`."""

    limit: int
    after: str | None = None


class Lists(msgspec.Struct, frozen=True):
    """How a dialect lists what hosts keep.

    Attributes:
        read_page: The parameters of the address to the part that is wanted; raises CallerFault.
        is_wanted: Parameters of the address and an object to whether it belongs to the list.
        write_page: Objects, newest first, and whether there are more, to the answer.
    """

    read_page: Callable[[Mapping[str, str]], Page]
    is_wanted: Callable[[Mapping[str, str], msgspec.Raw], bool]
    write_page: Callable[[tuple[msgspec.Raw, ...], bool], bytes]


class KeptResponse(msgspec.Struct, frozen=True):
    """An answer that was kept: the id by which clients know it, and the whole of it as the dialect's object."""

    id: str
    raw: msgspec.Raw


class KeptTurn(msgspec.Struct, frozen=True):
    """A request as the client sent it, and the answer to it."""

    request: bytes
    response: KeptResponse


class Expanded(msgspec.Struct, frozen=True):
    """A request's members with the turns before it; `forgotten` thoughts of those could only be recalled by a host."""

    members: dict[str, msgspec.Raw]
    forgotten: int = 0


class Continuing(msgspec.Struct, frozen=True):
    """How a dialect goes on from an answer by its id, where Hortus keeps what hosts do not.

    Attributes:
        continues: A request's members to the id of the answer that it goes on from, None where it names none.
        is_stored: Whether a request's members let its answer be kept for that.
        id_of: Bytes that a client got, and whether they are a stream, to the answer's id; None where there is none.
        response_of: Bytes that a client got, and whether they are a stream, to the answer; None where there is none.
        expand: A request's members and the turns before it, oldest first, to members that hold them all.
        items_of: A turn's request, and the turns before it, to the body that lists what the model was given.
        write_deleted: An id to the body that says that the answer under it is gone.
    """

    continues: Callable[[Mapping[str, msgspec.Raw]], str | None]
    is_stored: Callable[[Mapping[str, msgspec.Raw]], bool]
    id_of: Callable[[bytes, bool], str | None]
    response_of: Callable[[bytes, bool], KeptResponse | None]
    expand: Callable[[dict[str, msgspec.Raw], tuple[KeptTurn, ...]], Expanded]
    items_of: Callable[[bytes, tuple[KeptTurn, ...], Mapping[str, str]], bytes]
    write_deleted: Callable[[str], bytes]


class Dialect(msgspec.Struct, frozen=True):
    """A wire format.

    Attributes:
        name: Such as `openai_chat`.
        operations: What it offers, with its paths.
        read_request: Operation, body and the route's name where the path has it, to what was asked; raises CallerFault.
        write_request: What was asked, and the host's name of the model, to the body that the host gets.
        render_error: Error and receipt id to the reply that this dialect's SDKs raise the right class for.
        render_stream_error: The same inside a stream that has begun: bytes to append.
        read_answer: Operation, body of a whole answer and size of its request to what it says of itself.
        open_stream: A usage reader for one stream; its argument says whether the client asked for the usage frame.
        weigh: Operation, what was asked and the body to what the request may use beside the tokens of its text.
        cap_output: What was asked, with a limit of output tokens where the client set none.
        write_routes: The answer to `list_models`.
        write_route: The answer to `get_model`.
        bases: Prefixes under which all its paths are served.
        request_id_header: Where its SDKs look for the request's id.
        passed_headers: A client's headers that belong to the dialect and go to a host that speaks it.
        passed_query: Parameters of a client's address that stand in place of those in the operation's `host_path`.
        translation: What it brings to reach other dialects.
        continuing: How its clients go on from an answer by its id; None where they cannot.
        usage_in_headers: Headers of a whole answer, names in lower case, to what they say that it used; None where
            they say nothing, or the dialect has it in the body.
        read_form: As `read_request`, for a multipart body; None where it has no such operation.
        open_bytes: What was asked to a usage reader for an answer of bytes; it passes them unchanged. None likewise.
        realtime: Its conversations over a WebSocket, by the operation `realtime`; None where it has none.
        lists: How it lists what hosts keep; None where it does not.
        requests_in: What brings a file to the requests that may stand in its lines: their addresses to dialect and
            operation, none where it holds no such. None where it has no such files.
    """

    name: str
    operations: tuple[Operation, ...]
    read_request: Callable[[Operation, bytes, str | None], Asked]
    write_request: Callable[[Asked, str], Rewritten]
    render_error: Callable[[RequestError, str], ErrorReply]
    render_stream_error: Callable[[RequestError, str], bytes]
    read_answer: Callable[[Operation, bytes, int], Answer]
    open_stream: Callable[[bool], StreamUsage]
    weigh: Callable[[Operation, Asked, bytes], Units]
    cap_output: Callable[[Asked, int], Asked]
    write_routes: Callable[[tuple[RouteCard, ...]], bytes]
    write_route: Callable[[RouteCard], bytes]
    bases: tuple[str, ...] = ()
    request_id_header: str = "x-request-id"
    passed_headers: tuple[str, ...] = ()
    passed_query: tuple[str, ...] = ()
    translation: Translation | None = None
    continuing: Continuing | None = None
    usage_in_headers: Callable[[Mapping[str, str]], Usage | None] | None = None
    read_form: Callable[[Operation, Form, str | None], Asked] | None = None
    open_bytes: Callable[[Asked], StreamUsage] | None = None
    realtime: Realtime | None = None
    lists: Lists | None = None
    requests_in: Callable[[Operation, Asked], Mapping[str, tuple[str, str]]] | None = None
