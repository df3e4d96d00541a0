"""A whole Hortus with a collector: a request goes in, its trace comes out below the caller's span."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from garden import REPLAY_TOML, Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost
from ledger.otlp_collector import Gathering, attributes_of, gathering

pytestmark = pytest.mark.slow

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
WORDS = "where is my umbrella"


@pytest.fixture(scope="module")
def collector() -> Iterator[Gathering]:
    with gathering() as one:
        yield one


@pytest.fixture(scope="module")
def traced(start_hortus, replay_host: ReplayHost, collector: Gathering) -> Hortus:
    environment = {
        "REPLAY_KEY": "sk-replay",
        "HORTUS_SEEDLING": "false",
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "x-key=of-the-collector",
    }
    return start_hortus(toml=REPLAY_TOML.format(base_url=replay_host.base_url), environment=environment)


@pytest.fixture(scope="module")
def key(traced: Hortus) -> str:
    return traced.new_key()


def ask(hortus: Hortus, key: str, *, flags: str) -> httpx2.Response:
    """Send a request within a trace."""
    answer = httpx2.post(
        f"{hortus.door}/v1/chat/completions",
        json={"model": "replay", "messages": [{"role": "user", "content": WORDS}]},
        headers={"authorization": f"Bearer {key}", "traceparent": f"00-{TRACE}-{PARENT}-{flags}"},
        timeout=60,
    )
    assert answer.status_code == 200
    return answer


def spans_of(collector: Gathering, answer: httpx2.Response) -> list[Span]:
    receipt_id = answer.headers["hortus-receipt"]
    return [span for span in collector.spans if attributes_of(span)["hortus.receipt.id"] == receipt_id]


def test_a_requests_trace_arrives_below_the_callers_span(traced: Hortus, key: str, collector: Gathering) -> None:
    answer = ask(traced, key, flags="01")
    request, attempt = wait_for(lambda: spans_of(collector, answer), what="the trace")
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)
    assert (attempt.trace_id, attempt.parent_span_id) == (request.trace_id, request.span_id)
    assert request.start_time_unix_nano <= attempt.start_time_unix_nano <= attempt.end_time_unix_nano
    said = attributes_of(attempt)
    assert (said["gen_ai.request.model"], said["gen_ai.provider.name"]) == ("fake", "openai-compatible")
    usage = answer.json()["usage"]
    assert said["gen_ai.usage.input_tokens"] == usage["prompt_tokens"]
    assert said["gen_ai.usage.output_tokens"] == usage["completion_tokens"]


def test_neither_content_nor_keys_are_in_a_trace(traced: Hortus, key: str, collector: Gathering) -> None:
    answer = ask(traced, key, flags="01")
    wait_for(lambda: spans_of(collector, answer), what="the trace")
    everything = b"".join(collector.bodies)
    assert not [word for word in ("umbrella", key, "sk-replay", "of-the-collector") if word.encode() in everything]
    assert collector.heads[0][1]["x-key"] == "of-the-collector"


def test_metrics_of_the_ledger_are_read_with_those_of_the_workers(
    traced: Hortus, key: str, collector: Gathering
) -> None:
    ask(traced, key, flags="00")
    wait_for(lambda: "\nhortus_spans_unsampled_total 1.0" in httpx2.get(f"{traced.admin}/metrics").text)
    metrics = httpx2.get(f"{traced.admin}/metrics").text
    assert "\nhortus_spans_waiting " in metrics
    assert 'hortus_requests_total{route="replay"' in metrics


def test_headers_of_the_collector_are_not_in_the_log(traced: Hortus, key: str) -> None:
    assert "of-the-collector" not in traced.log_path.read_text("utf-8")
