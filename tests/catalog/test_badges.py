from __future__ import annotations

from datetime import date

import pytest

from hortus.catalog import badges
from hortus.catalog.loading import load_catalog

CATALOG = load_catalog()
DAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("host", "computed", "kept", "law"),
    [
        ("openai", "GLOBAL", "GLOBAL, 30 d", "US"),
        ("scaleway", "FR", "nothing", "FR"),
        ("mistral-eu", "EU*", "EU*, 30 d", "FR; US indirect"),
        ("azure", "by sku", "by geography, 30 d", "US"),
        ("vertex", "by region", "by region", "US"),
        ("bedrock", "by model_prefix", "by region, 30 d", "US"),
        ("aws-esc", "DE", "DE", "DE; US disputed"),
        ("deepseek", "CN", "CN", "CN"),
        ("openrouter", "as the host behind", "as the host behind", "US"),
        ("evroc", "", "", "SE"),
        ("ollama", "", "", ""),
    ],
)
def test_three_badges_say_three_things(host: str, computed: str, kept: str, law: str) -> None:
    row = CATALOG.host(host)
    assert (badges.computed_in(row), badges.kept(row), badges.law(row)) == (computed, kept, law)


def test_facts_are_marked_once_their_review_is_due() -> None:
    row = CATALOG.host("ionos")
    assert badges.known(row, DAY) == "reported 2026-11-23"
    assert badges.known(row, date(2027, 2, 22)) == "reported 2026-11-23, stale"


def test_no_badge_speaks_of_europe_as_one() -> None:
    for row in CATALOG.rows.hosts:
        assert "EU" not in badges.law(row)
        assert "compliant" not in " ".join((badges.computed_in(row), badges.kept(row), badges.law(row)))
