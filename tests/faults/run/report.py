"""What people read of a run: progress while it goes on, a table at its end, and the same as a file."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

from faults.run.client import Outcome
from faults.run.killing import Fault
from faults.run.money import Standing
from faults.run.reconcile import BAD, Difference, Finding

_SHOWN = 12


class Run(NamedTuple):
    """Everything that a run found."""

    seed: int
    kills_wanted: int
    seconds: float
    faults: list[Fault]
    outcomes: list[Outcome]
    findings: list[Finding]
    differences: list[Difference]
    counts: Counter[str]
    edge: Standing | None = None

    @property
    def is_good(self) -> bool:
        """Whether nothing was found that may not be."""
        return not self.findings

    def count_of(self, kind: str) -> int:
        """Return how many findings are of a kind."""
        return sum(1 for finding in self.findings if finding.kind == kind)


def recovery_s(fault: Fault, outcomes: Sequence[Outcome]) -> float | None:
    """Return the seconds from a fault (or its end, where it lasted) to the next request that begins and succeeds."""
    ended = [one.ended_s for one in outcomes if one.is_success and one.began_s >= fault.ended_s]
    return min(ended) - fault.ended_s if ended else None


def figures(run: Run) -> dict[str, Any]:
    """Return what stands in the file."""
    by_label: dict[str, list[Fault]] = defaultdict(list)
    for fault in run.faults:
        by_label[fault.label].append(fault)
    outcomes = sorted(run.outcomes, key=lambda one: one.began_s)
    kills = [fault for fault in run.faults if fault.processes]
    return {
        "seed": run.seed,
        "seconds": round(run.seconds, 1),
        "kills": len(kills),
        "processes_killed": sum(fault.processes for fault in kills),
        "requests": len(run.outcomes),
        **{kind: run.count_of(kind) for kind in (*BAD, "unclean", "journal", "chain")},
        "counts": dict(sorted(run.counts.items())),
        "recovery": {label: _recovery(found, outcomes) for label, found in sorted(by_label.items())},
        "estimates": _estimates(run.differences),
        "edge_of_a_budget": {name: str(part) for name, part in run.edge._asdict().items()} if run.edge else {},
        "findings": [finding._asdict() for finding in run.findings[:500]],
    }


def _recovery(faults: list[Fault], outcomes: list[Outcome]) -> dict[str, float | int | None]:
    again = [found for fault in faults if (found := recovery_s(fault, outcomes)) is not None]
    whole = [fault.whole_s - fault.began_s for fault in faults if fault.whole_s is not None]
    return {
        "faults": len(faults),
        "processes": sum(fault.processes for fault in faults),
        "answers_median_s": round(statistics.median(again), 3) if again else None,
        "answers_longest_s": round(max(again), 3) if again else None,
        "whole_median_s": round(statistics.median(whole), 3) if whole else None,
        "whole_longest_s": round(max(whole), 3) if whole else None,
    }


def _estimates(differences: list[Difference]) -> dict[str, dict[str, float | int | str]]:
    by_status: dict[str, list[Difference]] = defaultdict(list)
    for one in differences:
        by_status[one.status].append(one)
    return {status: _spread(found) for status, found in sorted(by_status.items())}


def _spread(found: list[Difference]) -> dict[str, float | int | str]:
    off = sorted(one.charged_tokens - one.counted_tokens for one in found)
    money = sorted(float(one.charged / one.counted) for one in found if one.counted)
    at = [off[round((len(off) - 1) * part)] for part in (0.05, 0.5, 0.95)]
    ratios = [round(money[round((len(money) - 1) * part)], 2) for part in (0.0, 0.5, 1.0)] if money else [0, 0, 0]
    return {
        "attempts": len(found),
        "less_than_counted": sum(1 for one in found if one.charged < one.counted),
        "output_tokens_p5": at[0],
        "output_tokens_median": at[1],
        "output_tokens_p95": at[2],
        "money_least": ratios[0],
        "money_median": ratios[1],
        "money_most": ratios[2],
        "charged": str(sum(one.charged for one in found)),
        "counted": str(sum(one.counted for one in found)),
    }


def show(run: Run, console: Console) -> None:
    """Print the tables and the verdict."""
    told = figures(run)
    recovery = _table("fault", "times", "killed", "answers again s", "longest", "all back s", "longest")
    for label, row in told["recovery"].items():
        recovery.add_row(label, *(_said(value) for value in row.values()))
    console.print(recovery)
    spread = _table("without the host's word", "n", "below", "tokens p5", "median", "p95", "money x", "median", "most")
    for status, row in told["estimates"].items():
        spread.add_row(status, *(_said(value) for value in list(row.values())[:8]))
    console.print(spread)
    console.print(", ".join(f"{value} {name}" for name, value in told["counts"].items()), highlight=False)
    if run.edge:
        refused = run.counts["refused with 429"]
        console.print(
            f"at the edge of a budget: {run.edge.spent} of {run.edge.amount} spent, {refused} refused", highlight=False
        )
    for finding in run.findings[:_SHOWN]:
        console.print(f"[red]{finding.kind}[/] {finding.mark}: {finding.what}", highlight=False)
    bad = {kind: told[kind] for kind in (*BAD, "unclean", "journal", "chain")}
    verdict = "[green]good[/]" if run.is_good else "[red]BAD[/]"
    console.print(
        f"{verdict}: {told['kills']} kills ({told['processes_killed']} processes), {told['requests']} requests, "
        + ", ".join(f"{kind} {count}" for kind, count in bad.items())
        + f"; {told['seconds']} s, SEED={run.seed}",
        highlight=False,
    )
    if not run.is_good:
        console.print(f"Once more: make faults KILLS={run.kills_wanted} SEED={run.seed}", highlight=False)


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    return table


def _said(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    return "-" if value is None else str(value)


def write_file(run: Run, path: Path) -> None:
    """Write the figures."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(figures(run)), indent=1) + b"\n")
