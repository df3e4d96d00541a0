"""How does one request pass to a host that speaks another dialect? By way of the canonical form, losses named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Generic

import msgspec
from typing_extensions import override

from hortus.canon.dialect import Dialect, HostId, Operation, StreamUsage
from hortus.canon.errors import HostFault, Internal, RequestError
from hortus.canon.events import Event, Failed, Finished, Started, TextAdded, ThoughtAdded, UsageReported
from hortus.canon.habits import without_links
from hortus.canon.loss import Loss
from hortus.canon.request import Request
from hortus.canon.translation import (
    AnswerT,
    AskedT,
    Asking,
    Chat,
    Habits,
    StreamWriter,
    TokenCount,
    Translation,
    Whole,
    Written,
)
from hortus.canon.translation import Target as Recipient
from hortus.canon.unfold import unfold
from hortus.canon.usage import Usage
from hortus.content.ports import Seals
from hortus.framing.call_ids import ADAPTED_IDS, with_short_ids
from hortus.framing.counting import estimate, estimate_whole, tokens_in
from hortus.framing.shallow import read_members, write_members
from hortus.gateway.guards.restoring import Restorer
from hortus.gateway.guards.screen import PSEUDONYMISED, Guise
from hortus.gateway.meaning import translation_of
from hortus.gateway.passage import (
    Given,
    Inquiry,
    Outgoing,
    fill_path,
    is_event_stream,
    path_at_host,
    sits_in_path,
    without_model,
)
from hortus.gateway.sealing import SealKeeper, restore_seals
from hortus.snapshot.resolved import Target

_JSON = "application/json"


class Crossing(msgspec.Struct, frozen=True):
    """From which dialect to which host's.

    Attributes:
        host: The host's dialect.
        target: Which speaks it.
    """

    inquiry: Inquiry
    host: Dialect
    target: Target

    def write_to(
        self, name: str, written: Written, *, lost: tuple[Loss, ...] = (), named: tuple[str, ...] = ()
    ) -> Outgoing:
        """Return what is sent for the host's operation `name`."""
        is_stream = self.inquiry.asked.is_stream
        operation = _operation_of(self.host, name, is_stream=is_stream)
        way = self.target.ways[self.host.name]
        path = path_at_host(operation, way.spoken, is_stream=is_stream)
        body = without_model(written.body) if sits_in_path(operation, path) else written.body
        shortened = with_short_ids(read_members(body)) if way.spoken.short_call_ids else None
        if shortened is not None:
            body, named = write_members(shortened), (*named, ADAPTED_IDS)
        return Outgoing(
            dialect=self.host.name,
            path=fill_path(path, way.model),
            body=body,
            adaptations=(*named, *written.adaptations),
            losses=(*lost, *written.losses),
        )

    @property
    def recipient(self) -> Recipient:
        """Where writers write to."""
        way = self.target.ways[self.host.name]
        spoken = way.spoken
        return Recipient(
            model=way.model,
            source=translation_of(self.inquiry.dialect).vocabulary,
            output_limit=self.target.endpoint.output_limit,
            habits=Habits(spoken.demands, frozenset(spoken.forbids), spoken.renames, spoken.weights),
        )


class _Translated:
    """What all passages of this kind have in common."""

    answer_type: str | None = _JSON
    stream_type: str | None = None

    def __init__(self, crossing: Crossing, outgoing: Outgoing) -> None:
        self.outgoing = outgoing
        self._crossing = crossing
        self._inquiry = crossing.inquiry

    def is_stream(self, content_type: bytes | None) -> bool:
        """Tell whether an answer is passed on in parts; one that says it is whole is read as a whole."""
        return self._inquiry.asked.is_stream and is_event_stream(content_type)

    def read_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> HostFault:
        """Return the host's error in canonical form."""
        error = translation_of(self._crossing.host).read_error(status, body, headers)
        return error if isinstance(error, HostFault) else HostFault(error.message)

    def open_stream(self, content_type: bytes | None = None) -> StreamUsage:
        """Refuse: only chats come in parts."""
        del content_type
        raise Internal("This operation has no streams.")

    def fail_stream(self, stream: StreamUsage, error: RequestError) -> bytes:
        """Refuse: as above."""
        del stream
        raise Internal("This operation has no streams.") from error

    def stream_losses(self, stream: StreamUsage) -> tuple[Loss, ...]:
        """Return nothing: as above."""
        del stream
        return ()

    def _estimate(self, output_bytes: int) -> Usage:
        return estimate_whole(input_bytes=len(self._inquiry.body), output_bytes=output_bytes)


