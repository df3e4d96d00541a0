"""Anthropic's batches at hosts: whose they are, where they go, what of them changes on the way and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from keeping import OTHERS_KEY, Asked, Place, keeping

from hortus.policy.rules import Policy
from hortus.testkit.message_batches import ELSEWHERE

PATH = "/v1/messages/batches"


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with keeping(tmp_path / "one", "a") as one:
        yield one


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Place]:
    async with keeping(tmp_path / "two", "a", "b") as both:
        yield both


def chat(model: str = "to-a", words: str = "Is the lamp lit?", **more: object) -> dict[str, object]:
    return {"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": words}], **more}


def batch_of(*chats: object) -> dict[str, object]:
    return {"requests": [{"custom_id": f"c{number}", "params": one} for number, one in enumerate(chats)]}


async def a_batch(place: Place, model: str = "to-a") -> str:
    made = await place.send("POST", PATH, batch_of(chat(model)))
    assert made.status == 200, made.body
    return str(made.json["id"])


def said(place: Place, name: str = "a") -> list[str]:
    return [f"{one.method} {one.path}" for one in place.keeping[name].seen]


def guard(place: Place, **rules: object) -> None:
    place.put([place.endpoint("a")], policies=[Policy("p", **rules)])
    place.grants.by_digest = {
        digest: msgspec.structs.replace(grant, policy="p") for digest, grant in place.grants.by_digest.items()
    }


def refusal(refused: Asked) -> str:
    error = refused.json["error"]
    assert isinstance(error, dict)
    return str(error["message"])


async def test_only_the_names_of_the_model_change_in_a_batch(place: Place) -> None:
    body = (
        b'{"requests":[{"custom_id":"1","params":{"model":"to-a","max_tokens":5,"temperature":0.10,"messages":[]}},'
        b'{"custom_id":"2","params":{"max_tokens":6,"top_p":1.0e0,"messages":[ ],"model":"to-a"},"later":{"a":1.50}}]}'
    )
    made = await place.send("POST", PATH, body)
    assert made.status == 200
    assert place.keeping["a"].seen[-1].body == body.replace(b'"to-a"', b'"up-a"')


async def test_a_batch_is_the_projects(place: Place) -> None:
    owner = place.kept.owner("message_batch", await a_batch(place))
    assert (owner.project_id, owner.endpoint) == ("prj_1", "a")


async def test_what_the_requests_of_a_batch_may_use_is_kept_with_it(place: Place) -> None:
    made = await place.send("POST", PATH, batch_of(chat(), chat(max_tokens=70)))
    work = place.kept.thing("message_batch", str(made.json["id"])).note.work
    assert (work.route, work.operation, work.requests, work.output_tokens) == ("to-a", "chat", 2, 120)


async def test_a_batch_is_asked_for_where_it_lies(two: Place) -> None:
    one = await a_batch(two, "to-b")
    got = await two.send("GET", f"/anthropic{PATH}/{one}")
    assert (got.json["id"], said(two, "a")) == (one, [])


async def test_results_are_led_to_hortus_and_no_key_to_the_host(place: Place) -> None:
    one = await a_batch(place)
    got = await place.send("GET", f"{PATH}/{one}")
    listed = await place.send("GET", PATH)
    assert got.json["results_url"] == f"{PATH}/{one}/results"
    assert ELSEWHERE.encode() not in got.body + listed.body


async def test_that_an_address_was_changed_stands_in_the_receipt(place: Place) -> None:
    got = await place.send("GET", f"{PATH}/{await a_batch(place)}")
    assert place.journal.receipt(got.receipt_id).attempts[0].adaptations == ("results_url",)


async def test_results_pass_byte_for_byte(place: Place) -> None:
    one = await a_batch(place)
    results = await place.send("GET", f"{PATH}/{one}/results")
    line = msgspec.json.decode(bytes(results.body))
    assert (results.status, line["custom_id"], line["result"]["message"]["model"]) == (200, "c0", "up-a")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "{}"), ("GET", "{}/results"), ("POST", "{}/cancel"), ("DELETE", "{}")]
)
async def test_what_is_anothers_is_not_there_and_nothing_is_sent(place: Place, method: str, path: str) -> None:
    one = await a_batch(place)
    before = len(said(place))
    refused = await place.send(method, f"{PATH}/{path.format(one)}", key=OTHERS_KEY)
    error = refused.json["error"]
    assert (refused.status, error["type"], len(said(place))) == (404, "not_found_error", before)


async def test_a_list_shows_the_projects_own_page_by_page(place: Place) -> None:
    mine = [await a_batch(place) for _ in range(3)]
    place.own("a", "message_batch", "msgbatch_theirs", project="prj_2")
    first = await place.send("GET", f"{PATH}?limit=2")
    rest = await place.send("GET", f"{PATH}?limit=2&after_id={first.json['last_id']}")
    assert [one["id"] for one in first.json["data"]] == [mine[2], mine[1]]
    assert (first.json["has_more"], [one["id"] for one in rest.json["data"]]) == (True, [mine[0]])


async def test_a_list_is_not_read_backwards(place: Place) -> None:
    refused = await place.send("GET", f"{PATH}?before_id=msgbatch_1")
    assert (refused.status, said(place)) == (400, [])


async def test_batches_of_two_makers_are_listed_apart(place: Place) -> None:
    one = await a_batch(place)
    openai, anthropic = await place.send("GET", "/v1/batches"), await place.send("GET", PATH)
    assert (openai.json["data"], [each["id"] for each in anthropic.json["data"]]) == ([], [one])


async def test_a_batch_is_cancelled(place: Place) -> None:
    told = await place.send("POST", f"{PATH}/{await a_batch(place)}/cancel", b"{}")
    assert (told.json["processing_status"], place.keeping["a"].seen[-1].body) == ("canceling", b"")


async def test_a_deleted_batch_is_forgotten(place: Place) -> None:
    one = await a_batch(place)
    deleted = await place.send("DELETE", f"{PATH}/{one}")
    assert deleted.json["type"] == "message_batch_deleted"
    assert place.kept.owner("message_batch", one) is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({}, "needs requests"),
        ({"requests": []}, "needs requests"),
        ({"requests": [1]}, "list of objects"),
        ({"requests": [{"custom_id": "1"}]}, "must be an object"),
        (batch_of({"max_tokens": 1}), "`model` is missing"),
        (batch_of(chat(), chat("to-b")), "same model"),
        (batch_of(chat(Model="to-b")), "small letters"),
    ],
)
async def test_a_batch_that_cannot_be_placed_is_refused(two: Place, body: object, why: str) -> None:
    refused = await two.send("POST", PATH, body)
    assert (refused.status, said(two, "a"), said(two, "b")) == (400, [], [])
    assert why in refusal(refused)


async def test_a_file_of_another_project_in_a_batch_is_refused(place: Place) -> None:
    theirs = place.own("a", "file", "file_1", project="prj_2")
    block = {"type": "document", "source": {"type": "file", "file_id": theirs}}
    body = batch_of(chat(), chat() | {"messages": [{"role": "user", "content": [block]}]})
    refused = await place.send("POST", PATH, body)
    assert (refused.status, said(place)) == (404, [])


async def test_a_policy_that_refuses_personal_data_looks_into_every_request(place: Place) -> None:
    guard(place, personal_data="refuse")
    fine = await place.send("POST", PATH, batch_of(chat(), chat()))
    refused = await place.send("POST", PATH, batch_of(chat(), chat(words="Pay DE89 3704 0044 0532 0130 00.")))
    assert (fine.status, refused.status, len(said(place))) == (200, 403, 1)


async def test_a_policy_that_hides_personal_data_refuses_it_in_a_batch(place: Place) -> None:
    guard(place, personal_data="pseudonymise")
    refused = await place.send("POST", PATH, batch_of(chat(words="Pay DE89 3704 0044 0532 0130 00.")))
    assert (refused.status, said(place)) == (403, [])


async def test_a_picture_that_no_guard_can_look_into_keeps_a_batch_back(place: Place) -> None:
    guard(place, personal_data="refuse")
    block = {"type": "image", "source": {"type": "url", "url": "https://pictures.invalid/1.png"}}
    body = batch_of(chat() | {"messages": [{"role": "user", "content": [block]}]})
    refused = await place.send("POST", PATH, body)
    assert (refused.status, said(place)) == (403, [])
    assert "`requests`" in refusal(refused)


async def test_tools_that_the_policy_refuses_are_found_in_a_batch(place: Place) -> None:
    guard(place, tools=("function",))
    search = {"type": "web_search_20250305", "name": "web_search"}
    refused = await place.send("POST", PATH, batch_of(chat(), chat(tools=[search])))
    assert (refused.status, said(place)) == (403, [])


async def test_a_batch_goes_where_its_messages_may_go_one_by_one(place: Place) -> None:
    one = place.endpoint("a")
    place.put([msgspec.structs.replace(one, operations=("batches",))])
    refused = await place.send("POST", PATH, batch_of(chat()))
    assert (refused.status, said(place)) == (403, [])
    assert "does not offer chat in batches" in refusal(refused)


async def test_what_a_batch_was_charged_is_set_right_by_its_results(place: Place) -> None:
    made = await place.send("POST", PATH, batch_of(chat(), chat()))
    one = str(made.json["id"])
    looks = [await place.send("GET", f"{PATH}/{one}/results") for _ in range(2)]
    used = [place.journal.receipt(each.receipt_id).attempts[-1].usage for each in (made, *looks)]
    assert [usage.output_tokens if usage else 0 for usage in used] == [100, 4 - 100, 0]
    assert place.kept.thing("message_batch", one).note.advance is None


async def test_a_number_out_of_range_is_the_clients_fault(place: Place) -> None:
    block = {"type": "image", "source": {"type": "url", "url": "https://pictures.invalid/1.png"}}
    asked = chat() | {"messages": [{"role": "user", "content": [block]}], "temperature": msgspec.Raw(b"1e999")}
    refused = await place.send("POST", PATH, batch_of(asked))
    assert (refused.status, said(place)) == (400, [])


async def test_a_path_that_is_none_is_refused_in_anthropics_words(place: Place) -> None:
    refused = await place.send("GET", f"{PATH}/msgbatch_1/more", headers=[(b"anthropic-version", b"2023-06-01")])
    assert (refused.status, refused.json["type"], refused.json["error"]["type"]) == (404, "error", "not_found_error")
