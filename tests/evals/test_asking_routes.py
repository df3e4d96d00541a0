"""Routes that are busy, broken or gone, and a step that is killed while it asks."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import msgspec
import pytest
from eval_ground import Bench, Tables, check, question, right, wrong

from hortus.evals.asking import Asking
from hortus.evals.ports import AskFailed
from hortus.jobs.errors import StepError
from hortus.jobs.reports import Progress

ROUTES = {"product": right, "base": wrong}


def busy_twice(route: str, text: str, count: int) -> AskFailed | None:
    return AskFailed("busy", status=429, retry_after_s=3.0) if count <= 2 else None


def test_a_busy_route_is_asked_again_after_the_time_that_it_asks_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path, items=10, references=1)
    verdict = asyncio.run(bench.judge(Tables(ROUTES, fails=busy_twice)))
    assert verdict.passed
    assert set(bench.waits) == {3.0}


def test_a_route_that_asks_for_an_hour_is_asked_again_sooner(tmp_path: Path) -> None:
    def fails(route: str, text: str, count: int) -> AskFailed | None:
        return AskFailed("busy", status=503, retry_after_s=3600.0) if count == 1 else None

    bench = Bench(tmp_path, items=4, references=1)
    asyncio.run(bench.judge(Tables(ROUTES, fails=fails)))
    assert set(bench.waits) == {15.0}


def test_pauses_grow_where_the_door_says_nothing(tmp_path: Path) -> None:
    def fails(route: str, text: str, count: int) -> AskFailed | None:
        return AskFailed("no connection") if route == "product" and text == question(0) and count <= 4 else None

    bench = Bench(tmp_path, items=1, references=1)
    asyncio.run(bench.judge(Tables(ROUTES, fails=fails)))
    assert bench.waits == [0.5, 1.0, 2.0, 4.0]


async def test_a_refusal_is_not_asked_again_and_counts_as_wrong(tmp_path: Path) -> None:
    def fails(route: str, text: str, count: int) -> AskFailed | None:
        is_it = route == "product" and text == question(20)
        return AskFailed("The context is too long.", status=400) if is_it else None

    bench = Bench(tmp_path)
    tables = Tables(ROUTES, fails=fails)
    verdict = await bench.judge(tables)
    assert tables.asked.count(("product", question(20))) == 1
    assert verdict.suites[0].product_misses.refused == 1
    assert verdict.suites[0].product.value == pytest.approx(59 / 60)


@pytest.mark.parametrize("status", [401, 402, 403, 404])
async def test_a_base_that_may_not_be_asked_ends_the_step_and_is_not_taken_for_wrong(
    tmp_path: Path, status: int
) -> None:
    def fails(route: str, text: str, count: int) -> AskFailed | None:
        return AskFailed("This key may not use it.", status=status) if route == "base" else None

    bench = Bench(tmp_path)
    with pytest.raises(StepError) as raised:
        await bench.judge(Tables(ROUTES, fails=fails))
    assert raised.value.reason == "route_refused"
    assert "This key may not use it." in raised.value.message


async def test_over_a_base_that_refuses_everything_there_is_no_gain(tmp_path: Path) -> None:
    def fails(route: str, text: str, count: int) -> AskFailed | None:
        return AskFailed("No chat template.", status=400) if route == "base" else None

    verdict = await Bench(tmp_path).judge(Tables(ROUTES, fails=fails))
    assert not verdict.passed
    assert "refused every question" in check(verdict, "gain").sentence


async def test_a_base_that_often_does_not_answer_promotes_nothing(tmp_path: Path) -> None:
    """Its silence must not look like the product's gain."""

    def fails(route: str, text: str, count: int) -> AskFailed | None:
        return AskFailed("gone", status=503) if route == "base" and int(text.split()[1]) % 5 else None

    verdict = await Bench(tmp_path).judge(Tables(ROUTES, fails=fails), asking=Asking(concurrency=1))
    figures = verdict.suites[0]
    assert figures.base_misses.unanswered == 48
    assert figures.gain is not None
    assert figures.gain.value == pytest.approx(12 / 60)
    assert "48 questions to the base had no answer" in check(verdict, "gain").sentence


async def test_a_product_that_often_does_not_answer_is_barred(tmp_path: Path) -> None:
    def fails(route: str, text: str, count: int) -> AskFailed | None:
        number = int(text.split()[1])
        return AskFailed("gone", status=503) if route == "product" and number > 6 and number % 3 == 0 else None

    verdict = await Bench(tmp_path).judge(Tables({"product": right, "base": right}, fails=fails))
    assert not check(verdict, "gain").passed


