"""Which of the table's numbers stand in a text?

One pass over its runs of digits; each is tried against the few rows that can begin so: the work grows with the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from hortus.gateway.guards.folding import View
from hortus.gateway.guards.hits import Hit, Neighbourhood, Words
from hortus.gateway.guards.payments import iban_end
from hortus.gateway.guards.rows import LETTERS_FIRST, SEPARATORS, Row, Sort, groups_of
from hortus.gateway.guards.tables import Tables

RANKS = {"iban": 90, "payment_card": 75, "vat": 60, "national_id": 65}
_BESIDE_A_WORD = 15
"""What a word beside a number adds to its rank."""

GENERAL_WORDS: Mapping[Sort, tuple[str, ...]] = {
    "identity": (
        "national id", "identity number", "id number", "personal number", "personal identification", "citizen number",
        "identity card", "personal code", "identification number", "personal id", "birth number", "citizen service",
    ),
    "tax": ("tax number", "tax id", "tax identification", "tax code", "taxpayer", "fiscal code", "fiscal number"),
    "social": ("social security", "social insurance", "ssn", "insurance number", "insurance no", "pension number"),
    "health": ("health insurance number", "health insurance no", "patient number", "patient id", "insured person"),
    "education": ("education number",),
    "vat": (),
    "card": (),
}  # fmt: skip
"""What such numbers are called in letters between firms, whatever their country."""

_RUN = re.compile(r"[0-9]+")
_JOINED = str.maketrans("", "", SEPARATORS)
_LONGEST_HEAD = 8
_HEAD = re.compile(r"(?<![0-9A-Za-z])[A-Za-z]{1,8}\Z")
_SPACED_HEAD = re.compile(r"(?<![0-9A-Za-z])[A-Z]{1,3}[ .\-]\Z")


class Numbers:
    """Looks for rows, and for IBANs where asked."""

    def __init__(self, rows: Sequence[Row], *, ibans: bool) -> None:
        self._groups = groups_of(rows)
        self._words = {id(row): Words(row.words + GENERAL_WORDS[row.sort]) for row in rows}
        self._ibans = ibans

    def seek(self, view: View) -> Iterable[Hit]:
        """All numbers whose check holds and that are strong enough, or stand beside a word."""
        text, tables, done = view.text, Tables(view.text), 0
        for run in _RUN.finditer(text):
            start, end = run.span()
            if start < done:
                continue
            if start and (head := _head(text, start)) < start:
                if self._ibans and (last := iban_end(text, head)):
                    done = last
                    yield Hit(RANKS["iban"], head, last, "personal_data", "iban", text[head : head + 2].upper())
                    continue
                yield from self._from(text, head, run=LETTERS_FIRST, tables=tables)
            if not _continues(text, start):
                yield from self._from(text, start, run=end - start, tables=tables)

    def _from(self, text: str, start: int, *, run: int, tables: Tables) -> Iterator[Hit]:
        group = self._groups.get(run)
        if group is None or not (found := group.pattern.match(text, start)) or found.lastindex is None:
            return
        around: dict[int, Neighbourhood] = {}
        for row, (begin, end) in zip(group.rows, found.regs[1:], strict=True):
            if begin < 0:
                continue
            near = around.get(end) or around.setdefault(end, Neighbourhood(text, begin, end, tables=tables))
            if hit := self._judge(row, text[begin:end], near=near):
                yield hit._replace(start=begin, end=end)

    def _judge(self, row: Row, written: str, *, near: Neighbourhood) -> Hit | None:
        """Words first: without one the check of a weak number need not be asked."""
        if row.is_weak and not self._words[id(row)].are_in(near):
            return None
        number = (written if row.keeps_signs else written.translate(_JOINED)).upper()
        if not row.check(number):
            return None
        is_beside = row.is_weak or self._words[id(row)].are_in(near)
        rank = RANKS[row.kind] + (_BESIDE_A_WORD if is_beside else 0)
        return Hit(rank, 0, 0, "personal_data", row.kind, row.country)


def _head(text: str, start: int) -> int:
    """Where the letters begin that belong to a run of digits: right before it, or capitals and a separator."""
    before = text[start - 1]
    if before.isalpha():
        found = _HEAD.search(text, max(0, start - _LONGEST_HEAD - 1), start)
    elif before in " .-" and start > 1 and text[start - 2].isupper():
        found = _SPACED_HEAD.search(text, max(0, start - 5), start)
    else:
        found = None
    return found.start() if found else start


def _continues(text: str, start: int) -> bool:
    """Whether a run of digits is the middle of something: of a word, a decimal, a date, a serial number."""
    if not start:
        return False
    before = text[start - 1]
    return before.isalpha() or (before in "./-" and start > 1 and text[start - 2].isdigit())
