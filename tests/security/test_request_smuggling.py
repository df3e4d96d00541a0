"""Whatever two programs could read differently is one request for both, or none: at each door, with one law."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.workplace import Workplace, wait_until
from hortus.testkit.replay_host import ReplayHost
from security.doors import AUTH, exchange, make_place, nginx_before, statuses
from security.smuggling import ANSWERED, DENIED, LAST, PROBE, REFUSED, fill, rows

ROWS = rows()

STOPS_AT = frozenset({"header wish for HTTP/2", "wish for a WebSocket"})
"""uvicorn reads nothing more behind a wish for another protocol, and closes after five silent seconds."""


@pytest.fixture(scope="module")
def host() -> Iterator[ReplayHost]:
    with ReplayHost() as one:
        yield one


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, host: ReplayHost) -> Iterator[Workplace]:
    yield from _run(make_place(tmp_path_factory.mktemp("own"), host))


@pytest.fixture(scope="module")
def uvicorn(tmp_path_factory: pytest.TempPathFactory, host: ReplayHost) -> Iterator[Workplace]:
    yield from _run(make_place(tmp_path_factory.mktemp("uvicorn"), host, door_server="uvicorn"))


def _run(place: Workplace) -> Iterator[Workplace]:
    try:
        place.start()
        yield place
    finally:
        place.close()


def judge(port: int, data: bytes, host: ReplayHost) -> tuple[str, list[int], list[str]]:
    """Return what became of a row: in one word, by the answers' statuses, and by what the host saw."""
    before = len(host.seen)
    answers = statuses(exchange(port, fill(data, AUTH) + PROBE))
    seen = [one.json["messages"][0]["content"] for one in host.seen[before:]]
    words = {(2, 0): DENIED, (1, 0): REFUSED, (0, 0): REFUSED, (2, 1): ANSWERED, (1, 1): LAST}
    return words.get((len(answers), len(seen)), "smuggled"), answers, seen


def assert_lawful(outcome: str, judged: tuple[str, list[int], list[str]]) -> None:
    actual, answers, seen = judged
    assert (actual, answers, seen) == (outcome, answers, ["outer"] if outcome in {ANSWERED, LAST} else [])
    if outcome == REFUSED:
        assert all(400 <= status < 500 for status in answers)


def test_the_table_is_what_it_says() -> None:
    assert len({name for name, _, _ in ROWS}) == len(ROWS) > 200
    assert Counter(outcome for _, _, outcome in ROWS)[REFUSED] > 180


@pytest.mark.parametrize(("name", "data", "outcome"), ROWS, ids=[name for name, _, _ in ROWS])
def test_at_our_own_door(own: Workplace, host: ReplayHost, name: str, data: bytes, outcome: str) -> None:
    assert name
    assert_lawful(outcome, judge(own.port, data, host))


ROWS_OF_UVICORN = [row for row in ROWS if row[0] not in STOPS_AT]


@pytest.mark.parametrize(("name", "data", "outcome"), ROWS_OF_UVICORN, ids=[name for name, _, _ in ROWS_OF_UVICORN])
def test_at_uvicorns_door(uvicorn: Workplace, host: ReplayHost, name: str, data: bytes, outcome: str) -> None:
    assert name
    assert_lawful(outcome, judge(uvicorn.port, data, host))


def test_behind_nginx_each_request_is_one_for_both_and_no_answer_comes_twice(tmp_path: Path, host: ReplayHost) -> None:
    """Nginx mends some of what we refuse; what counts is that both see the same requests, in number and in kind."""
    place = make_place(tmp_path / "home", host)
    try:
        place.start()
        with nginx_before(place.port, tmp_path) as port:
            for name, data, _ in ROWS:
                before = len(host.seen)
                answers = statuses(exchange(port, fill(data, AUTH) + PROBE))
                seen = [one.json["messages"][0]["content"] for one in host.seen[before:]]
                assert seen in ([], ["outer"], ["INNER"], ["outer", "INNER"]), name
                assert answers.count(200) >= len(seen), name
                if name.startswith("chunked ") and not name.endswith("short CL"):
                    assert "INNER" not in seen, name
        wait_until(lambda: _answered_by(place) == _passed_by_nginx(tmp_path / "access.log"))
    finally:
        place.close()


def _passed_by_nginx(log: Path) -> Counter[int]:
    """Return the statuses that nginx says it got of us; those who only ask for our health are in no log of ours."""
    passed = [line.split() for line in log.read_text("utf-8").splitlines()]
    return Counter(
        _in_short(int(status)) for method, status in passed if status != "-" and method not in {"GET", "HEAD"}
    )


def _answered_by(place: Workplace) -> Counter[int]:
    """Return the statuses that the worker's log says it gave, those for what was no HTTP among them."""
    lines = place.log_lines()
    given = Counter(_in_short(line["status"]) for line in lines if line["event"] == "request")
    return given + Counter({400: sum(line["event"].startswith("client cut: not HTTP") for line in lines)})


def _in_short(status: int) -> int:
    return 400 if status == 431 else status
