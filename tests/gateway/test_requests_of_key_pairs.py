"""Requests that a key pair signed, at the gateway's core: who is let in, what is read before, and what is said else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from core import SECRET, Core, CoreExchange, ManualClock, staged
from hypothesis import given
from hypothesis import strategies as st

from hortus.base.secrets import FixedVersions, PairName, pair_secret, write_pair_name
from hortus.canon.errors import Unauthenticated
from hortus.transport.signing.pairs import PairSignatures
from hortus.transport.signing.sigv4 import KeyPair, Scope, Signable, hash_body, sign
from hortus.transport.signing.sigv4_incoming import Front

NAME = write_pair_name(PairName("key_1", SECRET.version))
KEYS = KeyPair(NAME, pair_secret("key_1", SECRET))
SCOPE = Scope("eu-west-1", "bedrock")
NOW_MS = ManualClock().at_ms
CHAT = "/v1/chat/completions"
BODY = msgspec.json.encode({"model": "r", "messages": [{"role": "user", "content": "May I?"}]})


class Counted(CoreExchange):
    """Counts how often its body is asked for."""

    reads = 0

    async def read(self, limit_bytes: int) -> bytes:
        self.reads += 1
        return await super().read(limit_bytes)


@pytest_asyncio.fixture
async def core() -> AsyncIterator[Core]:
    async with staged("one") as core:
        core.configure([core.endpoint("one")])
        yield core


async def send(
    core: Core, keys: KeyPair = KEYS, *, skew_ms: int = 0, scope: Scope = SCOPE, body: bytes = BODY
) -> Counted:
    """Send `body`, signed as if it were the usual one."""
    headers = ((b"host", b"door"), (b"content-type", b"application/json"))
    added = sign(Signable("POST", CHAT, headers, hash_body(BODY)), keys, scope=scope, now_ms=core.clock.at_ms + skew_ms)
    exchange = Counted(CHAT, body)
    exchange.headers = (*headers, *added)
    await core.gateway.serve(exchange)
    return exchange


def code_of(exchange: CoreExchange) -> tuple[int, str]:
    return exchange.status, msgspec.json.decode(exchange.body)["error"]["code"]


def words_of(exchange: CoreExchange) -> str:
    return str(msgspec.json.decode(exchange.body)["error"]["message"])


async def test_a_signed_request_is_answered_and_its_receipt_names_the_key(core: Core) -> None:
    exchange = await send(core)
    assert (exchange.status, exchange.reads) == (200, 1)
    receipt = core.journal.receipt(exchange.receipt_id)
    assert receipt is not None
    assert receipt.caller.key_id == "key_1"
    assert msgspec.json.decode(core.stages["one"].bodies[0])["messages"] == msgspec.json.decode(BODY)["messages"]


async def test_what_was_not_signed_is_refused_and_nothing_is_sent(core: Core) -> None:
    exchange = await send(core, body=BODY.replace(b"May", b"Must"))
    assert code_of(exchange) == (401, "invalid_signature")
    assert core.stages["one"].bodies == []


async def test_the_secret_of_another_key_opens_nothing(core: Core) -> None:
    assert code_of(await send(core, KeyPair(NAME, pair_secret("key_2", SECRET)))) == (401, "invalid_signature")


@pytest.mark.parametrize(
    ("keys", "skew_ms", "scope", "words"),
    [
        (KeyPair("AKIAIOSFODNN7EXAMPLE", "x"), 0, SCOPE, "credentials of AWS open nothing here"),
        (KeyPair(write_pair_name(PairName("key_1", 9)), "x"), 0, SCOPE, "not known here, or was revoked"),
        (KeyPair(NAME, KEYS.secret_access_key, "token"), 0, SCOPE, "Leave AWS_SESSION_TOKEN"),
        (KEYS, -600_000, SCOPE, "Signature expired"),
        (KEYS, 600_000, SCOPE, "Signature not yet current"),
        (KEYS, 0, Scope("eu-west-1", "s3"), "signed for the service s3, not for bedrock"),
    ],
)
async def test_what_can_be_judged_without_the_body_is_refused_before_it_is_read(
    core: Core, keys: KeyPair, skew_ms: int, scope: Scope, words: str
) -> None:
    exchange = await send(core, keys, skew_ms=skew_ms, scope=scope)
    assert words in words_of(exchange)
    assert (exchange.status, exchange.reads) == (401, 0)


async def test_the_pair_of_a_key_that_is_gone_is_refused_before_its_body_is_read(core: Core) -> None:
    core.grants.grant = None
    exchange = await send(core)
    assert "not known here, or was revoked" in words_of(exchange)
    assert exchange.reads == 0


async def test_the_pair_of_a_key_that_has_expired_is_refused(core: Core) -> None:
    core.grants.grant = msgspec.structs.replace(core.grants.grant, expires_at_ms=core.clock.at_ms)
    assert "The key has expired." in words_of(await send(core))


async def test_a_signature_of_another_kind_is_named(core: Core) -> None:
    exchange = CoreExchange(CHAT, BODY)
    exchange.headers = ((b"authorization", b"AWS4-ECDSA-P256-SHA256 Credential=x"),)
    await core.gateway.serve(exchange)
    assert "AWS4-HMAC-SHA256" in words_of(exchange)


async def test_an_address_that_is_signed_beforehand_is_not_taken(core: Core) -> None:
    exchange = CoreExchange(CHAT, BODY)
    exchange.headers = ()
    exchange.query = b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0"
    await core.gateway.serve(exchange)
    assert "Sign the request itself." in words_of(exchange)


CREDENTIAL = f"AWS4-HMAC-SHA256 Credential={NAME}/20261118/eu-west-1/bedrock/aws4_request,"
SAID = st.one_of(
    st.binary(max_size=60).map(lambda tail: b"AWS4-HMAC-SHA256 " + tail),
    st.text("abhost;-,= /", max_size=30).map(
        lambda names: f"{CREDENTIAL} SignedHeaders={names}, Signature={'0' * 64}".encode()
    ),
    st.binary(max_size=9).map(
        lambda tail: CREDENTIAL.encode() + b" SignedHeaders=host;x-amz-date;" + tail + b", Signature=" + b"0" * 64
    ),
)
INSTANTS = st.one_of(
    st.sampled_from([b"20261118T110640Z", b"00010101T000000Z", b"99991231T235959Z"]), st.binary(max_size=17)
)


@given(
    said=SAID,
    at=INSTANTS,
    names=st.sets(st.sampled_from([b"host", b"x-amz-content-sha256", b"x-amz-target"])),
    path=st.binary(max_size=9),
    query=st.binary(max_size=9),
)
def test_whatever_stands_where_a_signature_should_it_is_refused_in_words(
    said: bytes, at: bytes, names: set[bytes], path: bytes, query: bytes
) -> None:
    exchange = CoreExchange(CHAT, BODY)
    exchange.raw_path, exchange.query = path, query
    exchange.headers = ((b"authorization", said), (b"x-amz-date", at), *[(name, at) for name in names])
    signatures = PairSignatures(FixedVersions((SECRET,)), front=Front("models.example.org"))
    with pytest.raises(Unauthenticated):
        signatures.read(exchange, now_ms=NOW_MS).check(BODY)
