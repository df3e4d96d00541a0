"""A worker whose installation's secret changes under it: no key is unknown for a moment, none works for too long."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from workplace import KEY, Workplace, endpoint, wait_until

from hortus.app.clock import SystemClock
from hortus.app.rotation import add_version
from hortus.app.secrets import Secrets, load_secrets, replace_secrets
from hortus.testkit.replay_host import ReplayHost

FRESH_KEY = "hortus_sk_" + "f" * 40
UNKNOWN_KEY = "hortus_sk_" + "u" * 40


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory, host: ReplayHost) -> Iterator[Workplace]:
    one = Workplace(tmp_path_factory.mktemp("home"))
    one.add_route("plain", endpoint("plain", host.base_url, "fake"))
    try:
        one.start()
        yield one
    finally:
        one.close()


def ask(place: Workplace, key: str) -> int:
    headers = {"authorization": f"Bearer {key}"}
    body = {"model": "plain", "messages": []}
    return httpx2.post(f"{place.url}/v1/chat/completions", json=body, headers=headers, timeout=30).status_code


def rotate(place: Workplace) -> None:
    add_version(place.home, clock=SystemClock())
    place.secrets = load_secrets(place.home)


def test_a_key_of_a_version_made_a_moment_ago_works_at_its_first_request(place: Workplace) -> None:
    for number in range(20):
        rotate(place)
        key = f"hortus_sk_{number:040d}"
        place.grant(key, ("plain",))
        assert ask(place, key) == 200


def test_a_key_of_an_older_version_works_on(place: Workplace) -> None:
    assert ask(place, KEY) == 200
    rotate(place)
    place.grant(FRESH_KEY, ("plain",))
    assert [ask(place, key) for key in (FRESH_KEY, KEY, KEY)] == [200, 200, 200]


def test_a_known_key_of_an_older_version_works_while_the_ledger_is_away(place: Workplace) -> None:
    assert ask(place, KEY) == 200
    rotate(place)
    assert ask(place, UNKNOWN_KEY) == 401  # the worker looks again, and knows two versions now
    place.ledger.stop()
    wait_until(lambda: any("ledger away" in str(line.get("event")) for line in place.log_lines()))
    assert ask(place, KEY) == 200


def test_a_key_of_a_retired_version_works_no_longer(place: Workplace) -> None:
    assert ask(place, KEY) == 200
    rotate(place)
    assert ask(place, KEY) == 200
    current = place.secrets.current
    replace_secrets(place.home, Secrets(current, {current.version: current}))
    wait_until(lambda: ask(place, KEY) == 401)
