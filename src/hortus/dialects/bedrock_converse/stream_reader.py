"""A host's stream to events: each block of content is a part, `messageStop` says how it ended, `metadata` what it cost.

Only calls, results and pictures have a start; words and thoughts begin with their first delta.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, UnsetType
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
from hortus.canon.nodes import Seal
from hortus.canon.parts import Part, Reasoning, Text, ToolCall
from hortus.dialects.bedrock_converse.citations import read_citation
from hortus.dialects.bedrock_converse.parts import read_block
from hortus.dialects.bedrock_converse.response import PADDING, note_metrics, read_stop, read_stop_sequence, tier_of
from hortus.dialects.bedrock_converse.usage import read_usage
from hortus.dialects.bedrock_converse.wire import NAME, InputDelta, ReasoningDelta, StreamEvent, given
from hortus.framing.answers import misshapen
from hortus.framing.aws_errors import read_stream_error
from hortus.framing.aws_frames import Frame, Splitter
from hortus.framing.opening import Notes
from hortus.framing.reading import read_open
from hortus.framing.shallow import check_text

_STRING = msgspec.json.Decoder(str).decode
_LIST = msgspec.json.Decoder(list[Raw]).decode
_OBJECT = msgspec.json.Decoder(dict[str, Raw]).decode
_ENCODE = msgspec.json.Encoder().encode
_EMPTY_OBJECT = Raw(b"{}")


_KINDS = frozenset(("contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop"))


class _Block:
    """The open block.

    Attributes:
        index: As the host counts.
        part: What has begun; None for a block that others read as a whole, until it is complete.
        kind: Of such a block, with its `members`.
        pieces: Of a call's input.
        seal: As far as it came.
        citations: How many came.
    """

    __slots__ = ("citations", "index", "kind", "members", "part", "pieces", "seal")

    def __init__(self, index: int, *, part: Part | None, kind: str = "") -> None:
        self.index = index
        self.part = part
        self.kind = kind
        self.members: dict[str, Raw] = {}
        self.pieces: list[str] = []
        self.seal = ""
        self.citations = 0


class Reader:
    """Reads one stream; see `canon.translation.StreamReader`."""

    __slots__ = ("_block", "_count", "_has_started", "_has_stopped", "_is_over", "_last", "_splitter")

    def __init__(self) -> None:
        self._splitter = Splitter()
        self._has_started = self._has_stopped = self._is_over = False
        self._block: _Block | None = None
        self._count = 0
        self._last = -1

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that are complete now.

        Raises:
            BrokenStream: What came cannot be a stream of this dialect.
        """
        return [event for frame in self._splitter.feed(data) for event in self._read(frame)]

    def close(self) -> list[Event]:
        """The host ended the stream: return the rest.

        Raises:
            BrokenStream: As above, or it ended inside a frame.
        """
        if self._is_over:
            return []
        self._splitter.close()
        if not self._has_stopped:
            return []
        self._is_over = True
        return [Finished()]

    def _read(self, frame: Frame) -> list[Event]:
        if self._is_over:
            return []
        if frame.is_failure:
            self._is_over = True
            code, message = read_stream_error(frame.kind, frame.payload)
            return [Failed(code=code, message=message)]
        notes = Notes(NAME, "")
        try:
            check_text(frame.payload)
            wire = notes.open(frame.payload, StreamEvent)
            if not isinstance(wire.p, UnsetType):
                notes.hush(PADDING, wire.p)
            return self._read_event(frame.kind, wire, notes, data=frame.payload)
        except CallerFault as fault:
            raise misshapen(fault, "stream") from fault

    def _read_event(self, kind: str, wire: StreamEvent, notes: Notes, *, data: bytes) -> list[Event]:
        if kind == "messageStart":
            return self._start(wire, notes)
        if not self._has_started:
            raise BrokenStream("The host's stream does not begin with messageStart.")
        if kind == "metadata":
            return self._report(wire, notes)
        if kind not in _KINDS:
            notes = Notes(NAME, "")
            notes.keep(kind or "unnamed", Raw(data))
            return _with(notes, [])
        events = self._read_piece(kind, wire, notes)
        return _with(notes, events) if events or _says_more(notes) else []

    def _read_piece(self, kind: str, wire: StreamEvent, notes: Notes) -> list[Event]:
        match kind:
            case "contentBlockStart":
                return self._start_block(wire)
            case "contentBlockDelta":
                return self._grow(wire, notes)
            case "contentBlockStop":
                return self._stop_block(wire)
            case _:
                return self._stop(wire, notes)

    def _start(self, wire: StreamEvent, notes: Notes) -> list[Event]:
        if self._has_started:
            raise BrokenStream("The host's stream begins twice.")
        self._has_started = True
        notes.form("own")
        role = given(wire.role)
        if role != "assistant":
            notes.hush("role", Raw(_ENCODE(role)))
        return [Started(extras=notes.extras())]

    def _start_block(self, wire: StreamEvent) -> list[Event]:
        events = self._end_block()
        self._check_new(wire)
        start = {} if isinstance(wire.start, UnsetType) else wire.start
        if len(start) != 1:
            raise BrokenStream("A block of the host's stream begins as nothing that is known.", path="start")
        (kind, raw), *_ = start.items()
        block = self._block = _Block(wire.content_block_index, part=None, kind=kind)
        if kind != "toolUse":
            block.members = _members(raw)
            return events
        members = _members(raw)
        part = read_block(Raw(_ENCODE({kind: members | {"input": _EMPTY_OBJECT}})), self._at)
        if isinstance(part, ToolCall):
            block.part = replace(part, arguments="")
            return [*events, PartStarted(block.part, index=self._count)]
        block.members = members
        return events

    @property
    def _at(self) -> str:
        return f"output.message.content[{self._count}]"

    def _check_new(self, wire: StreamEvent) -> None:
        if wire.content_block_index <= self._last:
            raise BrokenStream("The host's stream goes on with a block that has ended.")

    def _grow(self, wire: StreamEvent, notes: Notes) -> list[Event]:
        delta = {} if isinstance(wire.delta, UnsetType) else wire.delta
        events: list[Event] = []
        for kind, raw in delta.items():
            events += self._grow_by(wire, kind, raw, notes=notes)
        return events

    def _grow_by(self, wire: StreamEvent, kind: str, raw: Raw, *, notes: Notes) -> list[Event]:
        block = self._block
        if block is not None and block.part is None and block.index == wire.content_block_index:
            _grow_whole(block, kind, raw)
            return []
        match kind:
            case "text":
                return self._grow_text(wire, raw)
            case "citation":
                return self._cite(wire, raw)
            case "reasoningContent":
                return self._think(wire, raw)
            case "toolUse":
                return self._grow_input(wire, raw)
            case _:
                notes.keep(f"delta.{kind}", raw)
                return []

    def _open(self, wire: StreamEvent, part: Part) -> tuple[_Block, list[Event]]:
        """Return the block that a delta belongs to, begun if need be."""
        block = self._block
        if block is not None and block.index == wire.content_block_index and isinstance(block.part, type(part)):
            return block, []
        events = self._end_block()
        if block is None or block.index != wire.content_block_index:
            self._check_new(wire)
        block = self._block = _Block(wire.content_block_index, part=part)
        return block, [*events, PartStarted(replace(part, at=self._at), index=self._count)]

    def _grow_text(self, wire: StreamEvent, raw: Raw) -> list[Event]:
        _, events = self._open(wire, Text(text=""))
        text = _string(raw)
        return [*events, TextAdded(text, index=self._count)] if text else events

    def _cite(self, wire: StreamEvent, raw: Raw) -> list[Event]:
        block, events = self._open(wire, Text(text=""))
        at = f"{self._at}.citationsContent.citations[{block.citations}]"
        block.citations += 1
        return [*events, Cited(read_citation(raw, at=at), index=self._count)]

    def _think(self, wire: StreamEvent, raw: Raw) -> list[Event]:
        delta, _ = read_open(raw, ReasoningDelta, at="delta.reasoningContent")
        block, events = self._open(wire, Reasoning(is_redacted=bool(delta.redacted_content)))
        if delta.text:
            events.append(ThoughtAdded(delta.text, index=self._count))
        more = delta.signature or delta.redacted_content
        if more:
            block.seal += more
            events.append(SealSet(Seal(NAME, block.seal), index=self._count))
        return events

    def _grow_input(self, wire: StreamEvent, raw: Raw) -> list[Event]:
        block = self._block
        if block is None or block.index != wire.content_block_index or not isinstance(block.part, ToolCall):
            raise BrokenStream("The host's stream has the input of a call that has not begun.")
        text = read_open(raw, InputDelta, at="delta.toolUse")[0].input
        if not text:
            return []
        block.pieces.append("")
        return [TextAdded(text, index=self._count)]

    def _stop_block(self, wire: StreamEvent) -> list[Event]:
        block = self._block
        if block is not None and block.index == wire.content_block_index:
            return self._end_block()
        self._last = max(self._last, wire.content_block_index)  # one that said nothing
        return []

    def _end_block(self) -> list[Event]:
        block, index = self._block, self._count
        if block is None:
            return []
        self._block = None
        self._last = max(self._last, block.index)
        part = block.part if block.part is not None else read_block(_whole(block), self._at)
        self._count += 1
        if block.part is None:
            return [PartStarted(part, index=index), PartEnded(index=index)]
        if isinstance(part, ToolCall) and not block.pieces:
            return [TextAdded("{}", index=index), PartEnded(index=index)]
        return [PartEnded(index=index)]

    def _stop(self, wire: StreamEvent, notes: Notes) -> list[Event]:
        events = self._end_block()
        if self._has_stopped:
            raise BrokenStream("The host's stream stops twice.")
        self._has_stopped = True
        stop, said = read_stop(given(wire.stop_reason))
        sequence = read_stop_sequence(wire.additional_model_response_fields, notes)
        return [*events, ChoiceEnded(stop=stop, stop_sequence=sequence, extras=said)]

    def _report(self, wire: StreamEvent, notes: Notes) -> list[Event]:
        note_metrics(wire, notes)
        usage = None
        if isinstance(wire.usage, UnsetType):
            notes.form("-usage")
        else:
            usage = read_usage(wire.usage, notes, tier=tier_of(wire.service_tier))
        events: list[Event] = _with(notes, [] if usage is None else [UsageReported(usage)])
        if self._has_stopped:
            self._is_over = True
            events.append(Finished())
        return events


