"""A host's stream to events: each block of content is a part, `message_delta` says how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec
from msgspec import UNSET, Raw, UnsetType
from msgspec.structs import replace

from hortus.canon.errors import BrokenStream, CallerFault
from hortus.canon.events import (
    ChoiceEnded,
    Cited,
    Event,
    Extra,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    SealSet,
    Started,
    TextAdded,
    ThoughtAdded,
    UsageReported,
)
from hortus.canon.nodes import Extras, Seal
from hortus.canon.parts import Opaque, Part, Reasoning, Text, ToolCall
from hortus.dialects.anthropic_messages.citations import read_citation
from hortus.dialects.anthropic_messages.parts import UNSIGNED, read_part
from hortus.dialects.anthropic_messages.response import note_head, read_stop
from hortus.dialects.anthropic_messages.usage import Said, read_usage, said_in
from hortus.dialects.anthropic_messages.wire import NAME, AnswerBody, BlockDelta, StopDelta, StreamEvent, given
from hortus.framing.answers import misshapen
from hortus.framing.anthropic_errors import read_stream_error
from hortus.framing.opening import Notes
from hortus.framing.paths import join_name, join_paths
from hortus.framing.reading import read_open
from hortus.framing.shallow import check_text
from hortus.framing.sse import Frame, SseSplitter

_OBJECT = msgspec.json.Decoder(dict[str, Raw]).decode
_STRING = msgspec.json.Decoder(str).decode
_ENCODE = msgspec.json.Encoder().encode
_NULL = Raw(b"null")


class _Block:
    """The open block.

    Attributes:
        part: As its start said; a part that others read as a whole is handed out only when it is complete.
        index: As the host counts.
        has_grown: Whether a delta said something.
        pieces: Of the input of a call that the host runs.
        citations: How many came.
    """

    __slots__ = ("citations", "has_grown", "index", "is_whole", "part", "pieces")

    def __init__(self, part: Part, index: int) -> None:
        self.part = part
        self.index = index
        self.has_grown = False
        self.pieces: list[str] = []
        self.citations = 0
        self.is_whole = not isinstance(part, Text | ToolCall | Reasoning)


class Reader:
    """Reads one stream; see `canon.translation.StreamReader`."""

    __slots__ = ("_block", "_count", "_has_started", "_has_stopped", "_is_over", "_said", "_splitter")

    def __init__(self) -> None:
        self._splitter = SseSplitter()
        self._has_started = self._has_stopped = self._is_over = False
        self._block: _Block | None = None
        self._count = 0
        self._said: Said = {}

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that are complete now.

        Raises:
            BrokenStream: What came cannot be a stream of this dialect.
        """
        return [event for frame in self._splitter.feed(data) for event in self._read(frame)]

    def close(self) -> list[Event]:
        """The host ended the stream: return the rest.

        Raises:
            BrokenStream: As above.
        """
        frame = self._splitter.close()
        return [] if frame is None else self._read(frame)

    def _read(self, frame: Frame) -> list[Event]:
        if self._is_over or frame.data is None or frame.data.strip() == b"[DONE]":
            return []
        try:
            check_text(frame.data)
            event, unknown = read_open(frame.data, StreamEvent)
            return self._read_event(event, unknown, data=frame.data)
        except CallerFault as fault:
            raise misshapen(fault, "stream") from fault

    def _read_event(self, event: StreamEvent, unknown: Mapping[str, Raw], *, data: bytes) -> list[Event]:
        match event.type:
            case "ping":
                return []
            case "error":
                self._is_over = True
                code, message = read_stream_error(_NULL if isinstance(event.error, UnsetType) else event.error)
                return [Failed(code=code, message=message)]
            case "message_start":
                return self._start(event) + _others(event, unknown)
            case _ if not self._has_started:
                raise BrokenStream("The host's stream does not begin with message_start.")
            case "message_delta":
                return self._end(event, unknown)
            case "content_block_start" | "content_block_delta" | "content_block_stop":
                return self._read_block(event) + _others(event, unknown)
            case "message_stop":
                self._is_over = True
                return [*self._end_block(), *_others(event, unknown), Finished()]
            case kind:
                return [_extra({kind: Raw(data)})]

    def _read_block(self, event: StreamEvent) -> list[Event]:
        if event.type == "content_block_delta":
            return self._grow(event)
        if event.type == "content_block_start":
            return self._start_block(event)
        self._check_open(event)
        return self._end_block()

    def _start(self, event: StreamEvent) -> list[Event]:
        if self._has_started:
            raise BrokenStream("The host's stream begins twice.")
        self._has_started = True
        notes = Notes(NAME, "message")
        wire = notes.open(_needed(event.message, "message"), AnswerBody)
        if wire.content:
            raise BrokenStream("The host's stream begins with content in its first event.")
        note_head(wire, notes)
        for name in ("stop_reason", "stop_sequence"):
            if getattr(wire, name) is UNSET:
                notes.form(f"start-{name}")
        usage = None
        if isinstance(wire.usage, UnsetType):
            notes.form("start-usage")
        else:
            self._said = said_in(wire.usage)
            usage = read_usage(wire.usage, notes, said=self._said, place="start")
        started = Started(id=given(wire.id) or "", model=given(wire.model) or "", extras=notes.extras())
        return [started, UsageReported(usage)] if usage else [started]

    def _start_block(self, event: StreamEvent) -> list[Event]:
        events = self._end_block()
        raw = _needed(event.content_block, "content_block")
        part = read_part(raw, f"content[{self._count}]")
        block = self._block = _Block(part, event.index)
        return events if block.is_whole else events + self._begin_part(block)

    def _begin_part(self, block: _Block) -> list[Event]:
        """Return the beginning of a part with what its start says of its content, as the deltas that it stands for."""
        part, index = block.part, self._count
        if isinstance(part, Text):
            texts: list[Event] = [TextAdded(part.text, index=index)] if part.text else []
            block.citations = len(part.citations)
            cited: list[Event] = [Cited(one, index=index) for one in part.citations]
            return [PartStarted(replace(part, text="", citations=()), index=index), *texts, *cited]
        if isinstance(part, ToolCall):
            return [PartStarted(replace(part, arguments=""), index=index)]
        if not isinstance(part, Reasoning) or part.is_redacted:
            block.has_grown = True
            return [PartStarted(part, index=index)]
        thoughts: list[Event] = [ThoughtAdded(text, index=index) for text in part.texts]
        seals: list[Event] = [SealSet(part.seal, index=index)] if part.seal else []
        block.has_grown = bool(seals)
        block.part = replace(part, texts=(), seal=None, extras=_signed(part.extras))
        return [PartStarted(block.part, index=index), *thoughts, *seals]

    def _grow(self, event: StreamEvent) -> list[Event]:
        block = self._check_open(event)
        raw = _needed(event.delta, "delta")
        delta, unknown = read_open(raw, BlockDelta, at="delta")
        if block.is_whole:
            _grow_whole(block, delta, raw)
            return []
        at = f"content[{self._count}]"
        grow = _GROWERS.get(delta.type)
        if grow is None:
            return [_extra({join_name(at, delta.type): raw})]
        others = [_extra({join_paths(at, path): value for path, value in unknown.items()})] if unknown else []
        return [*grow(block, delta, self._count), *others]

    def _check_open(self, event: StreamEvent) -> _Block:
        block = self._block
        if block is None or event.index not in {block.index, -1}:
            raise BrokenStream(f"The host's stream has a {event.type} for a block that is not open.")
        return block

    def _end_block(self) -> list[Event]:
        block, index = self._block, self._count
        if block is None:
            return []
        self._block = None
        self._count += 1
        part = block.part
        if block.is_whole:
            return [PartStarted(_completed(block), index=index), PartEnded(index=index)]
        if isinstance(part, ToolCall) and not block.has_grown:
            return [TextAdded(part.arguments, index=index), PartEnded(index=index)]
        if isinstance(part, Reasoning) and not block.has_grown:
            return [PartEnded(index=index, extras=_unsigned(part.extras))]
        return [PartEnded(index=index)]

    def _end(self, event: StreamEvent, unknown: Mapping[str, Raw]) -> list[Event]:
        events = self._end_block()
        notes = Notes(NAME, "")
        delta = notes.open(_needed(event.delta, "delta"), StopDelta)
        for path, raw in unknown.items():
            notes.keep(path, raw)
        if delta.stop_sequence is UNSET:
            notes.form("delta-stop_sequence")
        if isinstance(event.usage, UnsetType):
            notes.form("delta-usage")
        else:
            self._said = said_in(event.usage, self._said)
            usage = read_usage(event.usage, notes, said=self._said, place="delta")
            events += [] if usage is None else [UsageReported(usage)]
        stop, said = read_stop(given(delta.stop_reason))
        if stop is not None and not self._has_stopped:  # hosts may report usage again, each time with the reason
            self._has_stopped = True
            events.append(ChoiceEnded(stop=stop, stop_sequence=given(delta.stop_sequence), extras=said))
        extras = notes.extras()
        return [*events, *([Extra(extras)] if extras else [])]