async def test_a_route_that_is_gone_ends_the_step_with_a_cause(tmp_path: Path) -> None:
    tables = Tables(ROUTES, fails=lambda route, text, count: AskFailed("no connection"))
    with pytest.raises(StepError) as raised:
        await Bench(tmp_path).judge(tables)
    assert raised.value.reason == "route_unavailable"
    assert raised.value.message == "The route product did not answer 6 questions in a row, at last: no connection"


async def test_never_more_questions_at_once_than_set(tmp_path: Path) -> None:
    tables = Tables(ROUTES)
    await Bench(tmp_path).judge(tables, asking=Asking(concurrency=3))
    assert tables.most_at_once == 3


async def test_progress_reaches_its_end_for_each_round(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    await bench.judge(Tables(ROUTES))
    last = {one.phase: (one.done, one.total) for one in bench.reports if isinstance(one, Progress)}
    assert last == {"references": (6, 6), "base": (60, 60), "product": (60, 60)}


async def test_a_verdict_does_not_depend_on_the_order_in_which_answers_come(tmp_path: Path) -> None:
    one = Bench(tmp_path / "one")
    other = Bench(tmp_path / "other")
    first = await one.judge(Tables(ROUTES), asking=Asking(concurrency=1))
    assert first == await other.judge(Tables(ROUTES, fails=busy_twice), asking=Asking(concurrency=7))
    assert (one.evaluate / "items.jsonl").read_bytes() == (other.evaluate / "items.jsonl").read_bytes()


async def test_a_step_that_ends_early_goes_on_with_the_answers_that_it_has(tmp_path: Path) -> None:
    bench = Bench(tmp_path)

    def fails(route: str, text: str, count: int) -> AskFailed | None:
        return AskFailed("gone") if route == "product" and int(text.split()[1]) >= 30 else None

    first, second = Tables(ROUTES, fails=fails), Tables(ROUTES)
    with pytest.raises(StepError):
        await bench.judge(first, asking=Asking(concurrency=1))
    verdict = await bench.judge(second)
    assert verdict.passed
    assert sorted(text for _, text in second.asked) == sorted(question(number) for number in range(30, 60))


async def test_a_line_that_a_kill_has_cut_is_asked_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    verdict = await bench.judge(Tables(ROUTES))
    path = bench.evaluate / "answers.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    again = Tables(ROUTES)
    assert await bench.judge(again) == verdict
    assert len(again.asked) == 1


@pytest.mark.parametrize("changed", ["references.jsonl", "facts.json"])
async def test_answers_of_another_product_are_not_taken(tmp_path: Path, changed: str) -> None:
    bench = Bench(tmp_path)
    await bench.judge(Tables(ROUTES))
    with (bench.folder.product / changed).open("ab") as file:
        file.write(b"\n")
    again = Tables(ROUTES)
    await bench.judge(again)
    assert len(again.asked) == 126


async def test_answers_file_that_is_no_such_file_is_begun_anew(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.evaluate.mkdir()
    (bench.evaluate / "answers.jsonl").write_bytes(b"\xff\n{}\n")
    assert (await bench.judge(Tables(ROUTES))).passed


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from eval_ground import Bench, Tables, right, wrong

bench = Bench(Path({root!r}))
asked = 0

def answer(text):
    global asked
    asked += 1
    if asked == {after}:
        os.kill(os.getpid(), signal.SIGKILL)
    return right(text)

asyncio.run(bench.judge(Tables({{"product": answer, "base": wrong}})))
"""


@pytest.mark.parametrize("after", [2, 9, 41, 66])
async def test_a_killed_step_started_again_comes_to_the_same_verdict(tmp_path: Path, after: int) -> None:
    here = Path(__file__).parent
    code = KILLED.format(tests=str(here), root=str(tmp_path / "killed"), after=after)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await asyncio.wait_for(process.wait(), timeout=60) == -signal.SIGKILL
    whole, killed = Bench(tmp_path / "whole"), Bench(tmp_path / "killed")
    expected = await whole.judge(Tables(ROUTES))
    again = Tables(ROUTES)
    assert await killed.judge(again) == expected
    assert len(again.asked) < 126
    items = [path.evaluate / "items.jsonl" for path in (whole, killed)]
    assert items[0].read_bytes() == items[1].read_bytes()


async def test_neither_verdict_nor_reports_tell_what_was_asked(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    verdict = await bench.judge(Tables({"product": wrong, "base": wrong}))
    assert "of a citizen" not in msgspec.json.encode([verdict, bench.reports]).decode()
