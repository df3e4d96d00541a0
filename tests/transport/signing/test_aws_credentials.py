"""Key pairs towards AWS: at hand, of a machine, of a container, of a role; kept, renewed, and failures that help."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import parse_qs

import msgspec
import pytest
from aws_ground import AwsGround, aws_ground
from scripted_hosts import client, eventually
from tokens import ManualClock

from hortus.base.errors import ConfigurationError
from hortus.canon.errors import HostFault, HostRefused, HostTimedOut, HostUnavailable
from hortus.gateway.ports import Hosts
from hortus.snapshot.resolved import Headers, Signer
from hortus.transport.hosts import HttpHosts
from hortus.transport.settings import TransportSettings
from hortus.transport.signing.aws_credentials import AwsCredentials, scope_of
from hortus.transport.signing.sigv4 import Scope, Signable, hash_body
from hortus.transport.signing.sigv4_incoming import Claim, judge, read_claim, verify

HOST = "bedrock-runtime.eu-central-1.amazonaws.com"
RESOURCE = "/model/anthropic.claude-v2%3A1/converse"
URL = f"https://{HOST}{RESOURCE}"
JSON = ((b"content-type", b"application/json"), (b"x-request-id", b"r"))
ROLE = "arn:aws:iam::123456789012:role/hortus"
KEYS = {"access_key_id": "AKONE", "secret_access_key": "secret-one"}


class Bench:
    """A credential, what gives its key pairs, and the clock of both."""

    def __init__(self, ground: AwsGround, hosts: Hosts, clock: ManualClock) -> None:
        self.ground = ground
        self.clock = clock
        self.document = b""
        self.values = {"env:PATH": "/v2/credentials/x", "env:WHOLE": f"{ground.url}/v2/credentials/x"}
        self.credentials = AwsCredentials(lambda _: self.document.decode(), self.read, hosts=hosts, clock=clock)

    def read(self, reference: str) -> str:
        if reference not in self.values:
            raise ConfigurationError(f"{reference} is not here")
        return self.values[reference]

    def use(self, **document: object) -> None:
        self.document = msgspec.json.encode(document)

    @property
    def signer(self) -> Signer:
        return self.credentials.open("sigv4", "file:aws.json")

    async def headers(self, url: str = URL) -> dict[bytes, bytes]:
        return dict(await self.signer.sign("claude-eu", method="POST", url=url, headers=JSON, body=b"{}"))

    async def key(self) -> tuple[str, str]:
        """Return the key pair's id and the session token of a signature."""
        found = await self.headers()
        claim = claim_of(found)
        return claim.key_id, found.get(b"x-amz-security-token", b"").decode()

    async def error(self) -> HostFault:
        with pytest.raises(HostFault) as caught:
            await self.headers()
        return caught.value


def claim_of(added: dict[bytes, bytes]) -> Claim:
    claim = read_claim(received(added))
    assert claim is not None
    return claim


def received(added: dict[bytes, bytes], host: str = HOST) -> Signable:
    headers: Headers = ((b"host", host.encode()), *JSON, *added.items())
    return Signable("POST", RESOURCE, headers, hash_body(b"{}"))


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    clock = ManualClock()
    async with client() as hosts, aws_ground(clock) as ground:
        yield Bench(ground, hosts, clock)


async def test_a_key_pair_at_hand_signs_without_a_turn_of_the_loop(bench: Bench) -> None:
    bench.use(**KEYS)
    signing = bench.signer.sign("claude-eu", method="POST", url=URL, headers=JSON, body=b"{}")
    with pytest.raises(StopIteration) as ended:
        signing.send(None)  # type: ignore[attr-defined] -- a coroutine
    added = dict(ended.value.value)
    claim = claim_of(added)
    assert (claim.scope, claim.names) == (Scope("eu-central-1", "bedrock"), ("content-type", "host", "x-amz-date"))
    judge(received(added), claim, now_ms=bench.clock.now_ms(), service="bedrock")
    verify(received(added), claim, secret="secret-one")
    assert bench.ground.asked == []


async def test_a_session_token_goes_along(bench: Bench) -> None:
    bench.use(**KEYS, session_token="token/+=")
    assert await bench.key() == ("AKONE", "token/+=")


