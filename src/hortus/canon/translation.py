"""What must each dialect bring so that its clients reach hosts of any other? Pairs of functions, by operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Generic, Protocol, TypeVar

import msgspec

from hortus.canon.embeddings import EmbeddingsRequest, EmbeddingsResponse
from hortus.canon.errors import Internal, RequestError
from hortus.canon.events import Event
from hortus.canon.loss import Loss, Weight
from hortus.canon.manifest import Vocabulary
from hortus.canon.moderation import ModerationRequest, ModerationResponse
from hortus.canon.nodes import Node
from hortus.canon.request import Request
from hortus.canon.rerank import RerankRequest, RerankResponse
from hortus.canon.response import Response
from hortus.canon.usage import Usage


class Call(msgspec.Struct, frozen=True):
    """What stands around a client's body.

    Attributes:
        route: The route's name where it stands in the path, None where it stands in the body.
        is_stream: Whether the path asks for a stream; None where the body says it.
        query: Parameters of the address, decoded, the key left out.
        headers: Those that belong to the dialect (`anthropic-beta`), names in lower case.
    """

    route: str | None = None
    is_stream: bool | None = None
    query: Mapping[str, str] = {}
    headers: Mapping[str, str] = {}


class Habits(msgspec.Struct, frozen=True):
    """How a host deviates from its dialect, from its row.

    Attributes:
        demands: Member to the value that it must have unless the request says another.
        forbids: Members of the body that it refuses.
        renames: Member to what the host calls it.
        weights: Losses that weigh otherwise here, as in `Vocabulary.weights`.
    """

    demands: Mapping[str, msgspec.Raw] = {}
    forbids: frozenset[str] = frozenset()
    renames: Mapping[str, str] = {}
    weights: Mapping[str, Weight] = {}


class Target(msgspec.Struct, frozen=True):
    """Where a request goes.

    Attributes:
        model: What the host calls the model.
        source: How the client's dialect calls things.
        output_limit: Most output tokens of the model, for dialects that demand a limit; None: not known.
    """

    model: str
    source: Vocabulary
    output_limit: int | None = None
    habits: Habits = Habits()


class Written(msgspec.Struct, frozen=True):
    """A request or answer in a dialect's form, with what was lost and which named changes keep the meaning."""

    body: bytes
    losses: tuple[Loss, ...] = ()
    adaptations: tuple[str, ...] = ()


class Asking(msgspec.Struct, frozen=True):
    """For whom an answer is written.

    Attributes:
        request: What the client asked, read in its own dialect.
        call: What stood around it.
        answer_id: Unique and made by Hortus, `[0-9a-z]+`, where the host gives no usable id; also the stem of ids of
            parts.
        now_s: Unix time, where the host gives none.
        source: How the host's dialect calls things.
        continues: The answer that the request goes on from, where Hortus itself has put the conversation into it.
        is_kept: Whether Hortus keeps the answer, so that it can be continued by its id.
    """

    request: Request
    answer_id: str
    now_s: int
    call: Call = Call()
    source: Vocabulary = Vocabulary()
    continues: str | None = None
    is_kept: bool = False


class StreamReader(Protocol):
    """Reads one stream of a host; does the framing itself, so bytes may be split anywhere."""

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that are complete now.

        Raises:
            hortus.canon.errors.BrokenStream: What came cannot be a stream of this dialect.
        """
        ...

    def close(self) -> list[Event]:
        """The host ended the stream: return the rest. A stream that ended properly ends with Finished or Failed.

        One that broke off gives neither: the caller tells the client.

        Raises:
            hortus.canon.errors.BrokenStream: As above.
        """
        ...


class StreamWriter(Protocol):
    """Writes one stream for a client, in the frames of its dialect."""

    def feed(self, event: Event) -> bytes:
        """Return the bytes for an event, perhaps none."""
        ...

    def fail(self, error: RequestError) -> bytes:
        """Return the bytes that end the stream with an error, wherever it stands."""
        ...

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What of the answer was not carried so far."""
        ...


