"""A client's stream: each event becomes a frame that is a whole answer with the next piece; calls are written whole.

Google tells the reason of the end and the usage in the last frame: so choices end there.
"""

from __future__ import annotations

import msgspec

from hortus.base.time import format_utc
from hortus.canon.collect import Growing
from hortus.canon.errors import BY_CODE, HostFault, RequestError
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
from hortus.canon.loss import Loss
from hortus.canon.manifest import Manifest
from hortus.canon.nodes import Extras, Node, Seal
from hortus.canon.parts import Part, Reasoning, Refusal, Text, ToolCall
from hortus.canon.request import Message
from hortus.canon.response import Choice, Response
from hortus.canon.translation import Asking
from hortus.dialects.gemini.errors import describe
from hortus.dialects.gemini.frames import Framing
from hortus.dialects.gemini.members import NAME, Object, Pen
from hortus.dialects.gemini.parts import write_part
from hortus.dialects.gemini.response import BLOCKED, write_end
from hortus.dialects.gemini.usage import USAGE, write_usage
from hortus.framing.paths import put_back

_MS_PER_S = 1000


class Writer:
    """Writes one stream; see `canon.translation.StreamWriter`."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._framing = Framing(asking.call)
        self._is_own = self._is_begun = False
        self._head: Object = {}
        self._usage: dict[str, int] = {}
        self._counted: dict[str, msgspec.Raw] = {}
        """What is kept beside the usage; written again with each."""
        self._due = Extras(dialect=NAME)
        """What is kept of the whole answer and not written yet."""
        self._has_usage_due = self._has_more_due = False
        self._growing: dict[int, _Part] = {}
        self._ended: list[ChoiceEnded] = []
        self._calling: set[int] = set()
        self._losses: list[Loss] = []

    def feed(self, event: Event) -> bytes:
        """Return the bytes for an event, perhaps none."""
        match event:
            case Started():
                self._start(event)
            case UsageReported(usage) if self._usage == write_usage(usage):
                pass  # what is new of it stands elsewhere
            case UsageReported(usage):
                out = self._flush(is_due=self._has_usage_due)
                self._usage, self._has_usage_due = write_usage(usage), True
                return out
            case Extra(extras):
                out = self._flush(is_due=self._is_due and extras.dialect == NAME)
                self._keep(extras)
                return out
            case ChoiceEnded():
                self._ended.append(event)
            case Failed(code, message):
                return self.fail(BY_CODE.get(code, HostFault)(message))
            case Finished():
                return self._finish()
            case _:
                return self._feed_part(event)
        return b""

    def fail(self, error: RequestError) -> bytes:
        """Return the bytes that end the stream with an error."""
        return self._framing.write(describe(error)) + self._framing.close()

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What of the answer was not carried so far."""
        return tuple(self._losses)

    def _start(self, event: Started) -> None:
        self._is_own = event.extras is not None and event.extras.dialect == NAME
        self._head = _head(event, self._asking, is_own=self._is_own)
        if event.extras is not None:
            self._keep(event.extras)

    def _keep(self, extras: Extras) -> None:
        """Put what the host's dialect says of the whole answer into the next frame; else it is lost."""
        if extras.dialect != NAME:
            self._account(Response(choices=(), extras=extras))
            return
        beside = {path: raw for path, raw in extras.silent.items() if path.startswith(USAGE)}
        self._counted |= beside
        self._has_more_due |= bool(beside)
        rest = {path: raw for path, raw in extras.silent.items() if path not in beside}
        if "createTime" in rest:
            self._head["createTime"] = rest["createTime"]
        self._due = Extras(dialect=NAME, members=self._due.members | extras.members, silent=self._due.silent | rest)

    @property
    def _is_due(self) -> bool:
        """Whether something waits for the next frame; if more of its kind comes before, it gets one of its own."""
        is_new = self._is_own and not self._is_begun
        return is_new or self._has_usage_due or self._has_more_due or bool(self._due.members or self._due.silent)

    def _flush(self, *, is_due: bool) -> bytes:
        return self._frame([]) if is_due else b""

    def _feed_part(self, event: PartStarted | TextAdded | ThoughtAdded | SealSet | Cited | PartEnded) -> bytes:
        if isinstance(event, PartStarted):
            growing = self._growing[event.choice] = _Part(event.part)
            words = _words_of(event.part)
            return self._piece(event.choice, growing, words) if words else b""
        growing = self._growing[event.choice]
        if isinstance(event, PartEnded):
            del self._growing[event.choice]
            return self._end_part(event, growing)
        growing.whole.grow(event)
        match event:
            case TextAdded(text) if growing.comes_in_pieces:
                return self._piece(event.choice, growing, text)
            case ThoughtAdded(text):
                return self._piece(event.choice, growing, growing.gap_before(event) + text)
            case SealSet(seal):
                return self._seal(event.choice, growing, seal)
            case _:
                return b""

    def _piece(self, choice: int, growing: _Part, words: str) -> bytes:
        part: Object = {"text": words}
        if growing.is_thought:
            part["thought"] = True
        return self._candidate(choice, part)

    def _seal(self, choice: int, growing: _Part, seal: Seal | None) -> bytes:
        if seal is None or seal.dialect != NAME or not growing.comes_in_pieces:
            return b""
        part: Object = {"text": "", "thoughtSignature": seal.data}
        if growing.is_thought:
            part["thought"] = True
        return self._candidate(choice, part)

    def _end_part(self, event: PartEnded, growing: _Part) -> bytes:
        part = growing.whole.whole(event.extras)
        if isinstance(part, ToolCall):
            self._calling.add(event.choice)
        written = self._account(Message(role="assistant", parts=(part,)))
        if not growing.comes_in_pieces:
            return b"" if written is None else self._candidate(event.choice, written)
        out = self._seal(event.choice, growing, getattr(growing.skeleton, "seal", None))
        members = part.extras.members if part.extras is not None and part.extras.dialect == NAME else {}
        if members:
            rest: Object = {"text": ""}
            put_back(rest, members)
            out += self._candidate(event.choice, rest | ({"thought": True} if growing.is_thought else {}))
        return out

    def _candidate(self, choice: int, part: object) -> bytes:
        return self._frame([{"content": {"parts": [part], "role": "model"}, "index": choice}])

    def _frame(self, candidates: list[Object]) -> bytes:
        self._is_begun = True
        body: Object = {}
        if candidates:
            body["candidates"] = candidates
        if self._has_usage_due or self._has_more_due:
            body[USAGE] = dict(self._usage)
        due = dict(self._due.silent)
        if USAGE in body:
            due |= self._counted
        extras = Extras(dialect=NAME, members=self._due.members, silent=due)
        node = Response(choices=(), extras=extras)
        pen = Pen(Manifest(node, NAME, source=self._asking.source), is_own=True, is_answer=True)
        self._due = Extras(dialect=NAME)
        self._has_usage_due = self._has_more_due = False
        return self._framing.write(pen.close(node, body | self._head))

    def _finish(self) -> bytes:
        candidates = [self._last(event) for event in self._ended if not _is_blocked(event.extras)]
        # Google tells the usage in the last frame, and programs look for it there; other hosts end otherwise
        self._has_usage_due |= bool(self._usage) and not self._is_own
        out = self._frame(candidates) if candidates or self._is_due else b""
        return out + self._framing.close()

    def _last(self, event: ChoiceEnded) -> Object:
        called = self._asking.source.names.get("Response.choices", "choices")
        choice = Choice(
            message=Message(role="assistant", parts=()),
            index=event.choice,
            stop=event.stop,
            stop_sequence=event.stop_sequence,
            logprobs=event.logprobs,
            at=f"{called}[{event.choice}]",
            extras=event.extras,
        )
        manifest = Manifest(choice, NAME, source=self._asking.source)
        manifest.take(choice.message, "parts")
        pen = Pen(manifest, is_own=self._is_own, is_answer=True)
        body: Object = {"content": {"parts": [{"text": ""}], "role": "model"}}
        written = pen.close(
            choice, body | write_end(choice, pen, call=self._asking.call, has_calls=event.choice in self._calling)
        )
        self._losses += manifest.losses()
        return written

    def _account(self, node: Node) -> object | None:
        """Take note of what is lost of a part, or of the whole answer; return the part as it is written."""
        manifest = Manifest(node, NAME, source=self._asking.source)
        manifest.take(node, "choices", "parts")
        pen = Pen(manifest, is_own=self._is_own, is_answer=True)
        written = write_part(node.parts[0], pen) if isinstance(node, Message) else None
        self._losses += manifest.losses()
        return written


