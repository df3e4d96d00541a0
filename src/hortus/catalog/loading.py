"""How do the catalog's files become rows? Reads the packaged TOML; an error names file and row.

A file's `[defaults]` table fills in what its rows leave out. Numbers with a point become exact decimals.
"""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import TYPE_CHECKING, TypeVar

import msgspec

from hortus.base.errors import ConfigurationError
from hortus.catalog.lookup import Catalog
from hortus.catalog.rows import CurrencyRate, Host, Maker, Model, Offer, OwnPrice, PriceTerms, Row, Rows

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

Kind = TypeVar("Kind", bound=Row)
Table = dict[str, object]


def load_catalog(folder: Traversable | None = None) -> Catalog:
    """Read the catalog that ships with Hortus, or the one in `folder`.

    Raises:
        ConfigurationError: A file is not TOML or a row is not as `rows.py` says.
    """
    return Catalog(read_rows(folder if folder is not None else files("hortus.catalog") / "data"))


def read_rows(folder: Traversable) -> Rows:
    """Read all files of one catalog.

    Raises:
        ConfigurationError: A file is not TOML or a row is not as `rows.py` says.
    """
    return Rows(
        makers=_rows_of(folder / "makers.toml", "makers", Maker),
        models=_rows_in(folder / "models", "models", Model),
        hosts=_rows_of(folder / "hosts.toml", "hosts", Host),
        offers=_rows_in(folder / "offers", "offers", Offer),
        prices=_rows_of(folder / "prices.toml", "prices", OwnPrice),
        package_prices_as_of=_package_date(folder / "prices.toml"),
        terms=_rows_of(folder / "prices.toml", "terms", PriceTerms),
        rates=_rows_of(folder / "rates.toml", "rates", CurrencyRate) if (folder / "rates.toml").is_file() else (),
    )


def _rows_in(folder: Traversable, key: str, kind: type[Kind]) -> tuple[Kind, ...]:
    found = sorted((file for file in folder.iterdir() if file.name.endswith(".toml")), key=lambda file: file.name)
    return tuple(row for file in found for row in _rows_of(file, key, kind))


def _rows_of(file: Traversable, key: str, kind: type[Kind]) -> tuple[Kind, ...]:
    document = _document(file)
    defaults = document.get("defaults", {})
    tables = document.get(key, [])
    if not isinstance(defaults, dict) or not isinstance(tables, list):
        raise ConfigurationError(f"`{key}` must be an array of tables, `defaults` a table.", path=file.name)
    return tuple(
        _row(defaults | table, where=f"{file.name}: {key}[{number}]", kind=kind) for number, table in enumerate(tables)
    )


def _row(table: Table, *, where: str, kind: type[Kind]) -> Kind:
    named = table.get("id") or table.get("model") or "without a name"
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise ConfigurationError(
            f"{named}: {error}", path=where, hint="The fields are described in hortus/catalog/rows.py."
        ) from error


def _package_date(file: Traversable) -> date:
    day = _document(file).get("package_prices_as_of")
    if not isinstance(day, date):
        raise ConfigurationError("`package_prices_as_of` must be a date.", path=file.name)
    return day


def _document(file: Traversable) -> Table:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, FileNotFoundError) as error:
        raise ConfigurationError(f"The file cannot be read: {error}", path=file.name) from error
