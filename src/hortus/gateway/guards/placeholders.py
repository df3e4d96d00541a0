"""What stands in the place of a value that must not leave, and how does the value come back?

A placeholder is `KIND_XXXXXXXXXXXX`. Its first eight letters are a keyed digest of project, kind and value, whatever
its spelling (case, spaces, dashes); its last four are one of the spelling. So other workers and later turns write the
same, two spellings of one number begin alike, and each comes back as it was written. The values are in the Mask alone,
which lives as long as its request.
"""

from __future__ import annotations

import base64
import hmac
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hortus.base.secrets import Secret
from hortus.canon.errors import Internal
from hortus.gateway.guards.findings import Finding
from hortus.gateway.guards.spotting import CODE_LETTERS, Manner, Spotter, plain_form, spotter_of

_KEY_BYTES = 32
_VALUE_LETTERS = 8
_PURPOSE = b"hortus guards 1: placeholders"
_ENCODE = msgspec.json.Encoder().encode

_WORDS = frozenset(("email", "person", "ip_address"))
"""Kinds in which dots and dashes are part of the value; of all others only letters and digits count."""


def key_of(secret: Secret) -> bytes:
    """Return the key of placeholders that belongs to a version of the installation's secret."""
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=None, info=_PURPOSE).derive(secret.value)


class Spot(msgspec.Struct, frozen=True, gc=False):
    """A stretch of a text, and what stands there instead."""

    start: int
    end: int
    value: str


class Mask:
    """The placeholders of one request.

    Args:
        key: Of `key_of`.
        project_id: Whose request it is: no two projects share a placeholder.
    """

    def __init__(self, key: bytes, project_id: str) -> None:
        self._key = key
        self._project_id = project_id
        self._values: dict[str, str] = {}
        self._kinds: set[str] = set()
        self._spotters: dict[Manner, Spotter] = {}
        self._ordered: list[str] = []

    @property
    def placeholders(self) -> Sequence[str]:
        """All that were handed out, sorted."""
        if len(self._ordered) != len(self._values):
            self._ordered = sorted(self._values)
        return self._ordered

    def hide(self, text: str, findings: Iterable[Finding]) -> str:
        """Return a text with a placeholder for each finding; they must be in order, and none overlap."""
        pieces: list[str] = []
        place = 0
        for one in findings:
            pieces += (text[place : one.start], self.stand_in(one, text[one.start : one.end]))
            place = one.end
        return "".join(pieces) + text[place:] if pieces else text

    def stand_in(self, finding: Finding, value: str) -> str:
        """Return the placeholder of a value."""
        kind = _written(finding.kind)
        about = f"{self._project_id}\0{kind}\0"
        code = self._digest("value", about + _normal(finding, value), _VALUE_LETTERS)
        code += self._digest("spelling", about + value, CODE_LETTERS - _VALUE_LETTERS)
        placeholder = f"{kind}_{code}"
        if self._values.setdefault(placeholder, value) != value:  # one in 2**60
            raise Internal("Two values have the same placeholder.", hint="Leave one of them out.")
        if kind not in self._kinds:
            self._kinds.add(kind)
            self._spotters.clear()
        return placeholder

    def restore(self, text: str) -> str:
        """Return a text with its placeholders, however a model has spelled them, replaced by their values."""
        return self.put_back(text, "text")

    def restore_in_json(self, text: str) -> str:
        """Likewise of JSON text: values are escaped as its strings need it."""
        return self.put_back(text, "json")

    def put_back(self, text: str, manner: Manner) -> str:
        """Return a text with its placeholders replaced by their values, in a manner that fits where it stands."""
        pieces: list[str] = []
        place = 0
        for spot in self.spots(text, manner):
            pieces += (text[place : spot.start], spot.value)
            place = spot.end
        return "".join(pieces) + text[place:] if pieces else text

    def spots(self, text: str, manner: Manner) -> list[Spot]:
        """Return where the placeholders of a text are, in order, with what belongs there."""
        if not self._values:
            return []
        whole = self._spotter(manner).whole
        found: list[Spot] = []
        match = whole.search(text)
        while match is not None:
            value = self._values.get(plain_form(match[0]))
            if value is not None:
                written = _ENCODE(value).decode()[1:-1] if manner == "json" else value
                found.append(Spot(match.start(), match.end(), written))
            match = whole.search(text, match.start() + 1 if value is None else match.end())
        return found

    def begins_at(self, text: str, manner: Manner, *, after: int) -> int:
        """Return where the longest end of a text begins that may yet become a placeholder; its length if none may."""
        if not self._values:
            return len(text)
        spotter = self._spotter(manner)
        match = spotter.begun.search(text, max(after, len(text) - spotter.longest))
        while match is not None:
            if self._may_become_one(plain_form(match[0])):
                return match.start()
            match = spotter.begun.search(text, match.start() + 1)
        return len(text)

    def _may_become_one(self, beginning: str) -> bool:
        place = bisect_left(self.placeholders, beginning)
        return place < len(self.placeholders) and self.placeholders[place].startswith(beginning)

    def _spotter(self, manner: Manner) -> Spotter:
        found = self._spotters.get(manner)
        if found is None:
            found = self._spotters[manner] = spotter_of(frozenset(self._kinds), manner)
        return found

    def _digest(self, what: str, of: str, letters: int) -> str:
        digest = hmac.digest(self._key, f"{what}\0{of}".encode("utf-8", "surrogatepass"), "sha256")
        return base64.b32encode(digest).decode()[:letters]


