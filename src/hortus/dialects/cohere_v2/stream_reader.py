"""A host's stream to events: each block of content, the plan and each call is a part, `message-end` says how it ended.

Citations of a text come before its block ends or after it, by how they are wanted: a text stays open until something
else begins.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Raw, UnsetType
from msgspec.structs import replace

from hortus.canon.errors import BrokenStream, CallerFault, HostFault
from hortus.canon.events import (
    ChoiceEnded,
    Cited,
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
from hortus.canon.nodes import Extras
from hortus.canon.parts import Part, Reasoning, Text, ToolCall
from hortus.dialects.cohere_v2.citations import read_citation
from hortus.dialects.cohere_v2.content import read_block
from hortus.dialects.cohere_v2.errors import read_error
from hortus.dialects.cohere_v2.messages import begin_plan, read_call
from hortus.dialects.cohere_v2.pen import notes_at
from hortus.dialects.cohere_v2.response import read_stop
from hortus.dialects.cohere_v2.usage import read_noted_usage
from hortus.dialects.cohere_v2.wire import (
    NAME,
    Begin,
    BeginMessage,
    DeltaContent,
    EndDelta,
    Grow,
    GrowMessage,
    StreamEvent,
    given,
)
from hortus.framing.answers import misshapen
from hortus.framing.opening import Notes
from hortus.framing.paths import join_paths
from hortus.framing.reading import read_open
from hortus.framing.shallow import check_text
from hortus.framing.sse import Frame, SseSplitter

START_DELTA: Mapping[str, object] = {
    "message": {"role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": []}
}
"""What every stream begins with."""

_KNOWN = frozenset(
    (
        "content-start",
        "content-delta",
        "content-end",
        "tool-plan-delta",
        "tool-call-start",
        "tool-call-delta",
        "tool-call-end",
        "citation-start",
        "citation-end",
    )
)
_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder().decode


class Reader:
    """Reads one stream; see `canon.translation.StreamReader`."""

    __slots__ = ("_calls", "_cited", "_count", "_has_started", "_is_over", "_logprobs", "_open", "_splitter")

    def __init__(self) -> None:
        self._splitter = SseSplitter()
        self._has_started = self._is_over = False
        self._open: Part | None = None
        self._count = self._calls = self._cited = 0
        self._logprobs: list[Raw] = []

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
            case "message-start":
                return self._start(event, unknown)
            case "message-end":
                return self._end(event, unknown)
            case "" if not self._has_started:
                self._is_over = True
                return [_failed(data)]
            case _ if not self._has_started:
                raise BrokenStream("The host's stream does not begin with message-start.")
            case kind if kind in _KNOWN:
                others = {join_paths(kind, path): raw for path, raw in unknown.items()}
                return self._read_part(event, data) + ([_extra(others)] if others else [])
            case kind:
                return [_extra({kind or "event": Raw(data)})]

    def _read_part(self, event: StreamEvent, data: bytes) -> list[Event]:
        match event.type:
            case "content-start":
                return self._begin_block(_begun(event).content)
            case "tool-call-start":
                self._calls += 1
                return self._begin(read_call(_begun(event).tool_calls, f"message.tool_calls[{self._calls - 1}]"))
            case "citation-start":
                return self._cite(event, data)
            case "content-delta" | "tool-plan-delta" | "tool-call-delta":
                return self._grow(event)
            case _:
                return []

    def _start(self, event: StreamEvent, unknown: Mapping[str, Raw]) -> list[Event]:
        if self._has_started:
            raise BrokenStream("The host's stream begins twice.")
        self._has_started = True
        notes = notes_at("")
        notes.form("own")
        if isinstance(event.id, UnsetType):
            notes.form("-id")
        for path, raw in unknown.items():
            notes.keep(join_paths("message-start", path), raw)
        if isinstance(event.delta, UnsetType):
            notes.form("-delta")
        elif _DECODE(event.delta) != START_DELTA:
            notes.hush("message-start.delta", event.delta)
        return [Started(id=given(event.id) or "", extras=notes.extras())]

    def _begin_block(self, raw: Raw) -> list[Event]:
        part = read_block(raw, f"message.content[{self._count}]")
        if isinstance(part, Text):
            words: list[Event] = [TextAdded(part.text, index=self._count + bool(self._open))] if part.text else []
            return self._begin(replace(part, text="")) + words
        if isinstance(part, Reasoning):
            thoughts: list[Event] = [ThoughtAdded(text, index=self._count + bool(self._open)) for text in part.texts]
            return self._begin(replace(part, texts=())) + thoughts
        return self._begin(part)

    def _begin(self, part: Part) -> list[Event]:
        events = self._close()
        self._open = _begun_call(part) if isinstance(part, ToolCall) else part
        self._cited = 0
        more: list[Event] = []
        if isinstance(part, ToolCall) and part.arguments != "{}":
            more = [TextAdded(part.arguments, index=self._count)]
        return [*events, PartStarted(self._open, index=self._count), *more]

    def _close(self) -> list[Event]:
        if self._open is None:
            return []
        self._open = None
        self._count += 1
        return [PartEnded(index=self._count - 1)]

    def _grow(self, event: StreamEvent) -> list[Event]:
        if isinstance(event.logprobs, Raw):
            self._logprobs.append(event.logprobs)
        message, index = _grown(event), self._count
        if message.tool_plan:
            begun = [] if self._is_planning() else self._begin(begin_plan(at="message"))
            return [*begun, ThoughtAdded(message.tool_plan, index=self._count)]
        content = message.content or DeltaContent()
        if content.thinking:
            return [self._added(ThoughtAdded(content.thinking, index=index), Reasoning)]
        if content.text:
            return [self._added(TextAdded(content.text, index=index), Text)]
        arguments = message.tool_calls.function.arguments if message.tool_calls else None
        return [self._added(TextAdded(arguments, index=index), ToolCall)] if arguments else []

    def _is_planning(self) -> bool:
        return isinstance(self._open, Reasoning) and self._open.at == "message.tool_plan"

    def _added(self, event: TextAdded | ThoughtAdded, kind: type[Part]) -> Event:
        if not isinstance(self._open, kind):
            raise BrokenStream("The host's stream adds words to something that is not open.")
        return event

    def _cite(self, event: StreamEvent, data: bytes) -> list[Event]:
        raw = _begun(event).citations
        at = f"message.content[{self._count}].citations[{self._cited}]"
        read = read_citation(raw, at=at) if bytes(memoryview(raw)[:1]) == b"{" else None
        if read is None or not isinstance(self._open, Text):
            return [_extra({event.type: Raw(data)})]
        self._cited += 1
        return [Cited(read[0], index=self._count)]

    def _end(self, event: StreamEvent, unknown: Mapping[str, Raw]) -> list[Event]:
        events = self._close()
        notes = notes_at("")
        for path, raw in unknown.items():
            notes.keep(join_paths("message-end", path), raw)
        delta, beside = read_open(
            _NO_DELTA if isinstance(event.delta, UnsetType) else event.delta, EndDelta, at="delta"
        )
        for path, raw in beside.items():
            notes.keep(join_paths("message-end.delta", path), raw)
        usage = read_noted_usage(delta.usage, notes) if isinstance(delta.usage, Raw) else None
        events += [] if usage is None else [UsageReported(usage)]
        error = bytes(delta.error) if isinstance(delta.error, Raw) else b"null"
        self._is_over = True
        if not self._has_started:
            return [_failed(error)]
        if delta.finish_reason == "ERROR" and error != b"null":
            return [*events, _failed(error)]
        return [*events, *self._end_choice(delta, notes), Finished()]

    def _end_choice(self, delta: EndDelta, notes: Notes) -> list[Event]:
        if given(delta.finish_reason) is None:
            notes.form("-finish_reason")
        if isinstance(delta.usage, UnsetType):
            notes.form("-usage")
        if isinstance(delta.error, Raw):
            notes.keep("message-end.delta.error", delta.error)
        stop, said = read_stop(given(delta.finish_reason))
        logprobs = Raw(_ENCODE(self._logprobs)) if self._logprobs else None
        extras = notes.extras()
        ended = ChoiceEnded(stop=stop, logprobs=logprobs, extras=said)
        return [ended, *([Extra(extras)] if extras else [])]


_NO_DELTA = Raw(b"{}")


def _begun_call(part: ToolCall) -> ToolCall:
    """Return a call whose arguments are still to come: how its start says that there are none yet is no notation."""
    extras = part.extras
    if extras is not None:
        extras = replace(extras, silent={})
        extras = extras if extras.members or extras.forms else None
    return replace(part, arguments="", extras=extras)


def _failed(data: bytes) -> Failed:
    error = read_error(0, data)
    return Failed(code=error.code or HostFault.code, message=error.message)


def _begun(event: StreamEvent) -> BeginMessage:
    delta = None if isinstance(event.delta, UnsetType) else read_open(event.delta, Begin, at="delta")[0]
    return (delta and delta.message) or BeginMessage()


def _grown(event: StreamEvent) -> GrowMessage:
    delta = None if isinstance(event.delta, UnsetType) else read_open(event.delta, Grow, at="delta")[0]
    return (delta and delta.message) or GrowMessage()


def _extra(members: dict[str, Raw]) -> Extra:
    return Extra(Extras(NAME, members=members))
