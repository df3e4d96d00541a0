"""What goes to this installation's own workshop: examples and their jobs, for whoever may use it, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from keeping import OTHERS_KEY, Place, keeping

from framing.forms import CONTENT_TYPE, field, file, form
from hortus.limits.limit import Limit
from hortus.policy.rules import Policy
from hortus.snapshot.endpoints import compile_workshop
from hortus.snapshot.model import Candidate, Route
from hortus.snapshot.resolved import ReadyRoute, Target, Way

JOBS = "/v1/fine_tuning/jobs"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A gateway with a host that keeps files (`to-a`) and a workshop."""
    async with keeping(tmp_path, "a", "workshop") as place:
        put(place)
        yield place


def put(place: Place, *policies: Policy) -> None:
    place.put([place.endpoint("a")], policies=policies)
    endpoint = compile_workshop(country="DE")
    base = place.keeping["workshop"].base_url
    ways = {one.dialect: Way(one, base, model=endpoint.upstream_model) for one in endpoint.spoken}
    route = ReadyRoute(Route("workshop", (Candidate("workshop"),)), (Target(endpoint, ways),), ())
    place.ready = msgspec.structs.replace(place.ready, routes={**place.ready.routes, "workshop": route})


def grant(place: Place, **changes: object) -> None:
    place.grants.by_digest = {
        digest: msgspec.structs.replace(one, **changes) for digest, one in place.grants.by_digest.items()
    }


async def bring(place: Place, purpose: bytes = b"fine-tune", **more: object) -> object:
    body = form(field("purpose", purpose), file("file", b"{}\n"))
    headers = [(b"content-type", CONTENT_TYPE), *more.pop("headers", [])]
    return await place.send("POST", "/v1/files", body, headers=headers, **more)


def seen(place: Place, name: str) -> int:
    return len(place.keeping[name].seen)


async def test_examples_go_to_the_workshop_and_say_whose_they_are(place: Place) -> None:
    made = await bring(place)
    (asked,) = place.keeping["workshop"].seen
    assert (made.status, seen(place, "a")) == (200, 0), made.body
    assert (asked.headers["hortus-project"], asked.headers["hortus-key"]) == ("prj_1", "key_1")


async def test_no_host_is_told_whose_they_are(place: Place) -> None:
    await bring(place, headers=[(b"hortus-model", b"to-a")])
    (asked,) = place.keeping["a"].seen
    assert not {"hortus-project", "hortus-key"} & asked.headers.keys()


async def test_a_client_cannot_say_that_it_is_somebody_else(place: Place) -> None:
    await bring(place, headers=[(b"hortus-project", b"prj_2"), (b"hortus-key", b"key_2")])
    (asked,) = place.keeping["workshop"].seen
    assert (asked.headers["hortus-project"], asked.headers["hortus-key"]) == ("prj_1", "key_1")


async def test_files_for_something_else_go_where_they_went(place: Place) -> None:
    made = await bring(place, b"user_data")
    assert (made.status, seen(place, "a"), seen(place, "workshop")) == (200, 1, 0)


async def test_who_may_not_use_the_workshop_gets_the_host(place: Place) -> None:
    grant(place, routes=("to-a",))
    made = await bring(place)
    assert (made.status, seen(place, "a"), seen(place, "workshop")) == (200, 1, 0)


@pytest.mark.parametrize("model", ["seedling", "to-a", "ftjob-1"])
async def test_a_job_goes_where_its_examples_lie_and_names_what_it_named(place: Place, model: str) -> None:
    made = await bring(place)
    job = await place.send("POST", JOBS, {"model": model, "training_file": made.json["id"]})
    assert (job.status, seen(place, "a")) == (200, 0), job.body
    assert msgspec.json.decode(place.keeping["workshop"].seen[-1].body)["model"] == model


