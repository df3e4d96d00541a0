"""Tokens of Entra ID and of managed identities: how each is asked for, kept and renewed, and what each failure says."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from entra_service import CLIENT, TENANT, Drawers, EntraService, Question, certificate_of, entra_service, pem_of
from scripted_hosts import TICK_S, client, eventually
from tokens import START_S, ManualClock, decode

from hortus.base.errors import ConfigurationError
from hortus.canon.errors import HostFault, HostRefused, HostUnavailable
from hortus.snapshot.resolved import Authorizer
from hortus.transport.hosts import HttpHosts
from hortus.transport.settings import TransportSettings
from hortus.transport.signing.entra import EntraIdentities
from hortus.transport.signing.identity import read_identity

REFERENCE = "file:azure.json"


class Bench:
    """An identity at a token service, and the clock of both."""

    def __init__(self, service: EntraService, hosts: HttpHosts) -> None:
        self.service = service
        self.clock = ManualClock()
        self.drawers = Drawers()
        self.identities = EntraIdentities(
            self.drawers.read,
            self.drawers.read,
            hosts=hosts,
            clock=self.clock,
            imds_url=f"{service.address}/metadata/identity/oauth2/token",
        )

    def write(self, **members: str) -> None:
        """Put the document there."""
        self.drawers.values[REFERENCE] = msgspec.json.encode(self.service.document(**members)).decode()

    @property
    def identity(self) -> Authorizer:
        return self.identities.open(REFERENCE)

    async def token(self) -> str:
        ((name, value),) = await self.identity.headers("gpt-eu")
        assert name == b"authorization"
        return value.decode()

    async def question(self) -> Question:
        """Ask for a token and return the only question that was asked."""
        assert await self.token() == "Bearer token-1"
        (question,) = self.service.questions
        return question

    async def error(self) -> HostFault:
        with pytest.raises(HostFault) as caught:
            await self.token()
        return caught.value


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with client() as hosts, entra_service() as service:
        yield Bench(service, hosts)


async def test_a_secret_is_sent_to_the_tenant_s_token_address(bench: Bench) -> None:
    bench.write(client_secret="s&cret")
    question = await bench.question()
    assert (question.method, question.path) == ("POST", f"/{TENANT}/oauth2/v2.0/token")
    assert question.form == {
        "grant_type": "client_credentials",
        "client_id": CLIENT,
        "client_secret": "s&cret",
        "scope": "https://cognitiveservices.azure.com/.default",
    }


async def test_members_may_be_references(bench: Bench) -> None:
    bench.drawers.values |= {"env:AZURE_CLIENT_SECRET": "s2", "file:tenant": "contoso.example"}
    bench.write(client_secret="env:AZURE_CLIENT_SECRET", tenant_id="file:tenant")
    question = await bench.question()
    assert question.form["client_secret"] == "s2"
    assert question.path.startswith("/contoso.example/")


async def test_another_resource_is_asked_for_where_the_document_says_so(bench: Bench) -> None:
    bench.write(client_secret="s", resource="https://ai.azure.com/")
    assert (await bench.question()).form["scope"] == "https://ai.azure.com/.default"


async def test_a_certificate_s_key_signs_a_short_assertion(bench: Bench, key: RSAPrivateKey) -> None:
    certificate = certificate_of(key)
    bench.write(private_key=pem_of(key), certificate=certificate.public_bytes(Encoding.PEM).decode())
    form = (await bench.question()).form
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    signed, _, signature = form["client_assertion"].rpartition(".")
    padding = PSS(mgf=MGF1(SHA256()), salt_length=32)
    key.public_key().verify(decode(signature), signed.encode(), padding, SHA256())
    header, claims = (msgspec.json.decode(decode(part)) for part in signed.split("."))
    thumbprint = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    expected = base64.urlsafe_b64encode(thumbprint).rstrip(b"=").decode()
    assert header == {"alg": "PS256", "typ": "JWT", "x5t#S256": expected}
    assert len(claims.pop("jti")) == 32
    assert claims == {
        "aud": f"{bench.service.address}/{TENANT}/oauth2/v2.0/token",
        "iss": CLIENT,
        "sub": CLIENT,
        "nbf": START_S,
        "iat": START_S,
        "exp": START_S + 300,
    }


async def test_a_federated_token_is_read_anew_for_each_fetch(bench: Bench) -> None:
    bench.drawers.values |= {"env:AZURE_FEDERATED_TOKEN_FILE": "/run/token", "file:/run/token": "first"}
    bench.write(token_file="env:AZURE_FEDERATED_TOKEN_FILE")
    await bench.token()
    bench.drawers.values["file:/run/token"] = "second"
    bench.clock.passed_s = 3400
    assert await bench.token() == "Bearer token-2"
    assert [one.form["client_assertion"] for one in bench.service.questions] == ["first", "second"]


async def test_a_federated_token_that_has_gone_is_an_admin_s_affair(bench: Bench) -> None:
    bench.drawers.values["file:/run/token"] = "first"
    bench.write(token_file="/run/token")
    identity = bench.identity
    del bench.drawers.values["file:/run/token"]
    with pytest.raises(HostRefused, match="there is nothing under file:/run/token") as caught:
        await identity.headers("gpt-eu")
    assert (caught.value.may_have_cost, caught.value.retry_helps) == (False, False)
    assert not bench.service.questions


async def test_a_machine_asks_its_imds(bench: Bench) -> None:
    bench.service.answers = [(200, b'{"access_token":"token-1","expires_in":"86399","expires_on":"1795086399"}')]
    bench.write(managed_identity="imds", client_id="")
    question = await bench.question()
    assert (question.method, question.path) == ("GET", "/metadata/identity/oauth2/token")
    assert question.query == {"api-version": "2018-02-01", "resource": "https://cognitiveservices.azure.com"}
    assert question.headers["metadata"] == "true"
    bench.clock.passed_s = 86000
    assert await bench.token() == "Bearer token-1"


async def test_an_identity_of_one_s_own_is_named_by_its_client_id(bench: Bench) -> None:
    bench.write(managed_identity="imds")
    assert (await bench.question()).query["client_id"] == CLIENT


async def test_app_service_is_asked_where_its_variables_say(bench: Bench) -> None:
    bench.drawers.values |= {"env:IDENTITY_ENDPOINT": f"{bench.service.address}/msi/token", "env:IDENTITY_HEADER": "h1"}
    bench.service.answers = [(200, b'{"access_token":"token-1","expires_on":"%d"}' % (START_S + 1000))]
    bench.write(managed_identity="app-service", client_id="")
    question = await bench.question()
    assert (question.method, question.path) == ("GET", "/msi/token")
    assert question.query == {"api-version": "2019-08-01", "resource": "https://cognitiveservices.azure.com"}
    assert question.headers["x-identity-header"] == "h1"
    bench.clock.passed_s = 699
    assert await bench.token() == "Bearer token-1"
    bench.clock.passed_s = 701
    assert await bench.token() == "Bearer token-2"


async def test_many_who_wait_share_one_fetch(bench: Bench) -> None:
    bench.write(client_secret="s")
    bench.service.gate.clear()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(bench.token()) for _ in range(20)]
        await eventually(lambda: bool(bench.service.host and bench.service.host.requests), what="one asks")
        bench.service.gate.set()
    assert {task.result() for task in waiting} == {"Bearer token-1"}
    assert len(bench.service.questions) == 1


async def test_a_token_is_kept_and_renewed_before_it_ends(bench: Bench) -> None:
    bench.write(client_secret="s")
    await bench.token()
    bench.clock.passed_s = 3599 - 301
    assert await bench.token() == "Bearer token-1"
    bench.clock.passed_s = 3599 - 299
    assert await bench.token() == "Bearer token-2"


async def test_a_document_or_secret_that_changed_makes_another_identity(bench: Bench) -> None:
    bench.drawers.values["file:secret"] = "one"
    bench.write(client_secret="file:secret")
    first = bench.identity
    assert bench.identity is first
    bench.drawers.values["file:secret"] = "two"
    assert bench.identity is not first


async def test_a_refused_secret_is_an_admin_s_affair_and_is_not_repeated(bench: Bench) -> None:
    bench.write(client_secret="s-e-c-r-e-t")
    bench.service.answers = [(401, b'{"error":"invalid_client","error_description":"s-e-c-r-e-t is wrong"}')]
    error = await bench.error()
    assert isinstance(error, HostRefused)
    assert "Microsoft Entra ID refused this installation's application with 401 (invalid_client)" in str(error)
    assert "s-e-c-r-e-t" not in str(error)


STARTING = {"imds": {404, 410, 429, 503}, "secret": {429, 503}}


@pytest.mark.parametrize(("way", "status"), [(way, one) for way, some in STARTING.items() for one in sorted(some)])
async def test_a_service_that_is_busy_may_do_better_later(bench: Bench, way: str, status: int) -> None:
    bench.write(**({"managed_identity": "imds"} if way == "imds" else {"client_secret": "s"}))
    bench.service.answers = [(status, b"{}")]
    error = await bench.error()
    assert isinstance(error, HostUnavailable)
    assert f"answered {status}" in str(error)


async def test_a_machine_without_identity_is_told_so(bench: Bench) -> None:
    bench.write(managed_identity="imds")
    bench.service.answers = [(400, b'{"error":"invalid_request","error_description":"Identity not found"}')]
    error = await bench.error()
    assert isinstance(error, HostRefused)
    assert "Azure's IMDS refused this installation's managed identity with 400 (invalid_request)" in str(error)


ODD = {
    "a number that is none": b'{"access_token":"a","expires_in":"soon"}',
    "an end that never comes": b'{"access_token":"a","expires_in":"inf"}',
    "no end": b'{"access_token":"a"}',
    "no JSON": b"<html>",
}


@pytest.mark.parametrize("case", ODD)
async def test_an_answer_without_a_token_that_lasts_is_none(bench: Bench, case: str) -> None:
    bench.write(client_secret="s")
    bench.service.answers = [(200, ODD[case])]
    assert "Microsoft Entra ID gave no token" in str(await bench.error())


async def test_imds_is_closed_until_the_settings_name_its_address() -> None:
    drawers = Drawers(**{REFERENCE: '{"type":"entra","managed_identity":"imds"}'})
    async with client(TransportSettings(tick_s=TICK_S)) as hosts:
        identities = EntraIdentities(drawers.read, drawers.read, hosts=hosts, clock=ManualClock())
        with pytest.raises(HostUnavailable) as caught:
            await identities.open(REFERENCE).headers("gpt-eu")
    assert "169.254.169.254" in str(caught.value)
    assert "private_networks" in f"{caught.value.message} {caught.value.hint}"


UNFIT = {
    "no JSON": ("{", "is not the JSON document"),
    "a member too many": ('{"type":"entra","cleint_id":"x"}', "is not the JSON document"),
    "of another cloud": ('{"type":"service_account"}', 'not one of `"type": "entra"`'),
    "without a way": ('{"type":"entra","tenant_id":"t","client_id":"c"}', "must have one of"),
    "with two ways": (
        '{"type":"entra","tenant_id":"t","client_id":"c","client_secret":"s","token_file":"f"}',
        "must have one of",
    ),
    "without tenant": ('{"type":"entra","client_id":"c","client_secret":"s"}', "no `tenant_id`"),
    "a tenant with a path": ('{"type":"entra","tenant_id":"a/b","client_id":"c","client_secret":"s"}', "`tenant_id`"),
    "without client": ('{"type":"entra","tenant_id":"t","client_secret":"s"}', "no `client_id`"),
    "a plain authority": (
        '{"type":"entra","tenant_id":"t","client_id":"c","client_secret":"s","authority":"http://login.example"}',
        "`authority` that is not an https address",
    ),
    "an authority that is no address": (
        '{"type":"entra","tenant_id":"t","client_id":"c","client_secret":"s","authority":"https://[x"}',
        "`authority` that is not an https address",
    ),
    "a certificate too many": (
        '{"type":"entra","tenant_id":"t","client_id":"c","client_secret":"s","certificate":"x"}',
        "a `certificate` without `private_key`",
    ),
    "an unknown machine": ('{"type":"entra","managed_identity":"aws"}', "neither `imds` nor `app-service`"),
    "an odd client": ('{"type":"entra","managed_identity":"imds","client_id":"a b"}', "`client_id` that cannot be"),
    "a service elsewhere": (
        '{"type":"entra","managed_identity":"app-service","identity_endpoint":"http://8.8.8.8/","identity_header":"h"}',
        "`identity_endpoint`",
    ),
    "a reference to nothing": (
        '{"type":"entra","tenant_id":"t","client_id":"c","client_secret":"env:NONE"}',
        "nothing under env:NONE",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_a_document_that_makes_no_sense_is_named(case: str) -> None:
    text, words = UNFIT[case]
    with pytest.raises(ConfigurationError) as caught:
        read_identity(text, Drawers().read)
    assert words in str(caught.value)


def test_nothing_of_an_identity_is_shown() -> None:
    text = '{"type":"entra","tenant_id":"t","client_id":"c","client_secret":"s-e-c"}'
    identity = read_identity(text, Drawers().read)
    assert "s-e-c" not in f"{identity!r} {identity.said!r}"


async def test_keys_that_cannot_sign_are_named(bench: Bench, key: RSAPrivateKey) -> None:
    other = certificate_of(generate_private_key(public_exponent=65537, key_size=2048))
    own = certificate_of(key).public_bytes(Encoding.PEM).decode()
    curve = ec.generate_private_key(ec.SECP256R1())
    curved = curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    cases = {
        "cannot be read": ("pem", own),
        "not RSA": (curved, own),
        "of another one": (pem_of(key), other.public_bytes(Encoding.PEM).decode()),
    }
    for words, (private, certificate) in cases.items():
        bench.write(private_key=private, certificate=certificate)
        with pytest.raises(ConfigurationError, match=words):
            bench.identities.open(REFERENCE)
