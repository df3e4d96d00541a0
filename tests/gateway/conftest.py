"""A worker with routes to a replay host, one for each test module."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec
import openai
import pytest
from workplace import KEY, PRICE, Workplace, endpoint

from hortus.snapshot.model import Timeouts
from hortus.testkit.replay_host import ReplayHost

ROUTES = {
    "plain": "fake:chunks=5",
    "slow": "fake:chunks=5000,delay_ms=5",
    "sleeps": "fake:delay_ms=60000",
    "no-usage": "fake:chunks=5,no_usage=1",
    "no-done": "fake:chunks=4,no_done=1",
    "says-400": "fake:status=400",
    "says-401": "fake:status=401",
    "says-403": "fake:status=403",
    "says-404": "fake:status=404",
    "says-429": "fake:status=429,retry_after=7",
    "says-500": "fake:status=500",
    "cuts": "fake:reset_after=0",
    "cuts-later": "fake:chunks=9,reset_after=3",
    "breaks-inside": "fake:chunks=9,error_after=2",
    "breaks-and-stays": "fake:chunks=9,error_after=2,stall_after=3",
}


@pytest.fixture(scope="session")
def host() -> Iterator[ReplayHost]:
    with ReplayHost() as one:
        yield one


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory, host: ReplayHost) -> Iterator[Workplace]:
    place = Workplace(tmp_path_factory.mktemp("home"), body_limit_mib=1)
    price = msgspec.structs.replace(PRICE, input_per_million=Decimal("2.00"), output_per_million=Decimal("10.00"))
    made = {name: endpoint(name, host.base_url, model, price=price) for name, model in ROUTES.items()}
    for name, one in made.items():
        place.add_route(name, one)
    nowhere = endpoint("nowhere", "http://127.0.0.1:9/v1", "fake")
    place.add_route("nowhere", nowhere)
    place.add_route("fallback", made["says-500"], nowhere, made["says-401"], made["says-429"], made["plain"])
    place.add_route("rejected-first", made["says-400"], made["plain"])
    place.add_route("no-credential", endpoint("no-credential", host.base_url, "fake", credential="env:NOT_SET"))
    place.add_route("chat-only", endpoint("chat-only", host.base_url, "fake", operations=("chat",)))
    place.add_route("impatient", endpoint("impatient", host.base_url, "fake:stall_after=0", timeouts=short()))
    place.add_route(
        "goes-quiet", endpoint("goes-quiet", host.base_url, "fake:chunks=9,stall_after=3", timeouts=short())
    )
    try:
        place.start()
        yield place
    finally:
        place.close()


def short() -> Timeouts:
    return Timeouts(first_byte_s=0.5, idle_s=0.5)


@pytest.fixture
def client(workplace: Workplace) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{workplace.url}/v1", api_key=KEY, max_retries=0) as one:
        yield one
