"""The state behind the admin API: what the file says, what was compiled, and the one place that compiles.

Changes come one at a time (the admin API holds `changing`); a change is done when its snapshot lies on disk.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import TypeVar

import msgspec

from hortus.access.acts import BY_FILE, acting
from hortus.base.addresses import Network
from hortus.base.errors import ConfigurationError, HortusError
from hortus.base.secrets import Secret
from hortus.base.time import Clock, utc_day
from hortus.catalog.lookup import Catalog, PriceOf, PriceOn
from hortus.control import applying
from hortus.control.configfile import Declaration, Report, read_config
from hortus.control.policychecks import check_policies, known_to
from hortus.control.ports import Access, Acts, Chain, Content, Credentials, Entropy, Objects, Opening, Pools, Receipts
from hortus.control.scopes import currencies_in, settle_file
from hortus.control.tomllines import Lines
from hortus.gateway.ports import Hosts
from hortus.jobs.folders import WorkshopPlaces
from hortus.jobs.ports import Jobs
from hortus.policy.rules import Policy
from hortus.receipts.checkpoint import SigningKey
from hortus.snapshot.compile import (
    SEEDLING,
    Conditions,
    DeclaredObjects,
    compile_snapshot,
    with_seedling,
)
from hortus.snapshot.declared import DeploymentSpec, EndpointSpec, ProjectSpec, RateSpec, RouteSpec
from hortus.snapshot.endpoints import credential_of
from hortus.snapshot.model import WORKSHOP, Endpoint, Snapshot
from hortus.snapshot.writing import publish
from hortus.tuning.looks import Looks

DEFAULT_PROJECT = "default"

_DAY_MS = 86_400_000

_log = logging.getLogger("hortus.control")
_Kind = TypeVar("_Kind")


class Ports(msgspec.Struct, frozen=True):
    """Everything with an effect that the admin API may use."""

    access: Access
    objects: Objects
    receipts: Receipts
    chain: Chain
    acts: Acts
    content: Content
    pools: Pools
    jobs: Jobs
    credentials: Credentials
    hosts: Hosts
    opening: Opening
    clock: Clock
    entropy: Entropy


class Installation(msgspec.Struct, frozen=True):
    """What never changes while this process lives.

    Attributes:
        secret: Gives the version of the installation's secret that keys the digests of new keys now.
        secret_of: Gives a version of it by its number, None where there is none such.
        settings: Name, value as text and origin of each setting.
        config_file: The node's `hortus.toml`, None where it has none.
        find_model_file: File of a deployment's source, None where it is not here.
        check_settings: Raises ConfigurationError for a table `[settings]` that cannot be.
        store_schema: Revision of the store's tables.
        workshop: Where files, bases and jobs lie.
        signing: Returns the key that signs checkpoints and exports.
        private_networks: May be called though they are not public.
        country: Where this installation stands, None where nobody said.
    """

    version: str
    secret: Callable[[], Secret]
    secret_of: Callable[[int], Secret | None]
    snapshot: Path
    engines: Path
    addresses: Path
    store: Path
    journal: Path
    metrics: Path
    config_file: Path | None
    runs_seedling: bool
    settings: tuple[tuple[str, str, str], ...]
    find_model_file: Callable[[str], str | None]
    check_settings: Callable[[Mapping[str, object]], None]
    store_schema: str
    workshop: WorkshopPlaces
    signing: Callable[[], SigningKey]
    private_networks: tuple[Network, ...] = ()
    country: str | None = None


class FileStanding(msgspec.Struct, frozen=True):
    """How the configuration file stands; see `views.FileState`."""

    path: str | None = None
    state: str = "absent"
    error: str | None = None
    applied_at_ms: int | None = None
    needs_restart: bool = False


class _Outside(msgspec.Struct, frozen=True):
    """What may change without a call to this process's API."""

    day: int
    objects_version: int
    present: frozenset[str]
    model_files: dict[str, str]


