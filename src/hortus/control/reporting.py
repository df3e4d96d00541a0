"""Operations that look: status, receipts, configuration with the origin of each part, what the doctor finds."""

from __future__ import annotations

import os
from collections.abc import Iterator

import msgspec

from hortus.control import applying, models, receipt_views, views
from hortus.control.chaincheck import examine_chain
from hortus.control.checks import check_far
from hortus.control.configfile import Declaration
from hortus.control.declaring import list_deployments
from hortus.control.errors import Conflict, Invalid, NotFound
from hortus.control.limiting import alerts
from hortus.control.plane import Plane
from hortus.control.policyhealth import default_policy, examine_policies
from hortus.control.tenancy import find_project
from hortus.control.usage import examine_usage
from hortus.snapshot.model import WORKSHOP

_LOW_DISK_BYTES = 512 * 1024 * 1024
_MANY_RESTARTS = 3


class _Addresses(msgspec.Struct, frozen=True):
    door: str


def show_status(plane: Plane, _ask: models.Nothing) -> views.StatusView:
    """Return how this installation is doing."""
    snapshot = plane.snapshot
    hosts = {getattr(one.spec, "host", "") for one in plane.ports.objects.list("endpoint")}
    return views.StatusView(
        version=plane.installation.version,
        organisation=plane.ports.access.organisation().name,
        started_at_ms=plane.started_at_ms,
        door=_door(plane),
        store_schema=plane.installation.store_schema,
        store_bytes=store_bytes(plane),
        snapshot=None
        if snapshot is None
        else views.SnapshotView(
            version=snapshot.version,
            compiled_at_ms=snapshot.compiled_at_ms,
            endpoints=len(snapshot.endpoints),
            routes=len(snapshot.routes),
        ),
        file=file_state(plane),
        deployments=list_deployments(plane, models.Everything()).deployments,
        routes=tuple(name for name in snapshot.routes if name != WORKSHOP) if snapshot is not None else (),
        lit_hosts=tuple(host for host in plane.catalog.hosts if plane.is_lit(host)),
        connected_hosts=tuple(sorted(hosts)),
        alerts=tuple(view.name for view in alerts(plane)),
        default_policy=default_policy(plane),
        policy_notes=tuple(one.message for one in examine_policies(plane)),
    )


def list_receipts(plane: Plane, ask: models.ReceiptQuery) -> receipt_views.ReceiptList:
    """Return receipts, newest first, as far as the ledger has taken them in (within a second or so)."""
    if ask.project is not None:
        find_project(plane, ask.project)
    found = plane.ports.receipts.receipts(
        project=ask.project,
        route=ask.route,
        limit=ask.limit,
        before=ask.before,
        status=ask.status,
        since_ms=ask.since_ms,
    )
    return receipt_views.ReceiptList(receipts=[receipt_views.ReceiptView.model_validate(receipt) for receipt in found])


def show_receipt(plane: Plane, ask: models.OneReceipt) -> receipt_views.ReceiptView:
    """Return one receipt."""
    found = plane.ports.receipts.receipt(ask.id)
    if found is None:
        hint = "The ledger takes receipts in within a second or so; try again if the request has just ended."
        raise NotFound(f"There is no receipt `{ask.id[:64]}`.", path="id", hint=hint)
    return receipt_views.ReceiptView.model_validate(found)


def show_config(plane: Plane, _ask: models.Nothing) -> views.ConfigView:
    """Return settings and declared objects with the origin of each."""
    objects = [
        views.DeclaredView(kind=one.kind, name=one.name, origin=one.origin, where=one.where)
        for kind in applying.OBJECT_KINDS
        for one in plane.ports.objects.list(kind)
    ]
    projects = [
        views.DeclaredView(
            kind="project",
            name=one.name,
            origin=one.origin,
            where=plane.where_in_file("project", one.name) if one.origin == applying.FILE else None,
        )
        for one in plane.ports.access.projects()
    ]
    rows = plane.installation.settings
    return views.ConfigView(
        file=file_state(plane),
        settings=[views.SettingView(name=name, value=value, origin=origin) for name, value, origin in rows],
        objects=[*projects, *objects],
    )


def apply_config(plane: Plane, ask: models.ConfigWanted) -> views.ConfigPlan:
    """Apply a configuration, or say what it would change; without a text, this node's own file."""
    own = plane.installation.config_file
    if ask.toml is None:
        if own is None:
            hint = "Send its text, or start Hortus beside a hortus.toml."
            raise NotFound("This node has no hortus.toml.", path="toml", hint=hint)
        declaration, changes = plane.read_text(own.read_bytes(), file=own.name)
    else:
        if own is not None and not ask.dry_run:
            hint = f"Change {own}; it is applied when it is saved."
            raise Conflict(f"This node takes its objects from {own}.", path="toml", hint=hint)
        declaration, changes = plane.read_text(ask.toml.encode(), file=ask.file)
        if own is None:  # else this is a look at what may become the machine's own file
            _refuse_far(declaration)
    if not ask.dry_run:
        plane.apply(declaration, changes)
        plane.recompile()
    shown = [views.ChangeView.model_validate(change) for change in applying.visible(changes)]
    return views.ConfigPlan(is_dry_run=ask.dry_run, changes=shown)


