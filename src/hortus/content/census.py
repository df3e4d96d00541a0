"""How much of what is kept is sealed under which version of the secret, and letting go of one version's share.

No row of seals and ids says it: each is tried with each version. Reads beside the workers, and writes as briefly as
they do.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from hortus.base.secrets import FixedVersions, Secret
from hortus.base.time import Clock
from hortus.content.box import Box, Lid
from hortus.content.database import EXCHANGES, THINGS, newest_file
from hortus.content.exchanges import Exchanges
from hortus.content.kept import HOST_IDS, SEALS, KeptBounds, Kind
from hortus.content.ports import NotKept
from hortus.content.things import Things

_TIMEOUT_S = 10.0
_AT_ONCE = 500
_ALL = 1 << 62


class Share(msgspec.Struct, frozen=True):
    """What one version of the secret seals."""

    seals: int = 0
    host_ids: int = 0
    exchanges: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether it seals nothing."""
        return not (self.seals or self.host_ids or self.exchanges)


def count_shares(directory: Path, secrets: Sequence[Secret], *, bounds: KeptBounds, clock: Clock) -> dict[int, Share]:
    """Return each version's share of what is kept and not over its time.

    Raises:
        NotKept: The file cannot be read.
    """
    now_ms = clock.now_ms()
    with _exchanges(directory, secrets, clock) as exchanges:
        kept = exchanges.shares() if exchanges is not None else Counter()
    with _things(directory, secrets, clock) as things:
        lasting = things.shares() if things is not None else Counter()
    with _opened(directory) as connection:
        seals, host_ids = (
            Counter(version for version, _ in _sealed(connection, kind, secrets, since_ms=now_ms - bounds.age_ms(kind)))
            for kind in (SEALS, HOST_IDS)
        )
    return {
        version: Share(seals[version], host_ids[version] + lasting[version], kept[version])
        for version in (secret.version for secret in secrets)
    }


def forget_share(directory: Path, secret: Secret, clock: Clock) -> None:
    """Remove all that one version seals.

    Raises:
        NotKept: The file cannot be written.
    """
    with _exchanges(directory, (secret,), clock) as exchanges:
        if exchanges is not None:
            exchanges.forget_share(secret.version)
    with _things(directory, (secret,), clock) as things:
        if things is not None:
            things.forget_share(secret.version)
    with _opened(directory) as connection:
        for kind in (SEALS, HOST_IDS):
            numbers = [(number,) for _, number in _sealed(connection, kind, (secret,), since_ms=0)]
            statement = f"DELETE FROM {kind.table} WHERE number = ?"  # noqa: S608 -- the table's name is ours
            for begin in range(0, len(numbers), _AT_ONCE):
                connection.execute("BEGIN IMMEDIATE")
                connection.executemany(statement, numbers[begin : begin + _AT_ONCE])
                connection.execute("COMMIT")


def _sealed(
    connection: sqlite3.Connection, kind: Kind, secrets: Sequence[Secret], *, since_ms: int
) -> Iterator[tuple[int, int]]:
    """Yield version and number of each row that one of the versions seals."""
    box = Box(kind.purpose, FixedVersions(tuple(secrets)), entropy=_draw_nothing)
    query = f"SELECT number, at_ms, name, value FROM {kind.table} WHERE at_ms > ?"  # noqa: S608 -- as above
    for number, at_ms, name, value in connection.execute(query, (since_ms,)):
        for secret in secrets:
            if box.open(Lid(secret.version, name), at_ms, value=value) is not None:
                yield secret.version, number
                break


@contextmanager
def _exchanges(directory: Path, secrets: Sequence[Secret], clock: Clock) -> Iterator[Exchanges | None]:
    """Open the file of kept exchanges; None where there is none."""
    if not directory.is_dir() or not newest_file(directory, EXCHANGES).exists():
        yield None
        return
    with closing(Exchanges(directory, FixedVersions(tuple(secrets)), clock=clock, entropy=_draw_nothing)) as exchanges:
        yield exchanges


@contextmanager
def _things(directory: Path, secrets: Sequence[Secret], clock: Clock) -> Iterator[Things | None]:
    """Open the file of what hosts keep; None where there is none."""
    if not directory.is_dir() or not newest_file(directory, THINGS).exists():
        yield None
        return
    found = Things(directory, FixedVersions(tuple(secrets)), most=_ALL, clock=clock, entropy=_draw_nothing)
    with closing(found) as things:
        yield things


@contextmanager
def _opened(directory: Path) -> Iterator[sqlite3.Connection]:
    """Open the file; one that is not there yet holds nothing."""
    file = newest_file(directory) if directory.is_dir() else None
    try:
        if file is None or not file.exists() or not file.stat().st_size:
            with closing(sqlite3.connect(":memory:")) as nothing:
                for kind in (SEALS, HOST_IDS):
                    nothing.execute(f"CREATE TABLE {kind.table} (number, at_ms, name, value)")
                yield nothing
            return
        with closing(sqlite3.connect(file, timeout=_TIMEOUT_S, isolation_level=None)) as connection:
            yield connection
    except sqlite3.DatabaseError as error:
        raise NotKept(
            f"what is kept of content cannot be looked through: {error}.",
            path=str(file or directory),
            hint="Try again; the log of a worker says whether the file is broken.",
        ) from error


def _draw_nothing(_count: int) -> bytes:
    return b""  # nothing is sealed here
