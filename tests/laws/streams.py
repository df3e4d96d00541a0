"""Streams of canonical events for an answer: its parts one after the other, each in pieces."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from hypothesis import strategies as st

from hortus.canon.events import (
    ChoiceEnded,
    Cited,
    Event,
    Finished,
    PartEnded,
    PartStarted,
    SealSet,
    Started,
    TextAdded,
    ThoughtAdded,
    UsageReported,
)
from hortus.canon.parts import Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from hortus.canon.response import Choice, Response
from laws.canonical import responses


class Streamed(msgspec.Struct):
    """An answer and the events that make it up."""

    response: Response
    events: list[Event]


@st.composite
def streams(draw: st.DrawFn) -> Streamed:
    """Draw an answer and how it arrives."""
    response = draw(responses())
    size = draw(st.integers(1, 6))
    return Streamed(response, list(events_of_response(response, size)))


def events_of_response(response: Response, size: int) -> Iterator[Event]:
    """Yield the events of an answer, texts in pieces of `size` characters."""
    yield Started(id=response.id, model=response.model, created_s=response.created_s)
    for choice in response.choices:
        yield from _events_of_choice(choice, size)
    if response.usage is not None:
        yield UsageReported(response.usage)
    yield Finished()


def _events_of_choice(choice: Choice, size: int) -> Iterator[Event]:
    for index, part in enumerate(choice.message.parts):
        place = {"choice": choice.index, "index": index}
        yield PartStarted(part=_skeleton(part), **place)
        yield from _deltas(part, size, place=place)
        yield PartEnded(**place)
    yield ChoiceEnded(choice=choice.index, stop=choice.stop, stop_sequence=choice.stop_sequence)


def _skeleton(part: Part) -> Part:
    match part:
        case Text():
            return msgspec.structs.replace(part, text="", citations=(), seal=None)
        case Refusal():
            return msgspec.structs.replace(part, text="")
        case ToolCall():
            return msgspec.structs.replace(part, arguments="", seal=None)
        case Reasoning():
            return msgspec.structs.replace(part, texts=(), summary=(), seal=None)
        case Media() | Opaque() | ToolResult():
            return part


def _deltas(part: Part, size: int, *, place: dict[str, int]) -> Iterator[Event]:
    if isinstance(part, Reasoning):
        for number, text in enumerate(part.texts):
            yield from (ThoughtAdded(piece, piece=number, goes_to="texts", **place) for piece in _pieces(text, size))
        for number, text in enumerate(part.summary):
            yield from (ThoughtAdded(piece, piece=number, goes_to="summary", **place) for piece in _pieces(text, size))
    if isinstance(part, Text | Refusal):
        yield from (TextAdded(piece, **place) for piece in _pieces(part.text, size))
    if isinstance(part, ToolCall):
        yield from (TextAdded(piece, **place) for piece in _pieces(part.arguments, size))
    if isinstance(part, Text):
        yield from (Cited(citation, **place) for citation in part.citations)
    if isinstance(part, Text | ToolCall | Reasoning) and part.seal is not None:
        yield SealSet(part.seal, **place)


def _pieces(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))
