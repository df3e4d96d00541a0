"""A worker opens Google's cloud: from the key file to the header, through the configuration that it really uses."""

from __future__ import annotations

from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from entra_service import entra_service
from scripted_hosts import client
from tokens import ManualClock, token_service

from hortus.app.ground import prepare_home
from hortus.app.home import Home
from hortus.app.settings import Settings
from hortus.app.worker import Configuration, WorkerSettings
from hortus.base.secrets import FixedVersions
from hortus.snapshot.model import Candidate, Endpoint, Route, Snapshot, Spoken
from hortus.snapshot.resolved import ReadyRoute
from hortus.snapshot.writing import publish

GEMINI = Endpoint(
    name="gemini-eu",
    model="gemini-2.5-flash",
    maker="google",
    host="vertex-eu",
    upstream_model="gemini-2.5-flash",
    spoken=(Spoken("gemini", "https://v.example/v1", auth="google-oauth"),),
    credential="file:google.json",
)


GPT = msgspec.structs.replace(
    GEMINI,
    name="gpt-eu",
    spoken=(Spoken("openai_chat", "https://a.example/openai/v1", auth="entra"),),
    credential="env:AZURE_IDENTITY",
)


def snapshot(endpoint: Endpoint = GEMINI) -> Snapshot:
    route = Route(name="r", candidates=(Candidate(endpoint.name),))
    return Snapshot(
        version=1,
        compiled_at_ms=1,
        organisation="o",
        endpoints={endpoint.name: endpoint},
        routes={"r": route},
        deployments={},
    )


async def test_a_worker_takes_in_a_service_account_and_its_token_opens_the_endpoint(
    tmp_path: Path, key: RSAPrivateKey
) -> None:
    home = Home(tmp_path)
    prepare_home(home)
    publish(snapshot(), home.snapshot)
    settings = WorkerSettings(
        name="w", home=home, sockets=(), node=Settings(), environment={}, secrets=FixedVersions(())
    )
    clock = ManualClock()
    async with client() as hosts, token_service(key, clock) as google:
        config = Configuration(settings, hosts, clock=clock)

        def route() -> ReadyRoute:
            assert config.poll()
            assert config.ready is not None
            return config.ready.routes["r"]

        assert route().unusable[0].reason == "the credential file google.json is missing or empty"
        (home.credentials / "google.json").write_text('{"type":"authorized_user"}')
        assert "is not the JSON key file of a service account" in route().unusable[0].reason
        (home.credentials / "google.json").write_text(google.key_file())
        (target,) = route().targets
        assert await target.opening("gemini") == ((b"authorization", b"Bearer token-1"),)
        assert await target.opening("gemini") == ((b"authorization", b"Bearer token-1"),)
        assert len(google.claims) == 1


async def test_a_worker_takes_in_an_identity_of_entra_and_a_secret_that_was_rotated(tmp_path: Path) -> None:
    home = Home(tmp_path)
    prepare_home(home)
    publish(snapshot(GPT), home.snapshot)
    secret = home.credentials / "secret"
    secret.write_text("first\n")
    async with client() as hosts, entra_service() as entra:
        document = msgspec.json.encode(entra.document(client_secret="file:secret")).decode()
        settings = WorkerSettings(
            name="w",
            home=home,
            sockets=(),
            node=Settings(),
            environment={"AZURE_IDENTITY": document},
            secrets=FixedVersions(()),
        )
        config = Configuration(settings, hosts, clock=ManualClock())

        async def opening() -> tuple[tuple[bytes, bytes], ...]:
            assert config.poll()
            assert config.ready is not None
            (target,) = config.ready.routes["r"].targets
            return await target.opening("openai_chat")

        assert await opening() == ((b"authorization", b"Bearer token-1"),)
        secret.write_text("second, longer\n")
        assert await opening() == ((b"authorization", b"Bearer token-2"),)
        assert [one.form["client_secret"] for one in entra.questions] == ["first", "second, longer"]