class Chat(msgspec.Struct, frozen=True):
    """A dialect's chat, in both directions.

    Attributes:
        read_request: A client's body and what stands around it; raises CallerFault.
        write_request: For a host; raises CallerFault only for what no writer could send.
        read_response: A host's whole answer; raises BrokenStream where it cannot be read.
        write_response: For a client.
        open_reader: For a host's stream.
        open_writer: For a client's stream.
        stream_type: Content type of a client's stream.
    """

    read_request: Callable[[bytes, Call], Request]
    write_request: Callable[[Request, Target], Written]
    read_response: Callable[[bytes], Response]
    write_response: Callable[[Response, Asking], Written]
    open_reader: Callable[[], StreamReader]
    open_writer: Callable[[Asking], StreamWriter]
    stream_type: Callable[[Call], str] = lambda _: "text/event-stream"


class Measured(Protocol):
    """A whole answer, in canonical form."""

    @property
    def model(self) -> str:
        """What the host says has answered, empty where it does not."""
        ...

    @property
    def usage(self) -> Usage | None:
        """As the host reported it, None where it did not."""
        ...


AskedT = TypeVar("AskedT", bound=Node)
AnswerT = TypeVar("AnswerT", bound=Measured)


class Whole(msgspec.Struct, Generic[AskedT, AnswerT], frozen=True):
    """An operation whose answers come whole, in both directions; functions as in `Chat`.

    Attributes:
        path_of: The name of the operation's variant that a request needs at a host (one input or several), a key of
            `Operation.name`.
    """

    read_request: Callable[[bytes, Call], AskedT]
    write_request: Callable[[AskedT, Target], Written]
    read_response: Callable[[bytes], AnswerT]
    write_response: Callable[[AnswerT, AskedT], Written]
    path_of: Callable[[AskedT], str]


class Embeddings(Whole[EmbeddingsRequest, EmbeddingsResponse], frozen=True):
    """A dialect's embeddings."""

    path_of: Callable[[EmbeddingsRequest], str] = lambda _: "embeddings"


class Rerank(Whole[RerankRequest, RerankResponse], frozen=True):
    """A dialect's ranking of documents."""

    path_of: Callable[[RerankRequest], str] = lambda _: "rerank"


class Moderations(Whole[ModerationRequest, ModerationResponse], frozen=True):
    """A dialect's judging of content."""

    path_of: Callable[[ModerationRequest], str] = lambda _: "moderations"


class TokenCount(msgspec.Struct, frozen=True):
    """A dialect's counting of a chat's input tokens, in both directions."""

    read_request: Callable[[bytes, Call], Request]
    write_request: Callable[[Request, Target], Written]
    read_response: Callable[[bytes], int]
    write_response: Callable[[int], bytes]


NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class ErrorReader(Protocol):
    """Reads a host's error; total, whatever the body is."""

    def __call__(self, status: int, body: bytes, headers: Mapping[str, str] = NO_HEADERS, /) -> RequestError:
        """Return what an answer with this status means (0: it came inside a good one); names in lower case."""
        ...


class Translation(msgspec.Struct, frozen=True):
    """What a dialect brings to reach other dialects; an operation that is None is not offered by it.

    Attributes:
        vocabulary: How it calls canonical fields, and what its own members weigh.
        read_error: Status, body and headers of a host's error to a class of `canon.errors`.
        chats: How it chats; the same as `chat`, which is only asked of those that do.
    """

    vocabulary: Vocabulary
    read_error: ErrorReader
    chats: Chat | None = None
    embeddings: Embeddings | None = None
    token_count: TokenCount | None = None
    rerank: Rerank | None = None
    moderations: Moderations | None = None

    @property
    def chat(self) -> Chat:
        """How it chats."""
        if self.chats is None:
            raise Internal("This dialect has no chats.")
        return self.chats
