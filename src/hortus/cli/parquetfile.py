"""An export as Parquet, by DuckDB: a row for each line, with columns to ask by; the lines come back byte for byte.

Only loaded where Parquet is asked for: the library is the extra `export`. Nothing is fetched, little memory is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import msgspec

from hortus.base.errors import HortusError
from hortus.receipts.exporting import GONE, NOTHING, Line, spell

_ROWS_AT_ONCE = 1000
_MOST_DIFFERING = 100
_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "memory_limit": "1GB",
    "threads": "2",
}

# A control character never stands in a line of JSON: with one as what parts columns, each line is one value as it is
_LINES = """
    SELECT line, starts_with(line, '{"hortus"') AS is_head, starts_with(line, '{"end"') AS is_end,
        instr(line, '"record":') AS record_at, instr(line, '"stub":') AS stub_at
    FROM read_csv(?, columns = {'line': 'VARCHAR'}, header = false, auto_detect = false, delim = '\x1f', quote = '',
        escape = '', new_line = '\\n', max_line_size = 16777216, parallel = false)
"""

_ROWS = f"""
    SELECT
        CASE WHEN NOT (is_head OR is_end) THEN CAST(line ->> '$.seq' AS BIGINT) END AS seq,
        CASE WHEN is_head THEN 'head' WHEN is_end THEN 'end' ELSE line ->> '$.kind' END AS kind,
        CASE WHEN NOT (is_head OR is_end) THEN line ->> '$.hash' END AS hash,
        CASE WHEN NOT (is_head OR is_end) AND record_at + stub_at = 0 THEN line ->> '$.digest' END AS digest,
        CASE WHEN is_head OR is_end THEN line
            WHEN record_at > 0 THEN substring(line, record_at + 9, length(line) - record_at - 9)
            WHEN stub_at > 0 THEN substring(line, stub_at + 7, length(line) - stub_at - 7) END AS record
    FROM ({_LINES})
"""  # noqa: S608 -- texts of this module

_TEXTS = {
    "receipt_id": "$.receipt_id", "act_id": "$.act_id", "project_id": "$.caller.project_id",
    "key_id": "$.caller.key_id", "status": "$.status", "route": "$.route", "model": "$.model", "maker": "$.maker",
    "endpoint": "$.endpoint", "cost": "$.cost", "currency": "$.currency",
}  # fmt: skip
_NUMBERS = {
    "opened_at_ms": "$.opened_at_ms", "input_tokens": "$.usage.input_tokens", "output_tokens": "$.usage.output_tokens",
}  # fmt: skip
_OF_RECORD = "CASE WHEN kind IN ('receipt', 'act') THEN record END ->>"
_FIELDS = {name: f"({_OF_RECORD} '{path}')" for name, path in _TEXTS.items()} | {
    name: f"CAST(({_OF_RECORD} '{path}') AS BIGINT)" for name, path in _NUMBERS.items()
}


def write_parquet(lines: Path, target: Path) -> None:
    """Write the lines of an export as Parquet.

    Raises:
        HortusError: They cannot be read, or it cannot be written.
    """
    fields = ", ".join(f"{expression} AS {name}" for name, expression in _FIELDS.items())
    quoted = str(target).replace("'", "''")
    text = f"COPY (SELECT *, {fields} FROM ({_ROWS})) TO '{quoted}' (FORMAT parquet, COMPRESSION zstd)"  # noqa: S608 -- texts of this module and a quoted path
    with _connected(target) as connection:
        connection.execute(text, [str(lines)])


def read_parquet(source: Path) -> Iterator[bytes]:
    """Yield the lines that such a file was made of.

    Raises:
        HortusError: It is no such file, or it is damaged.
    """
    with _connected(source) as connection:
        found = connection.execute("SELECT seq, kind, hash, digest, record FROM read_parquet(?)", [str(source)])
        while rows := found.fetchmany(_ROWS_AT_ONCE):
            for row in rows:
                yield _line_of(row)


def differing_rows(source: Path) -> list[int]:
    """Return the places of entries whose columns are not what their records say, some hundred of them at most.

    Raises:
        HortusError: It is no such file, or it is damaged.
    """
    differs = " OR ".join(f"{name} IS DISTINCT FROM {expression}" for name, expression in _FIELDS.items())
    text = f"SELECT seq FROM read_parquet(?) WHERE {differs} LIMIT {_MOST_DIFFERING}"  # noqa: S608 -- texts of this module
    with _connected(source) as connection:
        return [seq or 0 for (seq,) in connection.execute(text, [str(source)]).fetchall()]


def _line_of(row: tuple[int | None, str | None, str | None, str | None, str | None]) -> bytes:
    seq, kind, own_hash, digest, record = row
    if seq is None:
        return f"{record}\n".encode()
    raw = msgspec.Raw(record.encode()) if record is not None else NOTHING
    if kind == GONE:
        return spell(Line(seq, GONE, own_hash or "", stub=raw))
    return spell(Line(seq, kind or "", own_hash or "", record=raw, digest=digest))


@contextmanager
def _connected(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        with duckdb.connect(":memory:", config=_SETTINGS) as connection:
            yield connection
    except duckdb.Error as error:
        first = str(error).splitlines()[0]
        raise HortusError(
            f"Parquet: {first}", path=str(file), hint="Is it a file of `hortus receipts export`?"
        ) from error
