"""Is a copied home whole: its databases, its journal, the store's positions in the journal, and its secrets?

Looks at a tree that nobody writes to. What is wrong with the journal alone is told, not refused: a damaged segment must
not keep anybody from saving all the rest.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from hortus.app.backupfile import Counts
from hortus.app.home import Home
from hortus.app.secrets import Secrets, check_words, load_secrets
from hortus.base.errors import InstallationError
from hortus.ledger.transfer import ARCHIVE
from hortus.receipts.reading import CorruptJournal, read_portion
from hortus.receipts.segment import ANY_HASH, START, BadLine, Position, read_record
from hortus.receipts.verify import verify_journal
from hortus.store.copying import find_faults, is_database
from hortus.store.facts import SegmentMark, StoreFacts, read_facts

_TAIL_BYTES = 64 * 1024


class TreeFindings(msgspec.Struct, frozen=True):
    """What a sound tree holds.

    Attributes:
        faults: What is wrong with the journal.
    """

    facts: StoreFacts
    counts: Counts
    secret_versions: tuple[int, ...]
    faults: tuple[str, ...]


def check_tree(root: Path, *, now_ms: int, has_secrets: bool) -> TreeFindings:
    """Look through a copied home.

    Args:
        root: The home; nobody writes to it.
        now_ms: Tells which keys have expired.
        has_secrets: Whether `secret.key` must be there and fit.

    Raises:
        InstallationError: A database is damaged, or the secret does not belong to the store.
    """
    home = Home(root)
    _check_databases(root)
    facts = read_facts(home.store, now_ms=now_ms, is_still=True)
    secrets = load_secrets(home) if has_secrets else None
    if secrets is not None:
        _check_secrets(secrets, facts, path=home.secret_key)
    found = verify_journal((home.journal, home.journal / ARCHIVE))
    faults = [f"{_below(root, fault.file)} at {fault.offset}: {fault.why}" for fault in found.faults]
    counts = Counts(
        receipts=facts.receipts,
        waiting=facts.waiting,
        segments=found.segments,
        records=found.records,
        behind=sum(_count_behind(file, facts) for file in home.journal.glob("*.journal")),
        keys=len(facts.keys),
    )
    versions = tuple(sorted(secrets.by_version)) if secrets is not None else ()
    return TreeFindings(facts, counts, versions, faults=(*faults, *_find_misplaced(home, facts)))


def _check_databases(root: Path) -> None:
    for directory, _, names in os.walk(root):
        for name in sorted(names):
            file = Path(directory) / name
            if is_database(file) and (faults := find_faults(file)):
                raise InstallationError(
                    f"a database is damaged: {faults[0]}{f' (and {len(faults) - 1} more)' if faults[1:] else ''}.",
                    path=str(file.relative_to(root)),
                    hint="Look at the disk, and go back to an older backup.",
                )


def _check_secrets(secrets: Secrets, facts: StoreFacts, *, path: Path) -> None:
    wrong = [
        version
        for version, check in facts.secret_checks.items()
        if version in secrets.by_version and check_words(secrets.by_version[version]) != check
    ]
    gone = {key.secret_version for key in facts.keys} - secrets.by_version.keys()
    if wrong or gone:
        said = f"version {min(wrong)} is another one" if wrong else f"version {min(gone)} is missing, and keys need it"
        raise InstallationError(
            f"the secret does not belong to the store: {said}.",
            path=path.name,
            hint="Put back the secret.key that was in use when the store was written.",
        )


def _find_misplaced(home: Home, facts: StoreFacts) -> list[str]:
    """Return where the store has taken in what its segment does not hold."""
    found = []
    for name, mark in sorted(facts.segments.items()):
        if not mark.is_archived and (why := _why_misplaced(home.journal / name, mark)):
            found.append(f"{_below(home.root, str(home.journal / name))} at {mark.end.offset}: {why}")
    return found


def _why_misplaced(file: Path, mark: SegmentMark) -> str | None:
    if not file.exists():
        # a writer that had nothing to write takes its segment with it
        return f"it is gone, and {mark.records} records in the store came out of it" if mark.records else None
    if file.stat().st_size < mark.end.offset:
        return "the store has taken in more of it than there is"
    if mark.end.chain not in {ANY_HASH, START.chain} and _chain_before(file, mark.end.offset) != mark.end.chain:
        return "the record before it is not the one that the store has taken in"
    return None


def _chain_before(file: Path, offset: int) -> str | None:
    """Return the hash of the line that ends at `offset`, None where there is none."""
    with file.open("rb") as opened:
        taken = _TAIL_BYTES
        while True:
            begin = max(0, offset - taken)
            opened.seek(begin)
            data = opened.read(offset - begin)
            line_begin = data.rfind(b"\n", 0, -1) + 1
            if line_begin or not begin:
                break
            taken *= 2
    try:
        return read_record(data[line_begin:], ANY_HASH)[1]
    except BadLine:
        return None


def _count_behind(file: Path, facts: StoreFacts) -> int:
    """Return how many records of a segment the store has yet to take in."""
    mark = facts.segments.get(file.name)
    place: Position = mark.end if mark else START
    count = 0
    while True:
        try:
            portion = read_portion(file, place, is_finished=True)
        except CorruptJournal as error:
            place = error.resume
            continue
        if portion.is_all:
            return count
        count += len(portion.records)
        place = portion.end


def _below(root: Path, file: str) -> str:
    return str(Path(file).relative_to(root))
