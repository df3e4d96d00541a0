"""How does one request pass to one host, and the answer back? As it came, where both speak the same dialect.

A relay changes the members of a closed list and no other byte; what else a host's row demands is named. The other kind
of passage is a translation (`gateway.translate`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol
from urllib.parse import parse_qsl, quote, urlencode

import msgspec

from hortus.canon.dialect import Asked, Dialect, HostId, Operation, StreamUsage
from hortus.canon.errors import HostFault, HostRefused, RequestError
from hortus.canon.loss import Loss, Weight
from hortus.canon.translation import Call
from hortus.canon.usage import Usage
from hortus.canon.work import Work
from hortus.framing.call_ids import ADAPTED_IDS, with_short_ids
from hortus.framing.passed_bytes import PassedBytes
from hortus.gateway.choose import KEEPING, ROUTE_MEANT, need_of
from hortus.gateway.ports import Body, size_of
from hortus.gateway.uploads import Upload, name_model, to_keep
from hortus.snapshot.model import Spoken
from hortus.snapshot.resolved import Target, Way

ADAPTED_MODEL = "model"
"""Adaptation: the route's name is replaced by the host's name of the model."""

_MODEL_GAP, _WHOLE_MODEL_GAP = "{model}", "{whole_model}"
_EVENT_STREAMS = (b"text/event-stream", b"application/vnd.amazon.eventstream")
_ID_GAP = "{id}"
_NULL = msgspec.Raw(b"null")
_STREAMED = "_stream"
"""A row may have a path of its own for an operation's streams: `chat_stream`."""


class Outgoing(msgspec.Struct, frozen=True):
    """A request as a host gets it.

    Attributes:
        dialect: The host's.
        path: Below the host's base address.
        losses: What the host does not get, in the client's words.
        headers: Sent besides those of every call; they replace the client's own of the same name.
    """

    dialect: str
    path: str
    body: Body
    adaptations: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def size_bytes(self) -> int:
        """Length of its body."""
        return size_of(self.body)

    def without_words(self) -> Outgoing:
        """Return what can be kept of it when the words are not needed any more."""
        return msgspec.structs.replace(self, body=b"", headers=())


class Given(msgspec.Struct, frozen=True):
    """A whole answer for the client; `losses` are what its dialect has no place for.

    Attributes:
        has_ended: Whether work that was begun earlier is at its end: `usage` is all of it.
    """

    body: bytes
    usage: Usage
    served_model: str | None
    given_ids: tuple[HostId, ...] = ()
    losses: tuple[Loss, ...] = ()
    has_ended: bool = False


class Passage(Protocol):
    """One request's way to one host and back."""

    outgoing: Outgoing
    answer_type: str | None
    """Content type of a whole answer; None for the host's own."""
    stream_type: str | None
    """Likewise of a stream."""

    def read_answer(self, body: bytes) -> Given:
        """Return what the client gets of a whole answer.

        Raises:
            hortus.canon.errors.BrokenStream: It cannot be read, so it cannot be translated.
        """
        ...

    def is_stream(self, content_type: bytes | None) -> bool:
        """Tell whether an answer of this type is passed on in parts."""
        ...

    def open_stream(self, content_type: bytes | None = None) -> StreamUsage:
        """Return what turns the host's bytes, labelled with this type, into the client's."""
        ...

    def fail_stream(self, stream: StreamUsage, error: RequestError) -> bytes | None:
        """Return the bytes that end a stream that has begun with an error; None where only a cut can tell of one."""
        ...

    def stream_losses(self, stream: StreamUsage) -> tuple[Loss, ...]:
        """Return what of a stream the client's dialect had no place for."""
        ...

    def read_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> HostFault | None:
        """Return the host's error in canonical form, None where the client understands the host's own words."""
        ...


