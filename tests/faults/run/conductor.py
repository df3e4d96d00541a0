"""One run from its first start to its verdict: phases under load, books compared after each."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial

from faults.run.answers import Listener
from faults.run.asking import Question, draw_question
from faults.run.client import Outcome, ask
from faults.run.killing import Fault, wait_until
from faults.run.load import Load
from faults.run.money import EDGE
from faults.run.money import compare as compare_money
from faults.run.phases import KILLS, Phase, Stage
from faults.run.place import Place
from faults.run.proving import read_receipts, verify_chain, verify_segments
from faults.run.reconcile import Books, Finding, reconcile
from faults.run.report import Run
from faults.run.watching import Watch
from hortus.app.clock import SystemClock
from hortus.receipts.records import Receipt
from hortus.testkit.faults.book import Account

CLIENTS = 12
_LITTLE_TOKENS = 16
_LITTLE = Decimal("0.0005")  # several times what so few tokens may cost
_SETTLED_WITHIN_S = 60.0

Say = Callable[[str], None]


async def conduct(
    place: Place, phases: list[Phase], *, seed: int, kills: int, say: Say, within_s: float = 460.0
) -> Run:
    """Play all phases; return what was found. That kills do not fit into `within_s` is a finding."""
    loop, clock = asyncio.get_running_loop(), SystemClock()
    began_s = loop.time()
    run = Run(seed, kills, 0.0, [], [], [], [], Counter())
    watch = Watch(place.journal, place.book)
    first = done = 0
    for phase in phases:
        load = Load(port=place.port, keys=place.keys, draw=partial(draw_question, seed=seed), first=first)
        faults: list[Fault] = []
        since_ms = clock.now_ms() - 1000
        note = partial(_note, faults, say=partial(_tell, load, say))
        load.start(CLIENTS)
        try:
            await phase.play(Stage(place, watch, load, seed, note, began_s + within_s))
        finally:
            await load.stop()
        last = load.next_number
        books = await _compare(place, load.outcomes, faults, between=(first, last), phase=phase, since_ms=since_ms)
        books.findings.extend(compare_money(read_receipts(place), place.standings()))
        _add(run, books, load.outcomes, faults)
        say(f"{phase.name}: {len(load.outcomes)} requests compared, {len(books.findings)} findings")
        first = last
        done += len(faults) if phase.name == KILLS else 0
    watch.close()
    if done < kills:
        run.findings.append(Finding("unfinished", f"{done} of {kills}", f"no more kills fit into {within_s:.0f} s"))
    edge = place.standings()[EDGE]
    run.findings.extend(await _probe_edge(place, first, left=edge.left))
    run.findings.extend(verify_segments(place))
    run.findings.extend(verify_chain(place))
    return run._replace(seconds=loop.time() - began_s, edge=edge)


async def _probe_edge(place: Place, number: int, *, left: Decimal) -> list[Finding]:
    """Ask for little where a little is left: now that nothing runs, nothing may be held back."""
    question = Question(number, "openai_chat", "openai", is_stream=False, is_edge=True, output_limit=_LITTLE_TOKENS)
    if left < _LITTLE:
        return []
    outcome = await ask(question, port=place.port, key=place.keys[True])
    what = f"{left} left, and a request for {_LITTLE_TOKENS} tokens got {outcome.status}"
    return [] if outcome.status == 200 else [Finding("false refusal", EDGE, what)]


def _note(faults: list[Fault], fault: Fault, *, say: Callable[[Fault, int], None]) -> None:
    faults.append(fault)
    say(fault, len(faults))


def _tell(load: Load, say: Say, fault: Fault, number: int) -> None:
    say(f"{number:4d}  {fault.label}; {len(load.outcomes)} requests, {load.successes} answered")


async def _compare(
    place: Place, outcomes: list[Outcome], faults: list[Fault], *, between: tuple[int, int], phase: Phase, since_ms: int
) -> Books:
    """Wait until the receipts of a phase are all there, then compare them."""

    def of_phase(mark: str) -> bool:
        return mark.isdigit() and between[0] <= int(mark) < between[1]

    def accounts() -> list[Account]:
        return [one for one in place.accounts() if of_phase(one.seen.mark)]

    def receipts() -> list[Receipt]:
        return [one for one in read_receipts(place, since_ms=since_ms) if of_phase(one.request_id.removeprefix("hx-"))]

    def is_settled() -> bool:
        marks = {one.request_id.removeprefix("hx-") for one in receipts() if one.attempts}
        return all(one.how != "running" and one.seen.mark in marks for one in accounts())

    findings = []
    try:
        await wait_until(is_settled, what="a receipt for each request that the host saw", within_s=_SETTLED_WITHIN_S)
    except AssertionError:
        findings.append(Finding("lost", phase.name, "after a minute there are still requests without a receipt"))
    here = receipts()
    books = reconcile(accounts(), here, prices=place.prices())
    acts = {one.seen.mark: one.seen.act for one in accounts()}
    listener = Listener({one.request_id.removeprefix("hx-"): one for one in here}, acts, faults)
    findings += listener.findings(outcomes)
    if not phase.may_interrupt:
        open_ones = [one for one in here if one.status == "interrupted"]
        findings += [Finding("lost", one.request_id, "interrupted, though nothing was killed") for one in open_ones]
    books.findings.extend(findings)
    books.counts.update(listener.counts)
    return books


def _add(run: Run, books: Books, outcomes: list[Outcome], faults: list[Fault]) -> None:
    run.findings.extend(books.findings)
    run.differences.extend(books.differences)
    run.counts.update(books.counts)
    run.outcomes.extend(outcomes)
    run.faults.extend(faults)
