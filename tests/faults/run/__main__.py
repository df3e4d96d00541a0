"""The fault run: `make faults` (KILLS=200, SEED=a number). Ends with 1 if any book or any answer is not as promised."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

from rich.console import Console

from faults.run.conductor import conduct
from faults.run.killing import schedule
from faults.run.phases import LASTING, Phase, kills
from faults.run.place import Place
from faults.run.report import show, write_file

_EDGE_OF_A_KILL = Decimal("0.0015")
"""USD of the small budget: used up in the course of the run, by what is asked and by what kills interrupt."""

_WITHIN_S, _KILL_S = 460.0, 2.3
"""No kill begins later than that, so that all ends within nine minutes; for more than 200, so long for each."""

_ROUND = 50
"""Books are compared after so many kills."""


def main() -> int:
    """Run, print, and return the exit code."""
    arguments = _arguments()
    console = Console(width=120)
    directory = Path(tempfile.mkdtemp(prefix="hx-"))
    console.print(f"{arguments.kills} kills, SEED={arguments.seed}, in {directory}", highlight=False)
    place = Place(directory, seed=arguments.seed, edge=_EDGE_OF_A_KILL * max(arguments.kills, 10))
    try:
        place.start()
        within_s = max(_WITHIN_S, arguments.kills * _KILL_S)
        phases = _phases(arguments.kills, arguments.seed)
        run = asyncio.run(
            conduct(place, phases, seed=arguments.seed, kills=arguments.kills, say=console.log, within_s=within_s)
        )
        if arguments.keep or not run.is_good:
            place.keep_journal()
    finally:
        place.close()
    show(run, console)
    write_file(run, arguments.report)
    if run.is_good and not arguments.keep:
        shutil.rmtree(directory, ignore_errors=True)
    else:
        console.print(f"Kept for a look: {directory}", highlight=False)
    return 0 if run.is_good else 1


def _phases(count: int, seed: int) -> list[Phase]:
    planned = schedule(count, seed=seed)
    rounds = [planned[start : start + _ROUND] for start in range(0, count, _ROUND)]
    return [*LASTING, *(kills(one) for one in rounds)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--report", type=Path, default=Path("faults-report.json"))
    parser.add_argument("--keep", action="store_true", help="keep everything that the run has written")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