class Inquiry(msgspec.Struct, frozen=True):
    """What the client asks, as far as any passage needs it.

    Attributes:
        dialect: The client's.
        body: As it came.
        call: What stood around it.
        receipt_id: For ids that Hortus makes, and for errors.
        project_id: Who owns what hosts keep for it.
        now_s: Unix time.
        snapshot_version: By which configuration it is answered.
        adaptations: Names of what Hortus has changed in it for any host.
        continues: The answer that it goes on from, where Hortus has put the conversation into the body.
        is_kept: Whether Hortus keeps the answer, so that it can be continued.
        upload: The body, where it is a form; `body` is empty then.
        run: What is to be run of what a host keeps, as far as that is known.
    """

    dialect: Dialect
    operation: Operation
    asked: Asked
    body: bytes
    call: Call
    receipt_id: str
    project_id: str
    now_s: int
    snapshot_version: int = 0
    adaptations: tuple[str, ...] = ()
    continues: str | None = None
    is_kept: bool = False
    upload: Upload | None = None
    run: Work | None = None

    @property
    def size_bytes(self) -> int:
        """Length of the body as it came."""
        return len(self.body) if self.upload is None else self.upload.form.size_bytes

    @property
    def text_bytes(self) -> int:
        """Length of what of it is text, as far as that is known: files are none."""
        return self.size_bytes if self.upload is None else self.size_bytes - self.upload.form.file_bytes


class RelayPassage:
    """Both sides speak the same dialect."""

    answer_type: str | None = None
    stream_type: str | None = None

    def __init__(self, inquiry: Inquiry, target: Target) -> None:
        way = target.ways[inquiry.dialect.name]
        self._inquiry = inquiry
        if inquiry.upload is not None:
            self.outgoing = _relayed_form(inquiry, inquiry.upload, way)
            return
        asked, losses, named = _with_habits(inquiry.asked, way.spoken, weights=_weights(inquiry.dialect))
        rewritten = inquiry.dialect.write_request(asked, way.model)
        path = path_at_host(inquiry.operation, way.spoken, is_stream=asked.is_stream)
        body = rewritten.body
        if sits_in_path(inquiry.operation, path):
            body = without_model(body)
        self.outgoing = Outgoing(
            dialect=inquiry.dialect.name,
            path=_with_query(path, way.model, inquiry=inquiry),
            body=body,
            adaptations=rewritten.adaptations + named,
            losses=losses,
        )

    def read_answer(self, body: bytes) -> Given:
        """Return the answer as it came, but for what leads past Hortus."""
        inquiry = self._inquiry
        answer = inquiry.dialect.read_answer(inquiry.operation, body, inquiry.size_bytes)
        given = body if answer.body is None else answer.body
        return Given(given, answer.usage, answer.served_model, answer.given_ids, has_ended=answer.has_ended)

    def is_stream(self, content_type: bytes | None) -> bool:
        """Tell whether the host says so, or the path did (its stream may be a JSON array), or anything is."""
        operation = self._inquiry.operation
        return is_event_stream(content_type) or operation.is_stream is True or operation.answer == "bytes"

    def open_stream(self, content_type: bytes | None = None) -> StreamUsage:
        """Return the dialect's own reader of passing streams, or of bytes that are none of its own."""
        dialect, operation = self._inquiry.dialect, self._inquiry.operation
        if operation.answer != "bytes" or is_event_stream(content_type) or dialect.open_bytes is None:
            return dialect.open_stream(self._inquiry.asked.wants_usage)
        return dialect.open_bytes(self._inquiry.asked)

    def fail_stream(self, stream: StreamUsage, error: RequestError) -> bytes | None:
        """Return the error as the dialect's SDKs expect it; in sound or a file it would be noise."""
        if isinstance(stream, PassedBytes):
            return None
        return self._inquiry.dialect.render_stream_error(error, self._inquiry.receipt_id)

    def stream_losses(self, stream: StreamUsage) -> tuple[Loss, ...]:
        """Return nothing: a relay loses nothing."""
        del stream
        return ()

    def read_error(self, status: int, body: bytes, headers: Mapping[str, str]) -> HostFault | None:
        """Leave the host's words as they are, unless they are about a credential that is not the client's."""
        translation = self._inquiry.dialect.translation
        error = translation.read_error(status, body, headers) if translation is not None else None
        return error if isinstance(error, HostRefused) else None


