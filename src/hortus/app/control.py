"""The control process: the admin API on its port and on `run/control.sock`, and the snapshot kept up to date.

It writes the store and the snapshot and nothing else. The gateway answers without it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Generator, Mapping
from datetime import date
from pathlib import Path

import msgspec
import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

import hortus
from hortus.access.acts import BY_HOME, acting
from hortus.app.bounded_protocol import BoundedProtocol
from hortus.app.clock import SystemClock, random_bytes
from hortus.app.context import RoleContext
from hortus.app.credentials import Credentials
from hortus.app.face import Face
from hortus.app.home import Home
from hortus.app.modelfiles import Fetching, ModelFiles
from hortus.app.opening import Openers
from hortus.app.outward import is_own_hub, transport_settings
from hortus.app.secret_files import AdminToken, SecretFile
from hortus.app.secrets import confirm_secret, load_secrets
from hortus.app.settings import Loaded, Settings, shown_setting
from hortus.app.signing import ensure_signing_key
from hortus.base.addresses import read_networks
from hortus.base.errors import ConfigurationError, HortusError, InstallationError
from hortus.base.secrets import Secret
from hortus.base.time import Clock, utc_day
from hortus.catalog.loading import load_catalog
from hortus.catalog.pricerows import PriceRow
from hortus.catalog.prices import price_of_offer
from hortus.catalog.rows import Offer
from hortus.content.archive import Archive
from hortus.content.kept import KeptBounds
from hortus.control.app import build_app
from hortus.control.fault import suggest
from hortus.control.plane import Installation, Plane, Ports
from hortus.control.workshop.conductor import Conductor
from hortus.engines.fetch import Hub
from hortus.engines.sources import SEEDLING_FOLDER
from hortus.jobs.folders import Allowance, WorkshopPlaces
from hortus.store.access import AccessTable
from hortus.store.acts import ActTable
from hortus.store.chainreading import ChainReader
from hortus.store.database import Store, open_store
from hortus.store.jobs import JobTable
from hortus.store.objects import ObjectTable
from hortus.store.receipts import ReceiptTable
from hortus.store.secretchecks import SecretCheckTable
from hortus.store.standings import StandingTable
from hortus.transport.hosts import HttpHosts

LOOK_EVERY_S = 0.5
"""How often the configuration file and credentials are looked at."""

_GRACE_S = 5
_UNIX_BACKLOG = 128
_GIB = 1024**3

_log = logging.getLogger("hortus.control")


def main(context: RoleContext) -> None:
    """Run the role until SIGTERM or SIGINT.

    Raises:
        InstallationError: The store or the snapshot cannot be used.
    """
    store = open_store(context.home.store, clock=SystemClock())
    try:
        asyncio.run(_serve(context, store))
    finally:
        store.close()


async def _serve(context: RoleContext, store: Store) -> None:
    hosts = HttpHosts(transport_settings(context.settings))
    try:
        secrets = SecretFile(context.home)
        plane = _make_plane(context, store, hosts=hosts, secrets=secrets)
        await asyncio.to_thread(plane.start)
        token = AdminToken(context.home, given=context.loaded.environment.get("HORTUS_ADMIN_TOKEN"))
        face = Face(plane, context.home.engines, clock=SystemClock())
        servers = [*_make_servers(context, plane, token=token), (_server(face.app), face.listener)]
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _stop, servers)
        async with asyncio.TaskGroup() as tasks:
            fetching = tasks.create_task(
                _make_fetching(context).keep_fetching(plane.missing_sources), name="fetch models"
            )
            looking = tasks.create_task(_keep_looking(plane), name="look at file and credentials")
            conducting = tasks.create_task(_make_conductor(context, plane).keep_looking(), name="carry jobs on")
            telling = tasks.create_task(face.keep_telling(), name="tell where the workshop is")
            confirming = tasks.create_task(_keep_confirming(context.home, secrets, store), name="look at secrets")
            serving = [tasks.create_task(server.serve(sockets=[listener])) for server, listener in servers]
            await asyncio.gather(*serving)
            looking.cancel()
            confirming.cancel()
            conducting.cancel()
            telling.cancel()
            fetching.cancel()
        face.close()
    finally:
        context.home.control_socket.unlink(missing_ok=True)
        await hosts.close()


def _make_conductor(context: RoleContext, plane: Plane) -> Conductor:
    node = context.settings

    def door() -> str:
        """A certificate names the public address, hardly ever loopback."""
        return (node.public_url if node.tls_cert else None) or _door_of(context.home)

    return Conductor(plane, door=door, poll_s=node.tuning_poll_s, ca_bundle=node.tls_cert)


def _make_fetching(context: RoleContext) -> Fetching:
    config_file = context.loaded.config_file
    return Fetching(
        context.home.models,
        directory=config_file.parent if config_file else context.home.root,
        hub=Hub(url=context.settings.hub_url, token=context.loaded.environment.get("HF_TOKEN")),
        transport=transport_settings(context.settings),
        may_be_private=is_own_hub(context.settings),
    )


def _make_plane(context: RoleContext, store: Store, *, hosts: HttpHosts, secrets: SecretFile) -> Plane:
    home, clock, config_file = context.home, SystemClock(), context.loaded.config_file
    confirm_secret(load_secrets(home), SecretCheckTable(store), path=home.secret_key)
    catalog = load_catalog()
    credentials = Credentials(context.loaded.environment, directory=home.credentials)
    ports = Ports(
        access=AccessTable(store, clock),
        objects=ObjectTable(store, clock),
        receipts=ReceiptTable(store),
        chain=ChainReader(store),
        acts=ActTable(store),
        content=_open_content(context, secrets, clock),
        pools=StandingTable(store),
        jobs=JobTable(store),
        credentials=NodeCredentials(credentials),
        hosts=hosts,
        opening=Openers(credentials, hosts, clock=clock),
        clock=clock,
        entropy=random_bytes,
    )
    installation = Installation(
        version=hortus.__version__,
        secret=secrets.current,
        secret_of=secrets.version,
        snapshot=home.snapshot,
        engines=home.engines,
        addresses=home.addresses,
        store=home.store,
        journal=home.journal,
        metrics=home.metrics,
        config_file=config_file,
        runs_seedling=context.settings.seedling,
        settings=tuple(_setting_rows(context.loaded)),
        find_model_file=ModelFiles(home.models, directory=config_file.parent if config_file else home.root),
        check_settings=check_settings,
        store_schema=store.schema_version(),
        workshop=workshop_places(home, _allowance_of(context.settings)),
        signing=lambda: ensure_signing_key(home),
        private_networks=read_networks(context.settings.private_networks, setting="private_networks"),
        country=context.settings.country,
    )

    def price_of(offer: Offer) -> PriceRow | None:
        return price_of_offer(catalog, offer, at=_today(clock))

    def price_on(offer: Offer, day: date) -> PriceRow | None:
        return price_of_offer(catalog, offer, at=day)

    return Plane(ports, installation, catalog=catalog, price_of=price_of, price_on=price_on)


def workshop_places(home: Home, allowance: Allowance = Allowance()) -> WorkshopPlaces:  # noqa: B008 -- frozen
    """Return where the workshop's things lie; folders that hold people's words are their owner's alone."""
    for folder in (home.files, home.datasets, home.jobs, home.suites):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return WorkshopPlaces(
        files=home.files,
        datasets=home.datasets,
        jobs=home.jobs,
        models=home.models,
        suites=home.suites,
        orders=home.orders,
        seedling=SEEDLING_FOLDER,
        allowance=allowance,
    )


