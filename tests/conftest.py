"""Fixtures for the tests that need a whole Hortus: one a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis.internal.conjecture import providers

from garden import REPLAY_TOML, Hortus
from hortus.testkit.replay_host import ReplayHost
from proof_summary import pytest_terminal_summary

__all__ = ["hortus", "pytest_terminal_summary", "replay_host", "start_hortus"]


pytest.register_assert_rewrite("sdk.features")


def pytest_configure() -> None:
    """Let hypothesis draw no constants out of the modules that happen to be loaded: each run would draw other examples.

    It has no setting for that; the version is pinned, and the assertion says when this has to be looked at again.
    """
    assert callable(providers._get_local_constants)
    providers._get_local_constants = lambda: providers._local_constants


@pytest.fixture(scope="module")
def replay_host() -> Iterator[ReplayHost]:
    with ReplayHost() as host:
        yield host


@pytest.fixture(scope="module")
def start_hortus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Hortus]]:
    """Start installations that end with the module: `start_hortus(toml=…, environment=…, flags=…)`."""
    started: list[Hortus] = []

    def start(*, toml: str = "", environment: dict[str, str] | None = None, flags: tuple[str, ...] = ()) -> Hortus:
        one = Hortus(tmp_path_factory.mktemp("hortus"), toml=toml, environment=environment)
        started.append(one)
        one.start(*flags)
        return one

    yield start
    for one in started:
        one.close()


@pytest.fixture(scope="module")
def hortus(start_hortus: Callable[..., Hortus], replay_host: ReplayHost) -> Hortus:
    """A Hortus with the seedling and a route `replay` to the replay host."""
    toml = REPLAY_TOML.format(base_url=replay_host.base_url)
    return start_hortus(toml=toml, environment={"REPLAY_KEY": "sk-replay"})
