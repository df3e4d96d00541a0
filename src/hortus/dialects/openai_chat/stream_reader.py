"""A host's stream as events: what ends a choice is held back until the stream ends, as hosts still add to it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from msgspec import UNSET, Raw, UnsetType

from hortus.canon.errors import CallerFault
from hortus.canon.events import Event, Extra, Failed, Finished, Started, UsageReported
from hortus.canon.nodes import Extras
from hortus.canon.unfold import unfold
from hortus.dialects.openai_chat import wire
from hortus.dialects.openai_chat.choice_reader import ChoiceReader
from hortus.dialects.openai_chat.pen import notes_at
from hortus.dialects.openai_chat.response import read_response, read_time
from hortus.dialects.openai_chat.usage import read_noted_usage, write_usage
from hortus.framing.answers import unreadable
from hortus.framing.chat_notation import unknown_in_choice
from hortus.framing.openai_errors import read_error
from hortus.framing.opening import NULL, Notes
from hortus.framing.reading import read_open
from hortus.framing.shallow import check_text
from hortus.framing.sse import Frame, SseSplitter

_NULL = bytes(NULL)
_NOT_SAID = Raw(b"")


class Reader:
    """Reads one stream; see `canon.translation.StreamReader`."""

    def __init__(self) -> None:
        self._splitter = SseSplitter()
        self._choices: dict[int, ChoiceReader] = {}
        self._numbers = count(1)
        self._id = self._model = ""
        self._created_s: int | None = None
        self._said: dict[str, bytes] = {}
        """What the chunks said of the whole answer so far: most repeat it in each."""
        self._early = notes_at("")
        self._usage = _NOT_SAID
        self._tier: Raw | UnsetType = UNSET
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
        if self._choices and all(choice.is_finished for choice in self._choices.values()):
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
        return self._read_chunk(data, is_error=frame.event == b"error") if data else []

    def _read_chunk(self, data: bytes, *, is_error: bool) -> list[Event]:
        try:
            check_text(data)
            chunk, unknown = read_open(data, wire.Chunk)
            if chunk.usage is not UNSET and bytes(chunk.usage) != _NULL:
                self._usage = chunk.usage
            if is_error or _is_error(chunk):
                return self._fail(data)
            events = self._begin(chunk, unknown)
            for number, choice in enumerate(chunk.choices or ()):
                events += self._read_choice(choice, number, unknown=unknown)
        except CallerFault as error:
            raise unreadable(error) from error
        return events

    def _read_choice(self, found: wire.ChunkChoice, number: int, *, unknown: dict[str, Raw]) -> list[Event]:
        choice = self._choices.get(found.index)
        if choice is None:
            choice = self._choices[found.index] = ChoiceReader(found.index, self._make_id)
        for path, value in unknown_in_choice(unknown, number):
            choice.keep(path, value)
        return choice.read(found)

    def _make_id(self) -> str:
        return f"call_{self._id or 'answer'}_{next(self._numbers)}"

    def _begin(self, chunk: wire.Chunk, unknown: dict[str, Raw]) -> list[Event]:
        """Return the start of the answer, once it is known who answers, or what is new of the answer as a whole."""
        notes = notes_at("") if self._has_started else self._early
        self._note(chunk, unknown, notes=notes)
        if self._has_started:
            extras = notes.extras()
            return [] if extras is None else [Extra(extras)]
        self._learn(chunk)
        return self._start() if chunk.choices or self._id else []

    def _learn(self, chunk: wire.Chunk) -> None:
        """Take who answers from the first chunk that says it."""
        self._id = self._id or chunk.id or ""
        self._model = self._model or chunk.model or ""
        self._created_s = self._created_s or read_time(chunk.created, self._early)

    def _start(self) -> list[Event]:
        self._has_started = True
        extras = self._early.extras()
        return [Started(id=self._id, model=self._model, created_s=self._created_s, extras=extras)]

    def _note(self, chunk: wire.Chunk, unknown: dict[str, Raw], *, notes: Notes) -> None:
        self._note_one("system_fingerprint", chunk.system_fingerprint, notes.hush)
        if chunk.service_tier is not UNSET and bytes(chunk.service_tier) != _NULL:
            self._tier = chunk.service_tier
        self._note_one("service_tier", chunk.service_tier, notes.keep)
        for path, value in unknown.items():
            if not path.startswith("choices["):
                self._note_one(path, value, notes.keep)

    def _note_one(self, path: str, value: Raw | UnsetType, keep: Callable[[str, Raw], None]) -> None:
        if value is not UNSET and bytes(value) != _NULL and self._said.get(path) != bytes(value):
            self._said[path] = bytes(value)
            keep(path, value)

    def _report(self) -> list[Event]:
        """Return what was used, which hosts say once at the end, or again and again."""
        raw, self._usage = self._usage, _NOT_SAID
        if raw is _NOT_SAID:
            return []
        notes = notes_at("")
        usage = read_noted_usage(raw, notes, write=write_usage, tier=self._tier)
        extras: Extras | None = notes.extras()
        events: list[Event] = [] if extras is None else [Extra(extras)]
        return events if usage is None else [*events, UsageReported(usage)]

    def _end(self) -> list[Event]:
        self._is_over = True
        events = [] if self._has_started else self._start()
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
            chunk, _ = read_open(body, wire.Unframed)
        except CallerFault as error:
            raise unreadable(error) from error
        if chunk.choices is not UNSET and chunk.error is UNSET:
            return list(unfold(read_response(body)))
        return self._fail(body)


def _is_error(chunk: wire.Chunk) -> bool:
    if chunk.error is not UNSET and bytes(chunk.error) != _NULL:
        return True
    return chunk.object is not UNSET and bytes(chunk.object) == b'"error"'