def _relayed_form(inquiry: Inquiry, upload: Upload, way: Way) -> Outgoing:
    """Return a form as it came, but for the model's name, in the form or in the requests that its file holds."""
    path = path_at_host(inquiry.operation, way.spoken, is_stream=inquiry.asked.is_stream)
    if need_of(inquiry.operation) in KEEPING:
        body = to_keep(upload, way.model, own_field=ROUTE_MEANT)
    else:
        body = name_model(upload, way.model)
    is_named = body is not upload.body and (upload.requests is not None or upload.form.field(ROUTE_MEANT) is None)
    return Outgoing(
        dialect=inquiry.dialect.name,
        path=_with_query(path, way.model, inquiry=inquiry),
        body=body,
        adaptations=(ADAPTED_MODEL,) if is_named else (),
        headers=((b"content-type", upload.content_type),),
    )


def path_at_host(operation: Operation, spoken: Spoken, *, is_stream: bool, name: str | None = None) -> str:
    """Return the path below the host's base address, with its gap for the model: the row's, else the dialect's own."""
    name = name or operation.name
    own = spoken.paths.get(name + _STREAMED) if is_stream else None
    return own or spoken.paths.get(name) or operation.host_path or ""


def fill_path(path: str, model: str) -> str:
    """Put the host's name of the model into a path; slashes in it stay, for hosts use them, but in a whole one."""
    path = path.replace(_WHOLE_MODEL_GAP, quote(model, safe=""))
    return path.replace(_MODEL_GAP, quote(model, safe="/:@")) if _MODEL_GAP in path else path


def fill_id(path: str, host_id: str) -> str:
    """Put the id of something that the host keeps into a path."""
    return path.replace(_ID_GAP, quote(host_id, safe=""))


def without_model(body: bytes) -> bytes:
    """Take `model` out of a body: this host has it in the path."""
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    members.pop("model", None)
    return msgspec.json.encode(members)


def is_event_stream(content_type: bytes | None) -> bool:
    """Tell whether an answer is labelled as a stream of events."""
    return content_type is not None and content_type.lower().startswith(_EVENT_STREAMS)


def sits_in_path(operation: Operation, path: str) -> bool:
    """Tell whether a host has the model in its path where the dialect has it in the body."""
    return _MODEL_GAP in path and _MODEL_GAP not in (operation.host_path or "")


def _with_query(path: str, model: str, *, inquiry: Inquiry) -> str:
    """Fill the gap, and let the client's own parameters stand in place of the usual ones."""
    filled = fill_id(fill_path(path, model), inquiry.call.route or "")
    passed = inquiry.dialect.passed_query
    if not passed:
        return filled
    bare, _, usual = filled.partition("?")
    kept = [(name, value) for name, value in parse_qsl(usual) if name not in passed]
    kept += [(name, value) for name, value in inquiry.call.query.items() if name in passed]
    return f"{bare}?{urlencode(kept)}" if kept else bare


def _weights(dialect: Dialect) -> Mapping[str, Weight]:
    return dialect.translation.vocabulary.weights if dialect.translation is not None else {}


def _with_habits(
    asked: Asked, spoken: Spoken, *, weights: Mapping[str, Weight]
) -> tuple[Asked, tuple[Loss, ...], tuple[str, ...]]:
    """Change what the host's row says, member by member; return what is lost and what was changed."""
    if not (spoken.forbids or spoken.renames or spoken.demands or spoken.short_call_ids):
        return asked, (), ()
    members = dict(asked.members)
    losses = tuple(_forbidden(members, spoken, weights=weights))
    named = tuple(_mended(members, spoken))
    shortened = with_short_ids(members) if spoken.short_call_ids else None
    if shortened is not None:
        members, named = shortened, (*named, ADAPTED_IDS)
    return msgspec.structs.replace(asked, members=members), losses, named


def _forbidden(members: dict[str, msgspec.Raw], spoken: Spoken, *, weights: Mapping[str, Weight]) -> Iterator[Loss]:
    """Take out what the host refuses."""
    for name in spoken.forbids:
        if bytes(members.pop(name, _NULL)) != b"null":
            weight = spoken.weights.get(name) or weights.get(name, "tuning")
            yield Loss(path=name, weight=weight, reason="This host refuses it.")


def _mended(members: dict[str, msgspec.Raw], spoken: Spoken) -> Iterator[str]:
    """Rename and add what the host demands; return the names of these changes."""
    for name, other in spoken.renames.items():
        if name in members and other not in members:
            members[other] = members.pop(name)
            yield f"{name}>{other}"
    for name, value in spoken.demands.items():
        if name not in members:
            members[name] = value
            yield f"+{name}"
