"""Events as a client of Chat Completions gets them: one chunk for each that says something."""

from __future__ import annotations

from typing import assert_never

import msgspec
from msgspec import Raw, structs

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
from hortus.canon.parts import Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from hortus.canon.request import Message
from hortus.canon.response import Choice, Response
from hortus.canon.translation import Asking
from hortus.canon.usage import Usage
from hortus.dialects.openai_chat.calls import GEMINI, write_call, write_seal
from hortus.dialects.openai_chat.errors import render_stream_error
from hortus.dialects.openai_chat.messages import write_citation
from hortus.dialects.openai_chat.pen import Body, encode, restore
from hortus.dialects.openai_chat.response import has_own_form, write_stop
from hortus.dialects.openai_chat.usage import write_usage
from hortus.dialects.openai_chat.vocabulary import NAME
from hortus.framing.sse import write_frame

_DONE = write_frame(b"[DONE]")
_USAGE = "usage."
_NOBODY = Message(role="assistant", parts=())


class _Open(msgspec.Struct):
    """What is open in a choice.

    Attributes:
        calls: How many calls have begun.
        has_words: Whether the open call has arguments.
        text: The open text's words so far, for citations of all of it.
        offset: Characters of the texts before it: the client sees them as one.
        has_refused: Whether there was a refusal.
        piece: The piece of reasoning that is being written, None before the first.
    """

    part: Part | None = None
    calls: int = 0
    has_words: bool = False
    text: str = ""
    offset: int = 0
    has_refused: bool = False
    piece: tuple[str, int] | None = None


