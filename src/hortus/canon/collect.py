"""What answer do the events of a stream make? The only fold from events to a whole answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

import msgspec

from hortus.canon.errors import BrokenStream
from hortus.canon.events import (
    ChoiceEnded,
    Cited,
    Delta,
    Event,
    Extra,
    Failed,
    Finished,
    Grammar,
    PartEnded,
    PartStarted,
    SealSet,
    Started,
    TextAdded,
    ThoughtAdded,
    UsageReported,
)
from hortus.canon.nodes import Extras, Seal
from hortus.canon.parts import Citation, Media, Part, Reasoning, Refusal, Text, ToolCall
from hortus.canon.request import Message
from hortus.canon.response import Choice, Response
from hortus.canon.usage import Usage


class Growing:
    """The part that grows, kept in pieces so that a long one costs no more for each of them."""

    def __init__(self, part: Part) -> None:
        """Begin with its skeleton."""
        self._part = part
        self._words: list[str] = []
        self._texts: list[list[str]] = []
        self._summary: list[list[str]] = []
        self._citations: list[Citation] = []
        self._seal: Seal | None = None

    def grow(self, event: Delta) -> None:
        """Add to it. Raises BrokenStream where the event does not belong to such a part."""
        part = self._part
        match event:
            case TextAdded(text) if isinstance(part, Text | Refusal | ToolCall):
                self._words.append(text)
            case Cited(citation) if isinstance(part, Text):
                self._citations.append(citation)
            case SealSet(seal) if isinstance(part, Text | Media | ToolCall | Reasoning):
                self._seal = seal
            case ThoughtAdded(text) if isinstance(part, Reasoning):
                pieces = self._texts if event.goes_to == "texts" else self._summary
                pieces.extend([] for _ in range(event.piece + 1 - len(pieces)))
                pieces[event.piece].append(text)
            case _:
                raise BrokenStream(f"{type(event).__name__} does not belong to a part that is {type(part).__name__}.")

    def whole(self, extras: Extras | None = None) -> Part:
        """Return what it is by now; `extras` replace the skeleton's where they are set."""
        changes = self._grown()
        if extras is not None:
            changes["extras"] = extras
        if self._seal is not None:
            changes["seal"] = self._seal
        return msgspec.structs.replace(self._part, **changes) if changes else self._part

    def _grown(self) -> dict[str, object]:
        match self._part:
            case Text() as part:
                text, citations = part.text + "".join(self._words), (*part.citations, *self._citations)
                return {"text": text, "citations": citations}
            case Refusal() as part:
                return {"text": part.text + "".join(self._words)}
            case ToolCall() as part:
                return {"arguments": part.arguments + "".join(self._words)}
            case Reasoning() as part:
                texts, summary = _lengthened(part.texts, self._texts), _lengthened(part.summary, self._summary)
                return {"texts": texts, "summary": summary}
            case _:
                return {}


class Collector:
    """Folds one stream; `feed` every event, then ask for the `response`."""

    def __init__(self) -> None:
        self._grammar = Grammar()
        self._started = Started()
        self._extras: Extras | None = None
        self._parts: dict[int, list[Part]] = {}
        self._open: dict[int, Growing] = {}
        self._ended: dict[int, ChoiceEnded] = {}
        self._usage: Usage | None = None
        self.failed: Failed | None = None

    def feed(self, event: Event) -> None:
        """Take the next event.

        Raises:
            BrokenStream: It cannot stand here.
        """
        fault = self._grammar.fault(event)
        if fault is not None:
            raise BrokenStream(f"The answer's events are out of order: {fault}.")
        match event:
            case Started():
                self._started = event
                self._extras = event.extras
            case UsageReported(usage):
                self._usage = usage
            case Extra(extras):
                self._extras = joined(self._extras, extras)
            case Failed():
                self.failed = event
            case Finished():
                pass
            case _:
                self._feed_choice(event)

    def _feed_choice(self, event: PartStarted | Delta | PartEnded | ChoiceEnded) -> None:
        parts = self._parts.setdefault(event.choice, [])
        match event:
            case PartStarted(part):
                self._open[event.choice] = Growing(part)
            case PartEnded():
                parts.append(self._open.pop(event.choice).whole(event.extras))
            case ChoiceEnded():
                self._ended[event.choice] = event
            case TextAdded() | ThoughtAdded() | SealSet() | Cited():
                self._open[event.choice].grow(event)
            case _:
                assert_never(event)

    def response(self) -> Response:
        """Return the answer so far."""
        return Response(
            choices=tuple(self._choice(number) for number in sorted(self._parts)),
            id=self._started.id,
            model=self._started.model,
            created_s=self._started.created_s,
            usage=self._usage,
            extras=self._extras,
        )

    def _choice(self, number: int) -> Choice:
        ended = self._ended.get(number, ChoiceEnded())
        growing = self._open.get(number)
        parts = (*self._parts[number], growing.whole()) if growing else tuple(self._parts[number])
        return Choice(
            message=Message(role="assistant", parts=parts),
            index=number,
            stop=ended.stop,
            stop_sequence=ended.stop_sequence,
            logprobs=ended.logprobs,
            extras=ended.extras,
        )


def collect(events: Iterable[Event]) -> Response:
    """Return the whole answer of a stream. Raises BrokenStream where the events are out of order."""
    collector = Collector()
    for event in events:
        collector.feed(event)
    return collector.response()


def joined(first: Extras | None, second: Extras) -> Extras:
    """Return what both say; where both name a member, the second one's value."""
    if first is None:
        return second
    return Extras(
        dialect=second.dialect,
        members=first.members | second.members,
        forms=first.forms + tuple(form for form in second.forms if form not in first.forms),
        silent=first.silent | second.silent,
    )


def _lengthened(had: tuple[str, ...], pieces: list[list[str]]) -> tuple[str, ...]:
    count = max(len(had), len(pieces))
    return tuple(
        (had[i] if i < len(had) else "") + ("".join(pieces[i]) if i < len(pieces) else "") for i in range(count)
    )
