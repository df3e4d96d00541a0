"""The official SDKs' live conversations over WebSockets against a running Hortus, and what of them is written down."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
import trustme
from google import genai
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from garden import Hortus, wait_for
from sdk.talking_host import TalkingHost

pytestmark = pytest.mark.slow

PRICE = (
    'price = { since = 2026-11-01, currency = "USD", input_per_million = 4, output_per_million = 16, '
    "input_audio_per_million = 32, output_audio_per_million = 64, caps = { context_tokens = 32000 } }"
)


def declared(host: TalkingHost) -> str:
    return f"""
[[project]]
name = "default"
routes = ["*"]
[[project]]
name = "poor"
routes = ["*"]
[[project]]
name = "guarded"
routes = ["*"]
policy = "no-secrets"
[[policy]]
name = "no-secrets"
secrets = "refuse"
[[limit]]
name = "poor-money"
project = "poor"
money = 20
currency = "USD"
per = "total"
kind = "hard"
[[endpoint]]
name = "gone"
model = "gpt-5.5"
host = "any"
dialects = ["openai_realtime"]
base_url = "http://127.0.0.1:1/v1"
private_address = true
operations = ["realtime"]
{PRICE}
[[endpoint]]
name = "live"
model = "gpt-5.5"
host = "any"
dialects = ["openai_realtime"]
base_url = "http://127.0.0.1:{host.port}/v1"
private_address = true
upstream_model = "talker-2"
credential = "env:HOST_KEY"
operations = ["realtime"]
{PRICE}
[[endpoint]]
name = "google"
model = "fake"
host = "any"
dialects = ["gemini_live"]
base_url = "http://127.0.0.1:{host.port}"
private_address = true
upstream_model = "gemini-live"
credential = "env:HOST_KEY"
operations = ["realtime"]
[[route]]
name = "talker"
endpoints = ["gone", "live"]
[[route]]
name = "listener"
endpoints = ["google"]
"""


@pytest.fixture(scope="module")
def host() -> Iterator[TalkingHost]:
    talking = TalkingHost()
    yield talking
    talking.close()


@pytest.fixture(scope="module")
def hortus(host: TalkingHost, start_hortus: Callable[..., Hortus]) -> Hortus:
    return start_hortus(toml=declared(host), environment={"HOST_KEY": "made-up-credential"}, flags=("--workers", "1"))


@pytest.fixture(scope="module")
def key(hortus: Hortus) -> str:
    return hortus.new_key()


@pytest.fixture
def client(hortus: Hortus, key: str) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{hortus.door}/openai/v1", api_key=key, max_retries=0)


def websocket_of(hortus: Hortus, path: str) -> str:
    return hortus.door.replace("http://", "ws://") + path


def last_receipt(hortus: Hortus) -> Any:
    """Return the newest receipt, once it is settled."""

    def find() -> Any:
        found = hortus.cli_json("receipts", "--last", "1")
        return found[0] if found and found[0]["settled_at_ms"] else None

    return wait_for(find, what="a settled receipt")


async def ask(connection: Any, question: str) -> list[str]:
    """Ask in words; return the kinds of the events up to the answer's end."""
    content = [{"type": "input_text", "text": question}]
    await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
    await connection.response.create()
    kinds = []
    async for event in connection:
        kinds.append(event.type)
        if event.type in {"response.done", "error"}:
            break
    return kinds


async def ask_until_it_ends(connection: Any, codes: list[str | None]) -> None:
    """Ask on and on, read all that comes, and note the codes of errors. Raises ConnectionClosed at the end."""
    with contextlib.suppress(ConnectionClosed):  # what came before is still to be read
        while True:
            await connection.response.create()
            note_error(await connection.recv(), codes)
    while True:
        note_error(await connection.recv(), codes)


def note_error(event: Any, codes: list[str | None]) -> None:
    if event.type == "error":
        codes.append(event.error.code)


