"""Which events would a whole answer, or a whole part, have come in? The reverse of `collect`."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from hortus.canon.events import (
    ChoiceEnded,
    Cited,
    Delta,
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
from hortus.canon.parts import Part, Reasoning, Refusal, Text, ToolCall
from hortus.canon.response import Response


def unfold(response: Response) -> Iterator[Event]:
    """Return the events of an answer; collected, they make the same one (but for the paths of its nodes)."""
    yield Started(id=response.id, model=response.model, created_s=response.created_s, extras=response.extras)
    for choice in response.choices:
        for index, part in enumerate(choice.message.parts):
            yield PartStarted(part, choice=choice.index, index=index)
            yield PartEnded(choice=choice.index, index=index)
        yield ChoiceEnded(
            choice=choice.index,
            stop=choice.stop,
            stop_sequence=choice.stop_sequence,
            logprobs=choice.logprobs,
            extras=choice.extras,
        )
    if response.usage is not None:
        yield UsageReported(response.usage)
    yield Finished()


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
