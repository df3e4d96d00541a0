"""One choice of a stream: which part its pieces belong to, and what is said of it until its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec
from msgspec import UNSET, Raw, UnsetType, structs

from hortus.canon.errors import BrokenStream
from hortus.canon.events import (
    ChoiceEnded,
    Cited,
    Event,
    PartEnded,
    PartStarted,
    SealSet,
    TextAdded,
    ThoughtAdded,
)
from hortus.canon.nodes import Seal
from hortus.canon.parts import Part, Reasoning, Refusal, Text, ToolCall
from hortus.dialects.openai_chat import wire
from hortus.dialects.openai_chat.calls import read_seal
from hortus.dialects.openai_chat.messages import begin_reasoning, read_citation
from hortus.dialects.openai_chat.parts import read_part
from hortus.dialects.openai_chat.pen import encode, kind_of, notes_at, told
from hortus.dialects.openai_chat.response import read_stop
from hortus.dialects.openai_chat.vocabulary import NAME

_NOTHING = frozenset((b"null", b"{}"))
_DECODE_LOGPROBS = msgspec.json.Decoder(wire.Logprobs).decode


class _Call(msgspec.Struct):
    """A call that has begun: its id as the host gave it, and the part it is."""

    id: str | None
    part: int


class ChoiceReader:
    """Turns the chunks of one choice into events.

    Args:
        number: Of the choice.
        make_id: For calls that the host gave no id.
    """

    def __init__(self, number: int, make_id: Callable[[], str]) -> None:
        self._number = number
        self._at = f"choices[{number}]"
        self._make_id = make_id
        self._parts: list[Part] = []
        """What has begun, as it began; the last one may be open."""
        self._is_open = False
        self._calls: dict[int, _Call] = {}
        self._begun = 0
        self._has_words = False
        self._offset = self._length = self._cited = 0
        self._details: list[Raw] = []
        self._logprobs = wire.Logprobs()
        self._reason: str | None = None
        self._notes = notes_at(self._at)

    @property
    def is_finished(self) -> bool:
        """Whether the host said why the choice ended."""
        return self._reason is not None

    def keep(self, path: str, value: Raw) -> None:
        """Keep a member that has no canonical meaning; later ones replace it."""
        self._notes.keep(path, value)

    def read(self, found: wire.ChunkChoice) -> list[Event]:
        """Return the events of one chunk."""
        if found.finish_reason is not None:
            self._reason = found.finish_reason
        if found.logprobs is not UNSET:
            self._add_logprobs(found.logprobs)
        return list(self._read_delta(found.delta)) if found.delta is not None else []

    def end(self) -> Iterator[Event]:
        """Yield what closes the choice; nothing where it never began."""
        yield from self._close()
        if self._details:
            sealed = Reasoning(is_redacted=True, at=f"{self._at}.delta.reasoning_details")
            yield from self._open(sealed)
            yield from self._close()
        stop = read_stop(self._reason, tuple(self._parts), self._notes)
        extras = self._notes.extras()
        if self._parts or stop is not None or extras is not None:
            yield ChoiceEnded(choice=self._number, stop=stop, logprobs=self._whole_logprobs(), extras=extras)

    def _read_delta(self, delta: wire.Delta) -> Iterator[Event]:
        yield from self._read_reasoning(delta)
        content = delta.content
        if isinstance(content, str):
            yield from self._say(content, Text(text="", at=f"{self._at}.delta.content"))
        elif isinstance(content, list):
            for raw in content:
                yield from self._read_item(raw)
        yield from self._say(told(delta.refusal), Refusal(text="", at=f"{self._at}.delta.refusal"))
        for raw in told(delta.tool_calls) or ():
            if kind_of(raw, f"{self._at}.delta.tool_calls") in {None, "function"}:
                yield from self._read_call(raw)
            else:
                self.keep("delta.tool_calls", Raw(encode([raw])))
        annotations = told(delta.annotations)
        if annotations:
            yield from self._cite(annotations)

    def _read_reasoning(self, delta: wire.Delta) -> Iterator[Event]:
        name = "reasoning_content"
        thought, other = told(delta.reasoning_content), told(delta.reasoning)
        if not thought:
            name, thought, other = "reasoning", other, None
        if other and other != thought:
            self.keep("delta.reasoning", Raw(encode(other)))
        if thought:
            if not (self._is_open and isinstance(self._parts[-1], Reasoning)):
                yield from self._open(begin_reasoning(name, f"{self._at}.delta"))
            yield ThoughtAdded(thought, choice=self._number, index=self._last)
        self._details += told(delta.reasoning_details) or ()

    def _say(self, words: str | None, part: Text | Refusal) -> Iterator[Event]:
        if words:
            if not self._is_open or type(self._parts[-1]) is not type(part):
                yield from self._open(part)
            if isinstance(part, Text):
                self._length += len(words)
            yield TextAdded(words, choice=self._number, index=self._last)

    def _read_item(self, raw: Raw) -> Iterator[Event]:
        """Read an item of a content that comes as a list; a text adds to the one that is open."""
        part = read_part(raw, f"{self._at}.delta.content[0]", role="user")
        if isinstance(part, Text) and part.extras is None:
            yield from self._say(part.text, Text(text="", at=f"{self._at}.delta.content"))
        else:
            yield from self._open(part)
            yield from self._close()

    def _read_call(self, raw: Raw) -> Iterator[Event]:
        at = f"{self._at}.delta.tool_calls[{self._begun}]"
        notes = notes_at(at)
        found = notes.open(raw, wire.AddedCall)
        function = told(found.function) or wire.AddedFunction()
        key = self._key_of(told(found.index), told(found.id) or None)
        call = self._calls.get(key)
        seal = read_seal(found.extra_content)
        if call is None or _is_another(call, found.id, function.name):
            self._calls[key] = call = _Call(id=told(found.id) or None, part=self._last + 1)
            self._begun += 1
            ident, name = call.id or self._make_id(), told(function.name) or ""
            extras = notes.extras()
            yield from self._open(ToolCall(id=ident, name=name, arguments="", seal=seal, at=at, extras=extras))
        elif seal is not None and self._is_now(call):
            yield SealSet(seal, choice=self._number, index=call.part)
        yield from self._argue(told(function.arguments), call, at)

    def _argue(self, arguments: str | None, call: _Call, at: str) -> Iterator[Event]:
        if arguments:
            if not self._is_now(call):
                raise BrokenStream("The host went on with a call after it had begun another part.", path=at)
            self._has_words = True
            yield TextAdded(arguments, choice=self._number, index=call.part)

    def _key_of(self, index: int | None, call_id: str | None) -> int:
        """Return where a call is filed: by its index, and without one by its id."""
        if index is not None:
            return index
        same = next((key for key, call in self._calls.items() if call_id is not None and call.id == call_id), None)
        if same is not None:
            return same
        return len(self._calls) if call_id is not None else max(len(self._calls) - 1, 0)

    def _is_now(self, call: _Call) -> bool:
        return self._is_open and call.part == self._last

    def _cite(self, annotations: list[Raw]) -> Iterator[Event]:
        is_text = self._is_open and isinstance(self._parts[-1], Text)
        if not is_text or any(kind_of(raw, self._at) != "url_citation" for raw in annotations):
            self.keep("delta.annotations", Raw(encode(annotations)))
            return
        for raw in annotations:
            found = read_citation(raw, f"{self._at}.delta.annotations[{self._cited}]")
            self._cited += 1
            start = None if found.start is None else found.start - self._offset
            end = None if found.end is None else found.end - self._offset
            yield Cited(structs.replace(found, start=start, end=end), choice=self._number, index=self._last)

    @property
    def _last(self) -> int:
        return len(self._parts) - 1

    def _open(self, part: Part) -> Iterator[Event]:
        yield from self._close()
        self._parts.append(part)
        self._is_open, self._has_words = True, False
        yield PartStarted(part, choice=self._number, index=self._last)

    def _close(self) -> Iterator[Event]:
        if not self._is_open:
            return
        self._is_open = False
        part = self._parts[-1]
        if isinstance(part, Reasoning) and self._details:
            seal = Seal(dialect=NAME, data=encode(self._details).decode())
            self._details = []
            yield SealSet(seal, choice=self._number, index=self._last)
        if isinstance(part, ToolCall) and not self._has_words:
            yield TextAdded("{}", choice=self._number, index=self._last)
        if isinstance(part, Text):
            self._offset += self._length
            self._length = 0
        yield PartEnded(choice=self._number, index=self._last)

    def _add_logprobs(self, raw: Raw) -> None:
        if bytes(raw) in _NOTHING:
            return
        try:
            more = _DECODE_LOGPROBS(raw)
        except msgspec.DecodeError:
            self.keep("logprobs", raw)
            return
        for name in ("content", "refusal"):
            had, added = getattr(self._logprobs, name), getattr(more, name)
            if added is not UNSET:
                setattr(self._logprobs, name, (told(had) or []) + added if added else told(had))

    def _whole_logprobs(self) -> Raw | None:
        whole = Raw(encode(self._logprobs))
        return None if bytes(whole) == b"{}" else whole


def _is_another(call: _Call, call_id: str | UnsetType | None, name: str | UnsetType | None) -> bool:
    """Tell whether a new call begins where one has begun: some hosts number all of them 0, or give them no id."""
    return bool(name) and (call.id is None if not call_id else call_id != call.id)
