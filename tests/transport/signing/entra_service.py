"""A token service on loopback that plays Entra ID, a machine's IMDS and App Service; it notes what it is asked."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qsl, urlsplit

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from scripted_hosts import ScriptedHost, Visit, scripted
from tokens import START_S

from hortus.base.errors import ConfigurationError

TENANT = "8a1f0f3e-0000-4000-8000-000000000001"
CLIENT = "8a1f0f3e-0000-4000-8000-000000000002"


class Question(msgspec.Struct):
    """One call for a token: what stands in it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]


class EntraService:
    """Gives `token-1`, `token-2`, …; `answers` takes precedence."""

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.answers: list[tuple[int, bytes]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.host: ScriptedHost | None = None

    @property
    def address(self) -> str:
        assert self.host is not None
        return f"http://127.0.0.1:{self.host.port}"

    def document(self, **members: str) -> dict[str, str]:
        """Return a document without a way to prove anything."""
        return {"type": "entra", "tenant_id": TENANT, "client_id": CLIENT, "authority": self.address, **members}

    async def serve(self, visit: Visit) -> None:
        while (request := await visit.request()) is not None:
            await self.gate.wait()
            self.questions.append(_read(request))
            token = {"access_token": f"token-{len(self.questions)}", "expires_in": 3599, "token_type": "Bearer"}
            status, body = self.answers.pop(0) if self.answers else (200, msgspec.json.encode(token))
            head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            await visit.send(head.encode() + body)


def _read(request: bytes) -> Question:
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split(" ")
    parts = urlsplit(target)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Question(method, parts.path, dict(parse_qsl(parts.query)), headers, dict(parse_qsl(body.decode())))


class Drawers:
    """References and what lies behind them."""

    def __init__(self, **values: str) -> None:
        self.values = values

    def read(self, reference: str) -> str:
        if reference not in self.values:
            raise ConfigurationError(f"there is nothing under {reference}")
        return self.values[reference]


def pem_of(key: RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def certificate_of(key: RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hortus.example")])
    day = dt.datetime.fromtimestamp(START_S, tz=dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(day)
        .not_valid_after(day + dt.timedelta(days=365))
        .sign(key, SHA256())
    )


@asynccontextmanager
async def entra_service() -> AsyncIterator[EntraService]:
    service = EntraService()
    async with scripted(service.serve) as host:
        service.host = host
        yield service