class TranslatedChat(_Translated):
    """A chat between two dialects, or within one where guards have changed it.

    Args:
        request: As the client asked it.
        seals: Where seals lie.
        guise: What leaves in its stead.
    """

    def __init__(self, crossing: Crossing, request: Request, *, seals: Seals, guise: Guise | None = None) -> None:
        inquiry, host = crossing.inquiry, crossing.host
        endpoint = crossing.target.endpoint.name
        leaving = guise.chat if guise is not None else request
        sealed = restore_seals(leaving, seals, project_id=inquiry.project_id, endpoint=endpoint, dialect=host.name)
        carried = sealed.request
        unfetched: tuple[Loss, ...] = ()
        if crossing.target.ways[host.name].spoken.wants_bytes:
            carried, unfetched = without_links(carried)
        metered = msgspec.structs.replace(carried, wants_usage=inquiry.asked.is_stream)
        written = translation_of(host).chat.write_request(metered, crossing.recipient)
        hidden = guise.losses(sealed.request) if guise is not None else ()
        named = sealed.adaptations if guise is None else (PSEUDONYMISED, *sealed.adaptations)
        super().__init__(
            crossing, crossing.write_to("chat", written, lost=(*hidden, *sealed.lost, *unfetched), named=named)
        )
        self._ours: Chat = translation_of(inquiry.dialect).chat
        self._theirs: Chat = translation_of(host).chat
        self._asking = Asking(
            request=request,
            answer_id=inquiry.receipt_id.partition("_")[2].lower(),
            now_s=inquiry.now_s,
            call=inquiry.call,
            source=translation_of(host).vocabulary,
            continues=inquiry.continues,
            is_kept=inquiry.is_kept,
        )
        self._mask = guise.mask if guise is not None else None
        self._keeper = SealKeeper(seals, inquiry.project_id, endpoint=endpoint)
        self.stream_type = self._ours.stream_type(inquiry.call)
        self.answer_type = self.stream_type if inquiry.asked.is_stream else _JSON

    def read_answer(self, body: bytes) -> Given:
        """Return the answer in the client's dialect; as a whole stream where it asked for one and the host gave none.

        Raises:
            BrokenStream: The host's answer cannot be read.
        """
        if self._inquiry.asked.is_stream:
            return self._read_at_once(body)
        response = self._theirs.read_response(body)
        usage = response.usage or self._estimate(len(body))
        marked = self._keeper.mark_response(response)
        restorer = self._restorer()
        if restorer is not None:  # after the keeper: what it keeps is for the host, which knows the placeholders
            marked = restorer.restore_response(marked)
        written = self._ours.write_response(marked, self._asking)
        losses = (*written.losses, *(restorer.losses if restorer is not None else ()))
        return Given(written.body, usage, response.model or None, losses=losses)

    def _restorer(self) -> Restorer | None:
        """Return what puts values back into one answer, where any are hidden."""
        if self._mask is None:
            return None
        return Restorer(self._mask, self._asking.request, source=self._asking.source)

    def _read_at_once(self, body: bytes) -> Given:
        stream = self.open_stream()
        if body.lstrip()[:1] == b"{":
            out = stream.pass_events(unfold(self._theirs.read_response(body)))
        else:  # a stream that was labelled as something else
            out = stream.feed(body)
            out += stream.close()
        usage = stream.usage or stream.estimate(input_bytes=len(self._inquiry.body))
        return Given(out, usage, stream.served_model, losses=stream.losses)

    @override
    def open_stream(self, content_type: bytes | None = None) -> TranslatedStream:
        """Return what turns the host's frames into the client's."""
        del content_type
        writer = self._ours.open_writer(self._asking)
        return TranslatedStream(self._theirs, writer, keeper=self._keeper, restorer=self._restorer())

    @override
    def fail_stream(self, stream: StreamUsage, error: RequestError) -> bytes:
        """Return the bytes that end the client's stream with an error, wherever it stands."""
        if isinstance(stream, TranslatedStream):
            return stream.fail(error)
        return super().fail_stream(stream, error)

    @override
    def stream_losses(self, stream: StreamUsage) -> tuple[Loss, ...]:
        """Return what the client's dialect had no place for."""
        return stream.losses if isinstance(stream, TranslatedStream) else ()


