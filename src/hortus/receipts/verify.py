"""Is a whole journal as its writers wrote it: every checksum, every hash, and the chain from segment to segment."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from hortus.receipts.reading import CorruptJournal, read_portion
from hortus.receipts.segment import START, Position, split_name


class Fault(msgspec.Struct, frozen=True):
    """One place where the journal is not what was written."""

    file: str
    offset: int
    why: str


class Findings(msgspec.Struct, frozen=True):
    """What a check of a journal found.

    Attributes:
        torn_bytes: Length of all torn tails: records that were being written when a writer died.
    """

    segments: int
    records: int
    torn_bytes: int
    faults: tuple[Fault, ...]


class _Walk(msgspec.Struct):
    records: int = 0
    torn_bytes: int = 0
    end: Position = START
    previous: str | None = None
    faults: list[Fault] = msgspec.field(default_factory=list)


def verify_journal(directories: Iterable[Path]) -> Findings:
    """Read every segment in `directories` (the journal and its archive); see that each writer's chain is whole.

    A writer's oldest segments may have been removed; from its oldest present one on, none may be missing.
    """
    places = tuple(directories)
    names = {file.name for place in places if place.is_dir() for file in place.iterdir()}
    segments = sorted((split, name) for name in names if (split := split_name(name)))
    faults: list[Fault] = []
    records = torn_bytes = 0
    last_hashes: dict[str, str] = {}
    for (writer, _), name in segments:
        file = next((place / name for place in places if (place / name).exists()), places[0] / name)
        walk = _walk(file)
        records += walk.records
        torn_bytes += walk.torn_bytes
        faults += walk.faults
        if last_hashes.get(writer, walk.previous) != walk.previous:
            faults.append(
                Fault(str(file), 0, "it does not follow the writer's previous segment: one is missing or cut")
            )
        last_hashes[writer] = walk.end.chain
    return Findings(len(segments), records, torn_bytes=torn_bytes, faults=tuple(faults))


def _walk(file: Path) -> _Walk:
    walk = _Walk()
    while True:
        try:
            portion = read_portion(file, walk.end, is_finished=True)
        except CorruptJournal as error:
            walk.faults.append(Fault(str(file), error.at.offset, error.message))
            walk.end = error.resume
            continue
        if portion.header:
            walk.previous = portion.header.previous
        walk.records += len(portion.records)
        walk.torn_bytes += portion.torn_bytes
        walk.end = portion.end
        if portion.is_all:
            return walk
