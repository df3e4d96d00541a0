"""Texts made to be slow take work that grows with their length, not with its square."""

from __future__ import annotations

import sys
from types import FrameType

import pytest
from finding import policy

from hortus.gateway.guards.findings import Finder
from hortus.gateway.guards.table import finder_for

FINDER = finder_for(policy(secrets="refuse", blocked=("alpha beta",)))
HOSTILE = {
    "digits": "7", "at signs": "@", "dots": "a.", "at and letters": "a@", "single digits": "1 ", "pairs": "12 34 ", "weak numbers": "111222333 ",
    "strong numbers": "20084744422 ", "capitals": "A", "capitals and at": "AAAA@", "capital words": "A ", "plus": "+1", "keys": "sk-ant-",
    "tokens": "eyJ ", "colons": "a:", "double colons": "::1", "quads": "1.2.3.4.", "invisible": "1\u200b", "pipes": "|1", "rows": "1,111222333,a\n",
    "private keys": "-----BEGIN " + "PRIVATE KEY-----", "beginnings of IBANs": "DE89 ", "telephones": "tel 1 ", "passwords": "password: ",
    "titles": "Herr ", "particles": "Anna van ", "phrases": "alpha ", "dashes": "1-", "expanding letters": "ß", "split accents": "a\u0301",
    "zeros": " 00", "long numbers": "+" + "1" * 200 + "a ", "written at": "(at)", "backslashes": "\\n",
}  # fmt: skip


def calls_of(finder: Finder, text: str) -> int:
    """How many functions run, of Python and of C; a match of a pattern counts once, whatever it costs."""
    count = 0

    def counting(_frame: FrameType, event: str, _of: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(counting)
    try:
        finder.find(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_twice_the_text_is_at_most_about_twice_the_work(piece: str) -> None:
    short, long = (piece * (length // len(piece)) for length in (4_000, 8_000))

    assert calls_of(FINDER, long) <= 2.3 * calls_of(FINDER, short) + 200


@pytest.mark.parametrize("piece", ["7", "@", "a.a.", "A", "a:", "+1", "-", "x@x.", "eyJ"])
def test_a_megabyte_comes_to_an_end(piece: str) -> None:
    FINDER.find(piece * (1_000_000 // len(piece)))