async def test_a_job_with_a_hosts_file_goes_to_the_host(place: Place) -> None:
    made = await bring(place, headers=[(b"hortus-model", b"to-a")])
    job = await place.send("POST", JOBS, {"model": "to-a", "training_file": made.json["id"]})
    assert (job.status, seen(place, "workshop")) == (200, 0), job.body


async def test_a_job_cannot_name_a_route_that_its_key_may_not_use(place: Place) -> None:
    made = await bring(place)
    grant(place, routes=("workshop",))
    before = seen(place, "workshop")
    refused = await place.send("POST", JOBS, {"model": "to-a", "training_file": made.json["id"]})
    assert (refused.status, seen(place, "workshop")) == (404, before)


async def test_another_projects_examples_are_not_there_and_nothing_is_sent(place: Place) -> None:
    made = await bring(place)
    own = await bring(place, key=OTHERS_KEY)
    job = await place.send("POST", JOBS, {"model": "seedling", "training_file": made.json["id"]})
    before = seen(place, "workshop")
    file_id, job_id = made.json["id"], job.json["id"]
    attacks = [
        ("GET", f"/v1/files/{file_id}", None),
        ("GET", f"/v1/files/{file_id}/content", None),
        ("DELETE", f"/v1/files/{file_id}", None),
        ("POST", JOBS, {"model": "seedling", "training_file": file_id}),
        ("POST", JOBS, {"model": "seedling", "training_file": own.json["id"], "validation_file": file_id}),
        *[("GET", f"{JOBS}/{job_id}{below}", None) for below in ("", "/events", "/checkpoints")],
        *[("POST", f"{JOBS}/{job_id}/{deed}", None) for deed in ("cancel", "pause", "resume")],
    ]
    refused = [(await place.send(*attack, key=OTHERS_KEY)).status for attack in attacks]
    assert (refused, seen(place, "workshop")) == ([404] * len(attacks), before)


@pytest.mark.parametrize("rules", [{"personal_data": "refuse"}, {"secrets": "refuse"}])
async def test_a_policy_that_has_content_looked_at_lets_examples_stay_here(place: Place, rules: dict) -> None:
    put(place, Policy("p", **rules))
    grant(place, policy="p")
    made = await bring(place)
    job = await place.send("POST", JOBS, {"model": "seedling", "training_file": made.json["id"]})
    assert (made.status, job.status) == (200, 200), (made.body, job.body)


@pytest.mark.parametrize("rules", [{"stateless": True}, {"longest_retention_days": 30}, {"compute_in": ("FR",)}])
async def test_a_policy_under_which_nothing_may_be_kept_here_lets_no_examples_in(place: Place, rules: dict) -> None:
    put(place, Policy("p", **rules))
    grant(place, policy="p")
    refused = await bring(place)
    assert (refused.status, seen(place, "a"), seen(place, "workshop")) == (400, 0, 0), refused.body


async def test_a_hard_budget_lets_a_job_begin_here_for_it_costs_nothing(place: Place) -> None:
    limit = Limit("money~1", "team", "project", "prj_1", "money", Decimal(1), "total", currency="EUR", is_hard=True)
    place.leases.limits[limit.id] = limit
    made = await bring(place)
    grant(place, limits=(limit,))
    job = await place.send("POST", JOBS, {"model": "seedling", "training_file": made.json["id"]})
    assert job.status == 200, job.body


async def test_a_model_that_the_workshop_made_is_no_model_of_its_own(place: Place) -> None:
    place.own("workshop", "tuned_model", "desk")
    asked = {"model": "desk", "messages": [{"role": "user", "content": "hello"}]}
    refused = await place.send("POST", "/v1/chat/completions", asked)
    assert (refused.status, seen(place, "workshop")) == (404, 0)


async def test_the_workshop_is_not_listed_among_models(place: Place) -> None:
    listed = await place.send("GET", "/v1/models")
    assert [one["id"] for one in listed.json["data"]] == ["to-a"]
