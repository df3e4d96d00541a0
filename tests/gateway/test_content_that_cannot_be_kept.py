"""Keeping is a wish, the answer is paid for: a worker whose kept content is out of order answers, and says so."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from workplace import KEY, Workplace, endpoint, wait_until

from hortus.app.clock import SystemClock
from hortus.base.secrets import FixedVersions
from hortus.content.exchange import Wanted
from hortus.content.exchanges import Exchanges
from hortus.receipts.records import Settled
from hortus.testkit.replay_host import ReplayHost


@pytest.fixture
def place(tmp_path: Path, host: ReplayHost) -> Iterator[Workplace]:
    one = Workplace(tmp_path / "home")
    one.add_route("claude", endpoint("claude", host.base_of("anthropic_messages"), "fake", dialects=("openai_chat",)))
    one.grant(KEY, ("*",), keep_content_days=30)
    yield one
    one.close()


def ask(place: Workplace, **more: object) -> openai.types.responses.Response:
    with openai.OpenAI(base_url=f"{place.url}/v1", api_key=KEY, max_retries=0) as client:
        return client.responses.create(model="claude", input="Hi", **more)


def metrics(place: Workplace) -> str:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(place.home.metrics))
    return generate_latest(registry).decode()


def test_a_file_that_cannot_be_opened_costs_the_record_and_not_the_answer(place: Workplace) -> None:
    (place.home.content / "exchanges-1.db").mkdir(parents=True)
    place.start()
    first = ask(place)
    assert first.status == "completed"
    wait_until(lambda: 'hortus_content_total{outcome="not_kept"} 1.0' in metrics(place))
    assert len([one for one in place.log_lines() if "content not kept" in str(one)]) == 1
    assert [one.is_kept for one in place.records() if isinstance(one, Settled)] == [False]
    with pytest.raises(openai.InternalServerError) as refused:
        ask(place, previous_response_id=first.id)
    assert refused.value.status_code == 503


def test_what_was_answered_is_kept_although_the_worker_is_killed(place: Workplace) -> None:
    place.start()
    first = ask(place, user="ada")
    assert [one.is_kept for one in place.records() if isinstance(one, Settled)] == [True]
    place.stop(signal.SIGKILL)
    kept = Exchanges(
        place.home.content, FixedVersions((place.secrets.current,)), clock=SystemClock(), entropy=os.urandom
    )
    found = kept.answer("prj_1", first.id)
    count = kept.extent(Wanted(subject="ada")).count
    kept.close()
    assert (found is not None, count) == (True, 1)
