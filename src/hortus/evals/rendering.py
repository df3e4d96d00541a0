"""A verdict as plain text: what decided first, then the figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hortus.evals.rules import percent
from hortus.evals.verdict import Gain, Latency, SuiteFigures, Verdict

_HEAD = ("", "questions", "base", "product", "gain")


def render(verdict: Verdict) -> str:
    """Return the verdict for people, lines of any width; figures in per cent, in brackets their bounds."""
    lines = ["passed: the product may be promoted" if verdict.passed else "barred: the product is not promoted", ""]
    lines += [f"{'yes' if one.passed else 'NO':>3}  {one.name}: {one.sentence}" for one in verdict.checks]
    rows = [row for suite in verdict.suites for row in _rows(suite)]
    lines += ["", f"bounds at {100 * verdict.confidence:g} % confidence", *_table([_HEAD, *rows])]
    for who, latency in (("base", verdict.base_latency), ("product", verdict.product_latency)):
        if latency is not None:
            lines.append(f"{who}: {_took(latency)}")
    return "\n".join(lines) + "\n"


def _rows(suite: SuiteFigures) -> Iterator[tuple[str, ...]]:
    base = "-" if suite.base is None else percent(suite.base)
    yield suite.key, str(suite.items), base, percent(suite.product), _gain(suite.gain)
    for group in suite.groups:
        base = "-" if group.base is None else percent(group.base)
        yield f"  {group.name}", str(group.product.items), base, percent(group.product), _gain(group.gain)


def _gain(gain: Gain | None) -> str:
    if gain is None:
        return "-"
    return f"{100 * gain.value:+.1f} ({100 * gain.bounds.low:.1f} to {100 * gain.bounds.high:.1f})"


def _took(latency: Latency) -> str:
    return f"half of the answers within {latency.median_ms:.0f} ms, 95 % within {latency.p95_ms:.0f} ms"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