def _grow_text(block: _Block, delta: BlockDelta, index: int) -> list[Event]:
    _check(block, Text, delta)
    return [TextAdded(delta.text, index=index)] if delta.text else []


def _grow_input(block: _Block, delta: BlockDelta, index: int) -> list[Event]:
    _check(block, ToolCall, delta)
    if not delta.partial_json:
        return []
    block.has_grown = True
    return [TextAdded(delta.partial_json, index=index)]


def _grow_thoughts(block: _Block, delta: BlockDelta, index: int) -> list[Event]:
    _check(block, Reasoning, delta)
    return [ThoughtAdded(delta.thinking, index=index)] if delta.thinking else []


def _sign(block: _Block, delta: BlockDelta, index: int) -> list[Event]:
    _check(block, Reasoning, delta)
    if not delta.signature:
        return []
    block.has_grown = True
    return [SealSet(Seal(NAME, delta.signature), index=index)]


def _cite(block: _Block, delta: BlockDelta, index: int) -> list[Event]:
    _check(block, Text, delta)
    citation = read_citation(_needed(delta.citation, "citation"), at=f"content[{index}].citations[{block.citations}]")
    block.citations += 1
    return [Cited(citation, index=index)]


_GROWERS: Mapping[str, Callable[[_Block, BlockDelta, int], list[Event]]] = MappingProxyType(
    {
        "text_delta": _grow_text,
        "input_json_delta": _grow_input,
        "thinking_delta": _grow_thoughts,
        "signature_delta": _sign,
        "citations_delta": _cite,
    }
)


