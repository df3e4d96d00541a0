"""A control process inside the test: real store, catalog, snapshot and HTTP door on a loopback port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Mapping
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import msgspec
import uvicorn

from hortus.app.clock import SystemClock
from hortus.app.control import NodeCredentials, check_settings, workshop_places
from hortus.app.credentials import Credentials
from hortus.app.home import Home
from hortus.app.modelfiles import ModelFiles
from hortus.app.opening import Openers
from hortus.app.signing import ensure_signing_key
from hortus.base.addresses import read_networks
from hortus.base.secrets import FixedVersions, Secret
from hortus.catalog.loading import load_catalog
from hortus.catalog.lookup import Catalog
from hortus.catalog.prices import price_of_offer
from hortus.content.archive import Archive
from hortus.content.kept import KeptBounds
from hortus.control.app import build_app
from hortus.control.plane import Installation, Plane, Ports
from hortus.snapshot.model import Snapshot
from hortus.snapshot.reading import load_snapshot
from hortus.store.access import AccessTable
from hortus.store.acts import ActTable
from hortus.store.chainreading import ChainReader
from hortus.store.database import Store, open_store
from hortus.store.jobs import JobTable
from hortus.store.objects import ObjectTable
from hortus.store.receipts import ReceiptTable
from hortus.store.standings import StandingTable
from hortus.transport.client import Client, Fetched
from hortus.transport.hosts import HttpHosts
from hortus.transport.settings import TransportSettings

TOKEN = "hortus_at_of-the-tests-0123456789"
SECRET = Secret(1, bytes(range(32)))


@lru_cache
def _catalog() -> Catalog:
    return load_catalog()


def make_plane(
    home: Home,
    store: Store,
    *,
    hosts: HttpHosts,
    environment: Mapping[str, str] | None = None,
    has_file: bool = True,
    catalog: Catalog | None = None,
    networks: tuple[str, ...] = (),
) -> Plane:
    """Return the state behind the API on a home of its own."""
    clock = SystemClock()
    catalog = catalog or _catalog()
    for place in (home.journal, home.engines, home.metrics, home.credentials, home.models):
        place.mkdir(parents=True, exist_ok=True)
    credentials = Credentials(environment or {}, directory=home.credentials)
    ports = Ports(
        access=AccessTable(store, clock),
        objects=ObjectTable(store, clock),
        receipts=ReceiptTable(store),
        chain=ChainReader(store),
        acts=ActTable(store),
        content=Archive(home.content, FixedVersions((SECRET,)), bounds=KeptBounds(), clock=clock, entropy=os.urandom),
        pools=StandingTable(store),
        jobs=JobTable(store),
        credentials=NodeCredentials(credentials),
        hosts=hosts,
        opening=Openers(credentials, hosts, clock=clock),
        clock=clock,
        entropy=os.urandom,
    )
    installation = Installation(
        version="0.0.test",
        secret=lambda: SECRET,
        secret_of={SECRET.version: SECRET}.get,
        snapshot=home.snapshot,
        engines=home.engines,
        addresses=home.addresses,
        store=home.store,
        journal=home.journal,
        metrics=home.metrics,
        config_file=home.root / "hortus.toml" if has_file else None,
        runs_seedling=True,
        settings=(("port", "8000", "default"),),
        find_model_file=ModelFiles(home.models, directory=home.root),
        check_settings=check_settings,
        store_schema=store.schema_version(),
        workshop=workshop_places(home),
        signing=lambda: ensure_signing_key(home),
        private_networks=read_networks(networks, setting="private_networks"),
    )
    price_of = partial(price_of_offer, catalog, at=date(2026, 11, 23))
    return Plane(
        ports,
        installation,
        catalog=catalog,
        price_of=price_of,
        price_on=lambda offer, day: price_of_offer(catalog, offer, at=day),
    )


class Control:
    """A running admin API and what it stands on."""

    def __init__(self, home: Home, plane: Plane, *, url: str, client: Client) -> None:
        self.home = home
        self.plane = plane
        self.url = url
        self.client = client

    async def send(
        self, method: str, path: str, body: object = None, *, token: str | None = TOKEN, headers: Any = None
    ) -> Fetched:
        """Send one request below the address."""
        sent = dict(headers or {})
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        content = body if isinstance(body, bytes) else b""
        if body is not None and not isinstance(body, bytes):
            sent["content-type"] = "application/json"
            content = msgspec.json.encode(body)
        return await self.client.fetch(self.url + path, method, headers=sent, body=content)

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """Do one operation that succeeds."""
        answer = await self.send(method, f"/admin/v1{path}", body)
        assert answer.status in {200, 201}, answer.body
        return msgspec.json.decode(answer.body)

    async def fail(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """Do one operation that is refused; return status and error."""
        answer = await self.send(method, f"/admin/v1{path}", body)
        assert answer.status >= 400, answer.body
        return answer.status, msgspec.json.decode(answer.body)["error"]

    def snapshot(self) -> Snapshot:
        """Return what lies on disk."""
        return load_snapshot(self.home.snapshot)

    def stored_bytes(self) -> bytes:
        """Return everything in the store's files."""
        return b"".join(file.read_bytes() for file in self.home.root.glob("store.sqlite*"))

    def write_file(self, text: str) -> None:
        """Write hortus.toml and let control look at it, as its loop does: again and again."""
        (self.home.root / "hortus.toml").write_text(text, "utf-8")
        self.plane.look()
        self.plane.look()


@contextlib.asynccontextmanager
async def running_control(
    root: Path,
    *,
    toml: str = "",
    environment: Mapping[str, str] | None = None,
    has_file: bool = True,
    catalog: Catalog | None = None,
    networks: tuple[str, ...] = (),
) -> AsyncIterator[Control]:
    """Start control on a directory of its own, with a catalog and networks that are not the usual ones if need be."""
    home = Home(root)
    if has_file:
        (root / "hortus.toml").write_text(toml, "utf-8")
    store = open_store(home.store, clock=SystemClock())
    hosts = HttpHosts(TransportSettings(private_networks=networks))
    plane = make_plane(
        home, store, hosts=hosts, environment=environment, has_file=has_file, catalog=catalog, networks=networks
    )
    plane.start()
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(build_app(plane, token=lambda: TOKEN), lifespan="off", log_config=None, access_log=False)
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with Client(may_be_private=True) as client:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            yield Control(home, plane, url=url, client=client)
    finally:
        server.should_exit = True
        await serving
        await hosts.close()
        store.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield
