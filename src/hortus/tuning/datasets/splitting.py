"""Which examples are held out? A pure function of what they say and the share: never of their order in the file.

Examples that share a prompt, in one line or over several, stay together; within each label the same share is held out.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Sequence

VERSION = 1
"""Of the rule below; a dataset's hash has it."""


class Groups:
    """Prompts that belong together, by their digests: joined by lines, in whatever order these come."""

    def __init__(self) -> None:
        self._numbers: dict[bytes, int] = {}
        self._parents = array("q")
        self._digests: list[bytes] = []

    def number(self, digest: bytes) -> tuple[int, bool]:
        """Return a prompt's number, and whether it is new."""
        number = self._numbers.setdefault(digest, len(self._parents))
        if number < len(self._parents):
            return number, False
        self._parents.append(number)
        self._digests.append(digest)
        return number, True

    def join(self, one: int, other: int) -> None:
        """Put two prompts into one group; the smaller digest is the group's."""
        first, second = self.root(one), self.root(other)
        if self._digests[second] < self._digests[first]:
            first, second = second, first
        self._parents[second] = first

    def root(self, number: int) -> int:
        """Return the prompt that stands for the group."""
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number

    def key(self, number: int) -> bytes:
        """Return what the group is called, whatever its members' order."""
        return self._digests[self.root(number)]


def held_out(keys: Sequence[bytes], labels: Sequence[str] | None, *, share: float) -> frozenset[bytes]:
    """Return the groups that are held out.

    Args:
        keys: The group of each example.
        labels: The label of each example, where there are labels.
        share: Of the examples, 0 to 1.

    At least one group is held out where there are two and the share is above 0, and never all.
    """
    sizes: dict[bytes, int] = {}
    label_of: dict[bytes, str] = {}
    for number, key in enumerate(keys):
        sizes[key] = sizes.get(key, 0) + 1
        if labels is not None:
            label_of[key] = min(labels[number], label_of.get(key, labels[number]))
    strata: dict[str, list[bytes]] = {}
    for key in sizes:
        strata.setdefault(label_of.get(key, ""), []).append(key)
    chosen: set[bytes] = set()
    if share > 0:
        for name in sorted(strata):
            chosen |= _of_stratum(sorted(strata[name], key=_place), sizes, share=share)
        ordered = sorted(sizes, key=_place)
        if not chosen and len(ordered) > 1:
            chosen.add(ordered[0])
        if ordered and len(chosen) == len(ordered):
            chosen.discard(ordered[-1])
    return frozenset(chosen)


def _of_stratum(ordered: list[bytes], sizes: dict[bytes, int], *, share: float) -> set[bytes]:
    """Take groups in their drawn order while that brings the stratum nearer to its share; one stays to be learnt."""
    wanted = share * sum(sizes[key] for key in ordered)
    chosen: set[bytes] = set()
    have = 0
    for key in ordered[:-1]:
        if abs(have + sizes[key] - wanted) < abs(have - wanted):
            chosen.add(key)
            have += sizes[key]
    return chosen


def _place(key: bytes) -> bytes:
    return hashlib.sha256(b"hortus split %d " % VERSION + key).digest()