class TranslatedStream:
    """One stream between two dialects; see `canon.dialect.StreamUsage`."""

    __slots__ = (
        "_bytes",
        "_deltas",
        "_keeper",
        "_reader",
        "_restorer",
        "_writer",
        "is_failed",
        "is_finished",
        "served_model",
        "usage",
    )

    given_ids: tuple[HostId, ...] = ()

    def __init__(
        self, theirs: Chat, writer: StreamWriter, *, keeper: SealKeeper, restorer: Restorer | None = None
    ) -> None:
        self._reader = theirs.open_reader()
        self._writer = writer
        self._keeper = keeper
        self._restorer = restorer
        self._deltas = self._bytes = 0
        self.is_finished = self.is_failed = False
        self.served_model: str | None = None
        self.usage: Usage | None = None

    def feed(self, data: bytes) -> bytes:
        """Take bytes from the host, return bytes for the client. Raises BrokenStream."""
        return self.pass_events(self._reader.feed(data))

    def close(self) -> bytes:
        """The host ended the stream: return the rest. Raises BrokenStream."""
        return self.pass_events(self._reader.close())

    def fail(self, error: RequestError) -> bytes:
        """Return the bytes that end the stream with an error."""
        held = [] if self._restorer is None else self._restorer.flush()
        return b"".join([self._writer.feed(event) for event in held]) + self._writer.fail(error)

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What was not carried so far."""
        return self._writer.losses if self._restorer is None else (*self._writer.losses, *self._restorer.losses)

    def estimate(self, *, input_bytes: int) -> Usage:
        """Count a delta as a token, or its bytes where hosts send many tokens in one."""
        output_tokens = tokens_in(self._deltas, text_bytes=self._bytes)
        return estimate(input_bytes=input_bytes, output_tokens=output_tokens)

    def pass_events(self, events: Iterable[Event]) -> bytes:
        """Write events for the client, taking note of what they say."""
        restorer, feed = self._restorer, self._writer.feed
        if restorer is None:
            return b"".join([feed(self._note(event)) for event in events])
        return b"".join([feed(one) for event in events for one in restorer.restore_event(self._note(event))])

    def _note(self, event: Event) -> Event:
        if isinstance(event, TextAdded | ThoughtAdded):
            self._deltas += 1
            self._bytes += len(event.text.encode())
        elif isinstance(event, Started):
            self.served_model = event.model or None
        elif isinstance(event, UsageReported):
            self.usage = event.usage
        elif isinstance(event, Finished):
            self.is_finished = True
        elif isinstance(event, Failed):
            self.is_failed = True
        return self._keeper.mark_event(event)


class TranslatedWhole(_Translated, Generic[AskedT, AnswerT]):
    """What is answered as a whole, between two dialects: vectors, rankings, judgements of content.

    Args:
        request: As the client asked it.
        brought: What a dialect brings for it.
        leaving: What leaves in its stead, where guards have changed it.
    """

    def __init__(
        self,
        crossing: Crossing,
        request: AskedT,
        *,
        brought: Callable[[Translation], Whole[AskedT, AnswerT] | None],
        leaving: AskedT | None = None,
    ) -> None:
        self._request = request
        self._ours = _brought_by(crossing.inquiry.dialect, brought)
        self._theirs = _brought_by(crossing.host, brought)
        written = self._theirs.write_request(request if leaving is None else leaving, crossing.recipient)
        named = () if leaving is None else (PSEUDONYMISED,)
        super().__init__(crossing, crossing.write_to(self._theirs.path_of(request), written, named=named))

    def read_answer(self, body: bytes) -> Given:
        """Return the answer in the client's dialect. Raises BrokenStream."""
        response = self._theirs.read_response(body)
        written = self._ours.write_response(response, self._request)
        usage = response.usage or self._estimate(0)
        return Given(written.body, usage, response.model or None, losses=written.losses)


class TranslatedCount(_Translated):
    """A count of tokens between two dialects."""

    def __init__(self, crossing: Crossing, request: Request, *, guise: Guise | None = None) -> None:
        self._ours = _count_of(crossing.inquiry.dialect)
        self._theirs = _count_of(crossing.host)
        leaving, named = (request, ()) if guise is None else (guise.chat, (PSEUDONYMISED,))
        written = self._theirs.write_request(leaving, crossing.recipient)
        lost = guise.losses(leaving) if guise is not None else ()
        super().__init__(crossing, crossing.write_to("count_tokens", written, lost=lost, named=named))

    def read_answer(self, body: bytes) -> Given:
        """Return the answer in the client's dialect; counting is free. Raises BrokenStream."""
        return Given(self._ours.write_response(self._theirs.read_response(body)), Usage(), None)


def _brought_by(
    dialect: Dialect, brought: Callable[[Translation], Whole[AskedT, AnswerT] | None]
) -> Whole[AskedT, AnswerT]:
    found = brought(translation_of(dialect))
    if found is None:
        raise Internal(f"The dialect {dialect.name} has no such operation.")
    return found


def _count_of(dialect: Dialect) -> TokenCount:
    found = translation_of(dialect).token_count
    if found is None:
        raise Internal(f"The dialect {dialect.name} does not count tokens.")
    return found


def _operation_of(host: Dialect, name: str, *, is_stream: bool) -> Operation:
    return next(
        one
        for one in host.operations
        if one.name == name and one.host_path is not None and one.is_stream in {None, is_stream}
    )
