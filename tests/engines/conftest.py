"""A supervisor in a process of its own, on a folder of its own, with real engines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from engine_bench import Bench
from tiny_model import write_tiny_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny.gguf")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "home")
    try:
        yield bench
    finally:
        bench.close()
