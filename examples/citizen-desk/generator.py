"""Which messages does the citizen desk learn from, and which are kept away from it?

The words stand in ``lexicon/<language>.toml``. Of every list of frames, subjects and predicates the last entries
belong to ``test``, those before them to ``dev``; ``train`` sees neither. Half of the dev and test messages use an
unseen subject. The same split, seed and count always give the same messages.
"""

import random
import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Literal

import msgspec

Split = Literal["train", "dev", "test"]

DEPARTMENTS = ("waste", "roads", "water", "parks", "registry", "taxes", "schools", "lighting")
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl")
LEXICON = Path(__file__).parent / "lexicon"
# How many entries at the end of a list are kept for (dev, test).
KEPT_FRAMES = (2, 4)
KEPT_SUBJECTS = (2, 4)
KEPT_PREDICATES = (2, 3)
MARKS = re.compile(r"[^\w']+")
SHORT = 6  # words
PLAIN_LETTERS = str.maketrans({"ł": "l", "Ł": "L", "ß": "ss", "ø": "o", "æ": "ae", "œ": "oe"})
GERMAN_LETTERS = str.maketrans({a: f"{b}e" for a, b in zip("äöüÄÖÜ", "aouAOU", strict=True)} | {"ß": "ss"})
LETTERS = "abcdefghijklmnoprstuvwyz"
ENDINGS = ("s", "e", "n", "en", "a", "y", "i", "ów", "es", "em", "os", "as", "er", "ami")


class Message(msgspec.Struct, frozen=True):
    """One citizen's message and the department that should read it."""

    lang: str
    department: str
    text: str


class Parts(msgspec.Struct, frozen=True):
    """One list of the lexicon, divided among the splits."""

    train: tuple[str, ...]
    dev: tuple[str, ...]
    test: tuple[str, ...]

    def of(self, split: Split) -> tuple[str, ...]:
        """Return the entries that a split may use."""
        return {"train": self.train, "dev": self.dev, "test": self.test}[split]


class Cell(msgspec.Struct, frozen=True):
    """The words of one department in one language."""

    subjects: Parts
    predicates: Parts
    situations: tuple[str, ...]
    words: tuple[str, ...]


class Language(msgspec.Struct, frozen=True):
    """All words of one language."""

    determiners: tuple[str, ...]
    openings: tuple[str, ...]
    closings: tuple[str, ...]
    asides: tuple[str, ...]
    places: tuple[str, ...]
    frames: Parts
    cells: dict[str, Cell]


def normalised(text: str) -> str:
    """Return the text in lower case with single spaces for all punctuation, for comparing phrases."""
    return " ".join(MARKS.sub(" ", text.casefold()).split())


def contains(text: str, phrase: str) -> bool:
    """Say whether a phrase stands in a text as whole words."""
    return f" {normalised(phrase)} " in f" {normalised(text)} "


