"""Which deltas would the content of a whole part have come in? For streams in which a part came at once."""

from __future__ import annotations

from msgspec.structs import replace

from hortus.canon.events import Cited, Delta, SealSet, TextAdded, ThoughtAdded
from hortus.canon.parts import Part, Reasoning, Refusal, Text, ToolCall


def take_apart(part: Part) -> tuple[Part, list[Delta]]:
    """Return a part without its content, and the content as the deltas that it stands for.

    A part that no delta adds to stays as it is.
    """
    match part:
        case Text(text=text, citations=citations):
            return replace(part, text="", citations=()), [*_words_of(text), *(Cited(one) for one in citations)]
        case Refusal(text=text):
            return replace(part, text=""), _words_of(text)
        case ToolCall(arguments=arguments):
            return replace(part, arguments=""), _words_of(arguments)
        case Reasoning():
            return replace(part, texts=(), summary=(), seal=None), _thoughts_of(part)
        case _:
            return part, []


def _words_of(text: str) -> list[Delta]:
    return [TextAdded(text)] if text else []


def _thoughts_of(part: Reasoning) -> list[Delta]:
    thoughts: list[Delta] = [ThoughtAdded(text, piece=i, goes_to="summary") for i, text in enumerate(part.summary)]
    thoughts += [ThoughtAdded(text, piece=i) for i, text in enumerate(part.texts)]
    return [*thoughts, SealSet(part.seal)] if part.seal else thoughts
