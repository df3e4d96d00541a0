"""How is a text read so that tricks of spelling hide nothing?

Other blanks, dashes and wide digits become plain ones, invisible characters go, and every place can be told in the
text as it was written.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator

import msgspec

_BLANKS = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
_INVISIBLE = (
    "\u00ad\u034f\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e"
    "\u2060\u2061\u2062\u2063\u2064\ufe0e\ufe0f\ufeff"
)
_WIDE = {chr(wide): chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)}
_PLAIN = {**dict.fromkeys(_BLANKS, " "), **dict.fromkeys(_DASHES, "-"), **_WIDE}
_ODD = re.compile(f"[{_BLANKS}{_DASHES}{_INVISIBLE}\uff01-\uff5e]")
_ESCAPES = ("\\n", "\\r", "\\t")
"""Ends of lines inside JSON that is itself inside a string."""
_MARKED = re.compile(f"[{_INVISIBLE}]")
_NOT_WORDS = re.compile(r"[\W_]+")
_ASCII_WORDS = {code: " " if not chr(code).isalnum() else chr(code).lower() for code in range(128)}


class View(msgspec.Struct, frozen=True, gc=False):
    """A text as the finders read it.

    Attributes:
        text: Folded; letters' case and accents are as written.
        length: Of what was written.
        gone: Where invisible characters were, counted without those before them.
        written: For each character of `text` where it stood, where more moved than that.
    """

    text: str
    length: int
    gone: tuple[int, ...] = ()
    written: tuple[int, ...] | None = None

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of `text` stands in what was written, with the invisible characters in it and right after it."""
        return self._stood(start), self._stood(end)

    def _stood(self, place: int) -> int:
        if place >= len(self.text):
            return self.length
        return self.written[place] if self.written is not None else place + bisect_right(self.gone, place)


def view(written: str) -> View:
    """Fold a text for reading."""
    text = written
    if "\\" in written:
        for escape in _ESCAPES:
            text = text.replace(escape, "  ")
    if text.isascii() or not (odd := _ODD.search(text)):
        return View(text, len(written))
    for one in set(_ODD.findall(text, odd.start())) & _PLAIN.keys():
        text = text.replace(one, _PLAIN[one])
    gone = tuple(found.start() - number for number, found in enumerate(_MARKED.finditer(text)))
    return View(_MARKED.sub("", text) if gone else text, len(written), gone)


def without_accents(text: str) -> str:
    """Letters without their case and accents: `Élodie` is `elodie`, `Straße` is `strasse`."""
    folded = text.casefold()
    if folded.isascii():
        return folded
    if not unicodedata.is_normalized("NFC", folded):
        folded = unicodedata.normalize("NFC", folded)
    return folded.translate(_BARE)


def _bare(letter: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(one)).casefold()


_BARE = {
    code: bare for code in (*range(0x80, 0x530), *range(0x1E00, 0x2000)) if (bare := _bare(chr(code))) != chr(code)
} | {ord(letter): bare for letter, bare in zip("łøđðħæœþ", ("l", "o", "d", "d", "h", "ae", "oe", "th"), strict=True)}


def words_of(text: str) -> str:
    """The words of a short text, folded, one blank between them and at both ends."""
    if text.isascii():
        return f" {' '.join(text.translate(_ASCII_WORDS).split())} "
    return f" {_NOT_WORDS.sub(' ', without_accents(text)).strip()} "


def casefolded(written: str) -> View:
    """A text for comparing words: case folded, compatibility forms and split accents joined."""
    folded = written.casefold()
    if folded.isascii() and len(folded) == len(written):
        return View(folded, len(written))
    if len(folded) == len(written) and unicodedata.is_normalized("NFKC", folded) and not _MARKED.search(folded):
        return View(folded, len(written))
    pieces: list[str] = []
    places: list[int] = []
    for start, cluster in _clusters(written):
        piece = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", cluster).casefold())
        pieces.append(piece)
        places.extend([start] * len(piece))
    return View("".join(pieces), len(written), written=tuple(places))


def _clusters(written: str) -> Iterator[tuple[int, str]]:
    """Each letter with the marks that belong to it; invisible characters left out."""
    start = 0
    for place in range(1, len(written) + 1):
        if place < len(written) and (unicodedata.combining(written[place])):
            continue
        cluster = _MARKED.sub("", written[start:place])
        if cluster:
            yield start, cluster
        start = place