class Plane:
    """One control process."""

    def __init__(
        self,
        ports: Ports,
        installation: Installation,
        *,
        catalog: Catalog,
        price_of: PriceOf,
        price_on: PriceOn,
    ) -> None:
        self.ports = ports
        self.installation = installation
        self.catalog = catalog
        self.price_of = price_of
        self.price_on = price_on
        self.started_at_ms = ports.clock.now_ms()
        self.changing = asyncio.Lock()
        self.looks = Looks()
        self.file = FileStanding(path=_text(installation.config_file))
        self.declaration: Declaration | None = None
        self.snapshot: Snapshot | None = None
        self.unusable: dict[str, str] = {}
        self._seen_file: tuple[int, int, int] | None = None
        self._noticed_file: tuple[int, int, int] | None = None
        self._seen: _Outside | None = None
        self._conditions: Conditions | None = None
        self._references: frozenset[str] = frozenset()
        self._sources: frozenset[str] = frozenset()

    def start(self) -> None:
        """Make what a first start needs, apply the file and put the first snapshot in place.

        Raises:
            InstallationError: Store or snapshot cannot be written.
        """
        self.ports.access.organisation()
        if self.ports.access.project(DEFAULT_PROJECT) is None:
            first = ProjectSpec(name=DEFAULT_PROJECT, routes=(SEEDLING.name, WORKSHOP))
            self.ports.access.put_project(first, origin=applying.BUILT_IN)
        self._take_file()
        self.recompile()

    def look(self) -> None:
        """Notice what changed outside: the file, credentials, model files. Called every half second."""
        if self._file_changed():
            self._take_file()
            self.recompile()
        elif self._look_outside() != self._seen:
            self.recompile()

    def recompile(self) -> Snapshot:
        """Compile what is declared and put it in place.

        Raises:
            InstallationError: The snapshot cannot be written.
        """
        before = self.snapshot
        declared = self.declared()
        self._conditions = self._look_around(declared)
        compiled = compile_snapshot(declared, catalog=self.catalog, price_of=self.price_of, conditions=self._conditions)
        self.unusable = compiled.unusable
        self.snapshot = publish(compiled.snapshot, self.installation.snapshot)
        if before is None or before.version != self.snapshot.version:
            _log.info("snapshot in place", extra={"version": self.snapshot.version})
        return self.snapshot

    def endpoints_if_lit(self) -> dict[str, Endpoint]:
        """Return the endpoints as they would be if no credential were missing, without prices: for verdicts."""
        if self._conditions is None:
            self.recompile()
        assert self._conditions is not None  # noqa: S101 -- every compilation has some
        conditions = msgspec.structs.replace(self._conditions, present=self._references)
        compiled = compile_snapshot(
            self.declared(), catalog=self.catalog, price_of=lambda _offer: None, conditions=conditions
        )
        return compiled.snapshot.endpoints

    def declared(self) -> DeclaredObjects:
        """Return everything that is declared now."""
        stored = [one for kind in applying.OBJECT_KINDS for one in self.ports.objects.list(kind, include_retired=True)]
        live = [one for one in stored if one.retired_at_ms is None]
        specs = [one.spec for one in live]
        gone = [(one.name, one.retired_at_ms) for one in stored if one.kind in {"endpoint", "deployment"}]
        return DeclaredObjects(
            endpoints=_only(specs, EndpointSpec),
            routes=_only(specs, RouteSpec),
            deployments=_only(specs, DeploymentSpec),
            rates=_only(specs, RateSpec),
            policies=_only((one.spec for one in stored), Policy),
            origins={one.name: one.origin for one in live if one.kind == "endpoint"},
            created_at_s={one.name: one.created_at_ms // 1000 for one in live if one.kind in {"route", "deployment"}},
            retired_at_ms={name: retired_at_ms for name, retired_at_ms in gone if retired_at_ms is not None},
        )

    def today(self) -> date:
        """Return the day (UTC)."""
        return utc_day(self.ports.clock.now_ms())

    def read_text(self, data: bytes, *, file: str) -> tuple[Declaration, list[applying.Change]]:
        """Read a configuration and compare it with the store.

        Raises:
            ConfigurationError: Something in it is wrong; the message names each fault with its line.
        """
        declaration = read_config(
            data,
            file=file,
            hosts=self.catalog.hosts,
            networks=self.installation.private_networks,
            today=self.today(),
        )
        try:
            self.installation.check_settings(declaration.settings)
        except ConfigurationError as error:
            key = next((key for key in declaration.settings if key in str(error)), None)
            line = declaration.settings_lines.get(key or "", 1)
            where = f"{file}:{line} settings{f'.{key}' if key else ''}"
            raise ConfigurationError(error.message, path=where, hint=error.hint) from error
        declaration, unsettled = settle_file(
            declaration, access=self.ports.access, objects=self.ports.objects, currencies=self.currencies
        )
        found = applying.find_conflicts(declaration, access=self.ports.access, objects=self.ports.objects)
        faults = [*check_policies(declaration, known_to(self.catalog)), *found, *unsettled]
        if faults:
            raise Report(file, Lines(data.decode("utf-8-sig").replace("\r\n", "\n"))).error(faults)
        return declaration, applying.plan(declaration, access=self.ports.access, objects=self.ports.objects)

    def apply(self, declaration: Declaration, changes: list[applying.Change]) -> None:
        """Bring the store to what the file declares; policies are in place before projects name them."""
        fresh = [change for change in changes if change.kind == "policy" and change.action == "create"]
        if fresh and self.installation.snapshot.exists():
            applying.apply(fresh, access=self.ports.access, objects=self.ports.objects)
            self.recompile()
        applying.apply(changes, access=self.ports.access, objects=self.ports.objects)
        self.declaration = declaration
        for change in applying.visible(changes):
            _log.info(
                "configuration applied", extra={"change": change.action, "kind": change.kind, "object": change.name}
            )

    def where_in_file(self, kind: str, name: str) -> str:
        """Return where the file declares an object, as exactly as is known."""
        place = self.declaration.where(kind, name) if self.declaration is not None else None
        return place or self.file.path or "hortus.toml"

    def missing_sources(self) -> frozenset[str]:
        """Return the sources of deployments whose files are not here."""
        return self._sources - set(self._seen.model_files) if self._seen is not None else frozenset()

    @property
    def currencies(self) -> frozenset[str]:
        """Those that budgets may have by the catalog alone."""
        return currencies_in(self.catalog.rows.rates)

    def is_present(self, reference: str) -> bool:
        """Tell whether a credential is here."""
        return self.ports.credentials.is_present(reference)

    def is_lit(self, host_id: str) -> bool:
        """Tell whether the host's usual credential is here."""
        variable = self.catalog.hosts[host_id].credential_env
        return variable is not None and self.is_present(f"env:{variable}")

    def _take_file(self) -> None:
        file = self.installation.config_file
        if file is None:
            return
        self._seen_file = _stamp(file)
        try:
            data = file.read_bytes()
        except OSError as error:
            self._refuse(f"{file}: cannot be read: {error.strerror}. The configuration before it stays.")
            return
        if self.declaration is not None and _stamp(file) != self._seen_file:
            self._seen_file = None  # somebody writes it at this moment: the next look takes it
            return
        before = self.declaration
        try:
            declaration, changes = self.read_text(data, file=file.name)
            with acting(BY_FILE, operation="config.apply"):
                self.apply(declaration, changes)
        except HortusError as error:
            self._refuse(str(error))
            return
        is_other = before is not None and before.settings != declaration.settings
        self.file = FileStanding(
            path=str(file),
            state="applied",
            applied_at_ms=self.ports.clock.now_ms(),
            needs_restart=self.file.needs_restart or is_other,
        )

    def _refuse(self, reason: str) -> None:
        self.file = msgspec.structs.replace(self.file, state="refused", error=reason)
        _log.error("configuration file refused, the one before stays", extra={"reason": reason})

    def _file_changed(self) -> bool:
        """Tell whether the file is another one; an empty one must be so at two looks: it may just be written anew."""
        file = self.installation.config_file
        if file is None:
            return False
        before, self._noticed_file = self._noticed_file, _stamp(file)
        is_empty = self._noticed_file is not None and self._noticed_file[1] == 0
        return self._noticed_file != self._seen_file and (not is_empty or self._noticed_file == before)

    def _look_around(self, declared: DeclaredObjects) -> Conditions:
        found = (credential_of(spec, self.catalog.hosts.get(spec.host)) for spec in declared.endpoints)
        self._references = frozenset(reference for reference in found if reference is not None)
        runs_seedling = self.installation.runs_seedling
        wanted = with_seedling(declared.deployments, runs_seedling=runs_seedling)
        paths = (one.path for spec in wanted for one in spec.adapters)
        self._sources = frozenset((*(spec.source for spec in wanted), *paths))
        self._seen = self._look_outside()
        return Conditions(
            organisation=self.ports.access.organisation().name,
            now_ms=self.ports.clock.now_ms(),
            present=self._seen.present,
            model_files=self._seen.model_files,
            runs_seedling=runs_seedling,
            country=self.installation.country,
            has_workshop=True,
        )

    def _look_outside(self) -> _Outside:
        files = {source: self.installation.find_model_file(source) for source in sorted(self._sources)}
        return _Outside(
            day=self.ports.clock.now_ms() // _DAY_MS,  # prices hold from a day on
            objects_version=self.ports.objects.objects_version(),
            present=frozenset(filter(self.is_present, self._references)),
            model_files={source: path for source, path in files.items() if path is not None},
        )


def _only(specs: Iterable[object], spec_type: type[_Kind]) -> tuple[_Kind, ...]:
    return tuple(spec for spec in specs if isinstance(spec, spec_type))


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _text(path: Path | None) -> str | None:
    return str(path) if path is not None else None
