"""Meters count what their tables name, and what is measured is documented."""

from __future__ import annotations

import math
from pathlib import Path

from prometheus_client import CollectorRegistry

from hortus.control.metrics import GAUGES
from hortus.telemetry.meters import LedgerMeters, Meters
from hortus.telemetry.metrics import METRICS
from hortus.telemetry.spans import ATTEMPT_ATTRIBUTES, REQUEST_ATTRIBUTES, RESOURCE_ATTRIBUTES

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "metrics.md").read_text("utf-8")


def registered() -> tuple[CollectorRegistry, Meters, LedgerMeters]:
    registry = CollectorRegistry()
    return registry, Meters(registry), LedgerMeters(registry)


def test_every_metric_of_the_table_is_made_and_no_other() -> None:
    registry = registered()[0]
    made = {f"{family.name}_total" if family.type == "counter" else family.name for family in registry.collect()}
    assert made == {metric.name for metric in METRICS}


def test_kinds_and_sentences_are_those_of_the_table() -> None:
    families = {family.name: family for family in registered()[0].collect()}
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.sentence)


def test_everything_that_is_measured_or_sent_is_on_its_page() -> None:
    names = [one.name for one in (*METRICS, *GAUGES, *REQUEST_ATTRIBUTES, *ATTEMPT_ATTRIBUTES)]
    assert [name for name in (*names, *RESOURCE_ATTRIBUTES) if f"`{name}`" not in PAGE] == []


def test_no_name_stands_twice_in_a_table() -> None:
    for table in (METRICS, REQUEST_ATTRIBUTES, ATTEMPT_ATTRIBUTES):
        names = [one.name for one in table]
        assert len(names) == len(set(names))


def test_additions_are_seen_after_a_flush_and_once() -> None:
    registry, meters, _ = registered()
    meters.count_refusal("money")
    meters.count_refusal("money")
    meters.count_bound_exceeded("e")
    meters.count_conflict("running")
    for _ in range(2):
        meters.flush(running=3, snapshot_version=7)
        assert registry.get_sample_value("hortus_limit_refusals_total", {"measure": "money"}) == 2
        assert registry.get_sample_value("hortus_bound_exceeded_total", {"endpoint": "e"}) == 1
        assert registry.get_sample_value("hortus_idempotency_conflicts_total", {"reason": "running"}) == 1
        assert registry.get_sample_value("hortus_requests_running") == 3


def test_requests_and_attempts_are_counted_under_their_labels() -> None:
    registry, meters, _ = registered()
    meters.count_request("r", "2xx", seconds=0.3)
    meters.count_error("over_limit")
    meters.count_attempt("e", "completed", first_byte_s=0.2)
    meters.count_attempt("e", "failed", first_byte_s=None)
    meters.count_tokens("e", input_tokens=7, output_tokens=5)
    meters.count_cost("e", "EUR", amount=0.5)
    meters.count_loss("e", "request", weight="tuning")
    meters.flush(running=0, snapshot_version=0)
    expected = {
        ("hortus_requests_total", ("route", "r"), ("status", "2xx")): 1,
        ("hortus_request_seconds_sum", ("route", "r")): 0.3,
        ("hortus_errors_total", ("code", "over_limit")): 1,
        ("hortus_attempts_total", ("endpoint", "e"), ("outcome", "failed")): 1,
        ("hortus_first_byte_seconds_count", ("endpoint", "e")): 1,
        ("hortus_tokens_total", ("endpoint", "e"), ("kind", "output")): 5,
        ("hortus_cost_total", ("endpoint", "e"), ("currency", "EUR")): 0.5,
        ("hortus_losses_total", ("endpoint", "e"), ("side", "request"), ("weight", "tuning")): 1,
    }
    assert {key: registry.get_sample_value(key[0], dict(key[1:])) for key in expected} == expected


def test_waits_fall_into_their_buckets() -> None:
    registry, meters, _ = registered()
    for seconds in (0.0004, 0.02, 9.0):
        meters.count_lease_wait(seconds)
    meters.flush(running=0, snapshot_version=0)
    assert registry.get_sample_value("hortus_lease_wait_seconds_count") == 3
    assert registry.get_sample_value("hortus_lease_wait_seconds_sum") == 9.0204
    assert registry.get_sample_value("hortus_lease_wait_seconds_bucket", {"le": "0.0005"}) == 1
    assert registry.get_sample_value("hortus_lease_wait_seconds_bucket", {"le": "0.025"}) == 2
    assert registry.get_sample_value("hortus_lease_wait_seconds_bucket", {"le": "+Inf"}) == 3


def test_a_budget_that_is_gone_is_no_longer_a_number() -> None:
    registry, _, ledger = registered()
    ledger.show_budgets({"team": 0.5, "all": 0.25})
    ledger.show_budgets({"all": 0.75})
    assert registry.get_sample_value("hortus_budget_spent_ratio", {"limit": "all"}) == 0.75
    assert math.isnan(registry.get_sample_value("hortus_budget_spent_ratio", {"limit": "team"}) or 0)


def test_the_ledgers_figures_are_shown() -> None:
    registry, _, ledger = registered()
    ledger.count_lease_ask("granted")
    ledger.count_lease_ask("short")
    ledger.count_lease_ask("short")
    ledger.show_chain(records=12, checkpoint_at_ms=5_500)
    ledger.flush(spans_waiting=4)
    assert registry.get_sample_value("hortus_lease_asks_total", {"outcome": "short"}) == 2
    assert registry.get_sample_value("hortus_chain_records") == 12
    assert registry.get_sample_value("hortus_checkpoint_time_seconds") == 5.5
    assert registry.get_sample_value("hortus_spans_waiting") == 4


def test_a_chain_that_was_never_signed_shows_no_time() -> None:
    registry, _, ledger = registered()
    ledger.show_chain(records=0, checkpoint_at_ms=None)
    assert registry.get_sample_value("hortus_checkpoint_time_seconds") == 0
