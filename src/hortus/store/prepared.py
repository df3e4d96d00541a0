"""Statements of the ledger, compiled once and handed to the driver as they are.

Every receipt passes through them, and SQLAlchemy's way through names and types costs several times what the database
does. So their values must be what a driver takes: amounts as text, no enumerations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Column, Connection, CursorResult, Delete, Dialect, Insert, Select, Table, Update, insert

Row = tuple[object, ...]

_IDS_AT_ONCE = 100  # more gains nothing; the last portion is filled up, so that there is one text to prepare


class Prepared:
    """One statement for one database.

    Raises:
        TypeError: The dialect names its parameters; give its engine a `paramstyle` by position.
    """

    def __init__(self, statement: Select[*tuple[object, ...]] | Insert | Update | Delete, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        if compiled.positiontup is None:
            raise TypeError("prepared statements take their values by position")
        self._text = str(compiled)
        self._names = tuple(compiled.positiontup)

    def run(self, connection: Connection, values: Mapping[str, object]) -> CursorResult[*tuple[object, ...]]:
        """Execute it once, with values by the names of its parameters."""
        return self.run_by_place(connection, tuple(values[name] for name in self._names))

    def run_by_place(self, connection: Connection, values: Row) -> CursorResult[*tuple[object, ...]]:
        """Execute it once, with values in the order of its parameters."""
        return connection.exec_driver_sql(self._text, values)

    def run_for_each(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Execute it for every row of values, in the order of its parameters."""
        if rows:
            connection.exec_driver_sql(self._text, list(rows))


def prepare_insert(table: Table, dialect: Dialect) -> Prepared:
    """Return the insert of whole rows: values in the order of the table's columns."""
    return Prepared(insert(table).values({column.name: None for column in table.columns}), dialect)


class Lookup:
    """The rows of a query whose `column` is among many ids."""

    def __init__(self, query: Select[*tuple[object, ...]], column: Column[str], dialect: Dialect) -> None:
        self._query = Prepared(query.where(column.in_([""] * _IDS_AT_ONCE)), dialect)

    def rows(self, connection: Connection, ids: Sequence[str]) -> Iterator[Sequence[Any]]:
        """Yield what there is, in no order."""
        for begin in range(0, len(ids), _IDS_AT_ONCE):
            some = tuple(ids[begin : begin + _IDS_AT_ONCE])
            yield from self._query.run_by_place(connection, some + some[-1:] * (_IDS_AT_ONCE - len(some)))
