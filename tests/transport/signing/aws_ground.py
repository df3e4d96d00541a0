"""Everything of AWS that gives key pairs, on loopback: metadata, container credentials and STS, with a moving clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

import msgspec
from scripted_hosts import ScriptedHost, Visit, scripted
from tokens import ManualClock

from aws_side import signed_by


class Request(msgspec.Struct):
    """A request as it came."""

    method: str
    resource: str
    headers: dict[str, str]
    body: bytes


def read_request(data: bytes) -> Request:
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, resource, _ = first.split(" ")
    return Request(method, resource, dict(line.split(": ", 1) for line in lines), body)


class AwsGround:
    """Gives `AK1`, `AK2`, …; `answers` takes precedence by resource, `gate` holds answers back."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.asked: list[Request] = []
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        self.secrets = {"AKONE": "secret-one"}
        """Key pairs that STS knows."""
        self.lasts_s = 3600
        self.given = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.host: ScriptedHost | None = None

    @property
    def url(self) -> str:
        assert self.host is not None
        return f"http://127.0.0.1:{self.host.port}"

    async def serve(self, visit: Visit) -> None:
        while (data := await visit.request()) is not None:
            request = read_request(data)
            self.asked.append(request)
            await self.gate.wait()
            waiting = self.answers.get(request.resource)
            status, body = waiting.pop(0) if waiting else self._answer(request)
            await visit.send(f"HTTP/1.1 {status} X\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)

    def _answer(self, request: Request) -> tuple[int, bytes]:
        profiles = "/latest/meta-data/iam/security-credentials/"
        match request.method, request.resource:
            case "PUT", "/latest/api/token":
                assert request.headers["x-aws-ec2-metadata-token-ttl-seconds"] == "21600"
                return 200, b"session=="
            case "GET", resource if resource.startswith(profiles):
                assert request.headers["x-aws-ec2-metadata-token"] == "session=="
                return 200, b"a-profile" if resource == profiles else self._pair()
            case "GET", "/v2/credentials/x":
                return 200, self._pair()
            case "POST", "/":
                return self._take_role(request)
        return 404, b""

    def _take_role(self, request: Request) -> tuple[int, bytes]:
        form = parse_qs(request.body.decode())
        if form["Action"] == ["AssumeRole"]:
            url = f"{self.url}{request.resource}"
            who = signed_by("POST", url, headers=request.headers, body=request.body, secrets=self.secrets)
            assert who is not None
            assert who.service == "sts"
        pair = msgspec.json.decode(self._pair())
        pair["SessionToken"] = pair.pop("Token")
        inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in pair.items() if name != "Code")
        return 200, f"<R><Result>\n<Credentials>{inner}</Credentials></Result></R>".encode()

    def _pair(self) -> bytes:
        self.given += 1
        self.secrets[f"AK{self.given}"] = f"secret-{self.given}/+"
        ends = datetime.fromtimestamp(self.clock.now_ms() / 1000 + self.lasts_s, tz=UTC)
        pair = {
            "Code": "Success",
            "AccessKeyId": f"AK{self.given}",
            "SecretAccessKey": f"secret-{self.given}/+",
            "Token": f"token&{self.given}==",
            "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return msgspec.json.encode(pair)


@asynccontextmanager
async def aws_ground(clock: ManualClock) -> AsyncIterator[AwsGround]:
    ground = AwsGround(clock)
    async with scripted(ground.serve) as host:
        ground.host = host
        yield ground