def _refuse_far(declaration: Declaration) -> None:
    for item in declaration.items:
        for fault in check_far(item.spec):
            raise Invalid(fault.message, path=f"{item.where} {item.kind} {item.spec.name}", hint=fault.hint)


def examine(plane: Plane, _ask: models.Nothing) -> views.DoctorView:
    """Return what is wrong here, and what mends it."""
    findings = [*_examine_file(plane), *_examine_ground(plane), *_examine_models(plane), *_examine_routes(plane)]
    findings += [*examine_policies(plane), examine_chain(plane), examine_usage(plane)]
    return views.DoctorView(is_fine=all(finding.is_fine for finding in findings), findings=findings)


def file_state(plane: Plane) -> views.FileState:
    """Return how the configuration file stands."""
    return views.FileState.model_validate(plane.file)


def store_bytes(plane: Plane) -> int:
    """Return the size of the embedded store with its write-ahead log."""
    store = plane.installation.store
    files = (store, store.with_name(f"{store.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())


def _door(plane: Plane) -> str | None:
    try:
        return msgspec.json.decode(plane.installation.addresses.read_bytes(), type=_Addresses).door
    except (OSError, msgspec.DecodeError):
        return None


def _examine_file(plane: Plane) -> Iterator[views.Finding]:
    file = plane.file
    if file.state == "refused":
        message = f"The file is refused and the configuration before it stays: {file.error}"
        yield views.Finding(name="configuration file", is_fine=False, message=message, mend=f"Edit {file.path}.")
    else:
        message = f"{file.path} is applied." if file.state == "applied" else "There is none; nothing is missing."
        yield views.Finding(name="configuration file", is_fine=True, message=message)


def _examine_ground(plane: Plane) -> Iterator[views.Finding]:
    for name, place in (("store", plane.installation.store.parent), ("journal", plane.installation.journal)):
        disk = os.statvfs(place)
        free_bytes = disk.f_bavail * disk.f_frsize
        is_fine = free_bytes >= _LOW_DISK_BYTES
        message = f"{free_bytes // 2**20} MiB are free at {place}."
        mend = None if is_fine else "Make room; a full disk stops new requests."
        yield views.Finding(name=f"disk under the {name}", is_fine=is_fine, message=message, mend=mend)
    snapshot = plane.snapshot
    is_there = snapshot is not None and plane.installation.snapshot.exists()
    message = f"Version {snapshot.version} is in place." if snapshot and is_there else "There is no snapshot."
    mend = None if is_there else "Restart Hortus; control writes it at its start."
    yield views.Finding(name="snapshot", is_fine=is_there, message=message, mend=mend)


def _examine_models(plane: Plane) -> Iterator[views.Finding]:
    for one in list_deployments(plane, models.Everything()).deployments:
        is_fine = one.state in {"ready", "starting"} and one.restarts < _MANY_RESTARTS
        message = f"It is {one.state}" + (f", started again {one.restarts} times." if one.restarts else ".")
        if one.error:
            message = f"{message} {one.error}"
        mend = None if is_fine else "`hortus deployments` shows its state, logs/ in the home its own words."
        yield views.Finding(name=f"deployment {one.name}", is_fine=is_fine, message=message, mend=mend)


def _examine_routes(plane: Plane) -> Iterator[views.Finding]:
    """Say each reason once, with all the endpoints that it rules out."""
    found: dict[tuple[str, bool], list[tuple[str, str]]] = {}
    for route in plane.snapshot.routes.values() if plane.snapshot is not None else ():
        for one in route.ruled_out:
            found.setdefault((one.reason, bool(route.candidates)), []).append((route.name, one.endpoint))
    for (reason, can_answer), pairs in found.items():
        routes = list(dict.fromkeys(name for name, _ in pairs))
        endpoints = ", ".join(dict.fromkeys(name for _, name in pairs))
        state = "without some endpoints" if can_answer else "without any endpoint"
        yield views.Finding(
            name=f"route {routes[0]}" if len(routes) == 1 else f"{len(routes)} routes",
            is_fine=False,
            message=f"Left {state}: {endpoints}: {reason}.",
            mend="Set what is missing where `hortus up` starts, or change the route; `hortus models` says where it is.",
        )
