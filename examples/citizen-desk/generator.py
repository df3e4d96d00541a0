"""Which messages does the citizen desk learn from, and which are kept away from it?

The words stand in ``lexicon/<language>.toml``. Of every list of frames, subjects and predicates the last entries
belong to ``test``, those before them to ``dev``; ``train`` sees neither. Half of the dev and test messages use an
unseen subject. The same split, seed and count always give the same messages.
"""

import random
import re
import tomllib
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Literal

import msgspec

Split = Literal["train", "dev", "test"]
# How hard a training message is: bare words and statements; dressed sentences with noise; mails that lead astray.
Level = Literal["words", "sentences", "mails"]

DEPARTMENTS = ("waste", "roads", "water", "parks", "registry", "taxes", "schools", "lighting")
LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pl")
LEVELS: tuple[Level, ...] = ("words", "sentences", "mails")
LEXICON = Path(__file__).parent / "lexicon"
LETTERS_FOLDER = Path(__file__).parent / "letters"
EVERY_DEV_LETTER = 11
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
    neutral_places: tuple[str, ...]
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
        neutral_places=_listed(common["neutral_places"]),
        frames=_parts(_lines(common["frames"]), KEPT_FRAMES),
        cells={department: _cell(tables[department], tables["words"][department]) for department in DEPARTMENTS},
    )


def read_lexicon() -> dict[str, Language]:
    """Read every language."""
    return {lang: read_language(lang) for lang in LANGUAGES}


def _subject(words: Language, subjects: tuple[str, ...], rng: random.Random) -> str:
    subject = rng.choice(subjects)
    return f"{rng.choice(words.determiners)} {subject}" if rng.random() < 0.6 else subject


def _filling(
    words: Language,
    subjects: tuple[str, ...],
    predicates: tuple[str, ...],
    *,
    places: tuple[str, ...],
    rng: random.Random,
) -> dict[str, str]:
    return {
        "s": _subject(words, subjects, rng),
        "t": _subject(words, subjects, rng),
        "p": rng.choice(predicates),
        "q": rng.choice(predicates),
        "place": rng.choice(places),
    }


def _framed(frame: str, filling: dict[str, str]) -> str:
    return frame.format(**filling)


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


def fragment(sentence: str, rng: random.Random) -> str:
    """Return a part of a sentence: consecutive words, or what is left when some words are lost."""
    words = sentence.split()
    if rng.random() < 0.5:
        length = max(3, round(len(words) * rng.uniform(0.4, 0.95)))
        start = rng.randrange(max(1, len(words) - length + 1))
        return " ".join(words[start : start + length])
    kept = rng.uniform(0.4, 0.95)
    return " ".join([word for word in words if rng.random() < kept] or words)


def _situation(words: Language, cell: Cell, rng: random.Random) -> str:
    sentences = rng.sample(cell.situations, 2 if rng.random() < 0.15 else 1)
    if rng.random() < 0.5:
        sentences[0] = fragment(sentences[0], rng)
    if rng.random() < 0.15:
        sentences.insert(rng.randrange(len(sentences) + 1), _term(words, cell, rng))
    return " ".join(sentences)


def _term(words: Language, cell: Cell, rng: random.Random) -> str:
    return _subject(words, cell.subjects.train, rng) if rng.random() < 0.5 else rng.choice(cell.words)