async def test_an_address_that_is_not_aws_s_own_needs_region_and_service(bench: Bench) -> None:
    bench.use(**KEYS)
    with pytest.raises(HostRefused, match="endpoint claude-eu cannot be signed") as caught:
        await bench.headers("https://proxy.example/model/m/converse")
    assert "`region` and `service`" in str(caught.value)
    bench.use(**KEYS, region="eu-west-1", service="bedrock")
    assert claim_of(await bench.headers("https://proxy.example/x")).scope == Scope("eu-west-1", "bedrock")


SCOPES = {
    "https://bedrock-runtime.eu-west-3.amazonaws.com/model": Scope("eu-west-3", "bedrock"),
    "https://bedrock-runtime-fips.us-east-1.amazonaws.com/": Scope("us-east-1", "bedrock"),
    "https://vpce-1-a.bedrock-runtime.eu-west-1.vpce.amazonaws.com": Scope("eu-west-1", "bedrock"),
    "https://bedrock-runtime.cn-north-1.amazonaws.com.cn/": Scope("cn-north-1", "bedrock"),
    "https://bedrock-runtime.eusc-de-east-1.amazonaws.eu/model": Scope("eusc-de-east-1", "bedrock"),
    "https://bedrock-mantle.eu-west-1.api.aws/v1": Scope("eu-west-1", "bedrock-mantle"),
    "https://aws-external-anthropic.us-west-2.api.aws/v1": Scope("us-west-2", "aws-external-anthropic"),
    "https://bedrock-runtime.eu-west-3.amazonaws.com.evil.example/": None,
    "https://example.com/bedrock-runtime.eu-west-3.amazonaws.com": None,
}


@pytest.mark.parametrize("url", SCOPES)
def test_an_address_of_aws_says_what_is_signed_for(url: str) -> None:
    assert scope_of(url) == SCOPES[url]


async def test_a_machine_s_profile_is_asked_for_by_its_second_protocol(bench: Bench) -> None:
    bench.use(source="instance", address=bench.ground.url)
    assert [await bench.key() for _ in range(2)] == [("AK1", "token&1==")] * 2
    assert [(one.method, one.resource.rpartition("/")[2]) for one in bench.ground.asked] == [
        ("PUT", "token"),
        ("GET", ""),
        ("GET", "a-profile"),
    ]


@pytest.mark.parametrize("address", ["env:WHOLE", "plain"])
async def test_a_container_s_role_is_asked_for_with_its_token(bench: Bench, address: str) -> None:
    bench.values["file:/token"] = "opens sesame"
    address = f"{bench.ground.url}/v2/credentials/x" if address == "plain" else address
    bench.use(source="container", address=address, token="file:/token")
    assert await bench.key() == ("AK1", "token&1==")
    assert bench.ground.asked[0].headers["authorization"] == "opens sesame"


async def test_a_container_s_role_may_need_no_token(bench: Bench) -> None:
    bench.use(source="container", address="env:WHOLE")
    assert await bench.key() == ("AK1", "token&1==")
    assert "authorization" not in bench.ground.asked[0].headers


@pytest.mark.parametrize(("base", "expected"), [("keys", "AK1"), ("instance", "AK2")])
async def test_a_role_is_taken_by_another_credential(bench: Bench, base: str, expected: str) -> None:
    other = KEYS if base == "keys" else {"source": "instance", "address": bench.ground.url}
    bench.use(
        source="role",
        role_arn=ROLE,
        external_id="e & f",
        sts=f"{bench.ground.url}/",
        region="eu-west-1",
        **{"from": other},
    )
    assert (await bench.key())[0] == expected
    asked = bench.ground.asked[-1]
    assert parse_qs(asked.body.decode()) == {
        "Action": ["AssumeRole"],
        "RoleArn": [ROLE],
        "RoleSessionName": ["hortus"],
        "ExternalId": ["e & f"],
        "Version": ["2011-06-15"],
        "DurationSeconds": ["3600"],
    }
    assert "/eu-west-1/sts/aws4_request" in asked.headers["authorization"]


