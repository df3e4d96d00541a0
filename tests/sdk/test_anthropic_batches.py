"""The official anthropic SDK against a running Hortus: batches of messages from their making to their results."""

from __future__ import annotations

from collections.abc import Iterator

import anthropic
import pytest

from garden import Hortus
from hortus.testkit.keeping_host import KeepingHost
from sdk.wire_host import declared

pytestmark = pytest.mark.slow

ASKED = {"model": "slow-claude", "max_tokens": 20, "messages": [{"role": "user", "content": "Is the lamp lit?"}]}
REQUESTS = [{"custom_id": "one", "params": ASKED}, {"custom_id": "two", "params": ASKED}]


@pytest.fixture(scope="module")
def host() -> Iterator[KeepingHost]:
    with KeepingHost() as one:
        yield one


@pytest.fixture(scope="module")
def garden(start_hortus, host: KeepingHost) -> Hortus:
    projects = '[[project]]\nname = "default"\nroutes = ["*"]\n[[project]]\nname = "other"\nroutes = ["*"]\n'
    own = declared(
        *("slow-claude", "anthropic_batches"), base_url=host.base_url, model="claude-up", operations=("chat", "batches")
    )
    return start_hortus(toml=projects + own, environment={"REPLAY_KEY": "sk-replay"})


@pytest.fixture(scope="module", params=["", "/anthropic"])
def client(request: pytest.FixtureRequest, garden: Hortus) -> Iterator[anthropic.Anthropic]:
    base_url = garden.door + request.param
    with anthropic.Anthropic(api_key=garden.new_key(), base_url=base_url, max_retries=0) as one:
        yield one


def test_results_come_from_hortus_wherever_the_host_says_they_lie(
    client: anthropic.Anthropic, host: KeepingHost
) -> None:
    made = client.messages.batches.create(requests=REQUESTS)
    results = list(client.messages.batches.results(made.id))

    assert [(one.custom_id, one.result.type) for one in results] == [("one", "succeeded"), ("two", "succeeded")]
    assert host.seen[-1].path == f"/v1/messages/batches/{made.id}/results"


def test_the_host_gets_its_own_name_of_the_model_in_every_request(
    client: anthropic.Anthropic, host: KeepingHost
) -> None:
    made = client.messages.batches.create(requests=REQUESTS)

    assert [one["params"]["model"] for one in host.message_batches.asked[made.id]] == ["claude-up", "claude-up"]


def test_batches_are_listed_page_by_page(client: anthropic.Anthropic) -> None:
    made = [client.messages.batches.create(requests=REQUESTS).id for _ in range(3)]

    listed = [batch.id for batch in client.messages.batches.list(limit=2)]
    assert listed[:3] == made[::-1]


def test_a_batch_is_cancelled_and_deleted(client: anthropic.Anthropic) -> None:
    made = client.messages.batches.create(requests=REQUESTS)

    assert client.messages.batches.cancel(made.id).processing_status == "canceling"
    assert client.messages.batches.delete(made.id).id == made.id
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.retrieve(made.id)


def test_another_project_finds_no_batch_of_this_one(garden: Hortus, client: anthropic.Anthropic) -> None:
    made = client.messages.batches.create(requests=REQUESTS)
    key = garden.new_key("other")

    with anthropic.Anthropic(api_key=key, base_url=garden.door, max_retries=0) as stranger:
        with pytest.raises(anthropic.NotFoundError):
            stranger.messages.batches.retrieve(made.id)
        assert list(stranger.messages.batches.list()) == []
