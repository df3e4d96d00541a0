"""The page about datasets has every error, warning, format and reason as the code has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hortus.tuning.datasets import kept
from hortus.tuning.datasets.formats import FORMATS
from hortus.tuning.datasets.rules import RULES

PAGE = (Path(__file__).parents[2] / "docs/reference/datasets.md").read_text()


def section(title: str) -> str:
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize(("title", "severity"), [("Errors", "error"), ("Warnings", "warning")])
def test_has_every_rule_word_for_word(title: str, severity: str) -> None:
    wanted = [f"| `{code}` | {one.says} | {one.hint} |" for code, one in RULES.items() if one.severity == severity]
    assert [row for row in section(title).splitlines() if row.startswith("| `")] == wanted


def test_names_the_members_of_every_format() -> None:
    for one in FORMATS.values():
        assert all(f"`{mark}`" in section("Formats") for mark in one.marks)


def test_has_every_reason_for_which_kept_content_is_left_out() -> None:
    reasons = set(re.findall(r'_LeftOut\("(\w+)"\)', Path(kept.__file__).read_text()))
    assert set(re.findall(r"^\| `(\w+)` \|", section("From kept content"), re.MULTILINE)) == reasons
