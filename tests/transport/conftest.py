"""Every test of the client runs on asyncio's own loop and on uvloop, which production uses."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import trustme
import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trust") / "own-ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path
