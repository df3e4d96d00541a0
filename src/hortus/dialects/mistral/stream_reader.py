"""A host's stream as events: what ends a choice is held back until the stream ends."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import msgspec
from msgspec import UNSET, Raw

from hortus.canon.errors import BrokenStream, CallerFault
from hortus.canon.events import (
    ChoiceEnded,
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
from hortus.canon.parts import Part, Reasoning, Text, ToolCall
from hortus.canon.unfold import unfold
from hortus.dialects.mistral import wire
from hortus.dialects.mistral.messages import given_id
from hortus.dialects.mistral.parts import read_part, read_thoughts
from hortus.dialects.mistral.pen import encode, notes_at
from hortus.dialects.mistral.response import read_response, read_stop, write_usage
from hortus.dialects.mistral.vocabulary import NAME
from hortus.framing.answers import unreadable
from hortus.framing.chat_notation import unknown_in_choice
from hortus.framing.mistral_errors import read_error
from hortus.framing.noted_usage import note_usage
from hortus.framing.objects import kind_of, text_of, told
from hortus.framing.opening import NULL, Notes
from hortus.framing.reading import read_open
from hortus.framing.shallow import check_text
from hortus.framing.sse import Frame, SseSplitter

_NULL = bytes(NULL)


class _Call(msgspec.Struct):
    """A call that has begun: its id as the host gave it, and the part it is."""

    id: str | None
    part: int


class _Plain(msgspec.Struct):
    """What comes in place of a stream."""

    choices: Raw | msgspec.UnsetType = UNSET


class _ChoiceReader:
    """Turns the chunks of one choice into events."""

    def __init__(self, number: int, ids: Iterator[str]) -> None:
        self.notes = notes_at(f"choices[{number}]")
        self.reason: str | None = None
        self._number = number
        self._at = f"choices[{number}].delta"
        self._ids = ids
        self._parts: list[Part] = []
        """What has begun, as it began; the last one may be open."""
        self._is_open = self._has_words = False
        self._calls: dict[int, _Call] = {}

    def read(self, delta: wire.Delta) -> Iterator[Event]:
        """Yield the events of one chunk."""
        content = delta.content
        if isinstance(content, str):
            yield from self._say(content)
        elif isinstance(content, list):
            for raw in content:
                yield from self._read_item(raw)
        for raw in told(delta.tool_calls) or ():
            yield from self._read_call(raw)

    def end(self) -> Iterator[Event]:
        """Yield what closes the choice; nothing where it never began."""
        yield from self._close()
        stop = read_stop(self.reason, tuple(self._parts), self.notes)
        extras = self.notes.extras()
        if self._parts or stop is not None or extras is not None:
            yield ChoiceEnded(choice=self._number, stop=stop, extras=extras)

    @property
    def _last(self) -> int:
        return len(self._parts) - 1

    def _is_in(self, kind: type[Part]) -> bool:
        return self._is_open and isinstance(self._parts[-1], kind)

    def _say(self, words: str) -> Iterator[Event]:
        if words:
            if not self._is_in(Text):
                yield from self._open(Text(text="", at=f"{self._at}.content"))
            yield TextAdded(words, choice=self._number, index=self._last)

    def _read_item(self, raw: Raw) -> Iterator[Event]:
        """Read a chunk of the content; words and thoughts add to those that are open."""
        at = f"{self._at}.content[0]"
        part = read_part(raw, at)
        if isinstance(part, Text) and part.extras is None:
            yield from self._say(part.text)
        elif isinstance(part, Reasoning):
            yield from self._think(raw, at)
        else:
            yield from self._open(part)
            yield from self._close()

    def _think(self, raw: Raw, at: str) -> Iterator[Event]:
        found = notes_at(at).open(raw, wire.ThinkingPart)
        texts, signature = read_thoughts(found.thinking, at), told(found.signature)
        if not any(texts) and signature is None:
            return
        if not self._is_in(Reasoning):
            yield from self._open(Reasoning(at=at))
        for text in texts:
            if text:
                yield ThoughtAdded(text, choice=self._number, index=self._last)
        if signature is not None:
            yield SealSet(Seal(dialect=NAME, data=signature), choice=self._number, index=self._last)

    def _read_call(self, raw: Raw) -> Iterator[Event]:
        at = f"{self._at}.tool_calls[{len(self._calls)}]"
        if kind_of(raw, at) not in {None, "function"}:
            self.notes.keep("delta.tool_calls", Raw(encode([raw])))
            return
        notes = notes_at(at)
        found = notes.open(raw, wire.AddedCall)
        function = told(found.function) or wire.AddedFunction()
        call_id, name = given_id(found.id), told(function.name) or ""
        key = self._key_of(told(found.index), is_new=bool(name))
        call = self._calls.get(key)
        if call is None or (name and call.id != call_id):
            key = len(self._calls) if call is not None else key
            self._calls[key] = call = _Call(id=call_id, part=self._last + 1)
            ident = call_id or next(self._ids)
            yield from self._open(ToolCall(id=ident, name=name, arguments="", at=at, extras=notes.extras()))
        yield from self._argue(function.arguments, call, at)

    def _key_of(self, index: int | None, *, is_new: bool) -> int:
        if index is not None:
            return index
        return len(self._calls) if is_new else max(len(self._calls) - 1, 0)

    def _argue(self, raw: Raw | msgspec.UnsetType, call: _Call, at: str) -> Iterator[Event]:
        if isinstance(raw, msgspec.UnsetType) or bytes(raw) == _NULL:
            return
        text = text_of(raw)
        arguments = bytes(raw).decode() if text is None else text
        if arguments:
            if not (self._is_open and call.part == self._last):
                raise BrokenStream("The host went on with a call after it had begun another part.", path=at)
            self._has_words = True
            yield TextAdded(arguments, choice=self._number, index=call.part)

    def _open(self, part: Part) -> Iterator[Event]:
        yield from self._close()
        self._parts.append(part)
        self._is_open, self._has_words = True, False
        yield PartStarted(part, choice=self._number, index=self._last)

    def _close(self) -> Iterator[Event]:
        if not self._is_open:
            return
        self._is_open = False
        if isinstance(self._parts[-1], ToolCall) and not self._has_words:
            yield TextAdded("{}", choice=self._number, index=self._last)
        yield PartEnded(choice=self._number, index=self._last)


class Reader:
    """Reads one stream; see `canon.translation.StreamReader`."""

    def __init__(self) -> None:
        self._splitter = SseSplitter()
        self._choices: dict[int, _ChoiceReader] = {}
        self._id = ""
        self._ids = (f"call_{self._id or 'answer'}_{number}" for number in count(1))
        self._said: dict[str, bytes] = {}
        """What the chunks said of the whole answer so far."""
        self._usage: Raw | None = None
        self._has_started = self._is_over = False
        self._plain: list[bytes] = []
        """What came without being an event: perhaps a whole answer, or an error, in place of a stream."""

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that are complete now.

        Raises:
            BrokenStream: What came cannot be a stream of this dialect.
        """
        return [event for frame in self._splitter.feed(data) for event in self._read_frame(frame)]

    def close(self) -> list[Event]:
        """The host ended the stream: return the rest.

        Raises:
            BrokenStream: As above.
        """
        last = self._splitter.close()
        events = self._read_frame(last) if last is not None else []
        if self._is_over:
            return events
        if self._plain and not self._has_started:
            return self._read_plain(b"".join(self._plain).strip())
        if self._choices and all(choice.reason is not None for choice in self._choices.values()):
            return events + self._end()
        return events + self._report()

    def _read_frame(self, frame: Frame) -> list[Event]:
        if self._is_over:
            return []
        if frame.data is None:
            if not self._has_started and not frame.raw.startswith(b":"):
                self._plain.append(frame.raw)
            return []
        data = frame.data.strip()
        if data == b"[DONE]":
            return self._end()
        if not data:
            return []
        try:
            check_text(data)
            return self._read_chunk(data, is_error=frame.event == b"error")
        except CallerFault as error:
            raise unreadable(error) from error

    def _read_chunk(self, data: bytes, *, is_error: bool) -> list[Event]:
        chunk, unknown = read_open(data, wire.Chunk)
        if chunk.usage is not UNSET and bytes(chunk.usage) != _NULL:
            self._usage = chunk.usage
        if is_error or _is_error(chunk):
            return self._fail(data)
        notes = notes_at("")
        for path, value in unknown.items():
            if not path.startswith("choices[") and bytes(value) not in {_NULL, self._said.get(path)}:
                self._said[path] = bytes(value)
                notes.keep(path, value)
        events = self._begin(chunk, notes)
        for number, choice in enumerate(chunk.choices or ()):
            events += self._read_choice(choice, number, unknown=unknown)
        return events

    def _begin(self, chunk: wire.Chunk, notes: Notes) -> list[Event]:
        """Return the start of the answer, or what is new of the answer as a whole."""
        extras = notes.extras()
        if self._has_started:
            return [] if extras is None else [Extra(extras)]
        self._has_started = True
        self._id = chunk.id or ""
        return [Started(id=self._id, model=chunk.model or "", created_s=chunk.created, extras=extras)]

    def _read_choice(self, found: wire.ChunkChoice, number: int, *, unknown: dict[str, Raw]) -> list[Event]:
        choice = self._choices.get(found.index)
        if choice is None:
            choice = self._choices[found.index] = _ChoiceReader(found.index, self._ids)
        for path, value in unknown_in_choice(unknown, number):
            choice.notes.keep(path, value)
        choice.reason = found.finish_reason or choice.reason
        return [] if found.delta is None else list(choice.read(found.delta))

    def _report(self) -> list[Event]:
        """Return what was used."""
        raw, self._usage = self._usage, None
        if raw is None:
            return []
        notes = notes_at("")
        usage = note_usage(raw, notes, dialect=NAME, write=write_usage)
        extras: Extras | None = notes.extras()
        events: list[Event] = [] if extras is None else [Extra(extras)]
        return events if usage is None else [*events, UsageReported(usage)]

    def _end(self) -> list[Event]:
        self._is_over = True
        events: list[Event] = [] if self._has_started else [Started()]
        for number in sorted(self._choices):
            events += self._choices[number].end()
        return [*events, *self._report(), Finished()]

    def _fail(self, data: bytes) -> list[Event]:
        self._is_over = True
        error = read_error(0, data)
        events = self._report() if self._has_started else []
        return [*events, Failed(code=error.code, message=error.message)]

    def _read_plain(self, body: bytes) -> list[Event]:
        """Read what is no stream: an error that is labelled as one, or an answer that came whole."""
        self._is_over = True
        try:
            check_text(body)
            head, _ = read_open(body, _Plain)
        except CallerFault as error:
            raise unreadable(error) from error
        return self._fail(body) if head.choices is UNSET else list(unfold(read_response(body)))


def _is_error(chunk: wire.Chunk) -> bool:
    if any(one is not UNSET and bytes(one) != _NULL for one in (chunk.error, chunk.detail)):
        return True
    return chunk.object is not UNSET and bytes(chunk.object) == b'"error"'
