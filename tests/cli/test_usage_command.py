from __future__ import annotations

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
from commandline import run
from msgspec.structs import replace

from garden import Hortus, wait_for
from hortus.canon.usage import COUNTS
from hortus.cli.usage import (
    Cost,
    Report,
    Sums,
    say_count,
    say_money,
    say_share,
    sentences,
    show_report,
    write_csv,
)


def sums(requests: int, *costs: Cost, share: str | None = "50.00", **names: str | None) -> Sums:
    units = {"input_tokens": 1_200_000, "output_tokens": 34}
    return Sums(requests, 0, requests, 0, 0, units, list(costs), names=names, share_percent=share and Decimal(share))


def euros(amount: str, share: str | None = None, estimated: str = "0") -> Cost:
    return Cost("EUR", Decimal(amount), Decimal(estimated), Decimal(share) if share else None)


def report(*groups: Sums, total: Sums, by: tuple[str, ...] = ("project",), found: int | None = None) -> Report:
    count = found or len(groups)
    return Report(
        by=list(by),
        timezone="Europe/Berlin",
        since_ms=1_793_487_600_000,
        until_ms=1_796_079_600_000,
        groups=list(groups),
        groups_found=count,
        is_cut=count > len(groups),
        total=total,
    )


LIBRARY = sums(1204, euros("12.3456", "75.00"), project="library")
NOBODY = sums(3, euros("4.1152", "25.00"), project=None)
TOTAL = sums(1207, euros("16.4608", "100.00"), share="100.00")


def test_usage_is_a_table_with_bars_that_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(report(LIBRARY, NOBODY, total=TOTAL))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Usage from 2026-11-01 00:00 to 2026-12-01 00:00 (Europe/Berlin), by project"
    assert max(map(len, lines)) <= 80
    (row,) = [line for line in lines if "library" in line]
    assert row.split() == ["library", "1,204", "1.2M", "→", "34", "12.35", "EUR", "███████···", "75.0", "%"]
    assert any(line.split()[:2] == ["total", "1,207"] and "16.46 EUR" in line for line in lines)


def test_each_currency_has_its_own_line_and_share(capsys: pytest.CaptureFixture[str]) -> None:
    both = sums(2, euros("1", "50.00"), Cost("USD", Decimal(3), Decimal(0), Decimal("100.00")), project="both")
    show_report(report(both, total=both))
    out = capsys.readouterr().out
    assert "1.00 EUR" in out
    assert "3.00 USD" in out
    assert out.index("50.0 %") < out.index("100.0 %")


def test_where_nothing_costs_the_share_is_of_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(report(sums(1, project="a"), sums(1, project="b"), total=sums(2)))
    out = capsys.readouterr().out
    assert "share of tokens" in out
    assert out.count("50.0 %") == 2


def test_time_heads_the_groups_that_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    groups = [sums(1, day="2026-11-01", model="m"), sums(1, day="2026-11-01", model="n"), sums(1, day="2026-11-02")]
    groups[2].names["model"] = None
    show_report(report(*groups, total=sums(3), by=("day", "model")))
    out = capsys.readouterr().out
    assert out.count("2026-11-01 ") == 2  # in the first line and as a heading
    assert out.index("\nn ") < out.index("2026-11-02")


def test_a_key_is_shown_with_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(report(sums(1, key="key_1", key_name="for the app"), total=sums(1), by=("key",)))
    out = capsys.readouterr().out
    assert "key_1" in out
    assert "for the app" in out


def test_what_is_estimated_without_price_or_refused_is_said() -> None:
    total = replace(sums(10, euros("2", "100.00", "0.5")), estimated=2, without_cost=1, refused=3)
    said = list(sentences(total))
    assert said[0] == "Estimated, for the host did not say: 2 of 10 attempts, 0.50 EUR of the cost."
    assert "1 attempts" in said[1]
    assert "3 requests" in said[2]
    assert list(sentences(sums(1))) == []


def test_no_usage_says_where_to_look(capsys: pytest.CaptureFixture[str]) -> None:
    show_report(report(total=sums(0)))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "--since" in shown.err


def test_csv_is_exact_and_has_columns_for_each_currency(capsys: pytest.CaptureFixture[str]) -> None:
    odd = sums(1, project="=HYPERLINK()")
    write_csv(report(sums(2, euros("0.00000001", "1.00", "0.000000001"), project="p"), odd, total=TOTAL))
    first, second = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (first["project"], first["requests"], first["input_tokens"]) == ("p", "2", "1200000")
    assert (first["cost_EUR"], first["estimated_EUR"]) == ("0.00000001", "0.000000001")
    assert (second["cost_EUR"], second["project"]) == ("0", "'=HYPERLINK()")
    assert set(COUNTS) < first.keys()


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0"), (9999, "9,999"), (10_000, "10k"), (999_499, "999k"), (999_999, "1.00M"), (10**17, "100P")],
)
def test_tokens_are_said_in_three_digits(count: int, said: str) -> None:
    assert say_count(count) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [("0", "0"), ("0.1", "0.10"), ("0.000000123456", "0.0000001235"), ("1", "1.00"), ("1234567.891", "1,234,567.89")],
)
def test_money_is_rounded_for_people(amount: str, said: str) -> None:
    assert say_money(Decimal(amount)) == said


@pytest.mark.parametrize(
    ("percent", "said"), [("0", "··········   0.0 %"), ("0.01", "█·········   0.0 %"), ("100", "██████████ 100.0 %")]
)
def test_a_share_is_a_bar(percent: str, said: str) -> None:
    assert say_share(Decimal(percent)) == said


def test_one_form_at_a_time(tmp_path: Path) -> None:
    ran = run("usage", "--csv", "--json", at=tmp_path)
    assert ran.code == 1
    assert "Give one of the two." in ran.err


@pytest.mark.slow
def test_what_was_asked_is_in_the_usage_of_a_running_hortus(hortus: Hortus) -> None:
    heard = hortus.cli_json("ask", "hello", "--route", "replay", "--json")
    wait_for(
        lambda: any(one["receipt_id"] == heard["receipt_id"] for one in hortus.cli_json("receipts", "--last", "100")),
        what="the receipt",
    )
    found = hortus.cli_json("usage", "--by", "route,model", "--since", "1d", "--route", "replay", "--json")
    (group,) = found["groups"]
    assert group["names"] == {"route": "replay", "model": "fake"}
    assert group["requests"] >= 1
    table = hortus.cli("usage", "--by", "day,route", "--since", "7d", "--timezone", "Europe/Berlin").stdout
    assert "replay" in table
    assert "total" in table
    assert hortus.cli("usage", "--csv").stdout.startswith("project,requests,")
    cut = hortus.cli("usage", "--by", "hour,status,model,key", "--limit", "1", "--since", "7d")
    assert "--limit" in cut.stderr or found["groups_found"] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--by", "projekt"), "Did you mean `project`?"),
        (("--since", "tomorrow"), "2026-11-01"),
        (("--timezone", "Berlin"), "IANA"),
        (("--project", "nobody"), "hortus projects list"),
    ],
)
def test_a_wrong_question_says_what_to_do(hortus: Hortus, flags: tuple[str, ...], said: str) -> None:
    done = hortus.cli("usage", *flags, check=False)
    assert done.returncode == 1
    assert said in done.stderr