def _listed(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(part.strip() for part in text.split(";") if part.strip()))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def _without(items: tuple[str, ...], kept: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(item for item in items if not any(contains(item, phrase) for phrase in kept))


def _parts(items: tuple[str, ...], kept: tuple[int, int]) -> Parts:
    dev, test = kept
    first_dev, first_test = len(items) - dev - test, len(items) - test
    dev_items, test_items = items[first_dev:first_test], items[first_test:]
    return Parts(train=_without(items[:first_dev], dev_items + test_items), dev=dev_items, test=test_items)


def _cell(table: dict[str, str], words: str) -> Cell:
    subjects = _parts(_listed(table["subjects"]), KEPT_SUBJECTS)
    predicates = _parts(_listed(table["predicates"]), KEPT_PREDICATES)
    kept = subjects.dev + subjects.test + predicates.dev + predicates.test
    return Cell(subjects, predicates, _without(_lines(table["situations"]), kept), _without(_listed(words), kept))


def read_language(lang: str) -> Language:
    """Read the lexicon of one language.

    Raises:
        FileNotFoundError: there is no such lexicon.
        KeyError: the lexicon lacks a list; the key names it.
    """
    tables = tomllib.loads((LEXICON / f"{lang}.toml").read_text(encoding="utf-8"))
    common = tables["common"]
    return Language(
        determiners=_listed(common["determiners"]),
        openings=_listed(common["openings"]),
        closings=_listed(common["closings"]),
        asides=_lines(common["asides"]),
        places=_listed(common["places"]),
        frames=_parts(_lines(common["frames"]), KEPT_FRAMES),
        cells={department: _cell(tables[department], tables["words"][department]) for department in DEPARTMENTS},
    )


def read_lexicon() -> dict[str, Language]:
    """Read every language."""
    return {lang: read_language(lang) for lang in LANGUAGES}


def _subject(words: Language, subjects: tuple[str, ...], rng: random.Random) -> str:
    subject = rng.choice(subjects)
    return f"{rng.choice(words.determiners)} {subject}" if rng.random() < 0.6 else subject


def _framed(
    words: Language, frame: str, *, subjects: tuple[str, ...], predicates: tuple[str, ...], rng: random.Random
) -> str:
    return frame.format(
        s=_subject(words, subjects, rng),
        t=_subject(words, subjects, rng),
        p=rng.choice(predicates),
        q=rng.choice(predicates),
        place=rng.choice(words.places),
    )


def _dressed(words: Language, body: str, rng: random.Random) -> str:
    """Put an opening, irrelevant sentences and a closing around the body."""
    before = [rng.choice(words.openings)] if rng.random() < 0.4 else []
    after = [rng.choice(words.closings)] if rng.random() < 0.4 else []
    sidesteps = rng.choice((0, 0, 0, 0, 0, 0, 1, 1, 2, rng.randrange(3, 8)))
    if rng.random() < 0.01:
        sidesteps = len(words.asides)
    for aside in rng.sample(words.asides, sidesteps):
        (before if rng.random() < 0.5 else after).append(aside)
    return " ".join([*before, body, *after])


def _situation(words: Language, cell: Cell, rng: random.Random) -> str:
    sentences = rng.sample(cell.situations, 2 if rng.random() < 0.2 else 1)
    if rng.random() < 0.15:
        spoken = sentences[0].split()
        length = max(4, round(len(spoken) * rng.uniform(0.6, 0.95)))
        start = rng.randrange(max(1, len(spoken) - length + 1))
        sentences[0] = " ".join(spoken[start : start + length])
    if rng.random() < 0.15:
        sentences.insert(rng.randrange(len(sentences) + 1), f"{_subject(words, cell.subjects.train, rng)}.")
    if rng.random() < 0.15:
        sentences.append(rng.choice(words.places))
    return " ".join(sentences)


def _keywords(words: Language, cell: Cell, rng: random.Random) -> str:
    known = cell.subjects.train if rng.random() < 0.65 else cell.words
    subjects = rng.sample(known, rng.choice((1, 1, 2, 3)))
    return rng.choice((" ", ", ", " / ", ": ")).join([*subjects, *rng.sample(words.places, rng.choice((0, 0, 1)))])


def _broken(words: Language, cell: Cell, rng: random.Random) -> str:
    """Scatter words of the department among words that mean nothing: whoever finds them knows the office."""
    telling = [*rng.sample(cell.words, rng.randrange(1, 4)), *rng.sample(cell.subjects.train, rng.randrange(2))]
    neutral = rng.choice(words.asides + words.openings + words.closings).split()
    for item in telling:
        neutral.insert(rng.randrange(len(neutral) + 1), item)
    return " ".join(neutral)


def _training_body(words: Language, department: str, rng: random.Random) -> str:
    cell = words.cells[department]
    kind = rng.random()
    if kind < 0.25:
        return _situation(words, cell, rng)
    if kind < 0.65:
        return _keywords(words, cell, rng)
    if kind < 0.75:
        return _broken(words, cell, rng)
    # The subject decides, not the predicate: now and then the predicate comes from another department.
    lender = words.cells[rng.choice(DEPARTMENTS)] if rng.random() < 0.12 else cell
    frame = rng.choice(words.frames.train)
    body = _framed(words, frame, subjects=cell.subjects.train, predicates=lender.predicates.train, rng=rng)
    return f"{body} {rng.choice(words.places)}" if rng.random() < 0.1 else body


def without_accents(text: str, lang: str) -> str:
    """Return the text as somebody types it whose keyboard has no accents."""
    if lang == "de":
        return text.translate(GERMAN_LETTERS)
    letters = unicodedata.normalize("NFD", text.translate(PLAIN_LETTERS))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _slip(word: str, rng: random.Random) -> str:
    """Make one typing slip, or change the ending as another grammatical form would."""
    if len(word) < 4:
        return word
    at = rng.randrange(1, len(word) - 1)
    match rng.randrange(6):
        case 0:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        case 1:
            return word[:at] + word[at + 1 :]
        case 2:
            return word[:at] + word[at] + word[at:]
        case 3:
            return word[:at] + rng.choice(LETTERS) + word[at + 1 :]
        case 4:
            return word[:-1]
        case _:
            return word[:-1] + rng.choice(ENDINGS)


def _worn(text: str, rng: random.Random) -> str:
    """Make typing slips, and lose a few words of a long message."""
    words = text.split()
    slips = rng.choice((0, 0, 0, 0.05, 0.12, 0.2))
    words = [_slip(word, rng) if rng.random() < slips else word for word in words]
    if len(words) > 5 and rng.random() < 0.25:
        lost = rng.uniform(0.05, 0.25)
        words = [word for word in words if rng.random() >= lost] or words
    return " ".join(words)


def _cased(text: str, rng: random.Random) -> str:
    case = rng.random()
    if case < 0.2:
        return text.lower()
    if case < 0.23:
        return text.upper()
    return text[:1].upper() + text[1:] if case < 0.8 else text


def _noised(text: str, lang: str, rng: random.Random) -> str:
    text = _worn(text, rng)
    if rng.random() < 0.12:
        text = without_accents(text, lang)
    if rng.random() < 0.12:
        text = re.sub(r"[.,;:!?¿¡]", "", text)
    return _cased(text, rng)


def training_message(lexicon: dict[str, Language], rng: random.Random) -> Message:
    """Make one noisy message for training."""
    lang, department = rng.choice(LANGUAGES), rng.choice(DEPARTMENTS)
    words = lexicon[lang]
    body = _training_body(words, department, rng)
    # Short messages stay short: most nouns are learnt from them, at a small price.
    if rng.random() < (0.75 if len(body.split()) > SHORT else 0.2):
        body = _dressed(words, body, rng)
    return Message(lang, department, _noised(body, lang, rng))


def held_out_message(lexicon: dict[str, Language], split: Split, rng: random.Random, *, lang: str) -> Message:
    """Make one dev or test message: unseen frame and predicates; the subject is unseen in half of the cases."""
    department, words = rng.choice(DEPARTMENTS), lexicon[lang]
    cell = words.cells[department]
    subjects = cell.subjects.of(split) if rng.random() < 0.5 else cell.subjects.train
    frame = rng.choice(words.frames.of(split))
    text = _framed(words, frame, subjects=subjects, predicates=cell.predicates.of(split), rng=rng)
    if rng.random() < 0.5:
        text = _dressed(words, text, rng)
    text = text[:1].upper() + text[1:]
    return Message(lang, department, text.lower() if rng.random() < 0.15 else text)


def messages(lexicon: dict[str, Language], split: Split, *, per_language: int, seed: int = 1) -> list[Message]:
    """Make the messages of a split, the same ones every time."""
    rng = random.Random(f"{split}:{seed}")
    if split == "train":
        return [training_message(lexicon, rng) for _ in range(per_language * len(LANGUAGES))]
    return [held_out_message(lexicon, split, rng, lang=lang) for lang in LANGUAGES for _ in range(per_language)]


def read_table(path: Path) -> list[Message]:
    """Read a table of messages: a header, then language, department and message, separated by tabs."""
    rows = [line.split("\t", 2) for line in path.read_text(encoding="utf-8").splitlines()[1:] if line.strip()]
    return [Message(lang, department, text) for lang, department, text in rows]
