"""Files, batches and tuning jobs at hosts: each has an owner, who alone finds, uses, lists and deletes it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from core import KEY
from keeping import OTHERS_KEY, Asked, Place, keeping
from typing_extensions import override

from hortus.gateway.exchange import ClientGone
from hortus.policy.facts import Facts
from hortus.policy.rules import Policy


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with keeping(tmp_path / "one", "a") as one:
        yield one


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Place]:
    async with keeping(tmp_path / "two", "a", "b") as both:
        yield both


def a_file(place: Place, name: str = "a", *, project: str = "prj_1", content: bytes = b"{}") -> str:
    made = place.keeping[name].put_file(content, purpose="user_data")
    return place.own(name, "file", made["id"], project=project)


def said(place: Place, name: str = "a") -> list[str]:
    return [f"{one.method} {one.path}" for one in place.keeping[name].seen]


async def a_job(place: Place, **more: object) -> dict[str, object]:
    body = {"model": "to-a", "training_file": a_file(place), "method": {"type": "supervised"}, **more}
    made = await place.send("POST", "/v1/fine_tuning/jobs", body)
    assert made.status == 200, made.body
    return made.json


async def test_a_file_is_asked_for_at_the_endpoint_that_keeps_it(two: Place) -> None:
    file_id = a_file(two, "b")
    got = await two.send("GET", f"/v1/files/{file_id}")
    assert got.json["id"] == file_id
    assert (said(two, "a"), said(two, "b")) == ([], [f"GET /v1/files/{file_id}"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/files/{}"),
        ("DELETE", "/v1/files/{}"),
        ("GET", "/openai/files/{}"),
    ],
)
async def test_what_is_anothers_is_not_there_and_nothing_is_sent(place: Place, method: str, path: str) -> None:
    theirs = a_file(place, project="prj_2")
    refused = await place.send(method, path.format(theirs))
    nobodys = await place.send(method, path.format("file-nobodys"))
    assert refused.status == nobodys.status == 404
    assert refused.json == nobodys.json
    assert said(place) == []


async def test_a_deleted_file_is_forgotten(place: Place) -> None:
    file_id = a_file(place)
    deleted = await place.send("DELETE", f"/v1/files/{file_id}")
    assert deleted.json["deleted"] is True
    assert (await place.send("GET", f"/v1/files/{file_id}")).json["error"]["code"] == "unknown_id"
    assert len(said(place)) == 1


async def test_a_file_that_its_host_no_longer_has_is_forgotten_when_it_is_deleted(place: Place) -> None:
    gone = place.own("a", "file", "file-gone")
    assert (await place.send("DELETE", f"/v1/files/{gone}")).status == 404
    assert place.kept.owner("file", gone) is None


async def test_a_request_about_a_file_has_a_receipt_that_costs_nothing(place: Place) -> None:
    got = await place.send("GET", f"/v1/files/{a_file(place)}")
    receipt = place.journal.receipt(got.receipt_id)
    assert (receipt.operation, receipt.route, receipt.endpoint, receipt.status) == (
        *("get_file", "to-a", "a", "completed"),
    )


async def test_a_key_that_may_use_no_model_there_finds_nothing(two: Place) -> None:
    file_id = a_file(two, "b")
    two.grants.by_digest = {
        digest: msgspec.structs.replace(grant, routes=("to-a",)) for digest, grant in two.grants.by_digest.items()
    }
    refused = await two.send("GET", f"/v1/files/{file_id}")
    assert refused.status == 404
    assert said(two, "b") == []


async def test_a_policy_that_rules_the_endpoint_out_now_rules_its_files_out(place: Place) -> None:
    file_id = a_file(place)
    facts = Facts(maker="m", host="h", compute="US")
    place.put([place.endpoint("a", facts)], policies=[Policy("eu", compute_in=("EU",))])
    place.grants.by_digest = {
        digest: msgspec.structs.replace(grant, policy="eu") for digest, grant in place.grants.by_digest.items()
    }
    refused = await place.send("GET", f"/v1/files/{file_id}")
    assert (refused.status, refused.json["error"]["code"]) == (403, "refused_by_policy")
    assert said(place) == []


async def test_a_list_has_only_the_projects_own_newest_first(two: Place) -> None:
    mine = [a_file(two, name) for name in ("a", "b", "a")]
    a_file(two, "b", project="prj_2")
    listed = await two.send("GET", "/v1/files")
    assert [one["id"] for one in listed.json["data"]] == mine[::-1]
    assert (listed.json["has_more"], listed.json["first_id"], listed.json["last_id"]) == (False, mine[2], mine[0])


async def test_a_list_comes_in_pages(place: Place) -> None:
    mine = [a_file(place) for _ in range(5)]
    first = await place.send("GET", "/v1/files?limit=2")
    then = await place.send("GET", f"/v1/files?limit=2&after={first.json['last_id']}")
    rest = await place.send("GET", f"/v1/files?limit=2&after={then.json['last_id']}")
    pages = [[one["id"] for one in page.json["data"]] for page in (first, then, rest)]
    assert pages == [mine[:2:-1], mine[2:0:-1], mine[:1]]
    assert [page.json["has_more"] for page in (first, then, rest)] == [True, True, False]


async def test_a_list_cannot_begin_after_what_is_anothers(place: Place) -> None:
    a_file(place)
    theirs = a_file(place, project="prj_2")
    refused = await place.send("GET", f"/v1/files?after={theirs}")
    assert (refused.status, said(place)) == (404, [])


@pytest.mark.parametrize("wrong", ["limit=0", "limit=x", "limit=-1", "order=asc"])
async def test_a_list_that_cannot_be_is_refused(place: Place, wrong: str) -> None:
    assert (await place.send("GET", f"/v1/files?{wrong}")).status == 400


async def test_a_list_of_one_purpose_has_no_others(place: Place) -> None:
    batch = place.own("a", "file", place.keeping["a"].put_file(b"{}", purpose="batch")["id"])
    a_file(place)
    listed = await place.send("GET", "/v1/files?purpose=batch")
    assert [one["id"] for one in listed.json["data"]] == [batch]


async def test_a_list_leaves_out_what_is_gone_and_fills_its_page(place: Place) -> None:
    mine = [a_file(place) for _ in range(3)]
    place.keeping["a"].objects.pop(mine[1])
    listed = await place.send("GET", "/v1/files?limit=2")
    assert [one["id"] for one in listed.json["data"]] == [mine[2], mine[0]]


async def test_a_list_is_one_receipt_with_an_attempt_for_each_endpoint(two: Place) -> None:
    for name in ("a", "b", "a"):
        a_file(two, name)
    listed = await two.send("GET", "/v1/files")
    receipt = two.journal.receipt(listed.receipt_id)
    assert sorted(one.endpoint for one in receipt.attempts) == ["a", "b"]
    assert (receipt.status, receipt.cost) == ("completed", None)


async def test_an_empty_list_asks_nobody(place: Place) -> None:
    listed = await place.send("GET", "/v1/batches")
    assert (listed.json["data"], listed.json["has_more"], said(place)) == ([], False, [])


async def test_a_list_tells_what_lies_where_it_cannot_be_asked_for(two: Place) -> None:
    a_file(two, "b")
    mine = a_file(two, "a")
    two.put([two.endpoint("a")])
    listed = await two.send("GET", "/v1/files")
    assert [one["id"] for one in listed.json["data"]] == [mine]
    assert listed.answered[b"hortus-left-out"] == b"1 at b"


async def test_a_list_fails_where_a_host_does(place: Place) -> None:
    broken = a_file(place)
    place.keeping["a"].failing.add(broken)
    listed = await place.send("GET", "/v1/files")
    receipt = place.journal.receipt(listed.receipt_id)
    assert (listed.status, receipt.status) == (502, "failed")


async def test_a_job_goes_to_the_model_it_names_by_the_hosts_name(place: Place) -> None:
    made = await a_job(place)
    sent = msgspec.json.decode(place.keeping["a"].seen[-1].body)
    assert (sent["model"], sent["method"]) == ("up-a", {"type": "supervised"})
    assert place.kept.owner("tuning_job", made["id"]).project_id == "prj_1"


async def test_a_job_over_anothers_file_is_refused(place: Place) -> None:
    theirs = a_file(place, project="prj_2")
    refused = await place.send("POST", "/v1/fine_tuning/jobs", {"model": "to-a", "training_file": theirs})
    assert (refused.status, said(place)) == (404, [])


async def test_a_job_over_a_file_elsewhere_is_refused(two: Place) -> None:
    body = {"model": "to-a", "training_file": a_file(two, "b")}
    refused = await two.send("POST", "/v1/fine_tuning/jobs", body)
    assert refused.status == 404
    assert "endpoint b" in refused.json["error"]["message"]


async def test_what_stands_below_a_job_is_passed_on_with_its_cursor(place: Place) -> None:
    made = await a_job(place)
    events = await place.send("GET", f"/v1/fine_tuning/jobs/{made['id']}/events?limit=5&after=ftevent-1")
    assert events.json["data"][0]["message"] == "Begun."
    assert said(place)[-1] == f"GET /v1/fine_tuning/jobs/{made['id']}/events?limit=5&after=ftevent-1"


@pytest.mark.parametrize("word", ["cancel", "pause", "resume"])
async def test_a_job_is_told_what_to_do(place: Place, word: str) -> None:
    made = await a_job(place)
    told = await place.send("POST", f"/v1/fine_tuning/jobs/{made['id']}/{word}")
    assert told.status == 200
    assert place.keeping["a"].seen[-1].body == b""


async def succeed(place: Place) -> dict[str, object]:
    made = await a_job(place)
    for _ in range(3):
        job = await place.send("GET", f"/v1/fine_tuning/jobs/{made['id']}")
    return job.json


async def test_a_tuned_model_answers_at_the_endpoint_that_tuned_it(place: Place) -> None:
    tuned = (await succeed(place))["fine_tuned_model"]
    answer = await place.ask(model=tuned)
    sent = msgspec.json.decode(place.keeping["a"].seen[-1].body)
    receipt = place.journal.receipt(answer.receipt_id)
    assert (sent["model"], receipt.endpoint, receipt.model, receipt.cost) == (tuned, "a", tuned, None)


async def test_a_tuned_model_is_unknown_to_others(place: Place) -> None:
    tuned = (await succeed(place))["fine_tuned_model"]
    asked = {"model": tuned, "messages": [{"role": "user", "content": "May I?"}]}
    before = len(said(place))
    refused = await place.send("POST", "/v1/chat/completions", asked, key=OTHERS_KEY)
    assert (refused.status, len(said(place))) == (404, before)


async def test_the_files_of_a_job_are_the_projects(place: Place) -> None:
    job = await succeed(place)
    got = await place.send("GET", f"/v1/files/{job['result_files'][0]}")
    assert got.status == 200


async def test_checkpoints_are_models_of_the_project_too(place: Place) -> None:
    made = await a_job(place)
    listed = await place.send("GET", f"/v1/fine_tuning/jobs/{made['id']}/checkpoints")
    model = listed.json["data"][0]["fine_tuned_model_checkpoint"]
    assert place.kept.owner("tuned_model", model).endpoint == "a"


async def test_an_upload_goes_to_the_only_endpoint_that_takes_it(place: Place) -> None:
    body = {"filename": "x", "purpose": "user_data", "bytes": 3, "mime_type": "text/plain"}
    made = await place.send("POST", "/v1/uploads", body)
    assert place.kept.owner("upload", made.json["id"]).endpoint == "a"


async def test_where_there_is_a_choice_nothing_is_sent_and_the_choices_are_named(two: Place) -> None:
    body = {"filename": "x", "purpose": "user_data", "bytes": 3, "mime_type": "text/plain"}
    refused = await two.send("POST", "/v1/uploads", body)
    message = refused.json["error"]["message"]
    assert refused.status == 400
    assert "to-a, to-b" in message
    assert said(two, "a") == said(two, "b") == []


@pytest.mark.parametrize("how", ["header", "query", "member"])
async def test_the_client_may_say_which_model_it_means_and_no_host_hears_of_it(two: Place, how: str) -> None:
    body = {"filename": "x", "purpose": "user_data", "bytes": 3, "mime_type": "text/plain"}
    headers = [(b"hortus-model", b"to-b")] if how == "header" else []
    path = "/v1/uploads?hortus-model=to-b" if how == "query" else "/v1/uploads"
    asked = {**body, "hortus-model": "to-b"} if how == "member" else body
    made = await two.send("POST", path, asked, headers=headers)
    sent = two.keeping["b"].seen[-1]
    assert made.status == 200
    assert b"hortus" not in sent.body
    assert "hortus" not in sent.path + " ".join(sent.headers)


async def test_a_wish_for_a_model_that_is_none_is_refused(two: Place) -> None:
    headers = [(b"hortus-model", b"nowhere")]
    refused = await two.send("POST", "/v1/uploads", {"purpose": "user_data"}, headers=headers)
    assert refused.json["error"]["code"] == "model_not_found"


async def test_requests_for_a_batch_do_not_come_in_parts(place: Place) -> None:
    refused = await place.send("POST", "/v1/uploads", {"purpose": "batch", "filename": "x", "bytes": 1})
    assert (refused.status, said(place)) == (400, [])


@pytest.mark.parametrize("policy", [Policy("p", stateless=True), Policy("p", longest_retention_days=30)])
async def test_a_policy_against_keeping_refuses_what_is_to_be_kept(place: Place, policy: Policy) -> None:
    facts = Facts(maker="m", host="h", compute="DE", retention_days=0, state_days=0)
    place.put([place.endpoint("a", facts)], policies=[policy])
    place.grants.by_digest = {
        digest: msgspec.structs.replace(grant, policy="p") for digest, grant in place.grants.by_digest.items()
    }
    file_id = a_file(place)
    assert (await place.send("GET", f"/v1/files/{file_id}")).status == 200
    headers = [(b"hortus-model", b"to-a")]
    refused = await place.send("POST", "/v1/uploads", {"purpose": "user_data"}, headers=headers)
    assert refused.status == 403
    assert "until they are deleted" in refused.json["error"]["message"]


async def test_a_restart_changes_nothing(tmp_path: Path) -> None:
    async with keeping(tmp_path, "a") as before:
        file_id = a_file(before)
        content = before.keeping["a"]
        async with keeping(tmp_path, "a") as after:
            after.keeping["a"].objects.update(content.objects)
            mine = await after.send("GET", f"/v1/files/{file_id}", key=KEY)
            theirs = await after.send("GET", f"/v1/files/{file_id}", key=OTHERS_KEY)
    assert (mine.status, theirs.status) == (200, 404)


class Gone(Asked):
    """The exchange of a client that has left by the time its host is asked."""

    @override
    def interrupts(self) -> contextlib.AbstractContextManager[None]:
        raise ClientGone


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/v1/fine_tuning/jobs", {"model": "to-a", "training_file": "file-1"}, "tuning_job"),
        ("/v1/batches", {"input_file_id": "file-1", "endpoint": "/v1/chat/completions"}, "batch"),
    ],
)
async def test_what_a_host_makes_is_its_project_s_though_the_client_has_left(
    place: Place, path: str, body: dict[str, str], kind: str
) -> None:
    place.own("a", "file", "file-1")
    await place.gateway.serve(Gone("POST", path, msgspec.json.encode(body), headers=(), key=KEY))
    owners = [place.kept.owner(kind, one) for one in place.keeping["a"].objects]
    assert [one.project_id for one in owners if one is not None] == ["prj_1"]
