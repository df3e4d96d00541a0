"""Events to a client's stream in Cohere's frames, as its SDKs expect them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hortus.canon.collect import joined
from hortus.canon.deltas import take_apart
from hortus.canon.errors import BY_CODE, HostFault, RequestError
from hortus.canon.events import (
    ChoiceEnded,
    Cited,
    Delta,
    Event,
    Extra,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    Started,
    TextAdded,
    ThoughtAdded,
    UsageReported,
)
from hortus.canon.loss import Loss
from hortus.canon.nodes import Extras, Node
from hortus.canon.parts import Citation, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from hortus.canon.translation import Asking
from hortus.canon.usage import Usage
from hortus.dialects.cohere_v2.citations import write_citation
from hortus.dialects.cohere_v2.content import PLAN, write_block
from hortus.dialects.cohere_v2.errors import render_stream_error
from hortus.dialects.cohere_v2.messages import write_call
from hortus.dialects.cohere_v2.pen import NOTHING, Object, Pen, pen_for
from hortus.dialects.cohere_v2.response import answer_id, near_stop, write_stop
from hortus.dialects.cohere_v2.stream_reader import START_DELTA
from hortus.dialects.cohere_v2.usage import write_usage
from hortus.dialects.cohere_v2.wire import NAME
from hortus.framing.paths import put_back
from hortus.framing.sse import write_frame
from hortus.framing.stream_losses import StreamLosses

_DONE = write_frame(b"[DONE]")
_START, _END = "message-start", "message-end"
_ENCODE = msgspec.json.Encoder().encode
_RAWS = msgspec.json.Decoder(list[Raw]).decode


class _Open(msgspec.Struct):
    """What is open.

    Attributes:
        kind: `content`, `tool-plan` or `tool-call`.
        member: Of a block: `text` or `thinking`.
        text: Its words so far, for citations.
        piece: Of the thoughts, None before the first.
    """

    kind: str
    member: str = ""
    start: Object | Raw | None = None
    index: int = 0
    text: str = ""
    citations: int = 0
    piece: tuple[str, int] | None = None


class Writer:
    """Writes one stream; see `canon.translation.StreamWriter`."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._is_own = False
        self._usage: Usage | None = None
        self._extras = NOTHING
        self._ended = ChoiceEnded()
        self._open: _Open | None = None
        self._blocks = self._calls = 0
        self._at = ""
        self._losses = StreamLosses(asking.source, nothing=NOTHING, why_once="Cohere answers once.")

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What of the answer was not carried so far."""
        return tuple(self._losses.found)

    def feed(self, event: Event) -> bytes:
        """Return the bytes for an event, perhaps none."""
        match event:
            case Started():
                return self._start(event)
            case UsageReported(usage):
                self._usage = usage
            case Extra(extras):
                return self._write_extra(self._losses.own(extras))
            case Finished():
                return self._finish()
            case Failed(code, message):
                return self.fail(BY_CODE.get(code, HostFault)(message))
            case _:
                return self._feed_choice(event)
        return b""

    def fail(self, error: RequestError) -> bytes:
        """Return the bytes that end the stream with an error."""
        return render_stream_error(error, "") + _DONE

    def _feed_choice(self, event: PartStarted | Delta | PartEnded | ChoiceEnded) -> bytes:
        if event.choice:
            self._losses.lose_choice(event.choice)
            return b""
        match event:
            case PartStarted(part):
                return self._start_part(part)
            case PartEnded(extras=extras):
                self._losses.own(extras, at=self._at)
                return self._stop_part()
            case ChoiceEnded():
                self._ended = event
                return b""
            case _:
                return self._grow(event)

    def _start(self, event: Started) -> bytes:
        own = self._losses.own(event.extras)
        self._is_own = own is not NOTHING
        if event.model:
            name = self._asking.source.names.get("Response.model", "model")
            self._losses.found.append(Loss(name, "advisory", f"{NAME} has no place for it."))
        frame: Object = {"type": _START, "id": answer_id(event, self._asking, is_own=self._is_own)}
        frame["delta"] = START_DELTA
        for name in ("id", "delta"):
            if f"-{name}" in own.forms:
                del frame[name]
        _put(frame, own, _START)
        return _frame(frame)

    def _start_part(self, part: Part) -> bytes:
        self._at = part.at
        skeleton, content = take_apart(part)
        opened = self._begin(skeleton)
        if opened is None:
            return b""
        self._open = opened
        may_be_empty = self._is_own or opened.kind == "tool-call" or isinstance(part, Opaque)
        start = self._begin_block() if may_be_empty else b""
        return start + b"".join(self._grow(event) for event in content)

    def _begin(self, skeleton: Part) -> _Open | None:
        pen = self._pen_for(skeleton)
        opened = self._open_part(skeleton, pen)
        self._losses.found += pen.manifest.losses()
        return opened

    def _open_part(self, skeleton: Part, pen: Pen) -> _Open | None:
        match skeleton:
            case ToolCall():
                call = write_call(skeleton, pen)
                self._calls += 1
                return _Open("tool-call", start=call, index=self._calls - 1)
            case Reasoning():
                pen.manifest.take_all(skeleton)
                if pen.manifest.has_form(skeleton, PLAN):
                    return _Open("tool-plan")
                block = pen.close(skeleton, {"type": "thinking", "thinking": ""})
                return _Open("content", member="thinking", start=block)
            case Text():
                pen.manifest.take_all(skeleton)
                return _Open("content", member="text", start=pen.close(skeleton, {"type": "text", "text": ""}))
            case _:
                start = write_block(skeleton, pen)
                member = "text" if isinstance(skeleton, Refusal) else ""
                return None if start is None else _Open("content", member=member, start=start)

    def _begin_block(self) -> bytes:
        """Return the start of the open part, unless it was sent: a text without a word is left out."""
        opened = self._open
        if opened is None or opened.start is None:
            return b""
        start, opened.start = opened.start, None
        if opened.kind == "content":
            opened.index = self._blocks
            self._blocks += 1
        member = "content" if opened.kind == "content" else "tool_calls"
        delta = {"message": {member: start}}
        return _frame({"type": f"{opened.kind}-start", "index": opened.index, "delta": delta})

    def _grow(self, event: Delta) -> bytes:
        opened = self._open
        if opened is None:
            return b""
        match event:
            case TextAdded(text):
                opened.text += text if opened.kind == "content" else ""
                return self._begin_block() + _delta(opened, text)
            case ThoughtAdded(text):
                piece = event.goes_to, event.piece
                is_next = opened.piece not in {None, piece}
                opened.piece = piece
                return self._begin_block() + _delta(opened, f"\n\n{text}" if is_next else text)
            case Cited(citation):
                return self._begin_block() + self._cite(citation, opened)
            case _:
                return b""  # the seal of another maker, which the gateway keeps

    def _cite(self, citation: Citation, opened: _Open) -> bytes:
        pen = self._pen_for(citation)
        written = write_citation(citation, pen, text=opened.text, block=opened.index)
        self._losses.found += pen.manifest.losses()
        index = opened.citations
        opened.citations += 1
        start = {"type": "citation-start", "index": index, "delta": {"message": {"citations": written}}}
        return _frame(start) + _frame({"type": "citation-end", "index": index})

    def _stop_part(self) -> bytes:
        opened, self._open = self._open, None
        if opened is None or opened.start is not None or opened.kind == "tool-plan":
            return b""
        return _frame({"type": f"{opened.kind}-end", "index": opened.index})

    def _write_extra(self, own: Extras) -> bytes:
        """Return the events that only this dialect has; what belongs to the last one waits for it."""
        written = b""
        ends: dict[str, Raw] = {}
        for path, raw in own.members.items():
            kind, _, rest = path.partition(".")
            if kind == _END:
                ends[path] = raw
            elif rest:
                frame: Object = {"type": kind}
                put_back(frame, {rest: raw})
                written += _frame(frame)
            else:
                written += write_frame(bytes(raw), kind.encode())
        self._extras = joined(self._extras, replace(own, members=ends))
        return written

    def _finish(self) -> bytes:
        ended, own = self._ended, self._extras
        said = self._losses.own(ended.extras, at=self._losses.path_of_choice(0)).members.get("finish_reason")
        near = near_stop(ended.stop) if said is None else None
        if near is not None:
            self._losses.lose_of_choice("stop", "tuning", near)
        if ended.stop_sequence is not None:
            self._losses.lose_of_choice("stop_sequence", "meaning", f"{NAME} has no place for it.")
        usage = own.silent.get("usage")
        delta: Object = {"finish_reason": said or write_stop(ended.stop), "usage": usage or write_usage(self._usage)}
        for name in [name for name in delta if f"-{name}" in own.forms]:
            del delta[name]
        frame: Object = {"type": _END, "delta": delta}
        _put(frame, own, _END)
        return self._write_logprobs(ended.logprobs) + _frame(frame) + _DONE

    def _write_logprobs(self, logprobs: Raw | None) -> bytes:
        if logprobs is None:
            return b""
        if not self._is_own:
            self._losses.lose_of_choice("logprobs", "meaning", f"{NAME} has no place for it.")
            return b""
        return b"".join(_frame({"type": "content-delta", "logprobs": one}) for one in _RAWS(logprobs))

    def _pen_for(self, node: Node) -> Pen:
        return replace(pen_for(node, self._asking.source, is_answer=True), is_own=self._is_own)


def _delta(opened: _Open, text: str) -> bytes:
    if opened.kind == "tool-plan":
        return _frame({"type": "tool-plan-delta", "delta": {"message": {"tool_plan": text}}})
    grown: Object = {"tool_calls": {"function": {"arguments": text}}}
    if opened.kind == "content":
        grown = {"content": {opened.member: text}}
    return _frame({"type": f"{opened.kind}-delta", "index": opened.index, "delta": {"message": grown}})


def _put(frame: Object, own: Extras, kind: str) -> None:
    """Put back what this dialect alone said in the event of this type."""
    for path, raw in _below(own, kind):
        if path in frame:
            del frame[path]
        put_back(frame, {path: raw})


def _below(own: Extras, kind: str) -> Iterator[tuple[str, Raw]]:
    for path, raw in (own.silent | own.members).items():
        if path.startswith(f"{kind}."):
            yield path.removeprefix(f"{kind}."), raw


def _frame(event: Object) -> bytes:
    return write_frame(_ENCODE(event), str(event["type"]).encode())
