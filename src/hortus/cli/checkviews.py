"""What the check of a dataset found, for people: errors with line and path, what is in it, what training takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

import msgspec

from hortus.cli.bars import draw_bar
from hortus.cli.jobreplies import Checked, CheckResult, Estimate, Facts, Problem, Problems
from hortus.cli.screen import Column, note, show_facts, show_table

_MOST_SHOWN = 200
_MOST_RANGES = 20
_MOST_LABELS = 30
_MOST_LANGUAGES = 12


class _Labels(msgspec.Struct):
    counts: dict[str, int]
    dominant_share: float = 0.0


def show_checked(checked: Checked) -> None:
    """Write everything that a check found on standard output."""
    if checked.problems is not None and checked.problems.listed:
        show_problems(checked.problems)
    if checked.result is not None:
        show_result(checked.result)


def show_problems(problems: Problems) -> None:
    """Write errors and warnings as a table."""
    alike: dict[tuple[str, ...], list[Problem]] = {}
    for one in sorted(problems.listed, key=lambda one: (one.severity, one.file, one.line or 0)):
        alike.setdefault((one.file, one.path or "", one.message), []).append(one)
    columns = [Column("file"), Column("lines"), Column("path", is_whole=True), Column("what is wrong"), Column("mend")]
    show_table(columns, [_row(ones) for ones in list(alike.values())[:_MOST_SHOWN]])
    rest = problems.errors + problems.warnings - len(problems.listed)
    if rest > 0 or len(alike) > _MOST_SHOWN:
        counted = ", ".join(f"{count:,} {code}" for code, count in sorted(problems.counts.items()))
        note(f"There are more; --json lists up to a thousand of each kind. All of them: {counted}.")


def _row(ones: Sequence[Problem]) -> tuple[object, ...]:
    first = ones[0]
    said = first.message if first.severity == "error" else f"(warning) {first.message}"
    lines = say_lines([one.line for one in ones if one.line is not None])
    return ("held out" if first.file == "validation" else first.file, lines, first.path, said, first.hint)


def say_lines(lines: Sequence[int]) -> str:
    """Return numbers of lines for people, neighbours as ranges.

    >>> say_lines([1, 2, 3, 7, 9, 10])
    '1-3, 7, 9-10'
    """
    ranges: list[tuple[int, int]] = []
    for line in lines:
        if ranges and line <= ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], line)
        else:
            ranges.append((line, line))
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in ranges[:_MOST_RANGES]]
    return ", ".join([*shown, "…"] if len(ranges) > _MOST_RANGES else shown)


def show_result(result: CheckResult) -> None:
    """Write what is in a dataset, and what training on it takes."""
    show_facts([*_facts(result.facts), *_estimated(result.estimate)])
    _show_shares("language", result.facts.languages, most=_MOST_LANGUAGES)
    labels = msgspec.json.decode(result.facts.labels, type=_Labels | None)
    if labels is not None:
        _show_shares("label", labels.counts, most=_MOST_LABELS)
    if result.facts.personal_data:
        show_table(
            [
                Column("personal data"), Column("found", is_number=True), Column("lines", is_number=True),
                Column("first lines"),
            ],
            [(kind, one.count, one.lines, one.first_lines) for kind, one in result.facts.personal_data.items()],
        )  # fmt: skip


def _facts(facts: Facts) -> Iterator[tuple[str, object]]:
    tokens = facts.tokens
    about = "about " if tokens.is_estimated else ""
    yield "dataset", facts.dataset
    yield "format", facts.format
    yield "examples", f"{facts.examples:,} of {facts.lines:,} lines"
    yield "to learn from", f"{facts.train:,}"
    yield (
        "held out",
        f"{facts.held_out:,} ({'a file of their own' if facts.held_out_from == 'validation' else 'split'})",
    )
    yield "tokens", f"{about}{tokens.total:,}, of them {tokens.answers:,} in answers"
    shares = ", ".join(f"{share} %: {count:,}" for share, count in tokens.percentiles.items())
    yield "tokens each", f"{tokens.mean:,.0f} on average, at most {tokens.longest:,}; {shares}"
    yield "duplicates", f"{facts.duplicates:,} the same, {facts.near_duplicates:,} nearly"
    yield "leakage", f"{facts.near_leaks:,} held-out prompts are nearly the same as one to learn"
    yield "personal data", "none found" if not facts.personal_data else None


def _estimated(estimate: Estimate) -> Iterator[tuple[str, object]]:
    yield "training", f"{estimate.steps:,} steps, {estimate.epochs:g} epochs, {estimate.tokens:,} tokens"
    if estimate.seconds is not None:
        yield "takes about", f"{say_span(estimate.seconds)} ({estimate.method})"
    elif estimate.method:
        yield "costs", estimate.method


def say_span(seconds: float) -> str:
    """Return a length of time for people.

    >>> [say_span(0.4), say_span(61), say_span(7200)]
    ['1 s', '1 min 1 s', '2 h']
    """
    whole = max(1, round(seconds))
    days, rest = divmod(int(timedelta(seconds=whole).total_seconds()), 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    return " ".join([f"{count} {unit}" for count, unit in parts if count][:2])


def _show_shares(title: str, counts: Mapping[str, int], *, most: int) -> None:
    whole = sum(counts.values())
    if not whole:
        return
    ranked: Sequence[tuple[str, int]] = sorted(counts.items(), key=lambda one: -one[1])
    rows = [
        (name, count, f"{count / whole:.1%}", draw_bar([(Decimal(count), "█")], Decimal(whole), width=20))
        for name, count in ranked[:most]
    ]
    columns = [Column(title), Column("examples", is_number=True), Column("share", is_number=True), Column("")]
    show_table(columns, rows)
    if len(ranked) > most:
        note(f"{len(ranked) - most} more: --json lists them.")
