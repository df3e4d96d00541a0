"""Tokens of a service account: fetched once, kept, renewed in time, and failures that say what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from scripted_hosts import Visit, client, eventually, scripted
from tokens import EMAIL, START_S, ManualClock, TokenService, token_service

from hortus.base.errors import ConfigurationError
from hortus.canon.errors import HostFault, HostRefused, HostUnavailable
from hortus.snapshot.resolved import Authorizer
from hortus.transport.signing.google_oauth import GoogleAccounts
from hortus.transport.signing.schemes import opener


class Bench:
    """An account at a token service, and the clock of both."""

    def __init__(self, service: TokenService, accounts: GoogleAccounts, clock: ManualClock) -> None:
        self.service = service
        self.accounts = accounts
        self.clock = clock
        self.document = service.key_file()

    @property
    def account(self) -> Authorizer:
        return self.accounts.open("file:google.json")

    async def token(self) -> str:
        ((name, value),) = await self.account.headers("gemini-eu")
        assert name == b"authorization"
        return value.decode()

    async def error(self) -> HostFault:
        with pytest.raises(HostFault) as caught:
            await self.token()
        return caught.value


@pytest.fixture
async def bench(key: RSAPrivateKey) -> AsyncIterator[Bench]:
    clock = ManualClock()
    async with client() as hosts, token_service(key, clock) as service:
        accounts = GoogleAccounts(lambda _: one.document, hosts, clock=clock)
        one = Bench(service, accounts, clock)
        yield one


async def test_a_token_is_fetched_once_and_kept(bench: Bench) -> None:
    assert [await bench.token() for _ in range(3)] == ["Bearer token-1"] * 3
    (claims,) = bench.service.claims
    assert claims == {
        "iss": EMAIL,
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "aud": bench.service.uri,
        "iat": START_S,
        "exp": START_S + 3600,
    }


async def test_a_token_is_renewed_before_it_ends(bench: Bench) -> None:
    await bench.token()
    bench.clock.passed_s = 3599 - 301
    assert await bench.token() == "Bearer token-1"
    bench.clock.passed_s = 3599 - 299
    assert await bench.token() == "Bearer token-2"
    assert bench.service.claims[1]["iat"] == START_S + 3300


async def test_a_token_that_lasts_shortly_is_kept_for_half_its_time(bench: Bench) -> None:
    bench.service.expires_in_s = 100
    await bench.token()
    bench.clock.passed_s = 49
    assert await bench.token() == "Bearer token-1"
    bench.clock.passed_s = 51
    assert await bench.token() == "Bearer token-2"


async def test_many_who_wait_share_one_fetch(bench: Bench) -> None:
    bench.service.gate.clear()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(bench.token()) for _ in range(20)]
        await eventually(lambda: bool(bench.service.host and bench.service.host.requests), what="one asks")
        bench.service.gate.set()
    assert {task.result() for task in waiting} == {"Bearer token-1"}
    assert len(bench.service.claims) == 1


async def test_nobody_waits_for_the_next_token_while_this_one_lasts(bench: Bench) -> None:
    await bench.token()
    bench.clock.passed_s = 3500
    bench.service.gate.clear()
    async with asyncio.TaskGroup() as group:
        renewing = group.create_task(bench.token())
        await eventually(lambda: len(bench.service.host.requests) == 2, what="the renewal is under way")
        assert await bench.token() == "Bearer token-1"
        bench.service.gate.set()
    assert renewing.result() == "Bearer token-2"


async def test_who_leaves_while_fetching_leaves_the_next_one_to_fetch(bench: Bench) -> None:
    bench.service.gate.clear()
    leaver = asyncio.ensure_future(bench.token())
    await eventually(lambda: bool(bench.service.host.requests), what="one asks")
    follower = asyncio.ensure_future(bench.token())
    leaver.cancel()
    bench.service.gate.set()
    assert (await follower).startswith("Bearer token-")
    assert leaver.cancelled() or leaver.done()


async def test_a_renewal_that_fails_leaves_the_token_in_use(bench: Bench) -> None:
    await bench.token()
    bench.clock.passed_s = 3500
    bench.service.answers = [(503, b"")]
    assert await bench.token() == "Bearer token-1"
    assert await bench.token() == "Bearer token-1"
    assert len(bench.service.claims) == 2, "not asked again at once"
    bench.clock.passed_s = 3506
    assert await bench.token() == "Bearer token-3"


REFUSALS = {
    "account": (400, b'{"error":"invalid_grant","error_description":"robot@ is unknown"}', "400 (invalid_grant)"),
    "client": (401, b'{"error":"invalid_client"}', "401 (invalid_client)"),
    "in no words of ours": (403, b"<html>robot@</html>", "with 403."),
    "a word that is a sentence": (400, b'{"error":"robot@ is unknown"}', "with 400."),
}


@pytest.mark.parametrize("case", REFUSALS)
async def test_a_refused_account_is_an_admin_s_affair(bench: Bench, case: str) -> None:
    status, body, words = REFUSALS[case]
    bench.service.answers = [(status, body)]
    error = await bench.error()
    assert isinstance(error, HostRefused)
    assert "endpoint gemini-eu" in str(error)
    assert words in str(error)
    assert "robot@" not in str(error)
    assert (error.may_have_cost, error.retry_helps) == (False, False)


LATER = {
    "down": (503, b"{}", "answered 503"),
    "asked too often": (429, b"{}", "answered 429"),
    "no JSON": (200, b"<html>", "gave no token"),
    "no token": (200, b"{}", "gave no token"),
    "a token that no header carries": (200, b'{"access_token":"a\\nb","expires_in":3599}', "gave no token"),
    "a token that has ended": (200, b'{"access_token":"a","expires_in":0}', "gave no token"),
}


@pytest.mark.parametrize("case", LATER)
async def test_a_token_service_that_fails_may_do_better_later(bench: Bench, case: str) -> None:
    status, body, words = LATER[case]
    bench.service.answers = [(status, body)]
    error = await bench.error()
    assert isinstance(error, HostUnavailable)
    assert words in str(error)
    assert (error.may_have_cost, error.retry_helps) == (False, True)
    assert await bench.error() is not error, "an error of its own for each"
    assert len(bench.service.claims) == 1, "not asked again at once"
    bench.clock.passed_s = 6
    assert await bench.token() == "Bearer token-2"


async def test_a_token_service_that_is_away_is_named(bench: Bench) -> None:
    bench.document = bench.document.replace(bench.service.uri, "http://127.0.0.1:9/token")
    error = await bench.error()
    assert isinstance(error, HostUnavailable)
    assert "endpoint gemini-eu: http://127.0.0.1:9 cannot be reached" in str(error)


async def test_a_changed_key_file_makes_another_account(bench: Bench) -> None:
    first = bench.account
    assert bench.account is first
    bench.document = bench.service.key_file(client_email="other@example-project.iam.gserviceaccount.com")
    assert bench.account is not first
    await bench.token()
    assert bench.service.claims[0]["iss"] == "other@example-project.iam.gserviceaccount.com"


async def test_an_account_that_cannot_be_read_is_a_fault_of_the_configuration(bench: Bench) -> None:
    bench.document = "{}"
    with pytest.raises(ConfigurationError, match="its credential is not the JSON key file"):
        await bench.token()


def test_a_scheme_that_nothing_opens_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigurationError, match="authenticates by sigv4"):
        opener({})("sigv4", "file:google.json")


async def test_a_token_at_hand_is_given_without_a_turn_of_the_loop(bench: Bench) -> None:
    await bench.token()
    given = bench.account.headers("gemini-eu")
    with pytest.raises(StopIteration) as ended:
        given.send(None)
    assert ended.value.value == ((b"authorization", b"Bearer token-1"),)


class Machine:
    """A machine's metadata server: gives a token to whoever says the header that no browser sends."""

    def __init__(self) -> None:
        self.requests: list[bytes] = []

    async def serve(self, visit: Visit) -> None:
        while (request := await visit.request()) is not None:
            self.requests.append(request)
            is_meant = b"metadata-flavor: google" in request.lower()
            body = b'{"access_token":"machine-1","expires_in":3599,"token_type":"Bearer"}' if is_meant else b""
            head = f"HTTP/1.1 {200 if is_meant else 403} X\r\ncontent-length: {len(body)}\r\n\r\n"
            await visit.send(head.encode() + body)


async def test_a_machine_at_google_is_given_a_token_by_its_metadata_server() -> None:
    machine = Machine()
    async with client() as hosts, scripted(machine.serve) as host:
        url = f"http://127.0.0.1:{host.port}/token"
        accounts = GoogleAccounts(lambda _: '{"type": "google-machine"}', hosts, clock=ManualClock(), machine_url=url)
        headers = await accounts.open("file:machine").headers("gemini-eu")
        assert headers == ((b"authorization", b"Bearer machine-1"),)
        await accounts.open("file:machine").headers("gemini-eu")
    assert len(machine.requests) == 1
