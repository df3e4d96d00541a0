"""A host's stream to canonical events.

Items come one after the other; what their deltas left out is taken from the whole item at its end, and from the whole
answer at the end of the stream. Where that end says otherwise than the stream did, its items are kept beside.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Raw

from hortus.canon.collect import Growing
from hortus.canon.errors import BrokenStream, CallerFault
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
from hortus.canon.nodes import Extras
from hortus.canon.parts import Part, Reasoning, Refusal, Text
from hortus.dialects.openai_responses.errors import read_failure
from hortus.dialects.openai_responses.items import (
    GOES_ON,
    ITEM,
    bare_item,
    read_call,
    read_output,
    read_piece,
    read_reasoning,
)
from hortus.dialects.openai_responses.parts import read_citation
from hortus.dialects.openai_responses.pen import OBJECT, STRING, read_head
from hortus.dialects.openai_responses.pieces import emptied, rest_of
from hortus.dialects.openai_responses.response import Members, output_of, read_stop
from hortus.dialects.openai_responses.response import read_head as read_answer_head
from hortus.dialects.openai_responses.response_writer import INSTEAD
from hortus.dialects.openai_responses.usage import count, told_in
from hortus.dialects.openai_responses.wire import NAME
from hortus.framing.answers import unreadable
from hortus.framing.counting import UNREADABLE
from hortus.framing.opening import NULL
from hortus.framing.sse import Frame, SseSplitter

_Index = Annotated[int, Meta(ge=0)]


class _Event(msgspec.Struct):
    type: str = ""
    output_index: _Index = 0
    content_index: _Index = 0
    summary_index: _Index = 0
    delta: Raw = NULL
    item: Raw = NULL
    part: Raw = NULL
    annotation: Raw = NULL
    response: Raw = NULL
    error: Raw = NULL


class _Item:
    """One item of the answer: its beginning, its end, and the parts that were made of it."""

    def __init__(self, added: Raw) -> None:
        self.added = added
        self.done: Raw | None = None
        self.parts: list[Part] = []
        self.is_exact = False
        self.piece = -1
        """Number of its last part so far."""


class _Open:
    """The part that is open."""

    def __init__(self, place: tuple[int, int], index: int, skeleton: Part) -> None:
        self.place = place
        self.index = index
        self.skeleton = skeleton
        self.growing = Growing(skeleton)
        self.done: Raw | None = None
        self.citations = 0
        self.thoughts: dict[str, int] = {}


_DECODE = msgspec.json.Decoder(_Event).decode


class Reader:
    """Reads one stream; see `canon.translation.StreamReader`."""

    def __init__(self) -> None:
        self._splitter = SseSplitter()
        self._started: Started | None = None
        self._is_over = False
        self._items: dict[int, _Item] = {}
        self._order: list[int] = []
        self._open: _Open | None = None
        self._next = 0
        # Everything that is not listed says something twice, or tells how a tool of the host gets on.
        self._readers: Mapping[str, Callable[[_Event], Iterator[Event]]] = {
            "response.created": self._on_begun,
            "response.in_progress": self._on_begun,
            "response.queued": self._on_begun,
            "response.output_item.added": self._on_item_added,
            "response.output_text.delta": self._on_text,
            "response.output_text.annotation.added": self._on_annotation,
            "response.refusal.delta": self._on_refusal,
            "response.function_call_arguments.delta": self._on_arguments,
            "response.reasoning_summary_text.delta": self._on_summary,
            "response.reasoning_text.delta": self._on_thought,
            "response.content_part.done": self._on_part_done,
            "response.output_item.done": self._on_item_done,
            "response.completed": self._on_end,
            "response.incomplete": self._on_end,
            "response.failed": self._on_failed,
        }

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that are complete now."""
        return [event for frame in self._splitter.feed(data) for event in self._read(frame)]

    def close(self) -> list[Event]:
        """The host ended the stream: return the rest."""
        frame = self._splitter.close()
        return [] if frame is None else list(self._read(frame))

    def _read(self, frame: Frame) -> Iterator[Event]:
        if self._is_over or frame.data is None or frame.data.startswith(b"[DONE]"):
            return
        try:
            yield from self._read_event(_DECODE(frame.data), frame.data)
        except CallerFault as error:
            raise unreadable(error) from error
        except UNREADABLE as error:
            raise BrokenStream("The host sent an event that is not one of a Responses stream.") from error

    def _read_event(self, wire: _Event, data: bytes) -> Iterator[Event]:
        read = self._readers.get(wire.type)
        if read is not None:
            yield from self._begin(wire)
            yield from read(wire)
        elif wire.type == "error" or (not wire.type and wire.error != NULL):
            yield self._fail(Raw(data) if wire.error == NULL else wire.error)

    def _begin(self, wire: _Event) -> Iterator[Event]:
        if self._started is None:
            members = OBJECT(wire.response) if wire.response != NULL else {}
            head = read_answer_head(members, is_begun=True)
            self._started = Started(id=head.id, model=head.model, created_s=head.created_s, extras=head.extras)
            yield self._started

    def _on_begun(self, wire: _Event) -> Iterator[Event]:
        """Nothing but the beginning, which is made for every first event."""
        del wire
        yield from ()

    def _on_item_added(self, wire: _Event) -> Iterator[Event]:
        number, raw = wire.output_index, wire.item
        at = f"output[{number}]"
        kind = read_head(raw, at=at).type
        self._items[number] = _Item(raw)
        part: Part
        if kind == "function_call":
            call = read_call(raw, at=at)
            yield from self._start((number, 0), emptied(call))
            yield from self._add_text(number, call.arguments)
        elif kind == "reasoning":
            part = read_reasoning(raw, at=at)
            if isinstance(part, Reasoning):
                yield from self._start((number, 0), emptied(part))

    def _on_text(self, wire: _Event) -> Iterator[Event]:
        yield from self._go_to(wire, Text(text="", at=f"output[{wire.output_index}].content[{wire.content_index}]"))
        yield from self._add_text(wire.output_index, STRING(wire.delta))

    def _on_refusal(self, wire: _Event) -> Iterator[Event]:
        yield from self._go_to(wire, Refusal(text="", at=f"output[{wire.output_index}].content[{wire.content_index}]"))
        yield from self._add_text(wire.output_index, STRING(wire.delta))

    def _on_arguments(self, wire: _Event) -> Iterator[Event]:
        yield from self._add_text(wire.output_index, STRING(wire.delta))

    def _on_summary(self, wire: _Event) -> Iterator[Event]:
        yield from self._think(wire, "summary", piece=wire.summary_index)

    def _on_thought(self, wire: _Event) -> Iterator[Event]:
        yield from self._think(wire, "texts", piece=wire.content_index)

    def _think(self, wire: _Event, goes_to: Literal["summary", "texts"], *, piece: int) -> Iterator[Event]:
        opened = self._opened(wire.output_index)
        count = opened.thoughts.get(goes_to, 0)
        if piece > count:
            raise BrokenStream(f"The host sent piece {piece} of its reasoning after {count} pieces.")
        opened.thoughts[goes_to] = max(count, piece + 1)
        event = ThoughtAdded(STRING(wire.delta), index=opened.index, piece=piece, goes_to=goes_to)
        yield from _grow(opened, event)

    def _on_annotation(self, wire: _Event) -> Iterator[Event]:
        opened = self._opened(wire.output_index)
        at = f"output[{wire.output_index}].content[{wire.content_index}].annotations[{opened.citations}]"
        opened.citations += 1
        yield from _grow(opened, Cited(read_citation(wire.annotation, at=at), index=opened.index))

    def _on_part_done(self, wire: _Event) -> Iterator[Event]:
        if self._open is not None and self._open.place == (wire.output_index, wire.content_index):
            self._open.done = wire.part
        yield from ()

    def _on_item_done(self, wire: _Event) -> Iterator[Event]:
        yield from self._finish_item(wire.output_index, wire.item)

    def _on_end(self, wire: _Event) -> Iterator[Event]:
        members = OBJECT(wire.response)
        finals = output_of(members)
        for number, raw in enumerate(finals):
            yield from self._finish_item(number, raw)
        yield from self._close()
        parts = tuple(part for number in self._order for part in self._items[number].parts)
        stop = read_stop(members, parts)
        head = read_answer_head(members, is_begun=False, stop=stop)
        if head.usage is not None:
            yield UsageReported(head.usage)
        yield ChoiceEnded(stop=stop)
        extras = self._news(head.extras, finals)
        if extras is not None:
            yield Extra(extras)
        self._is_over = True
        yield Finished()

    def _on_failed(self, wire: _Event) -> Iterator[Event]:
        members = OBJECT(wire.response)
        usage = count(told_in(members))
        if usage is not None:
            yield UsageReported(usage)
        yield self._fail(members.get("error", NULL))

    def _fail(self, raw: Raw) -> Failed:
        self._is_over = True
        error = read_failure(raw)
        return Failed(code=error.code, message=error.message)

    def _add_text(self, number: int, text: str) -> Iterator[Event]:
        opened = self._opened(number)
        yield from _grow(opened, TextAdded(text, index=opened.index))

    def _opened(self, number: int) -> _Open:
        if self._open is None or self._open.place[0] != number:
            raise BrokenStream(f"The host sent more of an item that is not open, number {number} of its answer.")
        return self._open

    def _go_to(self, wire: _Event, skeleton: Text | Refusal) -> Iterator[Event]:
        """Open the part of a message that more words are for."""
        number, piece = wire.output_index, wire.content_index
        opened = self._open
        if opened is not None and opened.place == (number, piece) and type(opened.skeleton) is type(skeleton):
            return
        item = self._items.setdefault(number, _Item(Raw(b"{}")))
        if item.done is not None or piece <= item.piece:
            raise BrokenStream(f"The host sent more of an item that has ended, number {number} of its answer.")
        yield from self._close(goes_on=self._open is not None and self._open.place[0] == number)
        yield from self._start((number, piece), self._with_item(skeleton, item))

    def _with_item(self, skeleton: Text | Refusal, item: _Item) -> Part:
        """Return the beginning of a part of a message; the first one says which."""
        extras = None if item.parts else Extras(dialect=NAME, silent={ITEM: bare_item(item.added)})
        return msgspec.structs.replace(skeleton, extras=extras)

    def _start(self, place: tuple[int, int], skeleton: Part) -> Iterator[Event]:
        yield from self._close()
        if place[0] not in self._order:
            self._order.append(place[0])
        self._open = _Open(place, self._next, skeleton)
        self._items[place[0]].piece = place[1]
        self._next += 1
        yield PartStarted(skeleton, index=self._open.index)

    def _close(self, *, goes_on: bool = False, extras: Extras | None = None) -> Iterator[Event]:
        opened = self._open
        if opened is None:
            return
        if goes_on:
            extras = Extras(dialect=NAME, forms=(GOES_ON,))
            if opened.done is not None:
                extras = read_piece(opened.done, at=opened.skeleton.at, item=None).extras
        if extras == opened.skeleton.extras:
            extras = None
        self._items[opened.place[0]].parts.append(opened.growing.whole(extras))
        self._open = None
        yield PartEnded(index=opened.index, extras=extras)

    def _finish_item(self, number: int, raw: Raw) -> Iterator[Event]:
        """End an item with what it is as a whole."""
        item = self._items.setdefault(number, _Item(raw))
        if item.done is not None:
            return
        item.done = raw
        parts = read_output(raw, at=f"output[{number}]")
        if not item.parts or (self._open is not None and self._open.place[0] == number):
            for piece in range(len(item.parts), len(parts)):
                yield from self._finish_part(number, piece, part=parts[piece])
        item.is_exact = tuple(item.parts) == parts

    def _finish_part(self, number: int, piece: int, *, part: Part) -> Iterator[Event]:
        if self._open is None or self._open.place[0] != number:
            skeleton = emptied(part)
            if isinstance(skeleton, Text | Refusal):
                skeleton = self._with_item(skeleton, self._items[number])
            yield from self._start((number, piece), skeleton)
        opened = self._opened(number)
        for event in rest_of(part, opened.growing.whole(), index=opened.index):
            yield from _grow(opened, event)
        yield from self._close(extras=part.extras)

    def _news(self, extras: Extras | None, finals: list[Raw]) -> Extras | None:
        """Return what the end says of the answer that its beginning did not say so."""
        begun = self._started.extras if self._started is not None and self._started.extras else Extras(dialect=NAME)
        ended = extras or begun
        silent = _changed(begun.silent, ended.silent)
        for place, (number, raw) in enumerate(zip(self._order, finals, strict=False)):
            item = self._items[number]
            if number != place or not item.is_exact or not _are_equal(item.done, raw):
                silent[INSTEAD.format(place)] = raw
        members = _changed(begun.members, ended.members)
        return Extras(dialect=NAME, members=members, silent=silent) if members or silent else None


def _grow(opened: _Open, event: Delta) -> Iterator[Event]:
    if not (isinstance(event, TextAdded | ThoughtAdded) and not event.text):
        opened.growing.grow(event)
        yield event


def _changed(begun: Members, ended: Members) -> Members:
    return {name: value for name, value in ended.items() if begun.get(name) != value}


def _are_equal(first: Raw | None, second: Raw) -> bool:
    return first is not None and (first == second or msgspec.json.decode(first) == msgspec.json.decode(second))