def _allowance_of(node: Settings) -> Allowance:
    return Allowance(
        jobs=node.workshop_jobs, bytes=node.workshop_gib * _GIB, free_bytes=int(node.workshop_free_gib * _GIB)
    )


def _door_of(home: Home) -> str:
    """Return the door's address, as `hortus up` has written it. Raises InstallationError before that."""
    try:
        return msgspec.json.decode(home.addresses.read_bytes(), type=_Addresses).door
    except (OSError, msgspec.DecodeError) as error:
        raise InstallationError("The door is not open yet.", path=str(home.addresses)) from error


class _Addresses(msgspec.Struct, frozen=True):
    door: str


def _open_content(context: RoleContext, secrets: SecretFile, clock: Clock) -> Archive:
    node = context.settings
    bounds = KeptBounds(seals_hours=node.seals_hours, host_ids_days=node.host_ids_days)
    return Archive(context.home.content, secrets, bounds=bounds, clock=clock, entropy=random_bytes)


class NodeCredentials:
    """What credential references stand for on this node, read as the workers read them."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def is_present(self, reference: str) -> bool:
        """Tell whether there is a secret behind the reference."""
        return self._credentials.is_present(reference)

    def read(self, reference: str) -> str | None:
        """Return the secret, None where there is none that can be sent."""
        try:
            return self._credentials.read(reference)
        except ConfigurationError:
            return None


def check_settings(table: Mapping[str, object]) -> None:
    """Judge the table `[settings]` of a file that was changed while Hortus runs.

    Raises:
        ConfigurationError: A setting is unknown or has a value that cannot be.
    """
    known = Settings.__struct_fields__
    unknown = next((name for name in table if name not in known), None)
    if unknown is not None:
        hint = suggest(unknown, known) or "`hortus config settings` lists every setting."
        raise ConfigurationError(f"`{unknown}` is no setting.", path=f"settings.{unknown}", hint=hint)
    for name, value in table.items():
        try:
            msgspec.convert({name: value}, Settings)
        except msgspec.ValidationError as error:
            reason = str(error).split(" - at ")[0]
            hint = "`hortus config settings` lists every setting with its bounds."
            raise ConfigurationError(f"`{name}`: {reason}.", path=f"settings.{name}", hint=hint) from error


class _QuietServer(uvicorn.Server):
    """A server that leaves signals to the process it is in."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def _server(app: ASGIApp, *, cert: str | None = None, key: str | None = None) -> _QuietServer:
    return _QuietServer(
        uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_GRACE_S,
            ssl_certfile=cert,
            ssl_keyfile=key,
        )
    )


