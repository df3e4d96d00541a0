"""Events to a client's stream in Bedrock's frames, as Amazon's SDKs expect them."""

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
    Cited,
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
from hortus.canon.nodes import Extras
from hortus.canon.parts import Citation, Part, Reasoning, Refusal, ToolCall
from hortus.canon.translation import Asking
from hortus.canon.usage import Usage
from hortus.dialects.bedrock_converse.citations import write_citations
from hortus.dialects.bedrock_converse.parts import write_block
from hortus.dialects.bedrock_converse.pen import NOTHING, Object, Pen, pen_for
from hortus.dialects.bedrock_converse.response import NEAR_STOPS, NO_METRICS, write_stop, write_stop_sequence
from hortus.dialects.bedrock_converse.usage import write_usage
from hortus.dialects.bedrock_converse.wire import NAME
from hortus.framing.aws_errors import render_stream_error
from hortus.framing.aws_frames import write_event
from hortus.framing.paths import put_back
from hortus.framing.stream_losses import StreamLosses

_IN_DELTAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"toolUse": ("input",), "toolResult": ("content",), "image": ("source",)}
)
"""Members of a block that stand in a delta, not in its start."""

_OBJECT = msgspec.json.Decoder(dict[str, Raw]).decode
_ENCODE = msgspec.json.Encoder().encode


class _Open:
    """The open block.

    Attributes:
        part: What it is.
        is_sent: Whether a frame of it was sent: words that never come are left out.
        seal: As far as it was sent.
        last_piece: Which piece of the thoughts was sent last.
    """

    __slots__ = ("is_sent", "last_piece", "part", "seal")

    def __init__(self, part: Part, *, is_sent: bool) -> None:
        self.part = part
        self.is_sent = is_sent
        self.seal = ""
        self.last_piece: tuple[str, int] | None = None


