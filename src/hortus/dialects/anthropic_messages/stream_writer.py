"""Events to a client's stream in Anthropic's frames, as its SDKs expect them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hortus.canon.collect import joined
from hortus.canon.deltas import take_apart
from hortus.canon.errors import BY_CODE, HostFault, RequestError
from hortus.canon.events import (
    ChoiceEnded,
    Delta,
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
from hortus.canon.loss import Loss
from hortus.canon.nodes import Seal
from hortus.canon.parts import Part, Reasoning, Refusal, Text, ToolCall
from hortus.canon.translation import Asking
from hortus.canon.usage import Usage
from hortus.dialects.anthropic_messages.citations import write_citations
from hortus.dialects.anthropic_messages.parts import write_part
from hortus.dialects.anthropic_messages.pen import NOTHING, Object, Pen, own_extras, pen_for
from hortus.dialects.anthropic_messages.response import NEAR_STOPS, write_head, write_stop
from hortus.dialects.anthropic_messages.usage import write_usage
from hortus.dialects.anthropic_messages.wire import NAME
from hortus.framing.anthropic_errors import render_stream_error
from hortus.framing.paths import put_back
from hortus.framing.sse import write_frame
from hortus.framing.stream_losses import StreamLosses

_IN_DELTA = frozenset(("container", "stop_details", "stop_reason", "stop_sequence"))
"""Members of an answer that stand in the `delta` of its last event."""

_OBJECT = msgspec.json.Decoder(dict[str, Raw]).decode
_ENCODE = msgspec.json.Encoder().encode
_EMPTY_OBJECT = Raw(b"{}")


class _Open:
    """The open block, whether its start has been sent, and what its deltas are."""

    __slots__ = ("block", "is_started", "kind", "last_piece")

    def __init__(self, kind: str, block: Object | Raw) -> None:
        self.kind = kind
        self.block = block
        self.is_started = False
        self.last_piece: tuple[str, int] | None = None

    def start(self, index: int) -> bytes:
        """Return the start unless it was sent: a text, or thoughts, without a word are left out."""
        if self.is_started:
            return b""
        self.is_started = True
        return _frame("content_block_start", index=index, content_block=self.block)

    def redact(self, seal: Seal, index: int) -> bytes:
        """Return the start of thoughts that are in their seal alone; none where another maker sealed them."""
        if seal.dialect != NAME or isinstance(self.block, Raw):
            return b""
        self.block["data"] = seal.data
        return self.start(index)


class Writer:
    """Writes one stream; see `canon.translation.StreamWriter`."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._started: Started | None = None
        self._is_own = self._has_begun = self._has_refused = False
        self._usage: Usage | None = None
        self._extras = NOTHING
        self._ended = ChoiceEnded()
        self._open: _Open | None = None
        self._count = 0
        self._at = ""
        self._losses = StreamLosses(asking.source, nothing=NOTHING, why_once="Anthropic answers once.")

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What of the answer was not carried so far."""
        return tuple(self._losses.found)

    def feed(self, event: Event) -> bytes:
        """Return the bytes for an event, perhaps none."""
        match event:
            case Started():
                self._started = event
                self._is_own = own_extras(event.extras) is not NOTHING
            case UsageReported(usage):
                self._usage = usage
            case Extra(extras):
                self._extras = joined(self._extras, self._losses.own(extras))
            case Finished():
                return self._begin() + self._finish()
            case Failed(code, message):
                return self.fail(BY_CODE.get(code, HostFault)(message))
            case _:
                return self._feed_choice(event)
        return b""

    def fail(self, error: RequestError) -> bytes:
        """Return the bytes that end the stream with an error."""
        return self._begin() + render_stream_error(error, "")

    def _feed_choice(self, event: PartStarted | Delta | PartEnded | ChoiceEnded) -> bytes:
        if event.choice:
            self._losses.lose_choice(event.choice)
            return b""
        match event:
            case PartStarted(part):
                return self._begin() + self._start_part(part)
            case PartEnded(extras=extras):
                self._losses.own(extras, at=self._at)
                return self._stop_part()
            case ChoiceEnded():
                self._ended = event
                return b""
            case _:
                return self._grow(event)

    def _begin(self) -> bytes:
        """Return the first frame, once: late enough that usage which comes at once stands in it."""
        started = self._started
        if self._has_begun or started is None:
            return b""
        self._has_begun = True
        own = self._losses.own(started.extras)
        message = write_head(started, self._asking)
        message["content"] = []
        message |= {name: None for name in ("stop_reason", "stop_sequence") if f"start-{name}" not in own.forms}
        if "start-usage" not in own.forms:
            message["usage"] = write_usage(self._usage, own, place="start")
        put_back(message, own.members)
        put_back(message, own.silent)
        return _frame("message_start", message=message)

    def _start_part(self, part: Part) -> bytes:
        skeleton, content = take_apart(part)
        self._at = part.at
        self._has_refused |= isinstance(part, Refusal)
        pen = pen_for(skeleton, self._asking.source, is_answer=True)
        block = _write_skeleton(skeleton, replace(pen, is_own=self._is_own))
        self._losses.found += pen.manifest.losses()
        if block is None:
            return b""
        block, more = _without_input(block) if isinstance(block, Raw) else (block, content)
        is_redacted = isinstance(skeleton, Reasoning) and skeleton.is_redacted
        kind = _REDACTED if is_redacted else _KINDS.get(type(part), _INPUT)
        self._open = _Open(kind, block)
        may_be_empty = kind == _INPUT or (self._is_own and not is_redacted)
        start = self._open.start(self._count) if may_be_empty else b""
        return start + b"".join(self._grow(event) for event in more)

    def _grow(self, event: Delta) -> bytes:
        block = self._open
        if block is None:
            return b""
        if block.kind == _REDACTED and isinstance(event, SealSet):
            return block.redact(event.seal, self._count)
        if block.kind == _REDACTED:  # a summary of what is sealed
            block.kind, block.block = _KINDS[Reasoning], dict(_THINKING)
        delta = self._write_delta(event, block)
        if delta is None:
            return b""
        return block.start(self._count) + _frame("content_block_delta", index=self._count, delta=delta)

    def _write_delta(self, event: Delta, block: _Open) -> Object | None:
        match event:
            case TextAdded(text):
                return {"type": block.kind, _MEMBERS[block.kind]: text}
            case ThoughtAdded(text):
                piece = event.goes_to, event.piece
                is_next = block.last_piece not in {None, piece}
                block.last_piece = piece
                return {"type": "thinking_delta", "thinking": f"\n\n{text}" if is_next else text}
            case SealSet(seal):
                is_own = seal.dialect == NAME and block.kind == "thinking_delta"
                return {"type": "signature_delta", "signature": seal.data} if is_own else None
            case _:
                citation = event.citation
                pen = replace(pen_for(citation, self._asking.source, is_answer=True), is_own=self._is_own)
                written = write_citations((citation,), pen)
                self._losses.found += pen.manifest.losses()
                return {"type": "citations_delta", "citation": written[0]} if written else None

    def _stop_part(self) -> bytes:
        block, self._open = self._open, None
        if block is None or not block.is_started:
            return b""
        index, self._count = self._count, self._count + 1
        return _frame("content_block_stop", index=index)

    def _finish(self) -> bytes:
        ended, own = self._ended, self._extras
        said = self._losses.own(ended.extras, at=self._losses.path_of_choice(0)).members.get("stop_reason")
        near = None if said or ended.stop is None else NEAR_STOPS.get(ended.stop)
        if near is not None:
            self._losses.lose_of_choice("stop", "tuning", near)
        if ended.logprobs is not None:
            self._losses.lose_of_choice("logprobs", "meaning", f"{NAME} has no place for it.")
        delta: Object = {"stop_reason": said or write_stop(ended.stop, has_refused=self._has_refused)}
        if "delta-stop_sequence" not in own.forms:
            delta["stop_sequence"] = ended.stop_sequence
        event: Object = {"delta": delta}
        if "delta-usage" not in own.forms:
            event["usage"] = write_usage(self._usage, own, place="delta")
        for path, raw in (own.members | own.silent).items():
            put_back(delta if path.partition(".")[0] in _IN_DELTA else event, {path: raw})
        return _frame("message_delta", **event) + _frame("message_stop")


_INPUT, _REDACTED = "input_json_delta", "redacted_thinking"
_KINDS: Mapping[type[Part], str] = MappingProxyType(
    {Text: "text_delta", Refusal: "text_delta", ToolCall: _INPUT, Reasoning: "thinking_delta"}
)
_THINKING: Mapping[str, object] = MappingProxyType({"type": "thinking", "thinking": "", "signature": ""})
_MEMBERS: Mapping[str, str] = MappingProxyType({"text_delta": "text", _INPUT: "partial_json"})


def _frame(kind: str, **members: object) -> bytes:
    return write_frame(_ENCODE({"type": kind, **members}), kind.encode())


def _write_skeleton(skeleton: Part, pen: Pen) -> Object | Raw | None:
    match skeleton:
        case Text():
            pen.manifest.take_all(skeleton)
            block: Object = {"type": "text", "text": ""}
            if pen.manifest.has_form(skeleton, "citations"):
                block["citations"] = []
            return pen.close(skeleton, block)
        case Reasoning(is_redacted=is_redacted):
            pen.manifest.take_all(skeleton)
            return pen.close(skeleton, {"type": _REDACTED, "data": ""} if is_redacted else dict(_THINKING))
        case _:
            return write_part(skeleton, pen)


def _without_input(raw: Raw) -> tuple[Raw, list[Delta]]:
    """Return a block that only this dialect knows without its input, and the input as the delta that it stands for."""
    members = _OBJECT(raw)
    text = bytes(members.get("input", _EMPTY_OBJECT))
    if text == b"{}" or not text.startswith(b"{"):
        return raw, []
    return Raw(_ENCODE(members | {"input": _EMPTY_OBJECT})), [TextAdded(text.decode())]
