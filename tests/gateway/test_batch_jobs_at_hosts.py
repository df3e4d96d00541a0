"""Mistral's batch jobs at hosts: whose they are, where they go, and what they are charged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from keeping import OTHERS_KEY, Asked, Place, keeping

from hortus.policy.rules import Policy

PATH = "/v1/batch/jobs"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with keeping(tmp_path, "a") as one:
        yield one


def job(*bodies: object, **more: object) -> dict[str, object]:
    requests = [{"custom_id": f"c{number}", "body": one} for number, one in enumerate(bodies)]
    return {"endpoint": "/v1/chat/completions", "model": "to-a", "requests": requests, **more}


def chat(words: str = "Is the lamp lit?", **more: object) -> dict[str, object]:
    return {"max_tokens": 50, "messages": [{"role": "user", "content": words}], **more}


async def a_job(place: Place) -> str:
    made = await place.send("POST", PATH, job(chat()))
    assert made.status == 200, made.body
    return str(made.json["id"])


def said(place: Place) -> list[str]:
    return [f"{one.method} {one.path}" for one in place.keeping["a"].seen]


def message_of(refused: Asked) -> str:
    return str(refused.json["message"])


async def test_only_the_name_of_the_model_changes_in_a_job(place: Place) -> None:
    body = (
        b'{"endpoint":"/v1/chat/completions","model":"to-a","requests":[{"custom_id":"1","body":{"top_p":1.0e0,'
        b'"messages":[ ]}}],"timeout_hours":24}'
    )
    made = await place.send("POST", PATH, body)
    assert made.status == 200
    assert place.keeping["a"].seen[-1].body == body.replace(b'"to-a"', b'"up-a"')
    assert place.kept.owner("batch_job", str(made.json["id"])).project_id == "prj_1"


@pytest.mark.parametrize(("method", "path"), [("GET", "{}"), ("POST", "{}/cancel"), ("DELETE", "{}")])
async def test_what_is_anothers_is_not_there_and_nothing_is_sent(place: Place, method: str, path: str) -> None:
    one = await a_job(place)
    before = len(said(place))
    refused = await place.send(method, f"/mistral{PATH}/{path.format(one)}", key=OTHERS_KEY)
    assert (refused.status, refused.json["object"], len(said(place))) == (404, "error", before)


async def test_a_list_shows_the_projects_own(place: Place) -> None:
    mine = [await a_job(place) for _ in range(2)]
    place.own("a", "batch_job", "job-theirs", project="prj_2")
    listed = await place.send("GET", f"{PATH}?page=0&page_size=100")
    assert ([one["id"] for one in listed.json["data"]], listed.json["total"]) == (mine[::-1], 2)


async def test_a_deleted_job_is_forgotten(place: Place) -> None:
    one = await a_job(place)
    deleted = await place.send("DELETE", f"{PATH}/{one}")
    assert deleted.json["deleted"] is True
    assert place.kept.owner("batch_job", one) is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (job(), "needs requests"),
        (job(chat(), input_files=["f"]), "`input_files` are not taken"),
        (job(chat(), agent_id="ag"), "`agent_id` are not taken"),
        (job(chat(), endpoint="/v1/ocr"), "no address"),
        (job(chat(model="to-b")), "names the model of all"),
        (job(chat(Messages=[])), "small letters"),
        ({"requests": [], "endpoint": "/v1/embeddings"}, "`model` is missing"),
    ],
)
async def test_a_job_that_nobody_could_look_at_is_refused(place: Place, body: object, why: str) -> None:
    refused = await place.send("POST", PATH, body)
    assert (refused.status, said(place)) == (400, [])
    assert why in message_of(refused)


async def test_a_file_of_another_project_in_a_job_is_refused(place: Place) -> None:
    theirs = place.own("a", "file", "file_1", project="prj_2")
    content = [{"type": "file", "file_id": theirs}]
    refused = await place.send("POST", PATH, job(chat(), {"messages": [{"role": "user", "content": content}]}))
    assert (refused.status, said(place)) == (404, [])


async def test_a_policy_that_refuses_personal_data_looks_into_every_request(place: Place) -> None:
    place.put([place.endpoint("a")], policies=[Policy("p", personal_data="refuse")])
    place.grants.by_digest = {
        digest: msgspec.structs.replace(grant, policy="p") for digest, grant in place.grants.by_digest.items()
    }
    fine = await place.send("POST", PATH, job(chat()))
    refused = await place.send("POST", PATH, job(chat(), chat("Pay DE89 3704 0044 0532 0130 00.")))
    assert (fine.status, refused.status, len(said(place))) == (200, 403, 1)


async def test_what_a_job_was_charged_is_set_right_by_its_outputs(place: Place) -> None:
    made = await place.send("POST", PATH, job(chat(), chat()))
    one = f"{PATH}/{made.json['id']}"
    looks = [await place.send("GET", path) for path in (one, f"{one}?inline=true", f"{one}?inline=true")]
    used = [place.journal.receipt(each.receipt_id).attempts[-1].usage for each in (made, *looks)]
    assert [usage.output_tokens if usage else 0 for usage in used] == [100, 0, 4 - 100, 0]