async def test_a_role_is_taken_by_another_issuer_s_token_unsigned(bench: Bench) -> None:
    bench.values["file:/jwt"] = "header.claims.signature"
    bench.use(source="web-identity", role_arn=ROLE, token="file:/jwt", sts=f"{bench.ground.url}/")
    assert await bench.key() == ("AK1", "token&1==")
    asked = bench.ground.asked[0]
    form = parse_qs(asked.body.decode())
    assert (form["Action"], form["WebIdentityToken"]) == (["AssumeRoleWithWebIdentity"], ["header.claims.signature"])
    assert "authorization" not in asked.headers


async def test_a_key_pair_is_renewed_before_it_ends(bench: Bench) -> None:
    bench.use(source="container", address="env:WHOLE")
    bench.clock.passed_s = 0
    await bench.key()
    bench.clock.passed_s = 3600 - 301
    assert (await bench.key())[0] == "AK1"
    bench.clock.passed_s = 3600 - 299
    assert (await bench.key())[0] == "AK2"


async def test_many_who_wait_share_one_fetch_of_a_key_pair(bench: Bench) -> None:
    bench.use(source="container", address="env:WHOLE")
    bench.ground.gate.clear()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(bench.key()) for _ in range(20)]
        await eventually(lambda: bool(bench.ground.asked), what="one asks")
        bench.ground.gate.set()
    assert {task.result()[0] for task in waiting} == {"AK1"}
    assert len(bench.ground.asked) == 1


async def test_a_renewal_that_fails_leaves_the_key_pair_in_use(bench: Bench) -> None:
    bench.use(source="container", address="env:WHOLE")
    await bench.key()
    bench.clock.passed_s = 3500
    bench.ground.answers["/v2/credentials/x"] = [(503, b"")]
    assert [(await bench.key())[0] for _ in range(2)] == ["AK1", "AK1"]
    bench.clock.passed_s = 3506
    assert (await bench.key())[0] == "AK2"


XML = (
    b"<ErrorResponse><Error><Type>Sender</Type><Code>%b</Code><Message>arn is secret</Message></Error></ErrorResponse>"
)
STS_ERRORS = {
    "refused": ((403, XML % b"AccessDenied"), HostRefused, "AWS's STS refused with 403 (AccessDenied)"),
    "no words of ours": ((400, XML % b"arn is secret"), HostRefused, "AWS's STS refused with 400."),
    "asked too often": ((400, XML % b"Throttling"), HostUnavailable, "AWS's STS answered 400"),
    "down": ((503, b"<html>"), HostUnavailable, "AWS's STS answered 503"),
    "no pair": ((200, b"<html>"), HostUnavailable, "AWS's STS gave no key pair"),
}


@pytest.mark.parametrize("case", STS_ERRORS)
async def test_a_role_that_cannot_be_taken_says_why(bench: Bench, case: str) -> None:
    answer, kind, words = STS_ERRORS[case]
    bench.ground.answers["/"] = [answer]
    bench.use(source="role", role_arn=ROLE, sts=f"{bench.ground.url}/", **{"from": KEYS})
    error = await bench.error()
    assert type(error) is kind
    assert f"There are no AWS credentials for endpoint claude-eu: {words}" in str(error)
    assert "is secret" not in str(error)
    assert (error.may_have_cost, error.retry_helps) == (False, kind is not HostRefused)
    assert type(await bench.error()) is kind
    assert len(bench.ground.asked) == 1, "not asked again at once"


PAIR = {"AccessKeyId": "A", "SecretAccessKey": "s", "Token": "t"}
MACHINE_ERRORS = {
    "no profile": ((404, b""), HostRefused, "this container's credential service knows no role for it"),
    "not opened": ((401, b""), HostRefused, "refused with 401"),
    "too often": ((429, b""), HostUnavailable, "answered 429"),
    "no JSON": ((200, b"<html>"), HostUnavailable, "gave no key pair"),
    "no key": ((200, msgspec.json.encode(PAIR | {"AccessKeyId": ""})), HostUnavailable, "gave no key pair"),
    "a key no header carries": ((200, msgspec.json.encode(PAIR | {"Token": "a\nb"})), HostUnavailable, "no key pair"),
    "ended": (
        (200, msgspec.json.encode(PAIR | {"Expiration": "2020-01-01T00:00:00Z"})),
        HostUnavailable,
        "gave a key pair that has ended",
    ),
}


