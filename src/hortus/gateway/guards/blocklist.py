"""Which of the words that a policy blocks stand in a text? Whole words, whatever their case and coding of accents."""

from __future__ import annotations

from collections.abc import Iterable

from hortus.gateway.guards.folding import casefolded
from hortus.gateway.guards.hits import Hit

_RANK = 95


class BlockedWords:
    """Words and phrases of one policy. Between the words of a phrase any blanks and ends of lines may stand."""

    def __init__(self, words: Iterable[str]) -> None:
        phrases = (tuple(casefolded(word).text.split()) for word in words)
        self._phrases = tuple(dict.fromkeys(phrase for phrase in phrases if phrase))

    def places(self, written: str) -> Iterable[tuple[int, int]]:
        """Where they stand in the text as it was written."""
        view = casefolded(written)
        for phrase in self._phrases:
            place = view.text.find(phrase[0])
            while place >= 0:
                end = _end_of(view.text, place, phrase)
                if end is not None:
                    yield view.place(place, end)
                place = view.text.find(phrase[0], place + len(phrase[0]))


def hits_of(words: BlockedWords, written: str) -> list[Hit]:
    """The same as hits, in places of the text as it was written."""
    return [Hit(_RANK, start, end, "blocked_words", "blocked_word") for start, end in words.places(written)]


def _end_of(text: str, start: int, phrase: tuple[str, ...]) -> int | None:
    if text[start - 1 : start].isalnum() and phrase[0][0].isalnum():
        return None
    end = start + len(phrase[0])
    for word in phrase[1:]:
        gap = end
        while text[end : end + 1].isspace():
            end += 1
        if end == gap or not text.startswith(word, end):
            return None
        end += len(word)
    return None if text[end : end + 1].isalnum() and phrase[-1][-1].isalnum() else end