async def test_openais_sdk_talks_and_each_answer_is_an_attempt_with_its_cost(
    hortus: Hortus, client: openai.AsyncOpenAI, host: TalkingHost
) -> None:
    async with client.realtime.connect(model="talker") as connection:
        first = await connection.recv()
        assert first.type == "session.created"
        assert first.session.model == "talker-2"  # as the host says it: nothing is changed on the way
        for _ in range(2):
            kinds = await ask(connection, "Why is the lamp dark?")
            assert kinds[-1] == "response.done"
            assert "response.output_audio.delta" in kinds
    head = host.heads[-1]
    assert head.path == "/v1/realtime?model=talker-2"
    assert head.headers["authorization"] == "Bearer made-up-credential"
    wait_for(lambda: host.closed, what="the host's side to be closed")
    receipt = last_receipt(hortus)
    assert receipt["operation"] == "realtime"
    unreachable, *answers, spare = receipt["attempts"]
    assert unreachable["endpoint"] == "gone"
    assert unreachable["error_code"] == "host_unavailable"
    # 10 tokens of text and 30 of sound in, 5 and 15 out: 10*4 + 30*32 + 5*16 + 15*64 = 2,040 millionths
    assert [(one["status"], one["cost"]) for one in answers] == [("completed", "0.00204")] * 2
    assert (spare["status"], spare["cost"]) == ("completed", "0")
    assert receipt["cost"] == "0.00408"


async def test_a_plain_request_and_a_wrong_name_get_openais_errors_over_http(hortus: Hortus, key: str) -> None:
    plain = httpx2.get(f"{hortus.door}/openai/v1/realtime?model=talker", headers={"authorization": f"Bearer {key}"})
    assert (plain.status_code, plain.json()["error"]["code"]) == (400, "upgrade_refused")
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            websocket_of(hortus, "/v1/realtime?model=nobody"), additional_headers={"authorization": f"Bearer {key}"}
        ):
            pass
    assert refused.value.response.status_code == 404
    assert b"model_not_found" in (refused.value.response.body or b"")


async def test_a_browser_brings_its_key_as_a_subprotocol_and_gets_the_one_that_it_expects(
    hortus: Hortus, key: str
) -> None:
    wanted = ["realtime", f"openai-insecure-api-key.{key}"]
    url = websocket_of(hortus, "/v1/realtime?model=talker")
    async with connect(url, subprotocols=wanted) as socket:  # type: ignore[arg-type]  # plain texts are subprotocols
        assert socket.subprotocol == "realtime"
        assert json.loads(await socket.recv())["type"] == "session.created"


async def test_without_a_key_nothing_opens(hortus: Hortus) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(websocket_of(hortus, "/v1/realtime?model=talker")):
            pass
    assert refused.value.response.status_code == 401


async def test_a_host_that_refuses_is_told_in_openais_form(hortus: Hortus, key: str, host: TalkingHost) -> None:
    host.refuses_with = 429
    try:
        with pytest.raises(InvalidStatus) as refused:
            async with connect(
                websocket_of(hortus, "/v1/realtime?model=talker"), additional_headers={"authorization": f"Bearer {key}"}
            ):
                pass
    finally:
        host.refuses_with = None
    assert refused.value.response.status_code == 429
    assert [one["status"] for one in last_receipt(hortus)["attempts"]] == ["failed", "failed"]


async def test_a_policy_that_looks_into_requests_lets_nobody_talk(hortus: Hortus, host: TalkingHost) -> None:
    before = len(host.heads)
    guarded = openai.AsyncOpenAI(base_url=f"{hortus.door}/openai/v1", api_key=hortus.new_key("guarded"), max_retries=0)
    with pytest.raises(InvalidStatus) as refused:
        async with guarded.realtime.connect(model="talker"):
            pass
    assert b"refused_by_policy" in (refused.value.response.body or b"")
    assert len(host.heads) == before


async def test_a_budget_that_has_no_room_for_another_answer_ends_the_talk_after_the_one_it_had(hortus: Hortus) -> None:
    # An answer may use 32,000 tokens in and 4,096 out, all of sound: 1.024 + 0.262144 USD; 2.6 have room for two.
    poor = openai.AsyncOpenAI(base_url=f"{hortus.door}/openai/v1", api_key=hortus.new_key("poor"), max_retries=0)
    async with poor.realtime.connect(model="talker") as one, poor.realtime.connect(model="talker") as other:
        assert (await one.recv()).type == (await other.recv()).type == "session.created"
        assert (await ask(one, "Why is the lamp dark?"))[-1] == "response.done"
        with pytest.raises(InvalidStatus) as refused:
            async with poor.realtime.connect(model="talker"):
                pass
        assert b"budget" in (refused.value.response.body or b"")


