"""What rules forbid is forbidden to every operation of every dialect: not a byte goes to a host."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import msgspec
import pytest

from framing.forms import CONTENT_TYPE, field, file, form
from gateway.workplace import Workplace, endpoint, wait_until
from hortus.canon.dialect import Dialect, Operation
from hortus.dialects import DIALECTS
from hortus.gateway.choose import NEEDS
from hortus.policy.rules import Policy
from hortus.receipts.records import Opened, Settled
from hortus.snapshot.model import Spoken
from security.doors import statuses
from security.sink import SinkHost, sink_host
from security.talking import opening, talking

SECRET = "ghp_" + "Ab3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3hJ6"
SAID = f"my token is {SECRET}" + " and so on" * 150
KEYS = {name: "hortus_sk_" + letter * 40 for name, letter in zip(("free", "rule"), "fr", strict=True)}


def policy(name: str, **rules: object) -> Policy:
    return Policy(name, **rules)  # type: ignore[arg-type]  # as the table below has them


POLICIES = [
    policy("own-machines", own_machines=True),
    policy("makers", makers=("somebody-else",)),
    policy("places", compute_in=("EU",)),
    policy("retention", longest_retention_days=0),
    policy("training", no_training=True),
    policy("secrets", secrets="refuse"),
    policy("words", blocked_words=("token",)),
    policy("length", largest_request_kib=1),
]
PATHS: dict[str, tuple[Dialect, Operation]] = {
    f"{operation.method} {dialect.bases[0]}{operation.path}": (dialect, operation)
    for dialect in DIALECTS
    for operation in dialect.operations
    if operation.host_path is not None and operation.id_kind is None and operation.lists is None
}
GENERAL = {
    "messages": [{"role": "user", "content": SAID}],
    "input": [SAID],
    "prompt": SAID,
    "query": SAID,
    "texts": [SAID],
    "documents": [SAID],
    "document": {"type": "document_url", "document_url": f"data:text/plain,{SAID}"},
    "voice": "v",
    "max_tokens": 9,
    "filename": SAID,
    "purpose": "user_data",
    "input_type": "search_query",
    "embedding_types": ["float"],
    "training_file": "file-1",
    "endpoint": "/v1/x",
    "input_file_id": "file-1",
    "store": False,
}
SPECIAL = {
    "anthropic_batches": {
        "requests": [{"custom_id": "1", "params": {"model": "r", "messages": [{"role": "user", "content": SAID}]}}]
    },
    "mistral_batches": {
        "endpoint": "/v1/chat/completions",
        "requests": [{"custom_id": "1", "body": {"messages": [{"role": "user", "content": SAID}]}}],
    },
    "gemini": {"contents": [{"role": "user", "parts": [{"text": SAID}]}], "content": {"parts": [{"text": SAID}]}},
    "bedrock_converse": {"messages": [{"role": "user", "content": [{"text": SAID}]}]},
    "bedrock_invoke": {"prompt": SAID, "inputText": SAID},
}


@pytest.fixture(scope="module")
def host() -> Iterator[SinkHost]:
    with sink_host() as one:
        yield one


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, host: SinkHost) -> Iterator[Workplace]:
    one = Workplace(tmp_path_factory.mktemp("home"))
    url = f"http://127.0.0.1:{host.server_address[1]}/v1"
    needs = {NEEDS.get(operation.name, operation.name) for _, operation in PATHS.values()}
    spoken = tuple(Spoken(dialect.name, url) for dialect in DIALECTS)
    one.add_route("r", endpoint("r", url, "m", spoken=spoken, operations=tuple(sorted(needs))))
    policies = {one.name: one for one in POLICIES}
    one.snapshot = msgspec.structs.replace(one.snapshot, policies=policies)
    one.grant(KEYS["free"], ("*",))
    try:
        one.start()
        yield one
    finally:
        one.close()


def under(place: Workplace, rule: str) -> None:
    """Put the second key under a policy."""
    place.grant(KEYS["rule"], ("*",), policy=rule)
    place.ledger.push_forget()


def send(place: Workplace, name: str, key: str) -> int:
    dialect, operation = PATHS[name]
    method, path = name.split(" ")
    auth = b"Authorization: Bearer " + key.encode() + b"\r\n"
    path = path.replace("{route}", "r").replace("{version}", "v1beta")
    if dialect.realtime is not None:
        with talking(place.port, opening(f"{path}?model=r", auth)) as (connection, head):
            (status,) = statuses(head)
            if status == 101:
                connection.sendall(b"\x81\xa0" + bytes(4) + b'{"setup":{"model":"models/r"}}  ')
                while (part := connection.recv(65_536)) and b"\x88" not in part:
                    pass
            return status
    headers = {"authorization": f"Bearer {key}", "hortus-model": "r"}
    if operation.body == "multipart":
        content = form(field("model", b"r"), field("prompt", SAID.encode()), file("file", b"RIFF"), file("image", b"P"))
        headers["content-type"] = CONTENT_TYPE.decode()
    else:
        members = GENERAL | SPECIAL.get(dialect.name, {}) | ({} if "{route}" in operation.path else {"model": "r"})
        content = b"" if operation.body == "none" else msgspec.json.encode(members)
        headers["content-type"] = "application/json"
    return httpx2.request(method, place.url + path, content=content, headers=headers, timeout=30).status_code


def test_the_table_has_them_and_most_pass_where_nothing_forbids_it(place: Workplace, host: SinkHost) -> None:
    passed = set()
    for name in PATHS:
        before = len(host.seen)
        send(place, name, KEYS["free"])
        if len(host.seen) > before:
            passed.add(PATHS[name][1].name)
    assert passed >= {"chat", "embeddings", "rerank", "moderations", "speech", "transcriptions", "images", "invoke"}
    assert len(passed) >= 14


@pytest.mark.parametrize("rule", [one.name for one in POLICIES])
def test_a_rule_holds_for_every_operation(place: Workplace, host: SinkHost, rule: str) -> None:
    under(place, rule)
    wait_until(lambda: send(place, "POST /openai/v1/chat/completions", KEYS["rule"]) == 403)
    before, leaked = len(host.seen), []
    for name in PATHS:
        seen = len(host.seen)
        status = send(place, name, KEYS["rule"])
        if len(host.seen) > seen:
            leaked.append((name, status))
    assert leaked == []
    assert len(host.seen) == before
    opened = [one for one in place.records() if isinstance(one, Opened)]
    wait_until(lambda: len(opened) == sum(isinstance(one, Settled) for one in place.records()))