def _check(block: _Block, kind: type[Part], delta: BlockDelta) -> None:
    if not isinstance(block.part, kind):
        raise BrokenStream(f"The host's stream adds a {delta.type[:100]} to a block of another type.")


def _grow_whole(block: _Block, delta: BlockDelta, raw: Raw) -> None:
    """Add to a part that only this dialect knows: its input in pieces, other members as they come."""
    if delta.type == "input_json_delta":
        block.pieces.append(delta.partial_json)
    elif isinstance(block.part, Opaque):
        members = _OBJECT(block.part.raw)
        for name, value in _OBJECT(raw).items():
            if name != "type":
                members[name] = _joined(members.get(name, _NULL), value)
        block.part = replace(block.part, raw=Raw(_ENCODE(members)))


def _joined(had: Raw, more: Raw) -> Raw:
    if _is_text(had) and _is_text(more):
        return Raw(_ENCODE(_STRING(had) + _STRING(more)))
    return more


def _is_text(raw: Raw) -> bool:
    return bytes(memoryview(raw)[:1]) == b'"'


def _completed(block: _Block) -> Part:
    text = "".join(block.pieces)
    if not text or not isinstance(block.part, Opaque):
        return block.part
    try:
        _OBJECT(text.encode())
    except (msgspec.DecodeError, RecursionError) as error:
        raise BrokenStream("The input of a call in the host's stream is no JSON object.") from error
    members = _OBJECT(block.part.raw) | {"input": Raw(text.encode())}
    return replace(block.part, raw=Raw(_ENCODE(members)))


def _needed(raw: Raw | UnsetType, name: str) -> Raw:
    if isinstance(raw, UnsetType):
        raise BrokenStream(f"An event of the host's stream lacks its {name}.", path=name)
    return raw


def _others(event: StreamEvent, unknown: Mapping[str, Raw]) -> list[Event]:
    return [_extra({join_paths(event.type, path): raw for path, raw in unknown.items()})] if unknown else []


def _extra(members: dict[str, Raw]) -> Extra:
    return Extra(Extras(NAME, members=members))


def _signed(extras: Extras | None) -> Extras | None:
    """Return the extras of thoughts whose seal is still to come."""
    if extras is None:
        return None
    forms = tuple(form for form in extras.forms if form != UNSIGNED)
    return replace(extras, forms=forms) if forms or extras.members else None


def _unsigned(extras: Extras | None) -> Extras:
    extras = extras or Extras(NAME)
    return replace(extras, forms=(*extras.forms, UNSIGNED))
