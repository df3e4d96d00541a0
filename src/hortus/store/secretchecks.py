"""Which secret this store belongs to: a digest by version, never the secret itself."""

from __future__ import annotations

from sqlalchemy import insert, select

from hortus.store.database import Store
from hortus.store.schema import secret_checks


class SecretCheckTable:
    """Remembers the check of each version of the installation's secret."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def check_of(self, version: int) -> str | None:
        """Return what was remembered for a version of the secret, None before the first time."""
        chosen = select(secret_checks.c.check_digest).where(secret_checks.c.version == version)
        with self._store.reading() as connection:
            return connection.execute(chosen).scalar()

    def remember_check(self, version: int, check: str) -> None:
        """Remember a version of the secret; the first to come stays."""
        chosen = select(secret_checks.c.version).where(secret_checks.c.version == version)
        with self._store.writing() as connection:
            if connection.execute(chosen).first() is None:
                connection.execute(insert(secret_checks).values(version=version, check_digest=check))