def _make_servers(context: RoleContext, plane: Plane, *, token: AdminToken) -> list[tuple[_QuietServer, socket.socket]]:
    """Return a server for the admin port and one, without TLS, for the Unix socket."""
    app = build_app(plane, token=token.read)
    settings = context.settings

    servers = [
        (_server(app, cert=settings.tls_cert, key=settings.tls_key), socket.socket(fileno=number))
        for number in context.sockets[:1]
    ]
    unix = _listen_unix(context.home.control_socket)
    return [*servers, (_server(app), unix)] if unix is not None else servers


def _listen_unix(path: Path) -> socket.socket | None:
    """Return the listening socket, None (and a warning) where the path is too long for one."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        path.unlink(missing_ok=True)
        path.parent.chmod(0o700)  # the directory keeps others out, also before the socket's own mode is set
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(_UNIX_BACKLOG)
    except OSError as error:
        listener.close()
        _log.warning("no Unix socket for the admin API; its port works", extra={"reason": str(error)})
        return None
    listener.setblocking(False)  # noqa: FBT003 -- the standard library's signature
    return listener


def _stop(servers: list[tuple[_QuietServer, socket.socket]]) -> None:
    for server, _ in servers:
        server.should_exit = True


async def _keep_confirming(home: Home, secrets: SecretFile, store: Store) -> None:
    """Let the store remember each version of the secret that is made meanwhile, and forget what is retired."""
    checks = SecretCheckTable(store)
    remembered: tuple[Secret, ...] = ()
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        secrets.look_again()
        if secrets.newest_first is remembered:
            continue
        known = secrets.newest_first
        try:
            with acting(BY_HOME, operation="secrets"):
                await asyncio.to_thread(lambda: confirm_secret(load_secrets(home), checks, path=home.secret_key))
        except HortusError as error:
            _log.error("cannot remember a version of the secret", extra={"reason": str(error)})
        else:
            remembered = known


async def _keep_looking(plane: Plane) -> None:
    """Notice changes of file and credentials; what fails is said and tried again."""
    last: str | None = None
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            async with plane.changing:
                await asyncio.to_thread(plane.look)
            last = None
        except HortusError as error:
            if str(error) != last:
                _log.error("cannot bring the snapshot up to date", extra={"reason": str(error)})
            last = str(error)


def _setting_rows(loaded: Loaded) -> list[tuple[str, str, str]]:
    rows = []
    for name in Settings.__struct_fields__:
        value = getattr(loaded.settings, name)
        shown = shown_setting(name, value)
        rows.append((name, msgspec.json.encode(shown).decode(), loaded.origins.get(name, "default")))
    return rows


def _today(clock: Clock) -> date:
    return utc_day(clock.now_ms())
