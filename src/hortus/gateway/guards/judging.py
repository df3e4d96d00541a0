"""What does a policy make of what its finder finds in a request? Refuse it, or hide each place of it.

What was found once is hidden wherever else it stands, so that no context can be left out around it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from hortus.canon.errors import RefusedByGuard
from hortus.gateway.guards.findings import Finder, Finding
from hortus.gateway.guards.placeholders import Mask, counted
from hortus.gateway.guards.reading import Reading, Words
from hortus.gateway.guards.refusing import refuse_findings
from hortus.policy.rules import Policy, Treatment

_LEAST_KNOWN = 4
"""Characters that a value must have to be hidden where no finder finds it."""


class Screening:
    """What was found in one reading, and what comes of it."""

    def __init__(self, policy: Policy, reading: Reading) -> None:
        self._treatments: Mapping[str, Treatment] = {"personal_data": policy.personal_data, "secrets": policy.secrets}
        self._lets_unseen_pass = policy.unseen_content == "allow"
        self._reading = reading
        self._counts: Counter[str] = Counter()
        self._refused: list[tuple[Words, Finding]] = []
        self.hits: dict[int, tuple[Words, list[Finding]]] = {}
        """Words in which something is to be hidden, by where they start."""

    @property
    def findings(self) -> tuple[str, ...]:
        """How many of each kind were found."""
        return counted(self._counts)

    def find(self, finder: Finder) -> None:
        """Let a finder read it all; then look for what it has found wherever else it stands."""
        known: dict[str, Finding] = {}
        for one in finder.find(self._reading.text):
            treatment = self._treatments.get(one.guard, "refuse")
            if treatment == "allow":
                continue
            reached = list(self._reading.reached(one.start, one.end))
            self._counts[one.kind] += bool(reached)
            for words, start, end in reached:
                here = msgspec.structs.replace(one, start=start, end=end)
                if treatment == "refuse":
                    self._refused.append((words, here))
                else:
                    self._hit(words, here)
                    known.setdefault(words.text[start:end], here)
        for value in sorted(known, key=len, reverse=True):
            if len(value) >= _LEAST_KNOWN:
                self._find_again(value, known[value])

    def _hit(self, words: Words, finding: Finding) -> None:
        self.hits.setdefault(words.start, (words, []))[1].append(finding)

    def _find_again(self, value: str, like: Finding) -> None:
        text = self._reading.text
        place = text.find(value)
        while place >= 0:
            end = place + len(value)
            if not (_is_inside_word(text, place) or _is_inside_word(text, end)):
                for words, first, last in self._reading.reached(place, end):
                    taken = self.hits.get(words.start, (words, []))[1]
                    if last - first == len(value) and all(last <= one.start or one.end <= first for one in taken):
                        self._hit(words, msgspec.structs.replace(like, start=first, end=last))
            place = text.find(value, end)

    def check(self, unseen: Sequence[str]) -> None:
        """Refuse what the policy does not let leave. Raises RefusedByGuard."""
        if self._refused:
            why = ", which the project's policy does not let leave."
            raise self._refusal(self._refused, why=why, hint="Leave it out, and send the request again.")
        if unseen and not self._lets_unseen_pass:
            places = ", ".join(f"`{path}`" for path in unseen)
            raise RefusedByGuard(
                f"The project's policy has requests looked at, and no guard can look into {places}.",
                path=unseen[0],
                hint="Send its text instead, or ask an admin about the policy's `unseen_content`.",
            )
        stuck = [
            (words, one) for words, found in self.hits.values() for one in found if words.is_fixed or words.is_number
        ]
        if stuck:
            why = ", where no placeholder can stand."
            raise self._refusal(stuck, why=why, hint="Leave it out; what is a number in JSON may be sent as a string.")

    def _refusal(self, found: Sequence[tuple[Words, Finding]], *, why: str, hint: str) -> RefusedByGuard:
        kinds = Counter(one.kind for _, one in found)
        places = [words.place.at for words, _ in found]
        values = {words.text[one.start : one.end] for words, one in found}
        return refuse_findings(kinds, places, findings=self.findings, values=values, why=why, hint=hint)

    def hide(self, mask: Mask) -> frozenset[int]:
        """Write placeholders; return which sealed thoughts say something that stands nowhere else."""
        known = {
            words.text[one.start : one.end]
            for words, found in self.hits.values()
            if not words.place.sealed
            for one in found
        }
        novel: set[int] = set()
        for words, found in self.hits.values():
            found.sort(key=lambda one: one.start)
            words.written = mask.hide(words.text, found)
            if words.place.sealed and any(words.text[one.start : one.end] not in known for one in found):
                novel.add(words.place.sealed)
        return frozenset(novel)


def _is_inside_word(text: str, place: int) -> bool:
    """Tell whether a place is between two letters or digits; scripts without spaces have no such places."""
    return 0 < place < len(text) and _is_of_word(text[place - 1]) and _is_of_word(text[place])


def _is_of_word(letter: str) -> bool:
    return letter.isdigit() or letter.lower() != letter.upper()
