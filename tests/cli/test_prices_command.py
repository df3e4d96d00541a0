"""`hortus prices`: every figure of a row, and what receipts would cost by today's rows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from commandline import run

from garden import Hortus
from hortus.cli.prices import Difference, Report, Sum, _show_report


def test_a_model_s_prices_are_shown_with_tiers_and_fit_80_columns(tmp_path: Path) -> None:
    ran = run("prices", "show", "gpt-6-astra", "--at", "2026-11-23", at=tmp_path)
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "openai-eu: gpt-6-astra" in ran.out
    assert "priority >272k" in ran.out
    assert "per million tokens" in ran.err


def test_a_host_narrows_and_json_holds_the_row(tmp_path: Path) -> None:
    found = run("prices", "show", "claude-opus-5-5", "--host", "anthropic", "--json", at=tmp_path).json
    assert isinstance(found, list)
    (one,) = found
    assert one["host"] == "anthropic"
    assert one["price"]["cache_write_long_per_million"] == "8"
    assert one["price"]["regions"] == {"us": "1.1"}


def test_prices_are_those_of_the_day(tmp_path: Path) -> None:
    def given_price(day: str) -> str:
        found = run("prices", "show", "mistral-large-4", "--host", "mistral", "--at", day, "--json", at=tmp_path).json
        assert isinstance(found, list)
        return str(found[0]["price"]["input_per_million"])

    assert (given_price("2026-10-19"), given_price("2026-10-20")) == ("0.68", "1.36")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("no-such-model",), "no model"),
        (("gpt-4o", "--host", "nowhere"), "no host"),
        (("gpt-4o", "--at", "soon"), "--at"),
    ],
)
def test_what_is_not_known_is_refused_in_one_line(tmp_path: Path, arguments: tuple[str, ...], word: str) -> None:
    ran = run("prices", "show", *arguments, at=tmp_path)
    assert ran.code == 1
    assert word in ran.err


def test_an_offer_without_a_price_says_so(tmp_path: Path) -> None:
    assert "no price is known" in run("prices", "show", "gpt-oss-120b", "--host", "stackit", at=tmp_path).out


def test_a_report_names_both_rows_both_amounts_and_the_difference(capsys: pytest.CaptureFixture[str]) -> None:
    one = Difference(
        endpoint="four",
        model="gpt-4o",
        old_price="catalog/openai/gpt-4o/2026-01-01",
        new_price="catalog/openai/gpt-4o/2026-11-01",
        old_currency="USD",
        new_currency="USD",
        attempts=2,
        old_cost=Decimal("0.0120"),
        new_cost=Decimal("0.007"),
        difference=Decimal("-0.005"),
    )
    unknown = Difference(
        endpoint="five", model="m", new_price="row", new_currency="EUR", attempts=1, new_cost=Decimal(1)
    )
    total = Sum("USD", Decimal("0.012"), Decimal("0.007"), Decimal("-0.005"))
    _show_report(Report(3, 3, 0, 0, 0, 0, [one, unknown], [total]))
    told = capsys.readouterr()
    assert max(map(len, told.out.splitlines())) <= 80
    for word in ("four", "0.012 USD", "0.007 USD", "-0.005", "sum in USD", "0.012 → 0.007 (-0.005)"):
        assert word in told.out
    assert "3 receipts with 3 attempts: 0 unchanged" in told.err


@pytest.mark.usefixtures("hortus")
class TestAgainstARunningHortus:
    def test_receipts_of_a_deployment_cost_today_what_they_cost(self, hortus: Hortus) -> None:
        hortus.cli("ask", "hello")
        report = hortus.cli_json("prices", "recompute", "--since", "1h")
        assert report["differences"] == []
        assert "Nothing was changed" in hortus.cli("prices", "recompute", "--since", "1h").stderr
