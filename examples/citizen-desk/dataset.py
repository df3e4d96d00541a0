"""Which chats does the desk learn its office names from? Letters and generated messages, the same file every time.

`training.jsonl` is what a job learns from, `validation.jsonl` what its gate asks: letters that are kept away, and
generated messages with frames and predicates that training never shows.
"""

import argparse
from pathlib import Path
from random import Random

import msgspec

from generator import (
    LEVELS,
    Language,
    Message,
    contains,
    fragment,
    messages,
    noised,
    read_letters,
    read_lexicon,
    training_message,
)

COPIES = 5  # of every letter: as it is, and worn by typing slips, lost words and missing accents
GENERATED = 40_000
MIX = (25, 40, 35)  # shares of the generator's levels: words, sentences, mails
DEV_PER_LANGUAGE = 30
SEED = 11


def worn(letter: Message, rng: Random) -> Message:
    """Return a letter as somebody in a hurry would have typed it."""
    text = fragment(letter.text, rng) if len(letter.text.split()) > 6 and rng.random() < 0.3 else letter.text
    return Message(letter.lang, letter.department, noised(text, letter.lang, rng))


def training(lexicon: dict[str, Language]) -> list[Message]:
    """Return what is learnt from; no message twice."""
    rng, letters = Random(SEED), read_letters("train")
    found = [*letters, *(worn(letter, rng) for _ in range(COPIES - 1) for letter in letters)]
    found += [training_message(lexicon, rng, rng.choices(LEVELS, MIX)[0]) for _ in range(GENERATED)]
    first = {one.text: one for one in reversed(found)}
    return [one for one in found if first[one.text] is one and not _tells(lexicon[one.lang], one)]


def _tells(words: Language, message: Message) -> bool:
    """Whether a text is its own answer, or has a predicate that only the test may show (by chance, in a letter)."""
    if message.text.strip().casefold() == message.department:
        return True
    return any(contains(message.text, phrase) for cell in words.cells.values() for phrase in cell.predicates.test)


def validation(lexicon: dict[str, Language]) -> list[Message]:
    """Return what is held out."""
    return [*read_letters("dev"), *messages(lexicon, "dev", per_language=DEV_PER_LANGUAGE)]


def write(path: Path, asked: list[Message]) -> None:
    """Write chats as JSON Lines."""
    chats = [
        {"messages": [{"role": "user", "content": one.text}, {"role": "assistant", "content": one.department}]}
        for one in asked
    ]
    path.write_bytes(msgspec.json.Encoder().encode_lines(chats))


def main() -> None:
    """Write both files to a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--most", type=int, help="write so many chats to learn from at most, drawn from all")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    lexicon = read_lexicon()
    asked = training(lexicon)
    if arguments.most is not None:
        asked = Random(SEED).sample(asked, min(arguments.most, len(asked)))
    write(arguments.out / "training.jsonl", asked)
    write(arguments.out / "validation.jsonl", validation(lexicon))


if __name__ == "__main__":
    main()
