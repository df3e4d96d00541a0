"""What a batch or a tuning job costs: held and charged when it is begun, set right once when it has ended."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from keeping import OTHERS_KEY, Asked, Place, keeping

from framing.forms import CONTENT_TYPE, field, file, form
from hortus.canon.usage import Usage
from hortus.canon.work import Work
from hortus.catalog.pricerows import PriceRow, Variant
from hortus.content.ports import Note
from hortus.limits.limit import Limit
from hortus.policy.facts import Facts
from hortus.policy.rules import Policy
from hortus.receipts.folding import fold
from hortus.receipts.records import Receipt

ONE = Decimal(1)
PRICE = PriceRow(
    input_per_million=Decimal(2_000_000),
    output_per_million=Decimal(8_000_000),
    id="p1",
    currency="EUR",
    source="test",
    as_of="2026-11-01",
    variants=(
        Variant(input_per_million=ONE * 1_000_000, output_per_million=ONE * 4_000_000, service_tier="batch"),
        Variant(
            above_input_tokens=500,
            input_per_million=ONE * 9_000_000,
            output_per_million=ONE * 9_000_000,
            service_tier="batch",
        ),
    ),
)
WORK = Work("to-a", "chat", requests=10, input_bytes=1000, output_tokens=250, longest_bytes=200)
CHARGED = Decimal(1000 + 250 * 4)
TRUE = Decimal(40 + 10 * 4)
"""What the keeping host says of every batch, at the price of batches."""


def budget(amount: int, *, is_hard: bool = True, **more: object) -> Limit:
    return msgspec.structs.replace(
        Limit(
            "money~1", "team", "project", "prj_1", "money", Decimal(amount), "total", currency="EUR", is_hard=is_hard
        ),
        **more,
    )


def limit(place: Place, *limits: Limit, **more: object) -> None:
    place.leases.limits = {one.id: one for one in limits}
    place.grants.by_digest = {
        digest: msgspec.structs.replace(grant, limits=limits, **more)
        for digest, grant in place.grants.by_digest.items()
    }


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with keeping(tmp_path, "a") as one:
        one.put([msgspec.structs.replace(one.endpoint("a"), price=PRICE)])
        yield one


def a_file(place: Place, work: Work | None = WORK, *, project: str = "prj_1") -> str:
    file_id = place.keeping["a"].put_file(b"")["id"]
    place.kept.claim(project, "a", "file", file_id, note=Note(work))
    return file_id


async def begin(place: Place, file_id: str | None = None, **more: str) -> Asked:
    body = {"input_file_id": file_id or a_file(place), "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    return await place.send("POST", "/v1/batches", body, **more)


async def finish(place: Place, made: Asked) -> Asked:
    for _ in range(3):
        looked = await place.send("GET", f"/v1/batches/{made.json['id']}")
    assert looked.json["status"] == "completed"
    return looked


def receipt_of(place: Place, asked: Asked) -> Receipt:
    receipt = place.journal.receipt(asked.receipt_id)
    assert receipt is not None
    return receipt


def charges(receipt: Receipt) -> list[Decimal]:
    return [charge.amount for attempt in receipt.attempts for charge in attempt.charges]


async def test_a_batch_is_charged_the_most_that_it_can_use_at_the_price_of_batches(place: Place) -> None:
    limit(place, budget(10_000))
    receipt = receipt_of(place, await begin(place))
    assert receipt.usage == Usage(input_tokens=1000, output_tokens=250, is_estimated=True, service_tier="batch")
    assert (receipt.attempts[0].reserved, receipt.cost, charges(receipt)) == (CHARGED, CHARGED, [CHARGED])


async def test_without_limits_a_batch_has_its_cost_all_the_same(place: Place) -> None:
    receipt = receipt_of(place, await begin(place))
    assert (receipt.attempts[0].reserved, receipt.cost, charges(receipt)) == (CHARGED, CHARGED, [])


async def test_what_may_be_written_to_a_cache_is_charged_as_that(place: Place) -> None:
    price = msgspec.structs.replace(PRICE, variants=(), cache_write_per_million=Decimal(5_000_000))
    place.put([msgspec.structs.replace(place.endpoint("a"), price=price)])
    limit(place, budget(10_000))
    receipt = receipt_of(place, await begin(place))
    assert (receipt.cost, charges(receipt)) == (1000 * 5 + 250 * 8, [1000 * 5 + 250 * 8])


async def test_a_price_for_long_requests_counts_where_one_of_them_can_be_so_long(place: Place) -> None:
    long = msgspec.structs.replace(WORK, longest_bytes=501)
    receipt = receipt_of(place, await begin(place, a_file(place, long)))
    assert receipt.cost == 1250 * 9


async def test_batches_that_a_budget_has_no_room_for_are_not_begun(place: Place) -> None:
    limit(place, budget(int(CHARGED) + 1000))
    assert (await begin(place)).status == 200
    file_id, before = a_file(place), len(place.keeping["a"].seen)
    refused = await begin(place, file_id)
    assert (refused.status, len(place.keeping["a"].seen)) == (429, before)
    assert "may take up to 2000 EUR" in refused.json["error"]["message"]


async def test_a_line_without_a_limit_of_output_has_no_bound_under_a_hard_budget(place: Place) -> None:
    limit(place, budget(10_000_000))
    refused = await begin(place, a_file(place, msgspec.structs.replace(WORK, unlimited=1)))
    assert (refused.status, refused.json["error"]["code"]) == (403, "no_cost_bound")


async def test_the_models_own_limit_bounds_lines_without_one(place: Place) -> None:
    place.put([msgspec.structs.replace(place.endpoint("a"), price=PRICE, output_limit=100)])
    limit(place, budget(10_000_000))
    receipt = receipt_of(place, await begin(place, a_file(place, msgspec.structs.replace(WORK, unlimited=2))))
    assert receipt.cost == CHARGED + 2 * 100 * 4


async def test_pictures_count_each_as_a_window_and_never_less_for_being_many(place: Place) -> None:
    price = msgspec.structs.replace(PRICE, caps={"context_tokens": 3000}, variants=())
    place.put([msgspec.structs.replace(place.endpoint("a"), price=price)])
    limit(place, budget(10_000_000))
    receipt = receipt_of(place, await begin(place, a_file(place, msgspec.structs.replace(WORK, images=4))))
    assert receipt.cost == (1000 + 4 * 3000) * 2 + 250 * 8


async def test_a_file_that_nobody_has_looked_at_is_refused_under_a_hard_budget(place: Place) -> None:
    limit(place, budget(10_000_000))
    refused = await begin(place, a_file(place, None))
    assert (refused.status, refused.json["error"]["code"], place.keeping["a"].seen) == (403, "no_cost_bound", [])
    assert "Send the file through this Hortus" in refused.json["error"]["message"]


async def test_a_file_that_nobody_has_looked_at_is_refused_under_a_limit_of_tokens(place: Place) -> None:
    tokens = Limit("tokens~1", "team", "project", "prj_1", "tokens", Decimal(10**9), "minute")
    limit(place, tokens)
    refused = await begin(place, a_file(place, None))
    assert (refused.status, place.keeping["a"].seen) == (403, [])


async def test_where_only_a_soft_budget_asks_its_usage_and_cost_are_unknown_until_it_has_ended(place: Place) -> None:
    limit(place, budget(10, is_hard=False))
    made = await begin(place, a_file(place, None))
    begun, ended = receipt_of(place, made), receipt_of(place, await finish(place, made))
    assert (begun.status, begun.usage, begun.cost, charges(begun)) == ("completed", None, None, [])
    assert (ended.usage.input_tokens, ended.usage.output_tokens, ended.cost) == (40, 10, TRUE)


async def test_the_first_look_at_a_batch_that_has_ended_gives_back_what_it_did_not_use(place: Place) -> None:
    limit(place, budget(10_000))
    made = await begin(place)
    receipt = receipt_of(place, await finish(place, made))
    assert (receipt.cost, charges(receipt)) == (TRUE - CHARGED, [TRUE - CHARGED])
    assert (receipt.usage.input_tokens, receipt.usage.output_tokens) == (40 - 1000, 10 - 250)


async def test_begun_and_ended_together_are_what_was_used(place: Place) -> None:
    limit(place, budget(10_000))
    made = await begin(place)
    both = [receipt_of(place, made), receipt_of(place, await finish(place, made))]
    assert sum(one.cost for one in both) == TRUE
    assert sum(one.usage.input_tokens for one in both) == 40


async def test_looks_before_the_end_and_after_the_first_one_cost_nothing(place: Place) -> None:
    limit(place, budget(10_000))
    made = await begin(place)
    early = receipt_of(place, await place.send("GET", f"/v1/batches/{made.json['id']}"))
    await finish(place, made)
    late = receipt_of(place, await place.send("GET", f"/v1/batches/{made.json['id']}"))
    assert [(one.cost, one.usage, charges(one)) for one in (early, late)] == [(0, None, [])] * 2


async def test_a_list_sets_right_all_that_has_ended_once(place: Place) -> None:
    limit(place, budget(10_000))
    for _ in range(2):
        await begin(place)
    listed = [await place.send("GET", "/v1/batches") for _ in range(4)]
    receipts = [receipt_of(place, one) for one in listed]
    assert [one.cost for one in receipts] == [0, 0, 2 * (TRUE - CHARGED), 0]
    assert charges(receipts[2]) == [TRUE - CHARGED] * 2


async def test_files_that_come_out_are_the_projects_after_a_list(place: Place) -> None:
    await begin(place)
    for _ in range(3):
        listed = await place.send("GET", "/v1/batches")
    assert (await place.send("GET", f"/v1/files/{listed.json['data'][0]['output_file_id']}")).status == 200


async def test_what_is_given_back_can_be_spent_again(place: Place) -> None:
    limit(place, budget(int(CHARGED) + 1000))
    made = await begin(place)
    place.leases.absorb(receipt_of(place, made))
    assert (await begin(place)).status == 429
    place.leases.absorb(receipt_of(place, await finish(place, made)))
    assert (await begin(place)).status == 200
    assert (await begin(place)).status == 429


async def test_a_batch_that_used_more_than_was_thought_is_charged_the_rest(place: Place) -> None:
    limit(place, budget(100))
    made = await begin(place, a_file(place, Work("to-a", "chat", requests=1, input_bytes=10, output_tokens=1)))
    receipt = receipt_of(place, await finish(place, made))
    assert charges(receipt) == [TRUE - 14]
    assert place.leases.purse.reserved_of("money~1@0") == 0
    assert place.leases.purse.free_of("money~1@0") == place.leases.purse.granted_of("money~1@0") - TRUE


async def test_a_batch_whose_file_its_host_did_not_take_cost_nothing(place: Place) -> None:
    limit(place, budget(10_000))
    made = await begin(place)
    place.keeping["a"].objects[made.json["id"]] |= {"status": "failed", "usage": None}
    receipt = receipt_of(place, await place.send("GET", f"/v1/batches/{made.json['id']}"))
    assert charges(receipt) == [-CHARGED]


async def test_a_batch_that_ended_without_a_word_of_usage_stays_charged(place: Place) -> None:
    limit(place, budget(10_000))
    made = await begin(place)
    place.keeping["a"].objects[made.json["id"]] |= {"status": "cancelled", "usage": None}
    receipt = receipt_of(place, await place.send("GET", f"/v1/batches/{made.json['id']}"))
    assert (receipt.cost, charges(receipt)) == (0, [])


async def test_a_price_in_another_currency_leaves_the_charge_as_it_is(place: Place) -> None:
    limit(place, budget(10_000))
    made = await begin(place)
    place.put([msgspec.structs.replace(place.endpoint("a"), price=msgspec.structs.replace(PRICE, currency="USD"))])
    receipt = receipt_of(place, await finish(place, made))
    assert (receipt.cost, charges(receipt), receipt.usage.input_tokens) == (None, [], 40 - 1000)


async def test_a_batch_that_its_host_refuses_costs_nothing(place: Place) -> None:
    limit(place, budget(int(CHARGED)))
    file_id = a_file(place)
    place.keeping["a"].refusing.add(file_id)
    receipt = receipt_of(place, await begin(place, file_id))
    assert (receipt.status, receipt.cost, charges(receipt)) == ("failed", 0, [0])


async def test_a_worker_killed_while_a_batch_is_begun_leaves_it_charged(place: Place) -> None:
    limit(place, budget(10_000))
    made = await begin(place)
    receipt = fold(place.journal.opened(made.receipt_id), is_writer_dead=True)
    assert receipt is not None
    assert (receipt.status, receipt.cost, charges(receipt)) == ("interrupted", CHARGED, [CHARGED])


async def test_a_worker_killed_at_the_look_that_sets_it_right_leaves_it_charged_and_nobody_does_it_twice(
    place: Place,
) -> None:
    limit(place, budget(10_000))
    made = await begin(place)
    ended = await finish(place, made)
    killed = fold(place.journal.opened(ended.receipt_id), is_writer_dead=True)
    again = receipt_of(place, await place.send("GET", f"/v1/batches/{made.json['id']}"))
    assert killed is not None
    assert (charges(killed), charges(again)) == ([], [])


async def test_another_projects_file_begins_nothing_and_its_batch_cannot_be_looked_at(place: Place) -> None:
    limit(place, budget(10_000))
    theirs = a_file(place, project="prj_2")
    assert ((await begin(place, theirs)).status, place.keeping["a"].seen) == (404, [])
    made = await begin(place, theirs, key=OTHERS_KEY)
    assert (made.status, (await place.send("GET", f"/v1/batches/{made.json['id']}")).status) == (200, 404)
    assert receipt_of(place, made).cost == CHARGED


async def test_a_tuning_job_has_no_bound_under_a_hard_budget(place: Place) -> None:
    limit(place, budget(10_000_000))
    refused = await place.send("POST", "/v1/fine_tuning/jobs", {"model": "to-a", "training_file": a_file(place)})
    assert (refused.status, refused.json["error"]["code"], place.keeping["a"].seen) == (403, "no_cost_bound", [])
    assert "tuning a model" in refused.json["error"]["message"]


@pytest.mark.parametrize("limits", [(), (budget(1, is_hard=False),)])
async def test_what_a_tuning_job_costs_is_unknown(place: Place, limits: tuple[Limit, ...]) -> None:
    limit(place, *limits)
    made = await place.send("POST", "/v1/fine_tuning/jobs", {"model": "to-a", "training_file": a_file(place)})
    receipt = receipt_of(place, made)
    assert (receipt.status, receipt.usage, receipt.cost) == ("completed", None, None)


async def test_what_a_tuned_model_costs_is_unknown_so_a_hard_budget_refuses_it(place: Place) -> None:
    tuned = place.own("a", "tuned_model", "ft:m:org::1")
    answered = await place.ask(model=tuned)
    limit(place, budget(10_000_000))
    refused = await place.ask(model=tuned)
    assert (receipt_of(place, answered).cost, answered.status, refused.status) == (None, 200, 403)


async def test_an_endpoint_declared_for_a_tuned_model_gives_it_a_price(place: Place) -> None:
    tuned = msgspec.structs.replace(place.endpoint("a"), upstream_model="ft:m:org::1", price=PRICE)
    place.put([tuned])
    answered = await place.ask(model="to-a")
    sent = msgspec.json.decode(place.keeping["a"].seen[-1].body)
    assert (sent["model"], receipt_of(place, answered).cost) == ("ft:m:org::1", 9 * 2 + 2 * 8)


async def test_requests_that_come_in_a_file_are_counted_line_by_line(place: Place) -> None:
    limit(place, budget(100_000))
    asked = {"model": "to-a", "messages": [{"role": "user", "content": "Why?"}], "max_tokens": 7, "n": 3}
    lines = [
        {"custom_id": str(number), "method": "POST", "url": "/v1/chat/completions", "body": asked} for number in (1, 2)
    ]
    content = b"\n".join(map(msgspec.json.encode, lines))
    sent = form(field("purpose", b"batch"), file("file", content))
    brought = await place.send("POST", "/v1/files", sent, headers=[(b"content-type", CONTENT_TYPE)])
    receipt = receipt_of(place, await begin(place, brought.json["id"]))
    input_bytes = 2 * len(msgspec.json.encode(asked))
    assert (receipt_of(place, brought).cost, receipt.cost) == (0, input_bytes + 2 * 3 * 7 * 4)


async def test_requests_that_come_with_their_batch_are_charged_beforehand(place: Place) -> None:
    limit(place, budget(100_000))
    asked = {"model": "to-a", "max_tokens": 7, "messages": [{"role": "user", "content": "Why?"}]}
    body = {"requests": [{"custom_id": "c", "params": asked}] * 2}
    receipt = receipt_of(place, await place.send("POST", "/v1/messages/batches", body))
    assert receipt.cost == 2 * len(msgspec.json.encode(asked)) + 2 * 7 * 4
    assert charges(receipt) == [receipt.cost]


@pytest.mark.parametrize("path", ["/v1/batches", "/v1/batches/{}"])
async def test_looks_and_lists_count_among_the_requests_of_a_minute(place: Place, path: str) -> None:
    limit(place, Limit("r~1", "few", "project", "prj_1", "requests", Decimal(2), "minute"))
    batch = (await begin(place)).json["id"]
    assert [(await place.send("GET", path.format(batch))).status for _ in range(2)] == [200, 429]


@pytest.mark.parametrize("path", ["/v1/batches", "/v1/fine_tuning/jobs"])
async def test_nothing_is_begun_where_too_many_requests_run(place: Place, path: str) -> None:
    limit(place, Limit("c~1", "none", "project", "prj_1", "concurrent", Decimal(0), "none"))
    body = {"model": "to-a", "input_file_id": a_file(place), "training_file": a_file(place)}
    assert ((await place.send("POST", path, body)).status, place.keeping["a"].seen) == (429, [])


@pytest.mark.parametrize("path", ["/v1/batches", "/v1/fine_tuning/jobs"])
@pytest.mark.parametrize(
    "policy",
    [
        Policy("p", stateless=True),
        Policy("p", longest_retention_days=30),
        Policy("p", compute_in=("EU",)),
        Policy("p", personal_data="refuse"),
    ],
)
async def test_a_policy_against_it_refuses_what_is_to_be_begun(place: Place, path: str, policy: Policy) -> None:
    compute = "US" if policy.compute_in else "DE"
    facts = Facts(maker="m", host="h", compute=compute, retention_days=0, state_days=0)
    place.put([place.endpoint("a", facts)], policies=[policy])
    limit(place, policy="p")
    body = {"model": "to-a", "input_file_id": a_file(place), "training_file": a_file(place)}
    refused = await place.send("POST", path, body)
    error = refused.json["error"]
    assert (refused.status, error["code"], place.keeping["a"].seen) == (403, "refused_by_policy", [])
