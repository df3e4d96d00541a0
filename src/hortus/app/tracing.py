"""Where traces go: the collector that the settings name, reached with our own client while the ledger lives."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import unquote

import msgspec
from typing_extensions import override

import hortus
from hortus.app.credentials import Credentials
from hortus.app.home import Home
from hortus.app.outward import transport_settings
from hortus.app.settings import Loaded
from hortus.base.errors import ConfigurationError
from hortus.ledger.desks import InThread
from hortus.ledger.spans import Pace, Reply, SpanSender
from hortus.snapshot.model import Timeouts
from hortus.telemetry.meters import LedgerMeters
from hortus.telemetry.otlp import PATH
from hortus.transport.client import Client
from hortus.transport.settings import TransportSettings

_TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=10.0, idle_s=5.0, total_s=15.0)
_LARGEST_REPLY_BYTES = 1024 * 1024
_AFTER_A_FAULT_S = 5.0
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")

_log = logging.getLogger("hortus.spans")


class Tracing(msgspec.Struct, frozen=True):
    """Where and how traces are sent.

    Attributes:
        url: Of the collector, path and all.
        headers: What it asks for; may hold secrets.
    """

    url: str
    headers: dict[str, str]
    transport: TransportSettings
    pace: Pace = Pace()

    @override
    def __repr__(self) -> str:
        return "Tracing(<headers may hold secrets>)"


def read_tracing(loaded: Loaded, home: Home) -> Tracing | None:
    """Return where traces go, None if nowhere.

    Raises:
        ConfigurationError: The collector's headers are missing, or are none.
    """
    node = loaded.settings
    if node.otlp_endpoint is None:
        return None
    headers = {"content-type": "application/json"}
    credentials = Credentials(loaded.environment, directory=home.credentials)
    if loaded.origins.get("otlp_headers", "default") != "default" or credentials.is_present(node.otlp_headers):
        headers |= _read_headers(credentials.read(node.otlp_headers), node.otlp_headers)
    address = node.otlp_endpoint.rstrip("/")
    return Tracing(
        url=address if address.endswith(PATH) else address + PATH, headers=headers, transport=transport_settings(node)
    )


def _read_headers(text: str, reference: str) -> dict[str, str]:
    """Read `name=value,name=value`; values are percent-encoded, as in OTEL_EXPORTER_OTLP_HEADERS everywhere."""
    headers = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, sign, value = part.partition("=")
        value = unquote(value.strip())
        if not sign or not _HEADER_NAME.fullmatch(name.strip()) or not (value.isascii() and value.isprintable()):
            raise ConfigurationError(
                "what otlp_headers refers to is not `name=value,name=value`.",
                path=reference,
                hint="Percent-encode commas in values.",
            )
        headers[name.strip().lower()] = value
    return headers


class HttpCollector:
    """A collector behind HTTP (implements `Collector`)."""

    def __init__(self, client: Client, tracing: Tracing) -> None:
        self._client = client
        self._tracing = tracing

    async def post(self, body: bytes) -> Reply:
        """Send a body and return the answer. Raises as `Client.fetch`."""
        answer = await self._client.fetch(
            self._tracing.url, "POST", headers=self._tracing.headers, body=body, limit_bytes=_LARGEST_REPLY_BYTES
        )
        wait = answer.headers.get("retry-after", "")
        # A date there is not read: the sender then waits by its own measure
        return Reply(answer.status, answer.body, float(wait) if wait.isdecimal() else None)


@asynccontextmanager
async def sending_spans(
    tracing: Tracing | None, meters: LedgerMeters, *, in_thread: InThread
) -> AsyncIterator[SpanSender | None]:
    """Send the spans of what is offered meanwhile; at the end what waits is tried once, and not for long."""
    if tracing is None:
        yield None
        return
    async with Client(tracing.transport, timeouts=_TIMEOUTS, may_be_private=True) as client:
        sender = SpanSender(
            HttpCollector(client, tracing),
            meters,
            in_thread=in_thread,
            version=hortus.__version__,
            draw=random.Random().random,  # noqa: S311 -- spreads attempts, keeps no secret
            pace=tracing.pace,
        )
        sending = asyncio.create_task(_keep_sending(sender), name="spans")
        try:
            yield sender
        finally:
            sender.end()
            await asyncio.wait({sending}, timeout=tracing.pace.end_within_s)
            sending.cancel()
            await asyncio.wait({sending})
            sender.give_up()


async def _keep_sending(sender: SpanSender) -> None:
    while True:
        try:
            await sender.run()
        except Exception:  # noqa: BLE001 -- a role's loop: traces never take the ledger down
            _log.exception("sending traces failed; receipts are not touched")
            await sender.rest(_AFTER_A_FAULT_S)
        else:
            return
