"""How well do the finders find? Precision and recall on the published texts and on those held out, per kind and country.

Usage: guard_figures.py [--check | --json | --misses [KIND]]; without a word it prints and writes docs/reference/guards.md.
"""

from __future__ import annotations

import random
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from guard_numbers import fill
from guard_texts import PLACE, SEED, Text
from hortus.gateway.guards.findings import Finder, Finding
from hortus.gateway.guards.national import NATIONAL
from hortus.gateway.guards.payments import CARDS, VAT
from hortus.gateway.guards.table import BLOCKED_KINDS, PERSONAL_KINDS, SECRET_KINDS, finder_for
from hortus.policy.rules import Policy

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "guards.md"
NOTE = "<!-- made by tools/guard_figures.py; run make guard-figures -->"
_DRAWS = 4000
_MARK = re.compile(r"\[\[(\w+)\|(.+?)\]\](?!\])", re.DOTALL)


class Score(msgspec.Struct):
    """Counts of one kind, or of one kind in one country."""

    wanted: int = 0
    found: int = 0
    beside: int = 0
    found_beside: int = 0
    right: int = 0
    misnamed: int = 0
    alarms: int = 0

    @property
    def recall(self) -> float:
        """Of what should be found, the share that findings cover wholly."""
        return 100 * self.found / self.wanted if self.wanted else 100.0

    @property
    def recall_beside(self) -> float:
        """The same where a word stands beside it."""
        return 100 * self.found_beside / self.beside if self.beside else 100.0

    @property
    def precision(self) -> float:
        """Of what was found, the share that lies on something personal."""
        found = self.right + self.misnamed + self.alarms
        return 100 * (found - self.alarms) / found if found else 100.0


class Scored(NamedTuple):
    """Scores of a set of texts, and what went wrong."""

    texts: int
    kinds: dict[str, Score]
    countries: dict[str, Score]
    alarms: dict[str, int]
    misses: list[tuple[str, str, str]]


def published() -> list[Text]:
    """The generated texts."""
    return [msgspec.json.decode(line, type=Text) for line in (PLACE / "texts.jsonl").read_bytes().splitlines()]


def held_out() -> list[Text]:
    """The texts written by hand, their marks taken off."""
    return [_unmarked(text) for text in (PLACE / "held_out.txt").read_text("utf-8").strip().split("\n---\n")]


def _unmarked(marked: str) -> Text:
    out, place = "", 0
    spans: list[tuple[int, int, str, str | None, bool]] = []
    for mark in _MARK.finditer(marked):
        out += marked[place : mark.start()]
        spans.append((len(out), len(out) + len(mark[2]), mark[1], None, True))
        out, place = out + mark[2], mark.end()
    return Text("", "held out", out + marked[place:], spans)


def scored(texts: Iterable[Text], finder: Finder) -> Scored:
    """What the finder makes of them."""
    kinds: dict[str, Score] = defaultdict(Score)
    countries: dict[str, Score] = defaultdict(Score)
    alarms: dict[str, int] = defaultdict(int)
    misses, count = [], 0
    for text in texts:
        count += 1
        findings = finder.find(text.text)
        for start, end, kind, country, is_beside in text.spans:
            is_found = any(one.start <= start and end <= one.end for one in findings)
            for score in (kinds[kind], countries[f"{country} {kind}"]):
                _count(score, is_found=is_found, is_beside=is_beside)
            if not is_found:
                misses.append(("missed", f"{kind} {text.text[start:end]}", text.text))
        for one in findings:
            verdict = _verdict(one, text)
            setattr(kinds[one.kind], verdict, getattr(kinds[one.kind], verdict) + 1)
            if verdict == "alarms":
                alarms[text.language or "held out"] += 1
                misses.append(("alarm", f"{one.kind} {one.country} {text.text[one.start : one.end]}", text.text))
    return Scored(count, dict(kinds), dict(countries), dict(alarms), misses)


def _count(score: Score, *, is_found: bool, is_beside: bool) -> None:
    score.wanted += 1
    score.found += is_found
    score.beside += is_beside
    score.found_beside += is_found and is_beside


def _verdict(one: Finding, text: Text) -> str:
    hit = {kind for start, end, kind, _, _ in text.spans if start < one.end and one.start < end}
    return "right" if one.kind in hit else "misnamed" if hit else "alarms"


def everything() -> Finder:
    """A finder that looks for all there is."""
    return finder_for(Policy(name="all", personal_data="pseudonymise", secrets="pseudonymise"))


