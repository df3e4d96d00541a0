"""The official mistralai SDK against a running Hortus: jobs of requests from their making to their outputs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mistralai.client import Mistral
from mistralai.client.errors import MistralError

from garden import Hortus
from hortus.testkit.keeping_host import KeepingHost
from sdk.wire_host import declared

pytestmark = pytest.mark.slow

BODY = {"max_tokens": 20, "messages": [{"role": "user", "content": "Is the lamp lit?"}]}
REQUESTS = [{"custom_id": "one", "body": BODY}, {"custom_id": "two", "body": BODY}]
JOB = {"endpoint": "/v1/chat/completions", "model": "slow-mistral", "requests": REQUESTS}


@pytest.fixture(scope="module")
def host() -> Iterator[KeepingHost]:
    with KeepingHost() as one:
        yield one


@pytest.fixture(scope="module")
def garden(start_hortus, host: KeepingHost) -> Hortus:
    projects = '[[project]]\nname = "default"\nroutes = ["*"]\n[[project]]\nname = "other"\nroutes = ["*"]\n'
    own = declared(
        *("slow-mistral", "mistral_batches"), base_url=host.base_url, model="up", operations=("chat", "batches")
    )
    return start_hortus(toml=projects + own, environment={"REPLAY_KEY": "sk-replay"})


@pytest.fixture(scope="module", params=["", "/mistral"])
def client(request: pytest.FixtureRequest, garden: Hortus) -> Iterator[Mistral]:
    with Mistral(api_key=garden.new_key(), server_url=garden.door + request.param) as one:
        yield one


def test_a_job_is_made_looked_at_and_read(client: Mistral, host: KeepingHost) -> None:
    made = client.batch.jobs.create(**JOB)
    done = client.batch.jobs.get(job_id=made.id, inline=True)

    assert (done.status, [one["custom_id"] for one in done.outputs or []]) == ("SUCCESS", ["one", "two"])
    assert host.batch_jobs.asked[made.id]["model"] == "up"


def test_jobs_are_listed_cancelled_and_deleted(client: Mistral) -> None:
    made = client.batch.jobs.create(**JOB)

    assert client.batch.jobs.list().data[0].id == made.id
    assert client.batch.jobs.cancel(job_id=made.id).status == "CANCELLATION_REQUESTED"
    assert client.batch.jobs.delete(job_id=made.id).deleted
    with pytest.raises(MistralError) as caught:
        client.batch.jobs.get(job_id=made.id)
    assert caught.value.status_code == 404


def test_another_project_finds_no_job_of_this_one(garden: Hortus, client: Mistral) -> None:
    made = client.batch.jobs.create(**JOB)
    with Mistral(api_key=garden.new_key("other"), server_url=garden.door) as stranger:
        with pytest.raises(MistralError) as caught:
            stranger.batch.jobs.get(job_id=made.id)
        assert (caught.value.status_code, stranger.batch.jobs.list().total) == (404, 0)
