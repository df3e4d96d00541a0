"""Events as a client of Mistral's gets them: one chunk for each that says something, and the usage with the last."""

from __future__ import annotations

from typing import assert_never

import msgspec

from hortus.canon.collect import joined
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
from hortus.canon.usage import Usage
from hortus.dialects.mistral.messages import write_call
from hortus.dialects.mistral.parts import signature_of, write_part
from hortus.dialects.mistral.pen import Pen, encode, is_own
from hortus.dialects.mistral.response import write_stop, write_usage
from hortus.dialects.mistral.vocabulary import NAME
from hortus.framing.mistral_errors import render_stream_error
from hortus.framing.objects import Body
from hortus.framing.sse import write_frame

_DONE = write_frame(b"[DONE]")
_NOBODY = Message(role="assistant", parts=())


class _Open(msgspec.Struct):
    """What is open in a choice.

    Attributes:
        calls: How many calls have begun.
        call: The open call; Mistral's come whole, and its SDK's users read them so.
        piece: The piece of reasoning that is being written, None before the first.
    """

    part: Part | None = None
    calls: int = 0
    call: Body | None = None
    arguments: str = ""
    piece: tuple[str, int] | None = None


class Writer:
    """Writes one stream; see `canon.translation.StreamWriter`."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._head: Body = {}
        self._choices: dict[int, _Open] = {}
        self._held: list[Body] = []
        """The chunk that ended a choice: if it is the last one, the usage comes with it."""
        self._usage: Usage | None = None
        self._extras: Extras | None = None
        """What is said of the usage beyond the counts."""
        self._losses: list[Loss] = []

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What of the answer was not carried so far."""
        return tuple(self._losses)

    def feed(self, event: Event) -> bytes:
        """Return the bytes for an event, perhaps none."""
        match event:
            case TextAdded():
                return self._write_text(event)
            case ThoughtAdded():
                return self._write_thought(event)
            case Started():
                return self._start(event)
            case Extra():
                return self._write_extra(event.extras)
            case UsageReported():
                self._usage = event.usage
                return b""
            case Finished():
                return self._release(is_last=True) + _DONE
            case Failed():
                return self.fail(BY_CODE.get(event.code, HostFault)(event.message))
            case _:
                return self._write_beside(event)

    def fail(self, error: RequestError) -> bytes:
        """Return the bytes that end the stream with an error, wherever it stands."""
        return self._release(is_last=True) + render_stream_error(error, "")

    def _write_beside(self, event: PartStarted | SealSet | Cited | PartEnded | ChoiceEnded) -> bytes:
        match event:
            case PartStarted():
                return self._begin(event.part, event.choice)
            case SealSet():
                return self._seal(event.seal, event.choice)
            case Cited():
                pen = self._pen(event.citation)
                pen.manifest.lose(event.citation, "", "Mistral's answers cite results of tools only.")
                self._account(pen)
                return b""
            case PartEnded():
                return self._close(event)
            case ChoiceEnded():
                return self._end(event)
            case _:
                assert_never(event)

    def _start(self, event: Started) -> bytes:
        asking = self._asking
        self._head = {
            "id": event.id or asking.answer_id,
            "object": "chat.completion.chunk",
            "created": asking.now_s if event.created_s is None else event.created_s,
            "model": event.model or asking.request.model,
        }
        first: Body = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
        return self._frame({"choices": [first]}, extras=event.extras)

    def _frame(self, body: Body, *, extras: Extras | None = None) -> bytes:
        whole: Body = self._head | body
        if extras is not None:
            node = Response(choices=(), extras=extras)
            pen = self._pen(node)
            pen.manifest.take(node, "choices")
            pen.close(node, whole)
            self._account(pen)
        return write_frame(encode(whole))

    def _delta(self, delta: Body, choice: int) -> bytes:
        body: Body = {"choices": [{"index": choice, "delta": delta, "finish_reason": None}]}
        return self._release() + self._frame(body)

    def _pen(self, node: Node) -> Pen:
        return Pen(Manifest(node, NAME, source=self._asking.source), is_answer=True)

    def _account(self, pen: Pen) -> None:
        self._losses += pen.manifest.losses()

    def _account_of(self, at: str, extras: Extras) -> None:
        """Take account of what another dialect alone knows."""
        node = Response(choices=(), at=at, extras=extras)
        pen = self._pen(node)
        pen.manifest.take(node, "choices")
        self._account(pen)

    def _write_extra(self, extras: Extras) -> bytes:
        """Write what is said of the whole answer; what belongs to the usage waits for it."""
        is_usage = extras.forms or any(
            path == "usage" or path.startswith("usage.") for path in (*extras.members, *extras.silent)
        )
        if is_usage:
            self._extras = joined(self._extras, extras)
            return b""
        if extras.dialect != NAME:
            self._account_of("", extras)
            return b""
        return self._release() + self._frame({"choices": []}, extras=extras)

    def _release(self, *, is_last: bool = False) -> bytes:
        """Return the chunk that was held back, and with the last one what was used."""
        usage, extras = (self._usage, self._extras) if is_last else (None, None)
        if not (self._held or usage or extras):
            return b""
        body: Body = self._held.pop() if self._held else {"choices": []}
        if is_last:
            self._usage = self._extras = None
        if usage is not None:
            body["usage"] = write_usage(usage)
        return self._frame(body, extras=extras)

    def _begin(self, part: Part, choice: int) -> bytes:
        state = self._choices.setdefault(choice, _Open())
        state.part, state.piece, state.call = part, None, None
        pen = self._pen(part)
        delta = _skeleton(part, state, pen)
        self._account(pen)
        return self._delta(delta, choice) if delta else b""

    def _write_text(self, event: TextAdded) -> bytes:
        state = self._choices[event.choice]
        if state.call is not None:
            state.arguments += event.text
            return b""
        return self._delta({"content": event.text}, event.choice)

    def _write_thought(self, event: ThoughtAdded) -> bytes:
        state = self._choices[event.choice]
        piece = (event.goes_to, event.piece)
        text = event.text if state.piece in {None, piece} else f"\n\n{event.text}"
        state.piece = piece
        thinking: Body = {"type": "thinking", "thinking": [{"type": "text", "text": text}]}
        return self._delta({"content": [thinking]}, event.choice)

    def _seal(self, seal: Seal, choice: int) -> bytes:
        """Write a seal of this dialect's; the gateway keeps the others for the next turn."""
        if seal.dialect != NAME or not isinstance(self._choices[choice].part, Reasoning):
            return b""
        thinking: Body = {"type": "thinking", "thinking": [], "signature": seal.data}
        return self._delta({"content": [thinking]}, choice)

    def _close(self, event: PartEnded) -> bytes:
        state = self._choices[event.choice]
        written = b""
        if state.call is not None and isinstance(state.part, ToolCall):
            function: Body = {"name": state.part.name, "arguments": state.arguments or "{}"}
            written = self._delta({"tool_calls": [state.call | {"function": function}]}, event.choice)
        state.call = None
        if event.extras is not None and event.extras.dialect != NAME and state.part is not None:
            self._account_of(state.part.at, event.extras)
        state.part = None
        return written

    def _end(self, event: ChoiceEnded) -> bytes:
        node = Choice(
            message=_NOBODY,
            index=event.choice,
            stop=event.stop,
            stop_sequence=event.stop_sequence,
            logprobs=event.logprobs,
            at=f"{self._asking.source.names.get('Response.choices', 'choices')}[{event.choice}]",
            extras=event.extras,
        )
        pen = self._pen(node)
        pen.manifest.take(_NOBODY, "parts")
        reason = write_stop(node, pen.manifest)
        body = pen.close(node, {"index": event.choice, "delta": {"content": ""}, "finish_reason": reason})
        self._account(pen)
        written = self._release()
        self._held.append({"choices": [body]})
        return written


def _skeleton(part: Part, state: _Open, pen: Pen) -> Body:
    """Return the delta for what is known of a part as it begins."""
    if isinstance(part, ToolCall):
        state.calls += 1
        state.call, state.arguments = write_call(part, pen) | {"index": state.calls - 1}, part.arguments
        return {}
    written = write_part(part, pen, role="assistant")
    if isinstance(part, Text | Refusal):
        words: object = [written] if is_own(part) else part.text
        return {"content": words} if words else {}
    if isinstance(part, Reasoning):
        has_begun = bool(part.texts or part.summary) or signature_of(part) is not None
        return {"content": [written]} if has_begun else {}
    if written is None:
        pen.manifest.lose(part, "", "Mistral's answers have no place for it.")
        return {}
    return {"content": [written]}
