"""A token service on loopback that checks each claim as Google would, with a clock that the test moves."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import msgspec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from scripted_hosts import ScriptedHost, Visit, scripted

EMAIL = "robot@example-project.iam.gserviceaccount.com"
START_S = 1_795_000_000


class ManualClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.passed_s = 0.0

    def now_ms(self) -> int:
        return int((START_S + self.passed_s) * 1000)

    def monotonic_s(self) -> float:
        return 1000.0 + self.passed_s


class TokenService:
    """Gives `token-1`, `token-2`, …; `answers` takes precedence, `gate` holds answers back."""

    def __init__(self, key: RSAPrivateKey, clock: ManualClock) -> None:
        self.key = key
        self.clock = clock
        self.claims: list[dict[str, object]] = []
        self.answers: list[tuple[int, bytes]] = []
        self.expires_in_s = 3599
        self.gate = asyncio.Event()
        self.gate.set()
        self.host: ScriptedHost | None = None

    @property
    def uri(self) -> str:
        assert self.host is not None
        return f"http://127.0.0.1:{self.host.port}/token"

    def key_file(self, **other: object) -> str:
        pem = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        file = {
            "type": "service_account",
            "project_id": "example-project",
            "private_key_id": "kid-1",
            "private_key": pem,
            "client_email": EMAIL,
            "token_uri": self.uri if self.host else "https://oauth2.googleapis.com/token",
        }
        return msgspec.json.format(msgspec.json.encode(file | other), indent=2).decode()

    async def serve(self, visit: Visit) -> None:
        while (request := await visit.request()) is not None:
            await self.gate.wait()
            status, body = self._answer(request)
            head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
            await visit.send(head.encode() + body)

    def _answer(self, request: bytes) -> tuple[int, bytes]:
        head, _, body = request.partition(b"\r\n\r\n")
        assert head.startswith(b"POST /token HTTP/1.1")
        assert b"content-type: application/x-www-form-urlencoded" in head
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        self.claims.append(self.check(form["assertion"]))
        if self.answers:
            return self.answers.pop(0)
        token = {"access_token": f"token-{len(self.claims)}", "expires_in": self.expires_in_s, "token_type": "Bearer"}
        return 200, msgspec.json.encode(token)

    def check(self, assertion: str) -> dict[str, object]:
        """Return the claims of a JWT whose signature is right; raises where it is not."""
        signed, _, signature = assertion.rpartition(".")
        self.key.public_key().verify(decode(signature), signed.encode(), PKCS1v15(), SHA256())
        header, claims = (msgspec.json.decode(decode(part)) for part in signed.split("."))
        assert header == {"alg": "RS256", "typ": "JWT", "kid": "kid-1"}
        assert isinstance(claims, dict)
        return claims


def decode(text: str) -> bytes:
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@asynccontextmanager
async def token_service(key: RSAPrivateKey, clock: ManualClock) -> AsyncIterator[TokenService]:
    service = TokenService(key, clock)
    async with scripted(service.serve) as host:
        service.host = host
        yield service
