"""`hortus limits` and `hortus budgets`: what they say, what they send, and both against a running Hortus."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from garden import Hortus
from hortus.cli.bars import draw_bar
from hortus.cli.limits import merge
from hortus.cli.limitwords import facts_of, percent_of, period_of, plain, say_alert, say_bound, say_instant, say_scope
from hortus.cli.replies import Limit, Standing

STANDING = Standing(
    pool="team~1@1793487600000",
    start_ms=1_793_487_600_000,
    end_ms=1_796_079_600_000,
    spent=Decimal("310.00"),
    reserved=Decimal(5),
    leased=Decimal(20),
    left=Decimal(170),
)


def budget(**changes: object) -> Limit:
    members: dict[str, object] = {
        "name": "team", "id": "team~1", "scope": "project", "kind": "hard", "state": "fine", "project": "library",
        "money": Decimal(500), "currency": "EUR", "per": "month", "timezone": "Europe/Berlin", "alert_at": (80, 100),
        "standing": STANDING,
    }  # fmt: skip
    return Limit(**{**members, **changes})


def rate(**changes: object) -> Limit:
    members: dict[str, object] = {"name": "r", "id": "r~1", "scope": "organisation", "kind": "hard", "state": "fine"}
    return Limit(**{**members, **changes})


@pytest.mark.parametrize(
    ("spent", "leased", "whole", "drawn"),
    [
        ("0", "0", "10", "··········"),
        ("5", "2", "10", "█████▒▒···"),
        ("0.01", "0.01", "10", "█▒········"),
        ("10", "0", "10", "██████████"),
        ("9.99", "0", "10", "█████████·"),
        ("15", "3", "10", "██████████"),
        ("0", "0", "0", "██████████"),
    ],
)
def test_a_bar_shows_parts_beside_the_whole(spent: str, leased: str, whole: str, drawn: str) -> None:
    assert draw_bar([(Decimal(spent), "█"), (Decimal(leased), "▒")], Decimal(whole)) == drawn


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (budget(), "500 EUR a month"),
        (budget(money=Decimal("0.10"), per="total"), "0.1 EUR in total"),
        (budget(money=Decimal("1E+3"), per="fiscal_year"), "1000 EUR a fiscal year"),
        (rate(requests_per_minute=60), "60 requests a minute"),
        (rate(tokens_per_minute=0), "0 tokens a minute"),
        (rate(concurrent_requests=4), "4 requests at once"),
    ],
)
def test_a_bound_is_said_in_words(limit: Limit, said: str) -> None:
    assert say_bound(limit) == said


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (budget(), "project library"),
        (rate(), "the organisation"),
        (rate(key="key_1", key_name="till", project="shop"), "key till of shop"),
        (rate(key="key_1"), "key key_1"),
    ],
)
def test_it_is_said_whom_a_limit_binds(limit: Limit, said: str) -> None:
    assert say_scope(limit) == said


def test_a_period_is_said_in_the_zone_of_its_limit_through_the_change_of_clocks() -> None:
    assert period_of(budget()) == ("2026-11-01 00:00", "2026-12-01 00:00 Europe/Berlin")
    assert say_instant(1_774_738_800_000, "Europe/Berlin") == "2026-03-29 00:00"
    assert say_instant(1_774_821_600_000, "Europe/Berlin") == "2026-03-30 00:00"


def test_a_zone_that_this_machine_does_not_know_is_said_in_utc() -> None:
    assert say_instant(1_793_487_600_000, "Moon/Base") == "2026-10-31 23:00"


def test_a_share_is_rounded_down_so_that_all_is_all() -> None:
    assert percent_of(Decimal("499.99"), Decimal(500)) == "99 %"
    assert percent_of(Decimal(0), Decimal(0)) == "100 %"


def test_an_amount_is_said_to_its_last_digit() -> None:
    assert plain(Decimal("123456789012345.123456789012345678")) == "123456789012345.123456789012345678"


def test_one_limit_is_shown_with_all_its_figures() -> None:
    facts = dict(facts_of(budget()))
    assert facts["spent"] == "310 EUR"
    assert facts["leased"] == "20 EUR"
    assert facts["held by what runs"] == "5 EUR"
    assert facts["left"] == "170 EUR"
    assert str(facts["used"]).endswith(" 62 %")


def test_an_alert_says_how_much_of_what_is_spent() -> None:
    assert say_alert(budget(state="alert")) == ("team (project library) is at an alert: 310 of 500 EUR a month, 62 %")
    assert "is used up" in say_alert(budget(state="over"))


def test_setting_one_member_keeps_the_others() -> None:
    assert merge(budget(), {"money": "900"}) == {
        "money": "900",
        "currency": "EUR",
        "per": "month",
        "timezone": "Europe/Berlin",
        "project": "library",
        "kind": "hard",
        "alert_at": (80, 100),
    }


def test_another_measure_puts_aside_what_belongs_to_money() -> None:
    assert merge(budget(), {"tokens_per_minute": 5}) == {
        "tokens_per_minute": 5, "project": "library", "kind": "hard", "alert_at": (80, 100),
    }  # fmt: skip


def test_another_scope_takes_the_place_of_the_old_one() -> None:
    assert "project" not in merge(budget(), {"key": "till"})
    assert "key" not in merge(budget(key="key_1"), {"project": "shop"})
    assert merge(budget(key="key_1"), {"money": "1"})["key"] == "key_1"
    assert "project" not in merge(budget(key="key_1"), {"money": "1"})


def test_another_period_puts_aside_what_it_has_no_use_for() -> None:
    yearly = budget(per="fiscal_year", year_starts_in=4)
    assert "year_starts_in" not in merge(yearly, {"per": "month"})
    assert "timezone" not in merge(yearly, {"per": "total"})
    assert merge(yearly, {"money": "1"})["year_starts_in"] == 4


class TestAgainstHortus:
    """Commands as a user runs them."""

    pytestmark = pytest.mark.slow

    @pytest.fixture(autouse=True)
    def clean(self, hortus: Hortus) -> Iterator[None]:
        """Leave no limit behind: the same Hortus serves other tests."""
        yield
        for limit in hortus.cli_json("limits", "list"):
            hortus.cli("limits", "remove", limit["name"])

    def test_a_budget_is_set_changed_shown_and_removed(self, hortus: Hortus) -> None:
        given = ("--money", "0.1", "--currency", "EUR", "--per", "month", "--timezone", "Europe/Berlin")
        made = hortus.cli_json("budgets", "set", "team-a", *given, "--project", "default")
        assert (made["money"], made["timezone"], made["kind"]) == ("0.1", "Europe/Berlin", "hard")
        changed = hortus.cli_json("budgets", "set", "team-a", "--money", "12.50", "--soft")
        assert (Decimal(changed["money"]), changed["kind"], changed["id"]) == (Decimal("12.5"), "soft", made["id"])
        assert "12.5 EUR a month" in hortus.cli("budgets", "show", "team-a").stdout
        hortus.cli("budgets", "remove", "team-a")
        assert hortus.cli_json("budgets", "list") == []
        gone = {one["name"]: one["state"] for one in hortus.cli_json("budgets", "list", "--all")}
        assert gone["team-a"] == "retired"

    def test_lists_fit_80_columns_and_budgets_are_those_of_money(self, hortus: Hortus) -> None:
        hortus.cli("limits", "set", "rate-a", "--requests-per-minute", "60", "--project", "default")
        hortus.cli("budgets", "set", "everybody", "--money", "500", "--currency", "EUR", "--per", "fiscal_year")
        assert [one["name"] for one in hortus.cli_json("budgets")] == ["everybody"]
        assert [one["name"] for one in hortus.cli_json("limits")] == ["everybody", "rate-a"]
        for command in ("limits", "budgets"):
            shown = hortus.cli(command).stdout
            assert "everybody" in shown
            assert max(map(len, shown.splitlines())) <= 80

    def test_a_budget_that_is_used_up_is_in_the_status(self, hortus: Hortus) -> None:
        hortus.cli("budgets", "set", "none-left", "--money", "0", "--currency", "EUR", "--per", "total", "--soft")
        assert hortus.cli_json("status")["alerts"] == ["none-left"]
        assert "Budget none-left (the organisation) is used up" in hortus.cli("status").stderr

    def test_what_cannot_be_is_said_in_one_line_with_what_to_do(self, hortus: Hortus) -> None:
        done = hortus.cli(
            "budgets", "set", "x", "--money", "1", "--currency", "EUR", "--per", "day", "--timezone", "CEST",
            check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert done.stderr.startswith("hortus: timezone: There is no time zone `CEST`.")
        assert "Europe/Berlin" in done.stderr