class Writer:
    """Writes one stream; see `canon.translation.StreamWriter`."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._is_own = self._has_ended = False
        self._usage: Usage | None = None
        self._waiting = NOTHING
        """What only this dialect says of the next frame."""
        self._open: _Open | None = None
        self._count = 0
        self._at = ""
        self._losses = StreamLosses(asking.source, nothing=NOTHING, why_once="Bedrock answers once.")

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What of the answer was not carried so far."""
        return tuple(self._losses.found)

    def feed(self, event: Event) -> bytes:
        """Return the bytes for an event, perhaps none."""
        match event:
            case Started():
                self._waiting = own = self._losses.own(event.extras)
                self._is_own = own is not NOTHING
                if event.model:
                    name = self._asking.source.names.get("Response.model", "model")
                    self._losses.found.append(Loss(name, "advisory", f"{NAME} has no place for it."))
                return self._frame("messageStart", {} if "role" in own.silent else {"role": "assistant"})
            case UsageReported(usage):
                self._usage = usage
            case Extra(extras):
                own = self._losses.own(extras)
                self._waiting = own if self._waiting is NOTHING else joined(self._waiting, own)
            case Finished():
                return self._finish()
            case Failed(code, message):
                return self.fail(BY_CODE.get(code, HostFault)(message))
            case _:
                return self._feed_choice(event)
        return b""

    def fail(self, error: RequestError) -> bytes:
        """Return the bytes that end the stream with an error."""
        return render_stream_error(error, "")

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
                return self._end(event)
            case _:
                return self._grow(event)

    def _frame(self, kind: str, payload: Object) -> bytes:
        waiting, self._waiting = self._waiting, NOTHING
        put_back(payload, waiting.members)
        put_back(payload, waiting.silent)
        return write_event(kind, _ENCODE(payload))

    def _start_part(self, part: Part) -> bytes:
        self._at = part.at
        skeleton, content = take_apart(part)
        content.sort(key=lambda delta: not isinstance(delta, Cited))  # Bedrock's citations stand before the words
        if isinstance(skeleton, ToolCall) or skeleton is part:
            frames = self._start_whole(skeleton)
        else:
            self._note_skeleton(skeleton)
            frames = b""
        return frames + b"".join(self._grow(event) for event in content)

    def _note_skeleton(self, part: Part) -> None:
        """Begin a part whose words are still to come, and note what of it is lost."""
        pen = self._pen(part)
        if isinstance(part, Refusal):
            write_block(part, pen)  # for what it says of the loss
        else:
            pen.manifest.take_all(part)
        self._losses.found += pen.manifest.losses()
        self._open = _Open(part, is_sent=False)

    def _pen(self, part: Part) -> Pen:
        return replace(pen_for(part, self._asking.source, is_answer=True), is_own=self._is_own)

    def _start_whole(self, part: Part) -> bytes:
        """Return the start of a block, and its delta where it came as a whole."""
        pen = self._pen(part)
        block = write_block(part, pen)
        self._losses.found += pen.manifest.losses()
        if block is None:
            return b""
        ((kind, inner),) = _OBJECT(_ENCODE(block)).items()
        members = _OBJECT(inner)
        self._open = _Open(part, is_sent=True)
        if isinstance(part, ToolCall):
            del members["input"]
            return self._block_frame("Start", start={kind: members})
        waiting, self._waiting = self._waiting, NOTHING
        moved = {name: members.pop(name) for name in _IN_DELTAS.get(kind, ()) if name in members}
        frames = self._block_frame("Start", start={kind: members})
        if moved:
            frames += self._block_frame("Delta", delta={kind: _delta_of(kind, moved)})
        self._waiting = waiting
        return frames

    def _block_frame(self, kind: str, **members: object) -> bytes:
        return self._frame(f"contentBlock{kind}", {"contentBlockIndex": self._count, **members})

    def _grow(self, event: Delta) -> bytes:
        block = self._open
        if block is None:
            return b""
        delta = self._write_delta(event, block)
        if delta is None:
            return b""
        block.is_sent = True
        return self._block_frame("Delta", delta=delta)

    def _write_delta(self, event: Delta, block: _Open) -> Object | None:
        match event:
            case TextAdded(text):
                return {"toolUse": {"input": text}} if isinstance(block.part, ToolCall) else {"text": text}
            case ThoughtAdded(text):
                piece = event.goes_to, event.piece
                is_next = block.last_piece not in {None, piece}
                block.last_piece = piece
                return {"reasoningContent": {"text": f"\n\n{text}" if is_next else text}}
            case SealSet(seal):
                if seal.dialect != NAME or not isinstance(block.part, Reasoning):
                    return None
                more, block.seal = seal.data.removeprefix(block.seal), seal.data
                return {"reasoningContent": {"redactedContent" if block.part.is_redacted else "signature": more}}
            case _:
                return self._write_citation(event.citation)

    def _write_citation(self, citation: Citation) -> Object | None:
        pen = replace(pen_for(citation, self._asking.source, is_answer=True), is_own=self._is_own)
        written = write_citations((citation,), pen)
        if not written:
            pen.manifest.lose(citation, "", "Bedrock's citations name no stretch of the answer.")
        self._losses.found += pen.manifest.losses()
        return {"citation": written[0]} if written else None

    def _stop_part(self) -> bytes:
        block, self._open = self._open, None
        if block is None:
            return b""
        frames = b""
        if not block.is_sent:
            if not self._is_own:
                return b""
            waiting, self._waiting = self._waiting, NOTHING
            is_thought = isinstance(block.part, Reasoning)
            frames = self._block_frame(
                "Delta", delta={"reasoningContent": {"text": ""}} if is_thought else {"text": ""}
            )
            self._waiting = waiting
        frames += self._block_frame("Stop")
        self._count += 1
        return frames

    def _end(self, ended: ChoiceEnded) -> bytes:
        self._has_ended = True
        said = self._losses.own(ended.extras, at=self._losses.path_of_choice(0)).silent.get("stopReason")
        near = None if said or ended.stop is None else NEAR_STOPS.get(ended.stop)
        if near is not None:
            self._losses.lose_of_choice("stop", "tuning", near)
        if ended.logprobs is not None:
            self._losses.lose_of_choice("logprobs", "meaning", f"{NAME} has no place for it.")
        reason = said or write_stop(ended.stop) or (None if self._is_own else "end_turn")
        stopped: Object = {} if reason is None else {"stopReason": reason}
        return self._frame("messageStop", stopped | write_stop_sequence(ended.stop_sequence))

    def _finish(self) -> bytes:
        if self._is_own and self._usage is None and self._waiting is NOTHING:
            return b""
        stop = b"" if self._has_ended or self._is_own else self._frame("messageStop", {"stopReason": "end_turn"})
        own = self._waiting
        payload: Object = (
            {} if "-usage" in own.forms else {"usage": write_usage(self._usage, _marked(own, self._is_own))}
        )
        if not self._is_own:
            payload["metrics"] = dict(NO_METRICS)
        return stop + self._frame("metadata", payload)


def _marked(own: Extras, is_own: bool) -> Extras:  # noqa: FBT001 -- says of which side the extras are
    return replace(own, forms=(*own.forms, "own")) if is_own else own


def _delta_of(kind: str, members: Mapping[str, Raw]) -> object:
    """Return what the delta of a block that came whole holds."""
    if kind == "toolUse":
        return {"input": bytes(members["input"]).decode()}
    return members["content"] if kind == "toolResult" else members