class _Part:
    """A part that is being written."""

    def __init__(self, skeleton: Part) -> None:
        self.skeleton = skeleton
        self.whole = Growing(skeleton)
        self.comes_in_pieces = isinstance(skeleton, Text | Refusal | Reasoning)
        self.is_thought = isinstance(skeleton, Reasoning)
        self._piece: tuple[str, int] | None = None

    def gap_before(self, event: ThoughtAdded) -> str:
        """Return what stands between two pieces of thoughts."""
        piece = (event.goes_to, event.piece)
        is_new = self._piece is not None and piece != self._piece
        self._piece = piece
        return "\n\n" if is_new else ""


def _words_of(part: Part) -> str:
    if isinstance(part, Reasoning):
        return "\n\n".join(part.texts + part.summary)
    return part.text if isinstance(part, Text | Refusal) else ""


def _is_blocked(extras: Extras | None) -> bool:
    return extras is not None and extras.dialect == NAME and BLOCKED in extras.forms


def _head(event: Started, asking: Asking, *, is_own: bool) -> Object:
    model = event.model or ("" if is_own else asking.request.model)
    answer_id = event.id or ("" if is_own else asking.answer_id)
    head: Object = {"modelVersion": model} if model else {}
    if event.created_s is not None and not is_own:
        head["createTime"] = format_utc(event.created_s * _MS_PER_S)
    return head | ({"responseId": answer_id} if answer_id else {})
