"""How much does a check alone prove? The share of random strings in a number's layouts that its check accepts.

Usage: guard_shares.py [DRAWS] [--differences]; default 20000 for each row, always the same ones. With --differences it
names those rows only whose share in the table cannot be what was measured, and fails if there are any.
"""

from __future__ import annotations

import math
import random
import string
import sys

from hortus.gateway.guards.national import NATIONAL
from hortus.gateway.guards.payments import CARDS, VAT
from hortus.gateway.guards.rows import SEPARATORS, Row

_DRAWN = {
    "#": string.digits,
    "@": string.ascii_uppercase,
    "*": string.digits + string.ascii_uppercase,
    "~": "-+ABCDEFUVWXY",
}


def drawn(layout: str, chance: random.Random) -> str:
    """A random string in a layout, without separators."""
    return "".join(chance.choice(_DRAWN.get(one, one)) for one in layout if one not in {" ", "_"})


def share_of(row: Row, draws: int) -> float:
    """Per cent of random strings in its layouts that a row's check accepts."""
    chance = random.Random(f"{row.country} {row.name}")  # noqa: S311 - the same draws each time are wanted
    accepted = sum(row.check(drawn(chance.choice(row.layouts), chance)) for _ in range(draws))
    return 100 * accepted / draws


def differs(row: Row, draws: int) -> bool:
    """Whether so many draws say that the share in the table is another one: five standard errors and a tenth apart."""
    error = math.sqrt(max(row.share, 0.1) * (100 - min(row.share, 99.9)) / draws)
    return abs(share_of(row, draws) - row.share) > 5 * error + row.share / 10


def main(draws: int, *, only_differences: bool) -> int:
    """Print the rows, or those alone that differ."""
    rows = [row for row in (*NATIONAL, *CARDS, *VAT) if not only_differences or differs(row, draws)]
    for row in rows:
        layout = row.layouts[0].translate(str.maketrans("", "", SEPARATORS[1:]))
        need = "word" if row.is_weak else "alone"
        print(
            f"{row.country or '':2} {row.name:45.45} {layout:24.24} {row.share:6.2f} {share_of(row, draws):6.2f} {need}"
        )
    return int(only_differences and bool(rows))


if __name__ == "__main__":
    numbers = [int(one) for one in sys.argv[1:] if one.isdigit()]
    sys.exit(main(numbers[0] if numbers else 20_000, only_differences="--differences" in sys.argv))
