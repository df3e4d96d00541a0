"""Where in a text does a placeholder stand, as models write it, and may the end of a text still become one?

A placeholder is `KIND_XXXXXXXXXXXX`. Models change its case, and escape its underscores where they write Markdown or
JSON; the digest in it is long enough that any of these spellings means it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import msgspec

CODE_LETTERS = 12
"""Of the alphabet of base32: 60 bits."""

_LETTER = "[A-Z2-7]"
_FORMS_KEPT = 64
"""Sets of kinds whose patterns are kept; there are few kinds, and a policy's requests look alike."""

Manner = Literal["text", "json", "exact"]
"""Where it stands: in words, inside a string of JSON text, or where no other spelling counts (thoughts that a maker has
sealed must be restorable to the letter)."""

_UNDERSCORE = {"text": r"\\{0,2}_", "json": r"(?:\\{0,4}_|\\u005f)", "exact": "_"}
_BEGUN_UNDERSCORE = {"text": r"\\{0,2}\Z", "json": r"(?:\\{0,4}\Z|\\u(?:0(?:05?)?)?\Z)", "exact": r"\Z"}
_LONGEST_UNDERSCORE = 6
_ESCAPED = re.compile(r"\\u005f|\\+(?=_)", re.IGNORECASE)
_BEGUN_ESCAPE = re.compile(r"\\[\\u05]*\Z", re.IGNORECASE)


class Spotter(msgspec.Struct, frozen=True):
    """Finds placeholders of some kinds, written in one manner.

    Attributes:
        whole: One of them.
        begun: One of them that is not whole, at the end of a text.
        longest: Characters that one of them can have.
    """

    whole: re.Pattern[str]
    begun: re.Pattern[str]
    longest: int


@lru_cache(maxsize=_FORMS_KEPT)  # a pure function whose result takes long to make
def spotter_of(kinds: frozenset[str], manner: Manner) -> Spotter:
    """Return what finds placeholders of these kinds (as they are written, such as `NATIONAL_ID`)."""
    ordered = sorted(kinds, key=lambda kind: (-len(kind), kind))
    flags = re.ASCII if manner == "exact" else re.ASCII | re.IGNORECASE
    underscore = _UNDERSCORE[manner]
    names = "|".join(re.escape(kind).replace("_", underscore) for kind in ordered)
    begun = "|".join(_begun(f"{kind}_", manner) for kind in ordered)
    most_underscores = max((kind.count("_") for kind in ordered), default=0) + 1
    return Spotter(
        whole=re.compile(f"(?:{names}){underscore}{_LETTER}{{{CODE_LETTERS}}}", flags),
        begun=re.compile(begun, flags),
        longest=max(map(len, ordered), default=0) + CODE_LETTERS + most_underscores * _LONGEST_UNDERSCORE,
    )


def _begun(name: str, manner: Manner) -> str:
    """Return the pattern of all that a placeholder of one kind can be while it is not whole, up to the text's end."""
    pattern = rf"{_LETTER}{{0,{CODE_LETTERS - 1}}}\Z"
    for letter in reversed(name[1:]):
        if letter == "_":
            pattern = f"(?:{_BEGUN_UNDERSCORE[manner]}|{_UNDERSCORE[manner]}{pattern})"
        else:
            pattern = rf"(?:\Z|{re.escape(letter)}{pattern})"
    return re.escape(name[0]) + pattern


def plain_form(spotted: str) -> str:
    r"""Return a placeholder, or its beginning, as it was handed out.

    >>> plain_form(r"national\_id\_abcd")
    'NATIONAL_ID_ABCD'
    """
    if "\\" in spotted:
        spotted = _ESCAPED.sub(lambda match: "_" if match[0][-1] in "fF" else "", spotted)
        spotted = _BEGUN_ESCAPE.sub("", spotted)
    return spotted.upper()
