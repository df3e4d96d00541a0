"""What hosts keep for one project, asked for by another: every operation on an id, with every kind of id."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from keeping import OTHERS_KEY, Place, keeping

from hortus.canon.dialect import Operation
from hortus.canon.work import Work
from hortus.content.ports import Note
from hortus.dialects import DIALECTS
from hortus.policy.rules import Policy

TELLING = "zebra ghp_" + "Ab3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3hJ6 jane.doe@example.org"
MINE = "thing-of-mine"
THEIRS = "thing-of-theirs"

ON_IDS: dict[str, Operation] = {
    f"{base}{operation.path}": operation
    for dialect in DIALECTS
    for operation in dialect.operations
    for base in dialect.bases[:1]
    if operation.id_kind is not None
}
"""Every path with the id of something that a host keeps."""

KINDS = sorted({operation.id_kind for operation in ON_IDS.values() if operation.id_kind is not None})


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with keeping(tmp_path, "a", "b") as one:
        for kind in KINDS:
            one.own("a", kind, f"{kind}-{THEIRS}", project="prj_2")
            one.kept.claim("prj_1", "a", kind, f"{kind}-{MINE}", note=Note(Work("to-a", "chat", 1)))
        yield one


def sent(place: Place) -> int:
    return sum(len(host.seen) for host in place.keeping.values())


async def ask(place: Place, path: str, operation: Operation, host_id: str, *, body: object = None) -> tuple[int, bytes]:
    has_body = operation.body != "none" and operation.method == "POST"
    given = body if body is not None else {} if has_body else None
    exchange = await place.send(operation.method, path.replace("{id}", host_id), given)
    return exchange.status, exchange.body.replace(exchange.receipt_id.encode(), b"its receipt")


def test_the_table_finds_them() -> None:
    assert len(ON_IDS) >= 10
    assert {"file", "batch", "tuning_job", "upload"} <= set(KINDS)


@pytest.mark.parametrize("path", ON_IDS)
async def test_the_thing_of_another_project_is_as_one_that_never_was(place: Place, path: str) -> None:
    operation = ON_IDS[path]
    theirs = await ask(place, path, operation, f"{operation.id_kind}-{THEIRS}")
    nobodys = await ask(place, path, operation, "nobodys")
    assert theirs == nobodys
    assert 400 <= theirs[0] < 500
    assert sent(place) == 0
    owner = place.kept.owner(operation.id_kind, f"{operation.id_kind}-{THEIRS}")  # type: ignore[arg-type]  # it is one
    assert owner is not None
    assert owner.project_id == "prj_2"


@pytest.mark.parametrize("path", ON_IDS)
async def test_a_thing_of_another_kind_is_none(place: Place, path: str) -> None:
    operation = ON_IDS[path]
    for kind in KINDS:
        if kind != operation.id_kind:
            assert 400 <= (await ask(place, path, operation, f"{kind}-{MINE}"))[0] < 500
    assert sent(place) == 0


ODD = (
    "..",
    ".",
    "../../organization",
    f"file-{MINE}/../file-{THEIRS}",
    f"file-{MINE}/content",
    f"file-{MINE}?x=y",
    f"file-{MINE}#x",
    f"file-{MINE}%00",
    f"file-{MINE}\x00",
    f"file-{MINE}\r\nX-A: b",
    f"file-{MINE} ",
    f" file-{MINE}",
    f"FILE-{MINE}",
    f"file-{MINE}\u200b",
    "x" * 10_000,
    "*",
    "%",
    "' OR 1=1 --",
    f"file-{MINE}' OR '1'='1",
)


@pytest.mark.parametrize("host_id", ODD, ids=ascii)
async def test_an_odd_id_is_none(place: Place, host_id: str) -> None:
    for path, operation in ON_IDS.items():
        if not (host_id == f"file-{MINE}?x=y" and operation.id_kind == "file"):
            status, body = await ask(place, path, operation, host_id)
            assert 400 <= status < 500, (path, body)
    assert sent(place) == 0


NAMED_IN_BODIES = {
    "batch": ("/v1/batches", {"input_file_id": f"file-{THEIRS}", "endpoint": "/v1/chat/completions"}),
    "job": ("/v1/fine_tuning/jobs", {"model": "to-a", "training_file": f"file-{THEIRS}"}),
    "job by its second file": (
        "/v1/fine_tuning/jobs",
        {"model": "to-a", "training_file": f"file-{MINE}", "validation_file": f"file-{THEIRS}"},
    ),
    "job at another endpoint": ("/v1/fine_tuning/jobs", {"model": "to-b", "training_file": f"file-{MINE}"}),
}


@pytest.mark.parametrize("name", NAMED_IN_BODIES)
async def test_the_file_of_another_project_goes_into_nothing(place: Place, name: str) -> None:
    path, body = NAMED_IN_BODIES[name]
    refused = await place.send("POST", path, body)
    assert (refused.status, sent(place)) == (404, 0)


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"to-a","training_file":"file-%b","training_file":"file-%b"}' % (MINE.encode(), THEIRS.encode()),
        b'{"model":"to-a","Training_File":"file-%b","training_file":"file-%b"}' % (THEIRS.encode(), MINE.encode()),
        b'{"model":"to-a","trainingFile":"file-%b","training_file":"file-%b"}' % (THEIRS.encode(), MINE.encode()),
        b'{"model":"to-a","Training_file":"file-%b"}' % THEIRS.encode(),
        b'{"model":"to-a","training_file":["file-%b"]}' % THEIRS.encode(),
        b'{"model":"to-a","training_file":{"id":"file-%b"}}' % THEIRS.encode(),
        b'{"model":"to-a","training_file":"file-%b","VALIDATION_FILE":"file-%b"}' % (MINE.encode(), THEIRS.encode()),
    ],
)
async def test_a_file_that_some_host_could_read_there_goes_nowhere(place: Place, body: bytes) -> None:
    refused = await place.send("POST", "/v1/fine_tuning/jobs", body)
    assert 400 <= refused.status < 500
    assert sent(place) == 0


@pytest.mark.parametrize("rule", [{"routes": ("to-a",)}, {"policy": "p"}], ids=["routes", "policy"])
async def test_requests_that_nobody_has_looked_at_run_only_where_nothing_is_forbidden(
    place: Place, rule: dict[str, object]
) -> None:
    place.put([place.endpoint("a")], policies=[Policy("p", without_makers=("somebody",))])
    line = b'{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{"model":"dear","messages":[]}}'
    unseen = place.own("a", "file", place.keeping["a"].put_file(line, purpose="user_data")["id"])
    body = {"input_file_id": unseen, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    place.grants.by_digest = {
        digest: msgspec.structs.replace(grant, **rule) for digest, grant in place.grants.by_digest.items()
    }
    refused = await place.send("POST", "/v1/batches", body)
    assert (refused.status, sent(place)) == (400, 0)
    assert "Nobody has looked" in refused.json["error"]["message"]


async def test_a_purpose_in_another_spelling_is_none(place: Place) -> None:
    headers = [(b"hortus-model", b"to-a")]
    refused = await place.send("POST", "/v1/uploads", {"Purpose": "batch", "filename": "x"}, headers=headers)
    assert (refused.status, sent(place)) == (400, 0)


async def test_an_id_that_a_host_gives_out_twice_stays_with_its_first_owner(place: Place) -> None:
    host = place.keeping["a"]
    made = host.put_file(b"{}", purpose="user_data")["id"]
    following = f"upload-{host.port}-{int(made.rpartition('-')[2]) + 1}"
    place.own("a", "upload", following, project="prj_2")
    headers = [(b"hortus-model", b"to-a")]
    given = await place.send("POST", "/v1/uploads", {"purpose": "user_data", "filename": "x"}, headers=headers)
    assert given.json["id"] == following
    before = sent(place)
    assert (await place.send("POST", f"/v1/uploads/{following}/cancel")).status == 404
    assert sent(place) == before
    assert (await place.send("POST", f"/v1/uploads/{following}/cancel", key=OTHERS_KEY)).status == 200


async def test_a_deleted_thing_is_nobodys_and_stays_so(place: Place) -> None:
    made = place.keeping["a"].put_file(b"{}", purpose="user_data")["id"]
    place.own("a", "file", made)
    assert (await place.send("DELETE", f"/v1/files/{made}", key=OTHERS_KEY)).status == 404
    assert (await place.send("DELETE", f"/v1/files/{made}")).status == 200
    before = sent(place)
    for key_of in (OTHERS_KEY, None):
        again = await place.send("GET", f"/v1/files/{made}", **({"key": key_of} if key_of else {}))
        assert again.status == 404
    assert sent(place) == before


ANSWERS = (
    b'{"id":5}',
    b'{"id":null}',
    b'{"id":["x"]}',
    b"{}",
    b"[]",
    b"null",
    b"",
    b"{",
    b'{"id":"\\ud800"}',
    b'{"id":"\xff"}',
    b'{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"id":"x","id":"y"}',
    b'{"id":"' + b"x" * 2**21 + b'"}',
)


@pytest.mark.parametrize("answer", ANSWERS, ids=[ascii(answer[:20]) for answer in ANSWERS])
@pytest.mark.parametrize("path", ["/v1/files", f"/v1/files/file-{MINE}", "/v1/fine_tuning/jobs", "/v1/batches?limit=1"])
async def test_an_odd_answer_of_a_host_is_no_fault_of_ours(place: Place, path: str, answer: bytes) -> None:
    place.keeping["a"]._answer = lambda _: (200, "application/json", answer)  # type: ignore[method-assign]  # it lies
    got = await place.send("GET", path)
    assert got.status in {200, 502}


@pytest.mark.parametrize(
    "policy",
    [
        Policy("p", secrets="refuse"),
        Policy("p", personal_data="refuse"),
        Policy("p", blocked_words=("zebra",)),
        Policy("p", makers=("somebody-else",)),
        Policy("p", own_machines=True),
        Policy("p", compute_in=("EU",)),
        Policy("p", no_training=True),
    ],
    ids=lambda policy: next(name for name in msgspec.to_builtins(policy) if name != "name"),
)
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/batches", {"input_file_id": f"file-{MINE}", "endpoint": "/v1/chat/completions"}),
        ("/v1/fine_tuning/jobs", {"model": "to-a", "training_file": f"file-{MINE}"}),
        ("/v1/uploads", {"hortus-model": "to-a", "purpose": "user_data", "filename": TELLING, "bytes": 3}),
    ],
    ids=["batch", "job", "upload"],
)
async def test_a_policy_that_cannot_look_into_it_or_forbids_the_place_lets_nothing_be_made(
    place: Place, policy: Policy, path: str, body: dict[str, object]
) -> None:
    place.put([place.endpoint("a"), place.endpoint("b")], policies=[policy])
    place.grants.by_digest = {
        digest: msgspec.structs.replace(grant, policy="p") for digest, grant in place.grants.by_digest.items()
    }
    refused = await place.send("POST", path, body)
    assert refused.status == 403, refused.body
    assert sent(place) == 0
