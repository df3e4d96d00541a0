"""Which events would a whole answer have come in? The reverse of `collect`: for hosts that answer a stream at once."""

from __future__ import annotations

from collections.abc import Iterator

from hortus.canon.events import ChoiceEnded, Event, Finished, PartEnded, PartStarted, Started, UsageReported
from hortus.canon.response import Response


def unfold(response: Response) -> Iterator[Event]:
    """Return the events; collected, they make the same answer (but for the paths of its nodes)."""
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
