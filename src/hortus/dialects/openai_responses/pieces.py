"""Parts in pieces: a part with its words still to come, and what a whole one has beyond what there was of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from hortus.canon.events import Cited, Delta, SealSet, TextAdded, ThoughtAdded
from hortus.canon.parts import Part, Reasoning, Refusal, Text, ToolCall


def emptied(part: Part) -> Part:
    """Return a part as its stream begins with it."""
    match part:
        case Text():
            return msgspec.structs.replace(part, text="", citations=(), seal=None)
        case Refusal():
            return msgspec.structs.replace(part, text="")
        case ToolCall():
            return msgspec.structs.replace(part, arguments="", seal=None)
        case Reasoning():
            return msgspec.structs.replace(part, texts=(), summary=(), seal=None)
        case _:
            return part


def rest_of(part: Part, had: Part, *, index: int) -> Iterator[Delta]:
    """Return what a whole part has beyond what there was of it; pieces without words are left out."""
    match had, part:
        case Text(), Text():
            yield from _words(part.text, had.text, index=index)
            for citation in part.citations[len(had.citations) :]:
                yield Cited(citation, index=index)
        case Refusal(), Refusal():
            yield from _words(part.text, had.text, index=index)
        case ToolCall(), ToolCall():
            yield from _words(part.arguments, had.arguments, index=index)
        case Reasoning(), Reasoning():
            yield from _thoughts(part.summary, had.summary, index=index, goes_to="summary")
            yield from _thoughts(part.texts, had.texts, index=index, goes_to="texts")
        case _:
            return
    if isinstance(part, Reasoning | Text | ToolCall) and part.seal is not None:
        yield SealSet(part.seal, index=index)


def _words(text: str, had: str, *, index: int) -> Iterator[TextAdded]:
    if len(text) > len(had):
        yield TextAdded(text[len(had) :], index=index)


def _thoughts(
    texts: tuple[str, ...], had: tuple[str, ...], *, index: int, goes_to: Literal["texts", "summary"]
) -> Iterator[ThoughtAdded]:
    for piece, text in enumerate(texts):
        old = len(had[piece]) if piece < len(had) else 0
        if len(text) > old:
            yield ThoughtAdded(text[old:], index=index, piece=piece, goes_to=goes_to)
