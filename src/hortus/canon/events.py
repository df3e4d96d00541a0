"""In which order does an answer arrive in pieces? The events of a stream, and the grammar that every stream keeps.

stream := Started item* (Finished | Failed)      and Failed may stand first
item   := PartStarted Delta* PartEnded | ChoiceEnded | UsageReported | Extra
(pieces of different choices may be interleaved; within one choice one part is open at a time, parts are
numbered 0, 1, 2 … and no part follows ChoiceEnded)
"""

from __future__ import annotations

from typing import Literal

import msgspec

from hortus.canon.nodes import Extras, Seal
from hortus.canon.parts import Citation, Part
from hortus.canon.response import Stop
from hortus.canon.usage import Usage


class Started(msgspec.Struct, frozen=True, omit_defaults=True, tag=True):
    """The answer begins; fields as in `canon.response.Response`."""

    id: str = ""
    model: str = ""
    created_s: int | None = None
    extras: Extras | None = None


class PartStarted(msgspec.Struct, frozen=True, omit_defaults=True, tag=True):
    """A part begins. `part` is its skeleton: everything known now, texts and arguments mostly still empty.

    A part that comes whole (opaque, media) is all in the skeleton and ends at once.
    """

    part: Part
    choice: int = 0
    index: int = 0


class TextAdded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """More words of the open part: a text's, a refusal's, a call's arguments, by what the part is."""

    text: str
    choice: int = 0
    index: int = 0


class ThoughtAdded(msgspec.Struct, frozen=True, tag=True, gc=False):
    """More of the open reasoning: piece number `piece` of its texts or of its summary; pieces come in order."""

    text: str
    choice: int = 0
    index: int = 0
    piece: int = 0
    goes_to: Literal["texts", "summary"] = "texts"


class SealSet(msgspec.Struct, frozen=True, tag=True):
    """The seal of the open part."""

    seal: Seal
    choice: int = 0
    index: int = 0


class Cited(msgspec.Struct, frozen=True, tag=True):
    """A citation of the open text."""

    citation: Citation
    choice: int = 0
    index: int = 0


class PartEnded(msgspec.Struct, frozen=True, omit_defaults=True, tag=True):
    """The open part is whole; `extras` replaces its skeleton's where it is set."""

    choice: int = 0
    index: int = 0
    extras: Extras | None = None


class ChoiceEnded(msgspec.Struct, frozen=True, omit_defaults=True, tag=True):
    """One choice is whole; fields as in `canon.response.Choice`."""

    choice: int = 0
    stop: Stop | None = None
    stop_sequence: str | None = None
    logprobs: msgspec.Raw | None = None
    extras: Extras | None = None


class UsageReported(msgspec.Struct, frozen=True, omit_defaults=True, tag=True):
    """What was used; the last one counts."""

    usage: Usage


class Extra(msgspec.Struct, frozen=True, tag=True):
    """Members of the whole answer that only its dialect knows; later ones are added to earlier ones."""

    extras: Extras


class Finished(msgspec.Struct, frozen=True, tag=True):
    """The host ended the stream as it should."""


class Failed(msgspec.Struct, frozen=True, omit_defaults=True, tag=True):
    """The host reported an error inside the stream.

    Attributes:
        code: Of a class of `canon.errors`.
        message: The host's words.
    """

    code: str
    message: str


Delta = TextAdded | ThoughtAdded | SealSet | Cited
Event = Started | PartStarted | Delta | PartEnded | ChoiceEnded | UsageReported | Extra | Finished | Failed


class Grammar:
    """Checks one stream, event by event; both readers and writers are held to it.

    >>> grammar = Grammar()
    >>> grammar.fault(Finished())
    'Finished before Started'
    """

    def __init__(self) -> None:
        self._has_started = self._is_over = False
        self._open: dict[int, int] = {}
        self._next: dict[int, int] = {}
        self._ended: set[int] = set()

    @property
    def is_over(self) -> bool:
        """Whether nothing more may follow."""
        return self._is_over

    def fault(self, event: Event) -> str | None:
        """Take an event; return what is wrong with it here, None if nothing is."""
        name = type(event).__name__
        if self._is_over:
            return f"{name} after the end"
        if isinstance(event, Started):
            fault = "Started twice" if self._has_started else None
            self._has_started = True
            return fault
        if isinstance(event, Failed):
            self._is_over = True
            return None
        if not self._has_started:
            return f"{name} before Started"
        if isinstance(event, Finished):
            self._is_over = True
            return f"Finished with part {self._open} open" if self._open else None
        if isinstance(event, UsageReported | Extra):
            return None
        return self._fault_in_choice(event, name)

    def _fault_in_choice(self, event: PartStarted | Delta | PartEnded | ChoiceEnded, name: str) -> str | None:
        choice = event.choice
        if choice in self._ended:
            return f"{name} after the end of choice {choice}"
        if isinstance(event, ChoiceEnded):
            self._ended.add(choice)
            return f"ChoiceEnded with part {self._open[choice]} open" if choice in self._open else None
        if isinstance(event, PartStarted):
            expected = self._next.get(choice, 0)
            if choice in self._open or event.index != expected:
                return f"PartStarted {event.index} where {expected} was expected, open: {self._open.get(choice)}"
            self._next[choice] = expected + 1
            self._open[choice] = event.index
            return None
        if self._open.get(choice) != event.index:
            return f"{name} for part {event.index}, open: {self._open.get(choice)}"
        if isinstance(event, PartEnded):
            del self._open[choice]
        return None