async def test_a_revoked_key_ends_the_talk_after_the_answer(hortus: Hortus) -> None:
    made = hortus.cli_json("keys", "create", "--project", "default")
    client = openai.AsyncOpenAI(base_url=f"{hortus.door}/openai/v1", api_key=made["key"], max_retries=0)
    async with client.realtime.connect(model="talker") as connection:
        await connection.recv()
        hortus.cli("keys", "revoke", made["id"])
        codes: list[str | None] = []
        with pytest.raises(ConnectionClosed) as closed:
            await ask_until_it_ends(connection, codes)
    assert codes == ["invalid_api_key"]
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_an_answer_that_was_cut_is_charged_as_counted(hortus: Hortus, client: openai.AsyncOpenAI) -> None:
    async with client.realtime.connect(model="talker") as connection:
        await connection.recv()
        content = [{"type": "input_text", "text": "half"}]
        await connection.conversation.item.create(item={"type": "message", "role": "user", "content": content})
        await connection.response.create()
        async for event in connection:
            if event.type == "response.output_text.delta":
                break
    receipt = last_receipt(hortus)
    cut = receipt["attempts"][1]
    assert cut["status"] == "cancelled"
    assert cut["usage"]["is_estimated"]
    assert float(cut["cost"]) > 0


async def test_a_host_that_hangs_up_is_told_of(hortus: Hortus, client: openai.AsyncOpenAI) -> None:
    async with client.realtime.connect(model="talker") as connection:
        await connection.recv()
        kinds = await ask(connection, "hang up")
        assert kinds[-1] == "error"
    assert last_receipt(hortus)["status"] == "failed"


async def test_googles_sdk_talks_to_a_live_model(
    start_hortus: Callable[..., Hortus], host: TalkingHost, tmp_path: Path
) -> None:
    authority = trustme.CA()
    chain, secret = tmp_path / "chain.pem", tmp_path / "key.pem"
    issued = authority.issue_cert("localhost", "127.0.0.1")
    secret.write_bytes(issued.private_key_pem.bytes())
    chain.write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    environment = {"HOST_KEY": "made-up-credential", "HORTUS_TLS_CERT": str(chain), "HORTUS_TLS_KEY": str(secret)}
    hortus = start_hortus(toml=declared(host), environment=environment, flags=("--workers", "1"))
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    options = {"base_url": f"{hortus.door}/gemini", "async_client_args": {"ssl": trust}}  # it speaks only TLS
    client = genai.Client(api_key=hortus.new_key(), http_options=options)  # type: ignore[arg-type]  # a plain dict will do
    async with client.aio.live.connect(model="listener", config={"response_modalities": ["TEXT"]}) as session:
        await session.send_client_content(turns={"role": "user", "parts": [{"text": "Is it lit?"}]}, turn_complete=True)
        said = [message.text async for message in session.receive() if message.text]
    assert said == ["The lamp is lit."]
    assert host.heard[-2]["setup"]["model"] == "models/gemini-live"
    assert host.heads[-1].headers["x-goog-api-key"] == "made-up-credential"
    receipt = last_receipt(hortus)
    usage = receipt["attempts"][0]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["output_audio_tokens"]) == (12, 7, 6)


async def test_a_live_model_that_is_none_is_told_by_the_close_frame(hortus: Hortus, key: str) -> None:
    path = "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent"
    async with connect(websocket_of(hortus, f"/gemini{path}?key={key}")) as socket:
        await socket.send(json.dumps({"setup": {"model": "models/nobody"}}))
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert "nobody" in closed.value.rcvd.reason


async def test_a_gateway_that_ends_says_so_and_settles(start_hortus: Callable[..., Hortus], host: TalkingHost) -> None:
    own = start_hortus(toml=declared(host), environment={"HOST_KEY": "made-up-credential"}, flags=("--workers", "1"))
    client = openai.AsyncOpenAI(base_url=f"{own.door}/openai/v1", api_key=own.new_key(), max_retries=0)
    async with client.realtime.connect(model="talker") as connection:
        await connection.recv()
        stopping = asyncio.get_running_loop().run_in_executor(None, own.stop)
        with pytest.raises(ConnectionClosed) as closed:
            await connection.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        await stopping