class Writer:
    """Writes one stream; see `canon.translation.StreamWriter`."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._head: Body = {}
        self._choices: dict[int, _Open] = {}
        self._usage: Usage | None = None
        self._usage_extras: Extras | None = None
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
                return self._write_usage() + _DONE
            case Failed():
                return self.fail(BY_CODE.get(event.code, HostFault)(event.message))
            case _:
                return self._write_beside(event)

    def fail(self, error: RequestError) -> bytes:
        """Return the bytes that end the stream with an error, wherever it stands."""
        return self._write_usage() + render_stream_error(error, "")

    def _write_beside(self, event: PartStarted | SealSet | Cited | PartEnded | ChoiceEnded) -> bytes:
        match event:
            case PartStarted():
                return self._begin(event.part, event.choice)
            case SealSet():
                return self._seal(event.seal, event.choice)
            case Cited():
                return self._cite(event)
            case PartEnded():
                return self._close(event)
            case ChoiceEnded():
                return self._end(event)
            case _:
                assert_never(event)

    def _start(self, event: Started) -> bytes:
        asking = self._asking
        self._head = {
            "id": event.id or f"chatcmpl-{asking.answer_id}",
            "object": "chat.completion.chunk",
            "created": asking.now_s if event.created_s is None else event.created_s,
            "model": event.model or asking.request.model,
        }
        first: Body = {"index": 0, "delta": {"role": "assistant", "content": ""}, "finish_reason": None}
        return self._frame({"choices": [first]}, extras=event.extras)

    def _frame(self, body: Body, *, extras: Extras | None = None) -> bytes:
        whole: Body = self._head | body
        if self._asking.request.wants_usage:
            whole.setdefault("usage", None)
        if extras is not None:
            node = Response(choices=(), extras=extras)
            manifest = self._manifest(node)
            manifest.take(node, "choices")
            restore(whole, node, manifest)
            self._account(manifest)
        return write_frame(encode(whole))

    def _delta(self, delta: Body, choice: int) -> bytes:
        return self._frame({"choices": [{"index": choice, "delta": delta, "finish_reason": None}]})

    def _manifest(self, node: Node) -> Manifest:
        return Manifest(node, NAME, source=self._asking.source)

    def _account(self, manifest: Manifest) -> None:
        self._losses += manifest.losses()

    def _write_extra(self, extras: Extras) -> bytes:
        """Write what is said of the whole answer; what belongs to the usage waits for it."""
        is_usage = {path: path.startswith(_USAGE) for path in (*extras.members, *extras.silent)}
        members = {path: value for path, value in extras.members.items() if not is_usage[path]}
        silent = {path: value for path, value in extras.silent.items() if not is_usage[path]}
        if len(members) + len(silent) < len(is_usage) or extras.forms:
            self._usage_extras = joined(self._usage_extras, extras)
        if not (members or silent):
            return b""
        rest = structs.replace(extras, members=members, silent=silent, forms=())
        return self._frame({"choices": []}, extras=rest)

    def _write_usage(self) -> bytes:
        usage, self._usage = self._usage, None
        if usage is None or not self._asking.request.wants_usage:
            return b""
        return self._frame({"choices": [], "usage": write_usage(usage)}, extras=self._usage_extras)

    def _begin(self, part: Part, choice: int) -> bytes:
        state = self._choices.setdefault(choice, _Open())
        state.has_refused = state.has_refused or isinstance(part, Refusal)
        state.part, state.text, state.piece, state.has_words = part, "", None, False
        manifest = self._manifest(part)
        delta = _skeleton(part, state, manifest)
        self._account(manifest)
        written = self._delta(delta, choice) if delta else b""
        if isinstance(part, Reasoning) and part.seal is not None:
            written += self._seal(part.seal, choice)
        return written

    def _write_text(self, event: TextAdded) -> bytes:
        state = self._choices[event.choice]
        if isinstance(state.part, ToolCall):
            state.has_words = True
            call: Body = {"index": state.calls - 1, "function": {"arguments": event.text}}
            return self._delta({"tool_calls": [call]}, event.choice)
        state.text += event.text
        name = "refusal" if isinstance(state.part, Refusal) else "content"
        return self._delta({name: event.text}, event.choice)

    def _write_thought(self, event: ThoughtAdded) -> bytes:
        state = self._choices[event.choice]
        piece = (event.goes_to, event.piece)
        text = event.text if state.piece in {None, piece} else f"\n\n{event.text}"
        state.piece = piece
        return self._delta({_thought_name(state.part): text}, event.choice)

    def _seal(self, seal: Seal, choice: int) -> bytes:
        """Write a seal that this dialect carries; the gateway keeps the others for the next turn."""
        state = self._choices[choice]
        if isinstance(state.part, ToolCall) and seal.dialect == GEMINI:
            call: Body = {"index": state.calls - 1, "extra_content": write_seal(seal)}
            return self._delta({"tool_calls": [call]}, choice)
        if isinstance(state.part, Reasoning) and seal.dialect == NAME:
            return self._delta({"reasoning_details": Raw(seal.data.encode())}, choice)
        return b""

    def _cite(self, event: Cited) -> bytes:
        state = self._choices[event.choice]
        manifest = self._manifest(event.citation)
        annotation = write_citation(event.citation, manifest, text=state.text, offset=state.offset)
        if annotation is None:
            manifest.lose(event.citation, "", "OpenAI's answers cite pages by their address only.")
        self._account(manifest)
        return b"" if annotation is None else self._delta({"annotations": [annotation]}, event.choice)

    def _close(self, event: PartEnded) -> bytes:
        state = self._choices[event.choice]
        written = b""
        if isinstance(state.part, ToolCall) and not state.has_words:
            call: Body = {"index": state.calls - 1, "function": {"arguments": "{}"}}
            written = self._delta({"tool_calls": [call]}, event.choice)
        if isinstance(state.part, Text):
            state.offset += len(state.text)
        if event.extras is not None and event.extras.dialect != NAME and state.part is not None:
            node = Response(choices=(), at=state.part.at, extras=event.extras)
            manifest = self._manifest(node)
            manifest.take(node, "choices")
            self._account(manifest)
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
        manifest = self._manifest(node)
        has_refused = self._choices.get(event.choice, _Open()).has_refused
        reason = write_stop(node, manifest, has_refused=has_refused)
        manifest.take(node.message, "parts")
        body: Body = {"index": event.choice, "delta": {}, "finish_reason": reason}
        if event.logprobs is not None and has_own_form(event.logprobs):
            manifest.take(node, "logprobs")
            body["logprobs"] = event.logprobs
        restore(body, node, manifest)
        self._account(manifest)
        return self._frame({"choices": [body]})


def _skeleton(part: Part, state: _Open, manifest: Manifest) -> Body:
    """Return the delta for what is known of a part as it begins."""
    match part:
        case Text() | Refusal():
            manifest.take(part, "text", "seal")
            state.text = part.text
            return {"content" if isinstance(part, Text) else "refusal": part.text} if part.text else {}
        case Reasoning():
            manifest.take_all(part)
            words = "\n\n".join((*part.texts, *part.summary))
            return {_thought_name(part): words} if words else {}
        case ToolCall():
            manifest.take(part, "seal")
            state.calls += 1
            state.has_words = bool(part.arguments)
            return {"tool_calls": [{"index": state.calls - 1, **write_call(part, manifest)}]}
        case Opaque() if part.dialect == NAME:
            manifest.take(part, "raw")
            return {"content": [part.raw]}
        case Opaque() | Media() | ToolResult():
            manifest.lose(part, "", "OpenAI's answers have no place for it.")
            return {}
        case _:
            assert_never(part)


def _thought_name(part: Part | None) -> str:
    is_other = part is not None and part.extras is not None and "reasoning" in part.extras.forms
    return "reasoning" if is_other else "reasoning_content"
