"""Which words of a text are a person's name?

The built-in recogniser goes by cues (titles, greetings, fields, signatures) and by common given names before a surname;
it would rather miss a name than mask a product.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from typing import Protocol, runtime_checkable

from hortus.base.errors import ConfigurationError
from hortus.gateway.guards.folding import View, without_accents, words_of
from hortus.gateway.guards.given_names import GIVEN_NAMES
from hortus.gateway.guards.hits import Hit
from hortus.gateway.guards.name_cues import (
    FIELDS,
    FULL_NAME_FIELDS,
    GREETINGS,
    INTRODUCTIONS,
    LOWER_TITLES,
    MACHINES,
    NEED_POINT,
    NOT_NAMES,
    OTHER_LABELS,
    PARTICLES,
    TITLES,
    VALEDICTIONS,
)
from hortus.gateway.guards.tables import Tables

BUILT_IN = "built-in"
ENTRY_POINTS = "hortus.name_recognisers"
_RANK = 30


@runtime_checkable
class NameRecogniser(Protocol):
    """Says where names of people stand. Runs on every guarded request: short, pure, thread-safe."""

    def names(self, text: str) -> Iterable[tuple[int, int]]:
        """Start and end of each name, as slices count."""
        ...


def recogniser(name: str) -> NameRecogniser:
    """The recogniser that a node's setting names: `built-in`, or an entry point of the group `hortus.name_recognisers`.

    Raises:
        ConfigurationError: No installed package has one of this name, or what it has recognises nothing.
    """
    if name == BUILT_IN:
        return CuedNames()
    found = tuple(entry_points(group=ENTRY_POINTS, name=name))
    if not found:
        known = ", ".join(sorted({BUILT_IN, *(one.name for one in entry_points(group=ENTRY_POINTS))}))
        raise ConfigurationError(
            f"name_recogniser: no installed package offers {name!r}; there is {known}. Install it, or set one of these."
        )
    made = found[0].load()()
    if not isinstance(made, NameRecogniser):
        raise ConfigurationError(f"name_recogniser: {name!r} has no method `names`; ask whoever made {found[0].value}.")
    return made


class People:
    """What a recogniser finds, as hits."""

    def __init__(self, recogniser: NameRecogniser) -> None:
        self._recogniser = recogniser

    def seek(self, view: View) -> Iterable[Hit]:
        """All of its names."""
        for start, end in self._recogniser.names(view.text):
            yield Hit(_RANK, start, end, "personal_data", "person")


_UPPER = "".join(chr(code) for code in range(0x41, 0x530) if chr(code).isupper())
_PIECE = rf"[{_UPPER}](?<!\w.)(?:[\w\u0300-\u036f]|['\u2019\-](?=\w))*\.?"
_PARTICLE = "|".join(sorted(PARTICLES, key=len, reverse=True))
_SEQUENCE = re.compile(rf"{_PIECE}(?:[ ]{{1,2}}(?:(?:{_PARTICLE})[ ]){{0,2}}{_PIECE}){{0,6}}(?![@\w])")
_PIECES = re.compile(r"\S+")
_MOST_WORDS = 4
_BEFORE = 48
_LABEL_ENDS = ":=|\t"
_DECORATION = " \"'*`_>([„“«"
_MOST_LABEL_WORDS = 4
_LEAST_CAPITALS = 3
_GREETED = 2
"""Words of a greeting with one name."""
_INTERESTING = GIVEN_NAMES | GREETINGS | frozenset(without_accents(title) for title in TITLES)
_LAST_WORDS = frozenset(phrase.split()[-1] for phrase in INTRODUCTIONS) | LOWER_TITLES | PARTICLES
_ENDS_OF_CUES = _LABEL_ENDS + "\n"


class _Word:
    """One word of a run of capitalised words."""

    __slots__ = ("end", "folded", "has_point", "start", "text")

    def __init__(self, text: str, start: int) -> None:
        self.text = text.rstrip(".")
        self.has_point = len(self.text) < len(text)
        self.start = start
        self.end = start + len(text) if len(self.text) == 1 else start + len(self.text)
        self.folded = without_accents(self.text)

    @property
    def is_title(self) -> bool:
        return self.text in TITLES and (self.has_point or self.text not in NEED_POINT)

    @property
    def is_initial(self) -> bool:
        return len(self.text) == 1 and self.has_point

    @property
    def is_surname(self) -> bool:
        return len(self.text) > 1 and self.folded not in NOT_NAMES and not self.is_title and not self.is_particle

    @property
    def is_particle(self) -> bool:
        return self.folded in PARTICLES

    @property
    def is_given(self) -> bool:
        return self.folded in GIVEN_NAMES or self.folded.partition("-")[0] in GIVEN_NAMES


class CuedNames:
    """The built-in recogniser."""

    def names(self, text: str) -> Iterator[tuple[int, int]]:
        """Names after a title, greeting, label or introduction, in a signature, or a given name with its surname."""
        known: dict[str, bool] = {}
        tables = Tables(text)
        for found in _SEQUENCE.finditer(text):
            raw, start = found[0], found.start()
            is_interesting = known.get(raw)
            if is_interesting is None:
                folded = without_accents(raw).replace("-", " ").replace(".", " ").split()
                is_interesting = known[raw] = not _INTERESTING.isdisjoint(folded)
            if not (is_interesting or _may_follow_cue(text, start)):
                continue
            for words in _sentences(found):
                whole = words[_is_inside(text, words[0].start) :]
                if whole and (name := _within(whole) or _after_cue(text, whole, tables)):
                    yield name


def _is_inside(text: str, start: int) -> bool:
    """Whether it is the middle of a word, a path or an address."""
    before = text[max(0, start - 1) : start]
    return before.isalnum() or before in {"@", ".", "/", "_", "-", "'"}


def _sentences(found: re.Match[str]) -> Iterator[list[_Word]]:
    """The words up to the end of a sentence; titles and initials end none."""
    words: list[_Word] = []
    for piece in _PIECES.finditer(found[0]):
        word = _Word(piece[0], found.start() + piece.start())
        words.append(word)
        if word.has_point and not (word.is_title or word.is_initial):
            yield words
            words = []
    if words:
        yield words


def _within(words: list[_Word]) -> tuple[int, int] | None:
    """A name that the run itself gives away: after a title or a greeting, or by a given name."""
    for place, word in enumerate(words[:-1]):
        if _announces(word, words[place + 1]):
            return _span(words, place + 1)
    given = next((place for place, word in enumerate(words) if word.is_given and _has_surname(words, place)), None)
    if given is None:
        return None
    if given and _is_capital_surname(words[given - 1]):
        return words[given - 1].start, words[given].end
    return _span(words, given)


def _announces(word: _Word, after: _Word) -> bool:
    """Whether a word is a title before a name, or a greeting before a given one."""
    if word.is_title:
        return not after.is_title and (after.is_surname or after.is_initial or after.is_particle)
    return word.folded in GREETINGS and after.is_given and after.is_surname


def _has_surname(words: list[_Word], place: int) -> bool:
    """Whether a surname stands before a given name, in capitals, or after it."""
    if place and _is_capital_surname(words[place - 1]):
        return True
    after = words[place + 1 : place + 2]
    return bool(after) and (after[0].is_surname or after[0].is_initial or _has_particle(words, place))


def _is_capital_surname(word: _Word) -> bool:
    return word.text.isupper() and len(word.text) >= _LEAST_CAPITALS and word.is_surname and not word.is_given


def _has_particle(words: list[_Word], place: int) -> bool:
    """Whether the next word belongs to a surname, such as `van`, and one follows it."""
    rest = [word for word in words[place + 1 :] if not word.is_particle]
    return place + 1 < len(words) and words[place + 1].is_particle and bool(rest) and rest[0].is_surname


def _span(words: list[_Word], first: int, *, surnames: int = 2) -> tuple[int, int] | None:
    """From the first word of a name to its last: given names, initials, particles, two words of a surname."""
    end, count = None, 0
    for word in words[first:]:
        if word.is_particle:
            continue
        if not (word.is_surname or word.is_initial) or surnames <= 0 or count == _MOST_WORDS:
            break
        surnames -= not (word.is_given or word.is_initial)
        count += 1
        end = word.end
    return None if end is None else (words[first].start, end)


def _may_follow_cue(text: str, start: int) -> bool:
    """Whether the few characters before could be the end of a cue; cheap, for it is asked of every capitalised word."""
    if start > 1 and text[start - 1] == " " and text[start - 2].isalpha():
        last = text[text.rfind(" ", max(0, start - 18), start - 2) + 1 : start - 1].rpartition("\n")[2]
        return last in _LAST_WORDS or (not last.isascii() and without_accents(last) in _LAST_WORDS)
    bare = text[max(0, start - 8) : start].rstrip(_DECORATION)
    return bool(bare) and (bare[-1] in _ENDS_OF_CUES or bare.rpartition(" ")[2][:-1] in LOWER_TITLES)


def _after_cue(text: str, words: list[_Word], tables: Tables) -> tuple[int, int] | None:
    """A name that what stands before the run gives away; `de` and `van` before it belong to it."""
    start = words[0].start
    before = text[max(0, start - _BEFORE) : start]
    if particles := _PARTICLES_BEFORE.search(before):
        start -= len(before) - particles.start()
    is_name = words[0].is_surname or words[0].is_particle
    if is_name and _is_cue(text, start, words=words, tables=tables) and (span := _span(words, 0, surnames=_MOST_WORDS)):
        return start, span[1]
    return _greeted(text, words)


def _is_cue(text: str, start: int, *, words: list[_Word], tables: Tables) -> bool:
    """Whether a label, the head of a column, the end of a letter or an introduction stands before a place."""
    bare = text[max(0, start - _BEFORE) : start].rstrip(_DECORATION)
    end = bare[-1:]
    if end and end in _LABEL_ENDS:
        return _is_label(bare[:-1], words) or _is_label(tables.head(start), words)
    if end == "\n":
        is_signed = _is_signature(bare, text[words[-1].end : words[-1].end + 2], words)
        return is_signed or _is_label(tables.head(start), words)
    return _is_introduction(bare, words)


_PARTICLES_BEFORE = re.compile(rf"(?<![^ \n])(?:(?:{_PARTICLE}) )+\Z")


def _is_someone(word: _Word) -> bool:
    return word.is_surname and word.folded not in MACHINES


def _greeted(text: str, words: list[_Word]) -> tuple[int, int] | None:
    """One word after a greeting at the beginning of a line, with nothing but a comma behind it."""
    if words[0].folded not in GREETINGS or len(words) != _GREETED or not _is_someone(words[1]):
        return None
    start, end = words[0].start, words[1].end
    is_alone = (
        text[max(0, start - 1) : start] in {"", "\n"}
        and text[end : end + 1] in {",", "!", ":"}
        and text[end + 1 : end + 2] in {"", "\n"}
    )
    return (words[1].start, end) if is_alone else None


def _is_label(before: str, words: list[_Word]) -> bool:
    label = words_of(before.rpartition("\n")[2][-_BEFORE:]).split()[-_MOST_LABEL_WORDS:]
    if not label:
        return False
    is_person = OTHER_LABELS.isdisjoint(label[-2:-1])
    if any(" ".join(label[-length:]) in FIELDS for length in range(1, len(label) + 1)):
        return is_person
    if label[-1] not in FULL_NAME_FIELDS or not is_person:
        return False
    return words[0].is_given or (len(words) in {2, 3} and all(word.is_surname or word.is_initial for word in words))


def _is_introduction(before: str, words: list[_Word]) -> bool:
    phrase = " ".join(without_accents(before).split())
    if phrase.endswith(_PHRASES):
        return True
    return phrase.rpartition(" ")[2].rstrip(".") in LOWER_TITLES and len(words[0].text) > 1


_PHRASES = tuple(sorted(INTRODUCTIONS))


def _is_signature(before: str, after: str, words: list[_Word]) -> bool:
    line = without_accents(before.rstrip().rpartition("\n")[2]).strip(" ,.!-*_>")
    is_alone = not after.strip(" ,*_") or after[0] == "\n"
    return line in VALEDICTIONS and is_alone and (len(words) > 1 or words[0].is_given)
