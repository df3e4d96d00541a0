"""Clouds on loopback that check who asks as the real ones do, and catalogs whose rows lead to them."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hortus.catalog.loading import load_catalog
from hortus.catalog.lookup import Catalog
from hortus.catalog.rows import Host
from hortus.testkit.listening import Incoming, Listener, read_request

Reply = tuple[int, Any]
"""Status, and what stands in the body."""

KEY_ID, SECRET = "AKIDMADEUP", "made-up/secret+key"
TENANT, CLIENT, CLIENT_SECRET = "tenant-1", "client-1", "made-up client secret"
EMAIL = "garden@example-project.iam.gserviceaccount.com"


class Cloud:
    """Answers by path: the first of `answers` that the path begins with."""

    def __init__(self) -> None:
        self.port = 0
        self.seen: list[Incoming] = []
        self.answers: dict[str, Callable[[Incoming], Reply] | Reply] = {}
        self.headers: dict[str, str] = {}
        self.key: RSAPrivateKey | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paths(self) -> list[str]:
        return [one.path for one in self.seen]

    async def talk(self, reader: Any, writer: Any) -> None:
        while (asked := await read_request(reader)) is not None:
            self.seen.append(asked)
            found = next((self.answers[start] for start in self.answers if asked.path.startswith(start)), (404, {}))
            status, content = found(asked) if callable(found) else found
            body = content if isinstance(content, bytes) else msgspec.json.encode(content)
            lines = {"content-type": "application/json", "content-length": str(len(body)), **self.headers}
            head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body)
            await writer.drain()

    def is_signed(self, asked: Incoming, *, region: str = "eu-central-1", service: str = "bedrock") -> bool:
        """Tell whether AWS's own SDK makes the same signature of what arrived."""
        claim = asked.headers.get("authorization", "")
        names = claim.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        request = AWSRequest(asked.method, self.url + asked.path, data=asked.body)
        for name in names:
            request.headers[name] = asked.headers[name]
        request.context["timestamp"] = asked.headers.get("x-amz-date", "")
        signer = SigV4Auth(Credentials(KEY_ID, SECRET), service, region)
        signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
        return claim.endswith(f"Signature={signature}") and f"Credential={KEY_ID}/" in claim

    def entra_token(self, asked: Incoming) -> Reply:
        """Play Entra ID: a token names what it was asked for."""
        form = dict(parse_qsl(asked.body.decode()))
        if (form.get("client_id"), form.get("client_secret")) != (CLIENT, CLIENT_SECRET):
            return 401, {"error": "invalid_client"}
        return 200, {"access_token": f"for:{form['scope']}", "expires_in": 3599}

    def entra_document(self) -> str:
        said = {"type": "entra", "tenant_id": TENANT, "client_id": CLIENT, "client_secret": CLIENT_SECRET}
        return msgspec.json.encode({**said, "authority": self.url}).decode()

    def google_token(self, asked: Incoming) -> Reply:
        """Play Google's token service: the claim must be signed by the account's key."""
        assert self.key is not None
        claim = dict(parse_qsl(asked.body.decode()))["assertion"]
        signed, _, signature = claim.rpartition(".")
        self.key.public_key().verify(_unpadded(signature), signed.encode(), PKCS1v15(), SHA256())
        said = msgspec.json.decode(_unpadded(signed.partition(".")[2]))
        assert (said["iss"], said["aud"]) == (EMAIL, f"{self.url}/token")
        return 200, {"access_token": "google-1", "expires_in": 3599}

    def google_document(self) -> str:
        self.key = generate_private_key(public_exponent=65537, key_size=2048)
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        said = {"type": "service_account", "client_email": EMAIL, "private_key": pem, "private_key_id": "k1"}
        return msgspec.json.encode({**said, "token_uri": f"{self.url}/token"}).decode()

    def moved(self, host: str, *starts: str) -> Catalog:
        """Return the catalog with a host's addresses, all that begin so, leading here."""
        catalog = load_catalog()
        text = msgspec.json.encode(catalog.hosts[host]).decode()
        for start in starts:
            assert start in text, start
            text = text.replace(start, self.url)
        row = msgspec.json.decode(text, type=Host)
        hosts = tuple(row if one.id == host else one for one in catalog.rows.hosts)
        return Catalog(msgspec.structs.replace(catalog.rows, hosts=hosts))


def aws_document() -> str:
    """Return a key pair's document that says what requests to an address of one's own are signed for."""
    pair = {"access_key_id": KEY_ID, "secret_access_key": SECRET}
    return msgspec.json.encode({"source": "keys", "region": "eu-central-1", "service": "bedrock", **pair}).decode()


def behind(seconds: float, *, now_s: float) -> str:
    """Return a `date` header of a clock that is so far behind."""
    return formatdate(now_s - seconds, usegmt=True)


def opened(asked: Incoming) -> str:
    """Return what opens a call."""
    return asked.headers.get("authorization", "").removeprefix("Bearer ")


def path_of(asked: Incoming) -> str:
    return urlsplit(asked.path).path


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class _Over(Exception):  # noqa: N818 -- never raised: the listener wants a name for what ends a talk
    """Nothing ends a talk here but its connection."""


@asynccontextmanager
async def running_cloud() -> AsyncIterator[Cloud]:
    cloud = Cloud()
    listener = Listener(cloud.talk, ends=_Over)
    cloud.port = await listener.start(0)
    try:
        yield cloud
    finally:
        await listener.stop()
