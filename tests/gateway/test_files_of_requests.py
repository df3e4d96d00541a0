"""Files of requests for batches: every line is read before anything is sent, and the host gets its own model's name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from keeping import OTHERS_KEY, Place, keeping

from framing.forms import CONTENT_TYPE, field, file, form
from hortus.canon.work import Work
from hortus.dialects import DIALECTS
from hortus.framing.request_lines import LONGEST_LINE_BYTES
from hortus.gateway.batching import LinesReader
from hortus.policy.facts import Facts
from hortus.policy.rules import Policy

SERVED = {
    "/v1/chat/completions": ("openai_chat", "chat"),
    "/chat/completions": ("openai_chat", "chat"),
    "/v1/responses": ("openai_responses", "chat"),
    "/v1/embeddings": ("openai_chat", "embeddings"),
}
QUESTION = [{"role": "user", "content": "Is the lamp lit?"}]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with keeping(tmp_path / "one", "a") as one:
        yield one


@pytest.fixture
async def two(tmp_path: Path) -> AsyncIterator[Place]:
    async with keeping(tmp_path / "two", "a", "b") as both:
        yield both


def line(number: int = 1, /, *, model: str = "to-a", url: str = "/v1/chat/completions", **body: object) -> bytes:
    asked = {"model": model, "messages": QUESTION, "max_tokens": 5, **body}
    return msgspec.json.encode({"custom_id": f"c{number}", "method": "POST", "url": url, "body": asked})


async def bring(place: Place, content: bytes, *fields: bytes, **more: object) -> object:
    body = form(field("purpose", b"batch"), *fields, file("file", content))
    return await place.send("POST", "/v1/files", body, headers=[(b"content-type", CONTENT_TYPE)], **more)


def sent(place: Place, name: str = "a") -> list[bytes]:
    return list(place.keeping[name].files.values())


async def test_each_line_names_the_hosts_model_and_no_other_byte_changes(place: Place) -> None:
    content = (
        b'{"custom_id":"1", "method":"POST","url":"/v1/chat/completions",'
        b'"body":{"messages":[],"model" : "to-a","x":1.0}}\n'
        b'  {"body":{ "model":"to\\u002da","messages":[{"content":"\\"model\\": \\"to-a\\""}]},'
        b'"url":"/v1/chat/completions","custom_id":"2"}\r\n\n'
    )
    made = await bring(place, content)
    assert made.status == 200, made.body
    assert sent(place) == [content.replace(b' "to-a"', b' "up-a"').replace(b'"to\\u002da"', b'"up-a"')]


async def test_the_endpoint_is_that_of_the_model_and_the_adaptation_is_named(two: Place) -> None:
    made = await bring(two, b"\n".join(line(n, model="to-b") for n in range(3)))
    receipt = two.journal.receipt(made.receipt_id)
    assert two.kept.owner("file", made.json["id"]).endpoint == "b"
    assert (receipt.route, receipt.attempts[0].adaptations) == ("to-b", ("model",))


async def test_what_the_lines_may_use_is_noted_with_the_file(place: Place) -> None:
    lines = [line(1), line(2, n=2, max_tokens=7), line(3, max_tokens=None)]
    made = await bring(place, b"\n".join(lines))
    work = place.kept.thing("file", made.json["id"]).note.work
    size = sum(len(msgspec.json.encode(msgspec.json.decode(one)["body"])) for one in lines)
    assert isinstance(work, Work)
    assert (work.route, work.operation, work.requests, work.input_bytes, work.output_tokens, work.unlimited) == (
        *("to-a", "chat", 3, size, 19, 1),
    )


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (b"not json", "not valid JSON"),
        (b"[1]", "not an object"),
        (b'{"method":"POST"', "ends too early"),
        (msgspec.json.encode({"url": "/v1/chat/completions", "body": {"model": "to-a"}}), "custom_id"),
        (line(1), "An earlier line has this `custom_id`."),
        (msgspec.json.encode({"custom_id": "2", "url": "/v1/chat/completions"}), "`body` is missing"),
        (msgspec.json.encode({"custom_id": "2", "url": "/v1/chat/completions", "body": {}}), "`model` is missing"),
        (line(2, model="to-b"), "another model"),
        (line(2, url="/v1/embeddings"), "another `url`"),
        (line(2, url="/v1/files"), "no address"),
        (line(2).replace(b'"POST"', b'"GET"'), "must be POST"),
        (line(2).replace(b'"model":', b'"model":"other","model":'), "twice"),
        (line(2).replace(b'"custom_id":', b'"body":{"model":"other"},"custom_id":'), "twice"),
        (line(2).replace(b'"body":', b'"Body":{},"body":'), "for `body`"),
        (line(2, Model="other"), "for `model`"),
        (b'{"custom_id":"2","x":\r' + line(3) + b'\r,"url":"/v1/chat/completions"}', "line end"),
        (line(2, user="\u2028" + "x"), "line end"),
        (b'{"custom_id":"2","x":"' + b"x" * LONGEST_LINE_BYTES + b'"}', "longer than"),
    ],
)
async def test_a_line_that_cannot_go_is_named_and_nothing_is_sent(place: Place, second: bytes, words: str) -> None:
    refused = await bring(place, line(1) + b"\n" + second + b"\n" + line(9) + b"\n")
    message = refused.json["error"]["message"]
    assert refused.status == 400, message
    assert "Line 2 of the file" in message
    assert words in message
    assert place.keeping["a"].seen == []


async def test_more_lines_than_hosts_take_are_refused(place: Place) -> None:
    short = b'{"custom_id":"%d","url":"/v1/embeddings","body":{"model":"to-a","input":""}}'
    refused = await bring(place, b"\n".join(short % number for number in range(50_001)))
    assert "Line 50001" in refused.json["error"]["message"]


async def test_a_flood_of_empty_lines_is_refused(place: Place) -> None:
    refused = await bring(place, b"\n" * 100_001 + line())
    assert (refused.status, place.keeping["a"].seen) == (400, [])


@pytest.mark.parametrize(
    ("url", "body", "operation"),
    [
        ("/v1/chat/completions", {"messages": QUESTION}, "chat"),
        ("/chat/completions", {"messages": QUESTION}, "chat"),
        ("/v1/responses", {"input": "Is the lamp lit?", "max_output_tokens": 5}, "chat"),
        ("/v1/embeddings", {"input": ["Is the lamp lit?"]}, "embeddings"),
    ],
)
def test_each_address_is_read_as_its_operation_however_the_bytes_are_split(
    url: str, body: dict[str, object], operation: str
) -> None:
    content = b"\n".join(
        msgspec.json.encode({"custom_id": f"c{n}", "url": url, "body": {"model": "r", **body}}) for n in range(3)
    )
    reader = LinesReader(SERVED, {dialect.name: dialect for dialect in DIALECTS}, start=100)
    for at in range(0, len(content), 7):
        reader.feed(content[at : at + 7])
    found = reader.close()
    named = [content[a - 100 : b - 100] for a, b in zip(found.places.starts, found.places.ends, strict=True)]
    assert named == [b'"r"'] * 3
    assert (found.work.operation, found.work.requests) == (operation, 3)


async def test_a_file_without_requests_is_refused(place: Place) -> None:
    refused = await bring(place, b"\n\n")
    assert (refused.status, place.keeping["a"].seen) == (400, [])


async def test_a_model_that_the_key_may_not_use_is_unknown(place: Place) -> None:
    refused = await bring(place, line(model="nowhere"))
    assert (refused.status, refused.json["error"]["code"]) == (404, "model_not_found")


async def test_a_field_that_names_another_model_is_refused(two: Place) -> None:
    refused = await bring(two, line(), field("hortus-model", b"to-b"))
    assert (refused.status, two.keeping["a"].seen, two.keeping["b"].seen) == (400, [], [])


async def test_an_operation_that_the_endpoint_does_not_offer_is_refused(place: Place) -> None:
    refused = await bring(place, line(url="/v1/embeddings"))
    assert refused.status >= 400
    assert "does not offer embeddings in batches" in refused.json["error"]["message"]
    assert place.keeping["a"].seen == []


async def test_lines_that_name_anothers_file_are_refused(place: Place) -> None:
    theirs = place.own("a", "file", place.keeping["a"].put_file(b"x")["id"], project="prj_2")
    content = [{"type": "file", "file": {"file_id": theirs}}]
    refused = await bring(place, line(messages=[{"role": "user", "content": content}]))
    assert (refused.status, place.keeping["a"].seen) == (404, [])


GUARDED = Policy("p", personal_data="refuse")
IBAN = "DE89370400440532013000"


async def test_guards_read_every_line_and_the_batch_that_is_made_of_them_may_run(place: Place) -> None:
    rule(place, GUARDED)
    made = await bring(place, line(1) + b"\n" + line(2))
    begun = await run(place, made.json["id"])
    assert (made.status, begun.status) == (200, 200), begun.body


@pytest.mark.parametrize("where", ["words", "custom_id", "key"])
async def test_what_guards_find_in_a_line_refuses_the_file(place: Place, where: str) -> None:
    rule(place, msgspec.structs.replace(GUARDED, unseen_content="allow"))
    match where:
        case "words":
            second = line(2, messages=[{"role": "user", "content": f"Pay {IBAN} at once"}])
        case "custom_id":
            second = line(2).replace(b'"c2"', b'"%b"' % IBAN.encode())
        case _:
            second = line(2, metadata={IBAN: "x"})
    refused = await bring(place, line(1) + b"\n" + second)
    receipt = place.journal.receipt(refused.receipt_id)
    assert (refused.status, refused.json["error"]["code"]) == (403, "refused_by_guard")
    assert receipt.findings == ("iban:1",)
    assert place.keeping["a"].seen == []


async def test_what_would_be_hidden_elsewhere_is_refused_in_lines(place: Place) -> None:
    rule(place, Policy("p", personal_data="pseudonymise"))
    refused = await bring(place, line(messages=[{"role": "user", "content": f"Pay {IBAN} at once"}]))
    assert (refused.status, place.keeping["a"].seen) == (403, [])


async def test_pictures_in_lines_are_content_that_nobody_sees(place: Place) -> None:
    rule(place, GUARDED)
    picture = {"type": "image_url", "image_url": {"url": "https://example.org/lamp.png"}}
    refused = await bring(place, line(messages=[{"role": "user", "content": [picture]}]))
    assert (refused.status, place.keeping["a"].seen) == (403, [])


async def test_more_than_guards_read_is_refused(place: Place) -> None:
    rule(place, msgspec.structs.replace(GUARDED, unseen_content="allow"))
    refused = await bring(place, b"\n".join(line(n, user="x" * 100_000) for n in range(11)))
    assert (refused.status, place.keeping["a"].seen) == (403, [])
    assert "Send several files." in refused.json["error"]["message"]


async def test_a_file_that_was_read_for_another_policy_is_not_run(place: Place) -> None:
    rule(place, GUARDED)
    made = await bring(place, line())
    rule(place, Policy("p", personal_data="refuse", secrets="refuse"))
    refused = await run(place, made.json["id"])
    assert (refused.status, len(place.keeping["a"].seen)) == (403, 1)
    assert "Send the file again." in refused.json["error"]["message"]


async def test_a_policy_of_tools_holds_for_lines(place: Place) -> None:
    rule(place, Policy("p", tools=()))
    tool = {"type": "function", "function": {"name": "f", "parameters": {}}}
    refused = await bring(place, line(tools=[tool]))
    assert (refused.status, place.keeping["a"].seen) == (403, [])


async def test_a_batch_runs_over_the_file_and_its_output_is_the_projects(place: Place) -> None:
    made = await bring(place, line(1) + b"\n" + line(2) + b"\n")
    asked = {"input_file_id": made.json["id"], "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    batch = (await place.send("POST", "/v1/batches", asked)).json
    for _ in range(3):
        batch = (await place.send("GET", f"/v1/batches/{batch['id']}")).json
    content = f"/v1/files/{batch['output_file_id']}/content"
    got, theirs = await place.send("GET", content), await place.send("GET", content, key=OTHERS_KEY)
    answers = [msgspec.json.decode(one) for one in got.body.splitlines()]
    assert [one["custom_id"] for one in answers] == ["c1", "c2"]
    assert {one["response"]["body"]["model"] for one in answers} == {"up-a"}
    assert theirs.status == 404


async def test_who_may_not_use_the_model_of_the_requests_may_not_let_them_run(two: Place) -> None:
    made = await bring(two, line())
    shared = two.endpoint("a")
    two.put([shared, two.endpoint("b")])
    two.ready = msgspec.structs.replace(two.ready, routes={**two.ready.routes, "cheap": two.ready.routes["to-a"]})
    two.grants.by_digest = {
        digest: msgspec.structs.replace(grant, routes=("cheap",)) for digest, grant in two.grants.by_digest.items()
    }
    refused = await run(two, made.json["id"])
    assert (refused.status, len(two.keeping["a"].seen)) == (404, 1)


@pytest.mark.parametrize(
    "policy", [Policy("p", compute_in=("EU",)), Policy("p", secrets="refuse", unseen_content="allow")]
)
async def test_a_policy_that_came_after_the_file_holds_for_its_batch(place: Place, policy: Policy) -> None:
    made = await bring(place, line())
    rule(place, policy, compute="US")
    refused = await run(place, made.json["id"])
    assert (refused.status, len(place.keeping["a"].seen)) == (403, 1)


async def run(place: Place, file_id: str) -> object:
    asked = {"input_file_id": file_id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    return await place.send("POST", "/v1/batches", asked)


def rule(place: Place, policy: Policy, *, compute: str = "DE") -> None:
    facts = Facts(maker="m", host="h", compute=compute, retention_days=0, state_days=0)
    place.put([place.endpoint("a", facts)], policies=[policy])
    place.grants.by_digest = {
        digest: msgspec.structs.replace(grant, policy="p") for digest, grant in place.grants.by_digest.items()
    }