def _keywords(words: Language, cell: Cell, rng: random.Random) -> str:
    terms = [_term(words, cell, rng) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
    return rng.choice((" ", ", ", " / ", ": ")).join(terms)


def _statement(words: Language, cell: Cell, rng: random.Random) -> str:
    terms = [_subject(words, cell.subjects.train, rng), rng.choice(cell.predicates.train)]
    if rng.random() < 0.3:
        terms.reverse()
    return rng.choice((" ", " ", ", ", ": ")).join(terms)


def _broken(words: Language, cell: Cell, rng: random.Random) -> str:
    """Scatter words of the department among words that mean nothing: whoever finds them knows the office."""
    telling = [*rng.sample(cell.words, rng.randrange(1, 4)), *rng.sample(cell.subjects.train, rng.randrange(2))]
    neutral = rng.choice(words.asides + words.openings + words.closings).split()
    for item in telling:
        neutral.insert(rng.randrange(len(neutral) + 1), item)
    return " ".join(neutral)


def _bare(words: Language, cell: Cell, rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.4:
        return _keywords(words, cell, rng)
    return _statement(words, cell, rng) if kind < 0.6 else _situation(words, cell, rng)


def _sentence(words: Language, cell: Cell, rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.4:
        body = _situation(words, cell, rng)
    elif kind < 0.5:
        body = _broken(words, cell, rng)
    else:
        body = _framed(
            rng.choice(words.frames.train),
            _filling(words, cell.subjects.train, cell.predicates.train, places=words.neutral_places, rng=rng),
        )
    before = [rng.choice(words.openings)] if rng.random() < 0.3 else []
    after = [rng.choice(words.neutral_places)] if rng.random() < 0.15 else []
    after += [rng.choice(words.closings)] if rng.random() < 0.3 else []
    return " ".join([*before, body, *after])


def _mail(words: Language, department: str, rng: random.Random) -> str:
    cell = words.cells[department]
    if rng.random() < 0.5:
        body = _situation(words, cell, rng)
        return _dressed(words, f"{body} {rng.choice(words.places)}" if rng.random() < 0.2 else body, rng)
    # The subject decides, not the predicate: now and then the predicate comes from another department.
    lender = words.cells[rng.choice(DEPARTMENTS)] if rng.random() < 0.12 else cell
    filling = _filling(words, cell.subjects.train, lender.predicates.train, places=words.places, rng=rng)
    return _dressed(words, _framed(rng.choice(words.frames.train), filling), rng)


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


def _pseudo_word(rng: random.Random) -> str:
    return "".join(rng.choice(LETTERS) for _ in range(rng.randrange(3, 9)))


def _worn(text: str, rng: random.Random) -> str:
    """Make typing slips, lose words, change their order, and put in words that nobody knows."""
    words = text.split()
    slips = rng.choice((0, 0, 0, 0.05, 0.1, 0.2))
    words = [_slip(word, rng) if rng.random() < slips else word for word in words]
    if len(words) >= SHORT and rng.random() < 0.25:
        lost = rng.uniform(0.05, 0.25)
        words = [word for word in words if rng.random() >= lost] or words
    if rng.random() < 0.1:
        rng.shuffle(words)
    if rng.random() < 0.1:
        words.insert(rng.randrange(len(words) + 1), _pseudo_word(rng))
    return " ".join(words)


def _cased(text: str, rng: random.Random) -> str:
    case = rng.random()
    if case < 0.2:
        return text.lower()
    if case < 0.23:
        return text.upper()
    return text[:1].upper() + text[1:] if case < 0.8 else text


def noised(text: str, lang: str, rng: random.Random) -> str:
    """Return a text as people type it: worn, without accents, punctuation or capitals now and then."""
    text = _worn(text, rng)
    if rng.random() < 0.12:
        text = without_accents(text, lang)
    if rng.random() < 0.12:
        text = re.sub(r"[.,;:!?¿¡]", "", text)
    return _cased(text, rng)


def training_message(lexicon: dict[str, Language], rng: random.Random, level: Level) -> Message:
    """Make one message for training; every language and department is equally frequent."""
    lang, department = rng.choice(LANGUAGES), rng.choice(DEPARTMENTS)
    words = lexicon[lang]
    if level == "words":
        return Message(lang, department, _cased(_bare(words, words.cells[department], rng), rng))
    text = _sentence(words, words.cells[department], rng) if level == "sentences" else _mail(words, department, rng)
    return Message(lang, department, noised(text, lang, rng))


def held_out_message(lexicon: dict[str, Language], split: Split, rng: random.Random, *, lang: str) -> Message:
    """Make one dev or test message: unseen frame and predicates; the subject is unseen in half of the cases."""
    department, words = rng.choice(DEPARTMENTS), lexicon[lang]
    cell = words.cells[department]
    subjects = cell.subjects.of(split) if rng.random() < 0.5 else cell.subjects.train
    frame = rng.choice(words.frames.of(split))
    filling = _filling(words, subjects, cell.predicates.of(split), places=words.places, rng=rng)
    text = _framed(frame, filling)
    if rng.random() < 0.5:
        text = _dressed(words, text, rng)
    text = text[:1].upper() + text[1:]
    return Message(lang, department, text.lower() if rng.random() < 0.15 else text)


def messages(lexicon: dict[str, Language], split: Split, *, per_language: int, seed: int = 1) -> list[Message]:
    """Make the messages of a split, the same ones every time."""
    rng = random.Random(f"{split}:{seed}")
    if split == "train":
        return [training_message(lexicon, rng, rng.choice(LEVELS)) for _ in range(per_language * len(LANGUAGES))]
    return [held_out_message(lexicon, split, rng, lang=lang) for lang in LANGUAGES for _ in range(per_language)]


def read_table(path: Path) -> list[Message]:
    """Read a table of messages: a header, then language, department and message, separated by tabs."""
    rows = [line.split("\t", 2) for line in path.read_text(encoding="utf-8").splitlines()[1:] if line.strip()]
    return [Message(lang, department, text) for lang, department, text in rows]


def read_letters(split: Literal["train", "dev"]) -> list[Message]:
    """Read the free-written letters; of every language and department each eleventh is kept away from training."""
    found: list[Message] = []
    for lang in LANGUAGES:
        count: Counter[str] = Counter()
        for line in (LETTERS_FOLDER / f"{lang}.tsv").read_text(encoding="utf-8").splitlines():
            letter = Message(*line.split("\t", 2))
            count[letter.department] += 1
            if (count[letter.department] % EVERY_DEV_LETTER == 0) == (split == "dev"):
                found.append(letter)
    return found
