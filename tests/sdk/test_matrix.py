"""Every cell of the matrix, and the page that it is written to (`make matrix` writes it)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from importlib.metadata import version

import pytest

from sdk.features import FEATURES, Feature
from sdk.matrix import CLIENTS, HOSTS, PAGE, Matrix, declared, written

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def matrix(start_hortus, replay_host) -> Iterator[Matrix]:
    flags = ("--workers", "2")
    garden = start_hortus(toml=declared(replay_host), environment={"REPLAY_KEY": "sk-replay"}, flags=flags)
    with ExitStack() as stack:
        yield Matrix(garden, replay_host, stack)


@pytest.mark.parametrize("row", FEATURES, ids=lambda one: one.name)
@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("client", CLIENTS)
def test_the_sdk_gets_what_it_should(matrix: Matrix, client: str, host: str, row: Feature) -> None:
    cell = matrix.cell(client, host, row)
    assert cell.state != "failed", cell.detail


def test_the_page_is_what_this_run_writes(matrix: Matrix) -> None:
    text = written(matrix, versions=version)
    assert PAGE.read_text("utf-8") == text, "the page is not what this run found: make matrix"