def _says_more(notes: Notes) -> bool:
    extras = notes.extras()
    return extras is not None and bool(extras.members)


def _with(notes: Notes, events: list[Event]) -> list[Event]:
    extras = notes.extras()
    return events if extras is None else [Extra(extras), *events]


def _string(raw: Raw) -> str:
    try:
        return _STRING(raw)
    except msgspec.DecodeError as error:
        raise BrokenStream("A text of the host's stream is none.", path="delta.text") from error


def _members(raw: Raw) -> dict[str, Raw]:
    try:
        return _OBJECT(raw)
    except msgspec.DecodeError as error:
        raise BrokenStream("A block of the host's stream begins as no object.", path="start") from error


def _grow_whole(block: _Block, kind: str, raw: Raw) -> None:
    """Add to a block that is read when it is complete: input in pieces, results as lists, else as it comes."""
    if kind == "toolUse":
        block.pieces.append(read_open(raw, InputDelta, at="delta.toolUse")[0].input)
    elif kind == "toolResult":
        try:
            had = _LIST(block.members.get("content", Raw(b"[]")))
            block.members["content"] = Raw(_ENCODE(had + _LIST(raw)))
        except msgspec.DecodeError as error:
            raise BrokenStream("A result in the host's stream is no list.", path="delta.toolResult") from error
    else:
        block.members |= _members(raw)


def _whole(block: _Block) -> Raw:
    members = dict(block.members)
    if block.kind == "toolUse":
        text = "".join(block.pieces) or "{}"
        try:
            _OBJECT(text)
        except (msgspec.DecodeError, RecursionError) as error:
            raise BrokenStream("The input of a call in the host's stream is no JSON object.") from error
        members["input"] = Raw(text.encode())
    elif block.kind == "toolResult":
        members.setdefault("content", Raw(b"[]"))
    return Raw(_ENCODE({block.kind: members}))