def kinds_table(of: Scored) -> Iterator[str]:
    """Precision and recall per kind."""
    yield "| kind | wanted | recall % | beside a word % | precision % | under another name | false alarms |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for kind in (*PERSONAL_KINDS, *SECRET_KINDS, *BLOCKED_KINDS):
        if score := of.kinds.get(kind):
            figures = f"{score.recall:.1f} | {score.recall_beside:.1f} | {score.precision:.1f} | {score.misnamed} | {score.alarms}"
            yield f"| `{kind}` | {score.wanted} | {figures} |"


def countries_table(of: Scored) -> Iterator[str]:
    """Recall per country of national numbers, VAT, IBAN and telephone."""
    columns = ("national_id", "vat", "iban", "phone", "person")
    yield f"| country | {' | '.join(f'`{kind}`' for kind in columns)} |"
    yield "| --- |" + " --- |" * len(columns)
    for country in sorted({name.split()[0] for name in of.countries}):
        scores = [of.countries.get(f"{country} {kind}") for kind in columns]
        yield (
            f"| {country} | " + " | ".join(f"{score.found}/{score.wanted}" if score else "" for score in scores) + " |"
        )


def rows_table() -> Iterator[str]:
    """The table of numbers with what each check proves."""
    yield "| country | number | a check alone accepts % | found |"
    yield "| --- | --- | --- | --- |"
    for row in (*NATIONAL, *CARDS, *VAT):
        needs = "beside a word" if row.is_weak else "by its groups" if row.by_layout else "alone"
        yield f"| {row.country or ''} | {row.name} | {row.share:g} | {needs} |"


def chance_table(finder: Finder) -> Iterator[str]:
    """What random digits on their own are taken for."""
    yield "| digits | found % | as |"
    yield "| --- | --- | --- |"
    chance = random.Random(SEED)  # noqa: S311 - the same digits each time are wanted
    for length in range(6, 20):
        taken: dict[str, int] = defaultdict(int)
        for _ in range(_DRAWS):
            for one in finder.find(f"no {fill('#' * length, chance)} is"):
                taken[f"{one.country or ''} {one.kind}".strip()] += 1
        names = ", ".join(
            f"{name} {100 * count / _DRAWS:.2f}"
            for name, count in sorted(taken.items(), key=lambda pair: (-pair[1], pair[0]))
        )
        yield f"| {length} | {100 * sum(taken.values()) / _DRAWS:.2f} | {names} |"


def page(texts: Scored, held: Scored) -> str:
    """The page of the reference."""
    lines = [
        "# Guards: what they find, in figures", "", NOTE, "",
        f"{texts.texts} generated texts in 24 languages (`tests/gateway/guards/texts.jsonl`, made by `tools/guard_texts.py`) and",
        f"{held.texts} written by hand in another manner (`held_out.txt`). A place counts as found where findings cover all of it;",
        "a false alarm lies on nothing that is labelled. [What is found and what is not](../explanation/personal-data.md).", "",
        "## Generated texts", "", *kinds_table(texts), "",
        f"False alarms by language: {', '.join(f'{language} {count}' for language, count in sorted(texts.alarms.items())) or 'none'}.", "",
        "## Texts held out", "", *kinds_table(held), "",
        "## Found of those wanted, per country", "",
        "Numbers that need a word beside them are also written without one in these texts; those are meant to be missed.", "",
        *countries_table(texts), "", "## Random digits", "",
        f"{_DRAWS} random numbers of each length, with no word beside them: what the strong checks let through together. Numbers that",
        "begin with a date pass more often: one in ten of ten digits that begin with year, month and day is a Swedish number.", "",
        *chance_table(everything()), "", "## Numbers in the table", "",
        "The share of random strings in its layouts that a check accepts, by `tools/guard_shares.py`; from 1 % on a word of the",
        "country's languages must stand within 60 characters.", "", *rows_table(), "",
    ]  # fmt: skip
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    """Print and write, or compare, or list what went wrong."""
    finder = everything()
    texts = scored(published(), finder)
    if "--misses" in arguments:
        chosen = arguments[-1] if arguments[-1] != "--misses" else ""
        print(
            "\n".join(
                f"{verdict:6} {what!r} IN {where[:160]!r}"
                for verdict, what, where in texts.misses
                if what.startswith(chosen)
            )
        )
        return 0
    held = scored(held_out(), finder)
    if "--json" in arguments:
        print(msgspec.json.encode({"texts": texts._asdict(), "held": held._asdict()}).decode())
        return 0
    made = page(texts, held)
    if "--check" in arguments:
        return int(not PAGE.is_file() or PAGE.read_text("utf-8") != made)
    PAGE.write_text(made, "utf-8")
    print("\n".join([*kinds_table(texts), "", *kinds_table(held), "", *countries_table(texts)]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
