from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated

import msgspec
import pytest
import typer
from msgspec.structs import replace
from typer.testing import CliRunner

from hortus.canon.usage import Usage
from hortus.catalog.pricerows import PriceRow
from hortus.catalog.rows import Host, Surface
from hortus.cli.admin import read_refusal
from hortus.cli.catalog import say_price, sync_lines
from hortus.cli.keys import is_valid
from hortus.cli.models import reasons_of, say_way, state_of
from hortus.cli.options import takes
from hortus.cli.receipts import facts_of, say_cost, say_usage
from hortus.cli.replies import AskedHost, Endpoint, Key, ProposedRow, Retirement, Route, RuledOut, SyncReport
from hortus.cli.screen import Column, show_facts, show_table
from hortus.cli.status import say_length
from hortus.cli.welcome import say_host, sort_hosts
from hortus.receipts.records import Attempt, Caller, Receipt


def host(name: str, *, variable: str | None, dialect: str = "openai_chat") -> Host:
    surface = Surface(dialect=dialect, base_url="https://x.example/v1")
    return Host(
        id=name,
        name=name.title(),
        operator="O",
        docs="https://x.example",
        source="https://x.example",
        as_of=date(2026, 11, 1),
        surfaces=(surface,),
        credential_env=variable,
    )


def test_hosts_are_connected_lit_or_dark() -> None:
    hosts = [
        host("used", variable="A"),
        host("lit", variable="B"),
        host("one", variable="C"),
        host("two", variable="C"),
    ]
    standing = sort_hosts(hosts, connected={"used"}, environment={"A": "x", "B": "x"})
    assert [one.id for one in standing.connected] == ["used"]
    assert [one.id for one in standing.lit] == ["lit"]
    assert standing.dark == {"C": ["One", "Two"]}


def test_a_host_that_cannot_be_routed_to_yet_is_not_offered() -> None:
    standing = sort_hosts([host("other", variable="A", dialect="ollama_chat")], connected=(), environment={"A": "x"})
    assert (standing.connected, standing.lit, standing.dark) == ((), (), {})


def test_a_host_without_a_credential_is_neither_lit_nor_dark() -> None:
    standing = sort_hosts([host("free", variable=None)], connected=(), environment={})
    assert (standing.lit, standing.dark) == ((), {})


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        (None, None),
        (Usage(input_tokens=12, output_tokens=40), "12 → 40"),
        (Usage(input_tokens=12, output_tokens=40, cached_input_tokens=8), "12 (8 cached) → 40"),
        (Usage(input_tokens=12, output_tokens=4, is_estimated=True), "12 → 4 (estimated)"),
    ],
)
def test_tokens_are_said_in_and_out(usage: Usage | None, said: str | None) -> None:
    assert say_usage(usage) == said


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        ("0.00000001", "0.00000001 USD"),
        ("0.00120", "0.0012 USD"),
        ("100", "100 USD"),
        ("1E+2", "100 USD"),
        ("0", "0 USD"),
    ],
)
def test_a_cost_is_exact_and_never_in_powers_of_ten(cost: str, said: str) -> None:
    assert say_cost(Decimal(cost), "USD") == said


def test_an_unknown_cost_is_not_said_to_be_zero() -> None:
    assert say_cost(None, "USD") is None


def test_a_price_is_said_with_its_currency() -> None:
    price = PriceRow("id", "EUR", "s", "2026-11-01", input_per_million=Decimal("0.50"), output_per_million=Decimal(100))
    assert say_price(price) == "0.5 → 100 EUR"
    assert say_price(None) is None


def test_a_receipt_names_the_price_row_of_its_last_attempt() -> None:
    first = Attempt(number=1, endpoint="a", model="m", host="h", status="failed", opened_at_ms=0, price_id="row-a")
    second = Attempt(number=2, endpoint="b", model="m", host="h", status="completed", opened_at_ms=1, price_id="row-b")
    receipt = Receipt(
        receipt_id="rcp_1",
        opened_at_ms=0,
        settled_at_ms=1500,
        status="completed",
        caller=Caller(),
        request_id="r",
        attempts=(first, second),
    )
    facts = dict(facts_of(receipt))
    assert facts["price row"] == "row-b"
    assert facts["took"] == "1.50 s"


def test_a_receipt_says_what_policies_and_guards_said() -> None:
    receipt = Receipt(
        receipt_id="rcp_1",
        opened_at_ms=0,
        status="refused",
        caller=Caller(key_id="key_1", project_id="prj_1"),
        request_id="r",
        policy="near~1a2b3c4d",
        rulings=("far:compute_in", "far:no_training"),
        findings=("iban:1",),
        shadow=("strict:*:tools",),
    )
    facts = dict(facts_of(receipt))
    assert facts["policy"] == "near~1a2b3c4d"
    assert facts["ruled out"] == "far:compute_in, far:no_training"
    assert (facts["guards found"], facts["shadow policy says"]) == ("iban:1", "strict:*:tools")


