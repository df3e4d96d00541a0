"""What of a stream does a dialect not carry that answers once, in one voice? Noted as the stream passes."""

from __future__ import annotations

from hortus.canon.loss import Loss, Weight
from hortus.canon.manifest import Vocabulary, lost_members
from hortus.canon.nodes import Extras


class StreamLosses:
    """The losses of one stream.

    Args:
        source: In whose words the answer came.
        nothing: The empty extras of the dialect that the stream is written in.
        why_once: Why further choices are lost.

    Attributes:
        found: In the order in which they came up.
    """

    __slots__ = ("_nothing", "_others", "_source", "_why_once", "found")

    def __init__(self, source: Vocabulary, *, nothing: Extras, why_once: str) -> None:
        self._source = source
        self._nothing = nothing
        self._why_once = why_once
        self._others: set[int] = set()
        self.found: list[Loss] = []

    def own(self, extras: Extras | None, *, at: str = "") -> Extras:
        """Return extras of this dialect; what another one said is noted as lost."""
        if extras is None:
            return self._nothing
        if extras.dialect == self._nothing.dialect:
            return extras
        self.found += lost_members(extras, at=at, source=self._source, target=self._nothing.dialect)
        return self._nothing

    def lose_of_choice(self, field: str, weight: Weight, reason: str) -> None:
        """Note a field of the answer's only choice."""
        name = self._source.names.get(f"Choice.{field}", field)
        self.found.append(Loss(f"{self.path_of_choice(0)}.{name}", weight, reason))

    def path_of_choice(self, number: int) -> str:
        """Return where a choice stands in the source."""
        return f"{self._source.names.get('Response.choices', 'choices')}[{number}]"

    def lose_choice(self, number: int) -> None:
        """Note a choice beyond the first, once."""
        if number not in self._others:
            self._others.add(number)
            self.found.append(Loss(self.path_of_choice(number), "meaning", self._why_once))
