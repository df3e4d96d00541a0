"""Receipts as traces, read with OpenTelemetry's own definitions."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from hortus.canon.usage import COUNTS, Usage
from hortus.ledger.tracing import is_sampled, trace_of, write_traces
from hortus.receipts.folding import fold
from hortus.receipts.records import JournalRecord, Receipt
from hortus.telemetry.spans import ATTEMPT_ATTRIBUTES, REQUEST_ATTRIBUTES
from ledger.otlp_collector import attributes_of, read_export, spans_in
from receipts.journal_examples import opened, refused, settled

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SERVER, CLIENT, ERROR = 2, 3, 2


def receipt_of(*records: JournalRecord, is_writer_dead: bool = False) -> Receipt:
    receipt = fold(records, is_writer_dead=is_writer_dead)
    assert receipt is not None
    return receipt


def sent(receipt: Receipt):
    """Return the spans of a receipt as a collector reads them."""
    return spans_in(write_traces([receipt], version="1.2")[0])


def traced(traceparent: str | None) -> Receipt:
    return receipt_of(msgspec.structs.replace(opened("rcp_a"), traceparent=traceparent), settled("rcp_a"))


def test_a_receipt_is_a_span_of_the_request_with_one_below_it_for_each_attempt() -> None:
    first = settled("rcp_a", status="failed", is_last=False)
    spans = sent(receipt_of(opened("rcp_a"), first, opened("rcp_a", 2), settled("rcp_a", 2)))
    assert [(span.name, span.kind) for span in spans] == [("chat seedling", kind) for kind in (SERVER, CLIENT, CLIENT)]
    assert len({span.trace_id for span in spans}) == 1
    assert len({span.span_id for span in spans}) == 3
    assert spans[0].parent_span_id == b""
    assert [span.parent_span_id for span in spans[1:]] == [spans[0].span_id] * 2


def test_instants_are_those_of_the_receipt() -> None:
    request, attempt = sent(receipt_of(opened("rcp_a"), settled("rcp_a")))
    for span in (request, attempt):
        assert (span.start_time_unix_nano, span.end_time_unix_nano) == (1_001_000_000, 2_001_000_000)


def test_the_request_stands_below_the_callers_span() -> None:
    request, attempt = sent(traced(f"00-{TRACE}-{PARENT}-01"))
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)
    assert (attempt.trace_id.hex(), attempt.parent_span_id) == (TRACE, request.span_id)
    assert request.flags == 0x301  # sampled, of a parent elsewhere
    assert attempt.flags == 0x101


def test_without_a_callers_span_a_trace_has_always_the_same_ids() -> None:
    receipt, other = traced(None), receipt_of(opened("rcp_b"), settled("rcp_b"))
    assert trace_of(receipt) == trace_of(traced(None))
    assert len(sent(receipt)[0].trace_id) == 16
    assert len(sent(receipt)[0].span_id) == 8
    assert sent(receipt)[0].trace_id != sent(other)[0].trace_id


@pytest.mark.parametrize(
    ("traceparent", "expected"),
    [
        (None, True),
        (f"00-{TRACE}-{PARENT}-01", True),
        (f"00-{TRACE}-{PARENT}-03", True),
        (f"00-{TRACE}-{PARENT}-00", False),
        ("no traceparent at all", True),
    ],
)
def test_a_caller_that_records_no_trace_gets_none(traceparent: str | None, expected: bool) -> None:  # noqa: FBT001 -- a case
    assert is_sampled(traced(traceparent)) is expected


def test_a_traceparent_that_is_none_is_not_followed() -> None:
    assert sent(traced("t"))[0].trace_id == sent(traced(None))[0].trace_id


def test_a_refusal_is_one_span_and_no_error_of_the_server() -> None:
    request, *attempts = sent(receipt_of(refused("rcp_a")))
    assert attempts == []
    assert request.status.code == 0
    said = attributes_of(request)
    assert said["error.type"] == "invalid_api_key"
    assert said["http.response.status_code"] == 401


def test_a_name_that_is_no_route_is_in_no_spans_name() -> None:
    record = msgspec.structs.replace(refused("rcp_a"), operation="chat", route="whatever-somebody-wrote")
    request = sent(receipt_of(record))[0]
    assert request.name == "chat"
    assert attributes_of(request)["gen_ai.request.model"] == "whatever-somebody-wrote"


@pytest.mark.parametrize(
    ("status", "http_status", "of_request", "of_attempt"),
    [
        ("completed", 200, 0, 0),
        ("cancelled", 200, 0, 0),
        ("failed", 400, 0, ERROR),
        ("failed", 502, ERROR, ERROR),
        ("failed", 200, ERROR, ERROR),
        ("timed_out", None, ERROR, ERROR),
    ],
)
def test_who_is_at_fault_decides_what_is_an_error(
    status: str, http_status: int | None, of_request: int, of_attempt: int
) -> None:
    end = msgspec.structs.replace(settled("rcp_a", status=status), http_status=http_status)
    request, attempt = sent(receipt_of(opened("rcp_a"), end))
    assert (request.status.code, attempt.status.code) == (of_request, of_attempt)


def test_an_interrupted_attempt_ends_where_it_is_last_known() -> None:
    request, attempt = sent(receipt_of(opened("rcp_a"), is_writer_dead=True))
    assert attempt.end_time_unix_nano == attempt.start_time_unix_nano == request.end_time_unix_nano
    assert attributes_of(attempt)["error.type"] == "interrupted"
    assert attempt.status.code == ERROR


def test_adding_up_spans_counts_no_token_twice() -> None:
    spans = sent(receipt_of(opened("rcp_a"), settled("rcp_a")))
    assert sum(attributes_of(span).get("gen_ai.usage.input_tokens", 0) for span in spans) == 11
    assert sum(attributes_of(span).get("hortus.tokens.input", 0) for span in spans) == 11
    assert sum(attributes_of(span).get("hortus.cost", 0) for span in spans) == 0.25


def test_nothing_used_and_nothing_spent_is_said_where_it_is_known() -> None:
    end = msgspec.structs.replace(settled("rcp_a", cost="0"), usage=Usage())
    request, attempt = map(attributes_of, sent(receipt_of(opened("rcp_a"), end)))
    assert (request["hortus.cost"], attempt["hortus.attempt.cost"]) == (0.0, 0.0)
    assert (attempt["gen_ai.usage.input_tokens"], attempt["gen_ai.usage.output_tokens"]) == (0, 0)
    assert "gen_ai.usage.cache_read.input_tokens" not in attempt


def test_hosts_have_the_names_that_opentelemetry_gives_them() -> None:
    known = receipt_of(msgspec.structs.replace(opened("rcp_a"), host="mistral-eu"), settled("rcp_a"))
    assert attributes_of(sent(known)[1])["gen_ai.provider.name"] == "mistral_ai"
    assert attributes_of(sent(known)[1])["hortus.host"] == "mistral-eu"
    assert attributes_of(sent(traced(None))[1])["gen_ai.provider.name"] == "local"


def full_receipt() -> Receipt:
    """Return one of which every member says something."""
    usage = Usage(**dict.fromkeys(COUNTS, 7), is_estimated=True, service_tier="priority")
    begin = msgspec.structs.replace(
        opened("rcp_a"),
        model_version="v",
        region="eu",
        host_dialect="gemini",
        maker="mistral",
        losses=("tuning:top_k",),
        request_digest="salt:digest",
        idempotency="keyed",
        policy="eu~1a2b3c4d",
        rulings=("far:compute_in",),
        findings=("iban:1",),
        cached_from="rcp_before",
    )
    end = msgspec.structs.replace(
        settled("rcp_a"),
        usage=usage,
        error_code="broken_stream",
        losses=("advisory:x",),
        answer_digest="salt:answer",
    )
    return receipt_of(begin, end)


def test_spans_say_exactly_what_their_table_names() -> None:
    request, attempt = sent(full_receipt())
    assert attributes_of(request).keys() == {row.name for row in REQUEST_ATTRIBUTES}
    assert attributes_of(attempt).keys() == {row.name for row in ATTEMPT_ATTRIBUTES}


def test_values_have_the_kinds_that_their_table_names() -> None:
    kinds = {"string": str, "int": int, "double": float, "boolean": bool, "strings": list}
    for span, rows in zip(sent(full_receipt()), (REQUEST_ATTRIBUTES, ATTEMPT_ATTRIBUTES), strict=True):
        said = attributes_of(span)
        assert {row.name: type(said[row.name]) for row in rows} == {row.name: kinds[row.kind] for row in rows}


def test_digests_of_content_stay_here() -> None:
    body = write_traces([full_receipt()], version="1")[0]
    assert not any(word in body for word in (b"salt", b"digest", b"keyed"))


def test_lists_come_whole() -> None:
    said = attributes_of(sent(full_receipt())[1])
    assert said["hortus.losses"] == ["tuning:top_k"]
    assert said["hortus.adaptations"] == ["model_name"]


def test_a_body_says_what_sent_it() -> None:
    body, count = write_traces([traced(None)], version="1.2")
    resource = read_export(body).resource_spans[0]
    said = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
    assert said == {"service.name": "hortus", "service.version": "1.2"}
    assert resource.scope_spans[0].scope.name == "hortus"
    assert count == 2


def test_amounts_that_no_float_can_hold_are_sent_as_the_nearest() -> None:
    end = msgspec.structs.replace(settled("rcp_a"), cost=Decimal("0.1"))
    assert attributes_of(sent(receipt_of(opened("rcp_a"), end))[0])["hortus.cost"] == 0.1