@pytest.mark.parametrize("case", MACHINE_ERRORS)
async def test_a_machine_that_gives_no_key_pair_says_why(bench: Bench, case: str) -> None:
    answer, kind, words = MACHINE_ERRORS[case]
    bench.ground.answers["/v2/credentials/x"] = [answer]
    bench.use(source="container", address="env:WHOLE")
    error = await bench.error()
    assert type(error) is kind
    assert words in str(error)


async def test_a_key_pair_that_does_not_say_when_it_ends_is_kept(bench: Bench) -> None:
    bench.ground.answers["/v2/credentials/x"] = [(200, msgspec.json.encode(PAIR))]
    bench.use(source="container", address="env:WHOLE")
    assert await bench.key() == ("A", "t")
    bench.clock.passed_s = 1e6
    assert await bench.key() == ("A", "t")


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"source": "container"}, "env:AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not here"),
        ({"source": "container", "address": "env:WHOLE", "token": "file:t"}, "file:t is not here"),
        ({"source": "web-identity", "role_arn": ROLE, "region": "eu-west-1"}, "env:AWS_WEB_IDENTITY_TOKEN is not here"),
    ],
)
async def test_what_a_document_refers_to_and_is_not_here_is_named(
    bench: Bench, document: dict[str, object], words: str
) -> None:
    bench.use(**document)
    error = await bench.error()
    assert isinstance(error, HostRefused)
    assert words in str(error)
    assert bench.ground.asked == []


async def test_an_address_of_the_environment_is_judged_as_one_that_is_written_down(bench: Bench) -> None:
    bench.values["env:WHOLE"] = "http://tokens.example/"
    bench.use(source="container", address="env:WHOLE")
    assert "neither https nor this machine's own" in str(await bench.error())


async def test_metadata_is_asked_only_where_its_address_is_opened(bench: Bench) -> None:
    strict = HttpHosts(TransportSettings())
    try:
        credentials = AwsCredentials(lambda _: '{"source":"instance"}', bench.read, hosts=strict, clock=bench.clock)
        signer = credentials.open("sigv4", "file:aws.json")
        with pytest.raises(HostUnavailable, match="where nobody has allowed calls to") as caught:
            await signer.sign("claude-eu", method="POST", url=URL, headers=JSON, body=b"")
        assert "`private_networks`" in str(caught.value)
    finally:
        await strict.close()


async def test_a_relative_address_of_a_container_is_below_that_of_ecs(bench: Bench) -> None:
    bench.use(source="container", address="env:PATH")
    assert "http://169.254.170.2 cannot be reached: it lies where nobody has allowed calls to" in str(
        await bench.error()
    )


async def test_a_key_pair_that_ended_on_its_way_is_not_used(bench: Bench) -> None:
    bench.use(source="container", address="env:WHOLE")
    bench.ground.lasts_s = 1
    bench.ground.gate.clear()
    waiting = asyncio.ensure_future(bench.error())
    await eventually(lambda: bool(bench.ground.asked), what="one asks")
    bench.clock.passed_s = 5
    bench.ground.gate.set()
    assert "lasts no time at all" in str(await waiting)


class _Late:
    async def send(self, request: object) -> None:
        raise HostTimedOut(f"{type(request).__name__} was late.")


async def test_a_service_that_is_late_is_said_to_be(bench: Bench) -> None:
    credentials = AwsCredentials(lambda _: '{"source":"instance"}', bench.read, hosts=_Late(), clock=bench.clock)
    with pytest.raises(HostTimedOut, match="There are no AWS credentials for endpoint e: HostRequest was late"):
        await credentials.open("sigv4", "r").sign("e", method="POST", url=URL, headers=(), body=b"")


async def test_a_changed_document_makes_another_signer(bench: Bench) -> None:
    bench.use(**KEYS)
    first = bench.signer
    assert bench.signer is first
    bench.use(**KEYS | {"access_key_id": "AKBASE"})
    assert bench.signer is not first
    assert (await bench.key())[0] == "AKBASE"


async def test_another_scheme_is_not_opened(bench: Bench) -> None:
    with pytest.raises(ConfigurationError, match="authenticates by google-oauth"):
        bench.credentials.open("google-oauth", "file:aws.json")