class Restoring:
    """Restores one text that comes in pieces; holds back no more than may yet become one of its placeholders."""

    __slots__ = ("_held", "_manner", "_mask", "_moved", "_taken")

    def __init__(self, mask: Mask, manner: Manner) -> None:
        self._mask = mask
        self._manner = manner
        self._held = ""
        self._taken = 0
        self._moved: list[tuple[Spot, int]] = []
        """What was replaced, in characters of the whole text, and by how much shorter or longer words."""

    @property
    def is_holding(self) -> bool:
        """Whether something is held back."""
        return bool(self._held)

    def feed(self, text: str) -> str:
        """Take the next piece, return what is certain."""
        text = self._held + text
        spots = self._mask.spots(text, self._manner)
        end = self._mask.begins_at(text, self._manner, after=spots[-1].end if spots else 0)
        return self._pass(text, end, spots)

    def flush(self) -> str:
        """The text has ended: return the rest."""
        return self._pass(self._held, len(self._held), [])

    def place_of(self, place: int, *, is_end: bool) -> int:
        """Return where a place of the text as it came is in what it became; in a placeholder: at its edge."""
        shift = 0
        for spot, grown in self._moved:
            if place <= spot.start:
                break
            if place < spot.end:
                return spot.start + shift + (len(spot.value) if is_end else 0)
            shift += grown
        return place + shift

    def _pass(self, text: str, end: int, spots: list[Spot]) -> str:
        pieces: list[str] = []
        place = 0
        for spot in spots:
            pieces += (text[place : spot.start], spot.value)
            place = spot.end
            start = self._taken + spot.start
            whole = Spot(start, self._taken + spot.end, spot.value)
            self._moved.append((whole, len(spot.value) - (spot.end - spot.start)))
        pieces.append(text[place:end])
        self._held = text[end:]
        self._taken += end
        return "".join(pieces)


def _written(kind: str) -> str:
    """Return how a kind is written in placeholders: capitals and underscores."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in kind).upper()


def _normal(finding: Finding, value: str) -> str:
    """Return what two spellings of one value have in common."""
    if finding.guard != "personal_data":
        return value
    folded = unicodedata.normalize("NFKC", value).casefold()
    if finding.kind in _WORDS:
        return " ".join(folded.split())
    return "".join(letter for letter in folded if letter.isalnum()) or folded


def counted(findings: Mapping[str, int]) -> tuple[str, ...]:
    """Return how many of each kind were found, for receipts: `iban:2`."""
    return tuple(f"{kind}:{number}" for kind, number in sorted(findings.items()))
