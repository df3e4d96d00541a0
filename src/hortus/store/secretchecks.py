"""Which secret this store belongs to: a digest by version, never the secret itself."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, or_, select

from hortus.store.acts import ActLog, Subject
from hortus.store.database import Store
from hortus.store.schema import keys, secret_checks


class SecretCheckTable:
    """Remembers the check of each version of the installation's secret; versions that come later are acts."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._acts = ActLog(store.clock)

    def check_of(self, version: int) -> str | None:
        """Return what was remembered for a version of the secret, None before the first time."""
        chosen = select(secret_checks.c.check_digest).where(secret_checks.c.version == version)
        with self._store.reading() as connection:
            return connection.execute(chosen).scalar()

    def remember_check(self, version: int, check: str) -> None:
        """Remember a version of the secret; the first to come stays."""
        with self._store.writing() as connection:
            known = set(connection.execute(select(secret_checks.c.version)).scalars())
            if version in known:
                return
            connection.execute(insert(secret_checks).values(version=version, check_digest=check))
            if known:
                self._acts.write(connection, _subject(version), before={}, after={"version": version})

    def needed(self) -> frozenset[int]:
        """Return the versions without which keys that work would not."""
        now_ms = self._store.clock.now_ms()
        is_valid = or_(keys.c.expires_at_ms.is_(None), keys.c.expires_at_ms > now_ms)
        chosen = select(keys.c.secret_version).where(keys.c.revoked_at_ms.is_(None), is_valid).distinct()
        with self._store.reading() as connection:
            return frozenset(connection.execute(chosen).scalars())

    def forget_others(self, versions: Collection[int]) -> None:
        """Forget the versions that there are no longer."""
        with self._store.reading() as connection:
            if not _others(connection, versions):
                return  # as nearly always: no start waits for those who write
        with self._store.writing() as connection:
            for version in _others(connection, versions):
                connection.execute(delete(secret_checks).where(secret_checks.c.version == version))
                before = {"version": version, "retired_at_ms": None}
                after = {"version": version, "retired_at_ms": self._store.clock.now_ms()}
                self._acts.write(connection, _subject(version), before=before, after=after)


def _others(connection: Connection, versions: Collection[int]) -> list[int]:
    chosen = select(secret_checks.c.version).where(secret_checks.c.version.not_in(versions))
    return list(connection.execute(chosen.order_by(secret_checks.c.version)).scalars())


def _subject(version: int) -> Subject:
    return Subject("secret", f"version {version}")
