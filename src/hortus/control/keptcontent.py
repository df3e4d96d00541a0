"""Operations on kept content: find, read and erase it. Reading and erasing are acts; what was read is in none."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

import msgspec

from hortus.access.acts import FieldChange, acting
from hortus.content.exchange import Entry, Exchange, Wanted
from hortus.control.contentforms import (
    ContentErased,
    ContentFound,
    ContentRead,
    ContentView,
    ContentWanted,
    EraseWanted,
    ExchangeView,
    KeptView,
)
from hortus.control.instants import Reading, read_instant
from hortus.control.noting import note_act
from hortus.control.plane import Plane
from hortus.control.tenancy import find_project


def find_content(plane: Plane, ask: ContentWanted) -> ContentFound:
    """Find kept exchanges by person, receipt, project, key, time or the words that they mention."""
    content, wanted = plane.ports.content, _wanted(plane, ask)
    total, last = 0, ask.last
    if last is None:
        extent = content.extent(wanted)
        total, last = extent.count, extent.last
    entries = content.entries(wanted, after=ask.after, last=last, limit=ask.limit)
    shown = content.mentioning(entries, ask.mentions) if ask.mentions is not None else entries
    is_over = len(entries) < ask.limit
    names = _project_names(plane)
    return ContentFound(
        found=[KeptView(**_facts(entry, names)) for entry in shown],
        after=last if is_over else entries[-1].number,
        last=last,
        looked_at=len(entries),
        total=total,
    )


def read_content(plane: Plane, ask: ContentRead) -> ContentView:
    """Return what was kept, with its words; who read it is written down."""
    entries = _entries(plane, ask.receipts)
    exchanges = {one.receipt_id: one for one in plane.ports.content.read(entries)}
    if exchanges:
        with acting(operation="content.read"):
            _note(plane, "read", list(exchanges), entries)
    names = _project_names(plane)
    shown = [(entry, exchanges[entry.receipt_id]) for entry in entries if entry.receipt_id in exchanges]
    return ContentView(exchanges=[_show(entry, one, names) for entry, one in shown])


def erase_content(plane: Plane, ask: EraseWanted) -> ContentErased:
    """Erase kept exchanges for good, with the seals and owners of ids that came with them."""
    entries = _entries(plane, ask.receipts)
    if ask.dry_run:
        return ContentErased(receipts=[one.receipt_id for one in entries], dry_run=True)
    erased = plane.ports.content.erase(ask.receipts)
    if erased.receipt_ids:
        _note(plane, "erase", erased.receipt_ids, entries)
    return ContentErased(
        receipts=list(erased.receipt_ids),
        dry_run=False,
        seals=erased.seals,
        host_ids=erased.host_ids,
        leaves_no_trace=erased.leaves_no_trace,
        broken_files=erased.broken,
    )


def _entries(plane: Plane, receipt_ids: tuple[str, ...]) -> Sequence[Entry]:
    content, wanted = plane.ports.content, Wanted(receipt_ids=receipt_ids)
    return content.entries(wanted, after=0, last=content.extent(wanted).last, limit=len(receipt_ids))


def _wanted(plane: Plane, ask: ContentWanted) -> Wanted:
    now_ms = plane.ports.clock.now_ms()
    return Wanted(
        subject=ask.subject,
        receipt_ids=ask.receipts,
        project_id=find_project(plane, ask.project).id if ask.project is not None else None,
        key_id=ask.key,
        since_ms=read_instant(ask.since, Reading("since", now_ms, UTC)) if ask.since is not None else None,
        until_ms=read_instant(ask.until, Reading("until", now_ms, UTC, is_end=True)) if ask.until is not None else None,
    )


def _note(plane: Plane, change: str, receipt_ids: Sequence[str], entries: Sequence[Entry]) -> None:
    """Write down who has done what to whose content: receipts, never words or people."""
    names = _project_names(plane)
    projects = {names.get(entry.project_id, entry.project_id) for entry in entries}
    listed = msgspec.json.encode(receipt_ids).decode()
    field = FieldChange("receipts", before=listed) if change == "erase" else FieldChange("receipts", after=listed)
    note_act(
        plane.ports,
        change,
        kind="content",
        name=receipt_ids[0] if len(receipt_ids) == 1 else f"{len(receipt_ids)} exchanges",
        project=projects.pop() if len(projects) == 1 else None,
        field=field,
    )


def _project_names(plane: Plane) -> Mapping[str, str]:
    return {one.id: one.name for one in plane.ports.access.projects(include_retired=True)}


def _facts(entry: Entry, names: Mapping[str, str]) -> dict[str, Any]:
    project = names.get(entry.project_id, entry.project_id)
    rest = ("receipt_id", "at_ms", "until_ms", "key_id", "route", "dialect", "operation", "sealed_bytes")
    return {"project": project, **{name: getattr(entry, name) for name in rest}}


def _show(entry: Entry, one: Exchange, names: Mapping[str, str]) -> ExchangeView:
    texts, encoding = _texts(one.request, one.answer)
    return ExchangeView(
        **_facts(entry, names),
        endpoint=one.endpoint,
        status=one.status,
        is_stream=one.is_stream,
        is_whole=one.is_whole,
        subjects=one.subjects,
        response_id=one.response_id,
        continues=one.continues,
        request=texts[0],
        answer=texts[1],
        encoding=encoding,
        request_bytes=one.request_bytes,
        answer_bytes=one.answer_bytes,
    )


def _texts(*bodies: bytes | None) -> tuple[list[str | None], str]:
    """Return bodies as text, all in one encoding."""
    try:
        return [None if body is None else body.decode() for body in bodies], "utf-8"
    except UnicodeDecodeError:
        return [None if body is None else base64.b64encode(body).decode() for body in bodies], "base64"
