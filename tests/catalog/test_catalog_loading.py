"""Reading the catalog's files: defaults, exact numbers, and errors that name file and row."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from hortus.base.errors import ConfigurationError
from hortus.catalog.loading import load_catalog, read_rows

MAKER = """
[[makers]]
id = "acme"
name = "Acme"
legal_entity = "Acme SA"
home = "FR"
url = "https://acme.example"
source = "https://acme.example/terms"
as_of = 2026-11-01
"""
MODEL = """
[defaults]
maker = "acme"
open_weights = false
inputs = ["text"]
outputs = ["text"]
source = "https://acme.example/models"
as_of = 2026-11-01

[[models]]
id = "acme-1"
name = "Acme 1"
family = "acme"
state = "current"
parameters_billion = 7.3

[[models]]
id = "acme-2"
name = "Acme 2"
family = "acme"
state = "preview"
as_of = 2026-11-02
"""


def write_catalog(folder: Path, *, makers: str = MAKER, models: str = MODEL, prices: str = "") -> Path:
    (folder / "models").mkdir()
    (folder / "offers").mkdir()
    (folder / "makers.toml").write_text(makers, encoding="utf-8")
    (folder / "models" / "acme.toml").write_text(models, encoding="utf-8")
    (folder / "hosts.toml").write_text("hosts = []\n", encoding="utf-8")
    (folder / "prices.toml").write_text("package_prices_as_of = 2026-11-23\n" + prices, encoding="utf-8")
    return folder


def test_the_defaults_of_a_file_fill_in_what_a_row_leaves_out(tmp_path: Path) -> None:
    first, second = read_rows(write_catalog(tmp_path)).models
    assert (first.maker, first.as_of) == ("acme", date(2026, 11, 1))
    assert (second.maker, second.as_of) == ("acme", date(2026, 11, 2))


def test_numbers_with_a_point_are_exact(tmp_path: Path) -> None:
    assert read_rows(write_catalog(tmp_path)).models[0].parameters_billion == Decimal("7.3")


def test_a_maker_is_added_by_adding_rows(tmp_path: Path) -> None:
    catalog = load_catalog(write_catalog(tmp_path))
    assert catalog.model("acme-1").maker == catalog.maker("acme").id


def test_a_field_that_nobody_knows_is_refused_with_file_and_row(tmp_path: Path) -> None:
    write_catalog(tmp_path, models=MODEL.replace('state = "preview"', 'state = "preview"\ncontxt = 5'))
    with pytest.raises(ConfigurationError, match=r"acme\.toml: models\[1\]: acme-2: .*contxt"):
        read_rows(tmp_path)


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    write_catalog(tmp_path, makers=MAKER.replace('source = "https://acme.example/terms"', ""))
    with pytest.raises(ConfigurationError, match=r"makers\.toml: makers\[0\]: acme: .*source"):
        read_rows(tmp_path)


def test_a_state_outside_the_life_of_models_is_refused(tmp_path: Path) -> None:
    write_catalog(tmp_path, models=MODEL.replace('"preview"', '"sunset"'))
    with pytest.raises(ConfigurationError, match="sunset"):
        read_rows(tmp_path)


@pytest.mark.parametrize("broken", ["[[makers]\n", "makers = 5\n", "defaults = 5\n"])
def test_a_broken_file_is_named(tmp_path: Path, broken: str) -> None:
    write_catalog(tmp_path, makers=broken)
    with pytest.raises(ConfigurationError, match=r"makers\.toml"):
        read_rows(tmp_path)


def test_prices_need_the_day_of_the_package(tmp_path: Path) -> None:
    write_catalog(tmp_path)
    (tmp_path / "prices.toml").write_text("prices = []\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="package_prices_as_of"):
        read_rows(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write_catalog(tmp_path)
    (tmp_path / "hosts.toml").unlink()
    with pytest.raises(ConfigurationError, match=r"hosts\.toml"):
        read_rows(tmp_path)