def test_a_receipt_says_what_was_lost_on_the_way(capsys: pytest.CaptureFixture[str]) -> None:
    attempt = Attempt(
        number=1,
        endpoint="e",
        model="m",
        host="h",
        status="completed",
        opened_at_ms=0,
        host_dialect="gemini",
        losses=("tuning:top_k", "advisory:user"),
        answer_losses=("advisory:choices[0].annotations",),
    )
    receipt = Receipt("rcp_1", 0, "completed", Caller(), "r", attempts=(attempt,))
    facts = dict(facts_of(receipt))
    assert facts["translated to"] == "gemini"
    assert facts["host did not get"] == "tuning:top_k, advisory:user"
    assert facts["you did not get"] == "advisory:choices[0].annotations"
    show_facts(facts_of(replace(receipt, attempts=(replace(attempt, losses=(), answer_losses=()),))))
    assert "did not get" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3600, "1 h"), (93_784, "1 d 2 h")]
)
def test_a_length_of_time_is_said_in_its_largest_units(seconds: int, said: str) -> None:
    assert say_length(seconds) == said


@pytest.mark.parametrize(("endpoints", "said"), [(("a", "b"), "in part"), (("b",), "unusable")])
def test_a_route_says_whether_it_can_be_used(endpoints: tuple[str, ...], said: str) -> None:
    route = Route("r", endpoints, "ordered", origin="api", ruled_out=(RuledOut("b", "no key"),))
    assert state_of(route) == said


def test_a_route_names_its_strategy_only_where_there_is_a_choice() -> None:
    assert say_way(Route("r", ("a",), "ordered", origin="api")) == "a"
    assert say_way(Route("r", ("a", "b"), "weighted", origin="api")) == "a, b (weighted)"


def test_a_reason_that_rules_out_several_endpoints_is_said_once() -> None:
    routes = [
        Route(name, (f"{name}@h",), "ordered", origin="api", ruled_out=(RuledOut(f"{name}@h", "no key"),))
        for name in ("a", "b")
    ]
    assert list(reasons_of(routes)) == ["a@h, b@h: no key"]


def test_a_connected_host_without_a_usable_endpoint_says_why() -> None:
    one = host("used", variable="A")
    endpoints = [Endpoint("e", "m", "used", is_usable=False, reason="its credential env:A is not set")]
    assert say_host(one, endpoints) == "Used (its credential env:A is not set)"
    assert say_host(one, [*endpoints, Endpoint("f", "m", "used", is_usable=True)]) == "Used"


@pytest.mark.parametrize(
    ("revoked_at_ms", "expires_at_ms", "said"),
    [(None, None, True), (None, 2000, True), (None, 500, False), (500, None, False)],
)
def test_a_key_is_valid_until_it_is_revoked_or_ends(
    revoked_at_ms: int | None, expires_at_ms: int | None, *, said: bool
) -> None:
    key = Key("key_1", "n", "p", "abcd", 0, expires_at_ms=expires_at_ms, revoked_at_ms=revoked_at_ms)
    assert is_valid(key, now_ms=1000) is said


def test_a_sync_says_what_is_new_and_what_ends() -> None:
    report = SyncReport(
        asked=[AskedHost("h", listed=3), AskedHost("g", error="refused the key")],
        proposed=[ProposedRow("h", "new-model")],
        retirements=[Retirement("h", "old", "old-model", "no longer listed", endpoints=("e",))],
    )
    text = "\n".join(sync_lines(report))
    assert "h: lists 3 models" in text
    assert "g: refused the key" in text
    assert "price unknown, place unknown" in text
    assert "used here by e" in text


def test_a_sync_without_any_lit_host_says_how_to_light_one() -> None:
    assert "hortus catalog hosts" in next(iter(sync_lines(SyncReport([], [], []))))


def test_a_refusal_of_the_admin_api_keeps_its_place_and_hint() -> None:
    body = b'{"error": {"code": "conflict", "message": "Taken.", "path": "name", "hint": "Rename it."}}'
    assert str(read_refusal(body, 409, where="http://x")) == "name: Taken. Rename it."


def test_an_answer_that_is_not_the_admin_apis_is_not_quoted() -> None:
    assert "secret" not in str(read_refusal(b"<html>secret</html>", 500, where="http://x"))


def test_text_is_shown_as_it_is_and_never_as_markup(capsys: pytest.CaptureFixture[str]) -> None:
    show_table([Column("name")], [("[red]x[/red]",), (None,), (("a", "b"),)])
    show_facts([("file", "[bold]y"), ("nothing", None)])
    out = capsys.readouterr().out
    assert "[red]x[/red]" in out
    assert "[bold]y" in out
    assert "a, b" in out
    assert "nothing" not in out


def test_options_of_a_struct_become_parameters() -> None:
    class Options(msgspec.Struct, frozen=True):
        name: Annotated[str, typer.Argument()]
        times: Annotated[int, typer.Option()] = 2

    seen: list[Options] = []
    app = typer.Typer()

    @app.command()
    @takes(Options)
    def greet(options: Options) -> None:
        """Greet."""
        seen.append(options)

    assert CliRunner().invoke(app, ["ann", "--times", "3"]).exit_code == 0
    assert CliRunner().invoke(app, ["bob"]).exit_code == 0
    assert CliRunner().invoke(app, []).exit_code == 2
    assert seen == [Options("ann", 3), Options("bob", 2)]
