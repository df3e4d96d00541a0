"""What is the head of the column in which a place of a text stands? For tables in Markdown, CSV and tabs."""

from __future__ import annotations

from bisect import bisect_right

_DELIMITERS = (("|", 1), ("\t", 1), (";", 1), (",", 2))
"""With how many of them a line is a row; a single comma is a sentence."""
_LEAST_ROWS = 2
_LONGEST_HEAD = 60
_LONGEST_LINE = 2000


class Tables:
    """The tables of one text: neighbouring lines with the same number of the same delimiter. Built when first asked."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._blocks: list[tuple[int, int, str, list[str]]] | None = None

    def head(self, place: int) -> str:
        """The first line's cell above a place; empty where that is no table, or its first line."""
        if self._blocks is None:
            self._blocks = _blocks_of(self._text)
        number = bisect_right(self._blocks, place, key=lambda block: block[0]) - 1
        if number < 0 or place >= self._blocks[number][1]:
            return ""
        _, _, delimiter, heads = self._blocks[number]
        line = self._text.rfind("\n", max(0, place - _LONGEST_LINE), place)
        column = self._text.count(delimiter, line, place)
        head = heads[column][:_LONGEST_HEAD] if line >= 0 and column < len(heads) else ""
        return "" if any(map(str.isdigit, head)) else head


def _blocks_of(text: str) -> list[tuple[int, int, str, list[str]]]:
    """Start of the second line, end of the last, delimiter and cells of the first line, of each table."""
    blocks: list[tuple[int, int, str, list[str]]] = []
    first, begin, rows, known, place = "", 0, 0, ("", 0), 0
    for line in [*text.split("\n"), ""]:
        kind = _kind_of(line)
        if kind == known and kind[1]:
            rows += 1
        else:
            if rows >= _LEAST_ROWS:
                blocks.append((begin, place, known[0], first.split(known[0])))
            first, begin, rows, known = line, place + len(line) + 1, 1, kind
        place += len(line) + 1
    return blocks


def _kind_of(line: str) -> tuple[str, int]:
    for delimiter, least in _DELIMITERS:
        if (count := line.count(delimiter)) >= least:
            return delimiter, count
    return "", 0
