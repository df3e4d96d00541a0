"""Every table and member that `hortus.toml` can have stands on its page, and what stands there as TOML is right."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from hortus.catalog.loading import load_catalog
from hortus.control.configfile import KINDS, read_config
from hortus.snapshot.declared import ContractTerms

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "configuration-file.md").read_text("utf-8")
BLOCK = re.search(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("kind", KINDS)
def test_every_member_of_a_table_is_on_the_page(kind: str) -> None:
    assert f"[[{kind}]]" in PAGE
    fields = [field.encode_name for field in msgspec.structs.fields(KINDS[kind])]
    assert [name for name in fields if not re.search(rf"\b{name}\b", PAGE)] == []


def test_every_member_of_a_contracts_terms_is_on_the_page() -> None:
    assert [name for name in ContractTerms.__struct_fields__ if f"`{name}`" not in PAGE] == []


def test_what_the_page_shows_can_be_declared() -> None:
    assert BLOCK is not None
    hosts = load_catalog().hosts
    declared = read_config(BLOCK[1].encode(), file="hortus.toml", hosts=hosts, today=datetime.now(UTC).date())
    assert {item.kind for item in declared.items} == set(KINDS)
