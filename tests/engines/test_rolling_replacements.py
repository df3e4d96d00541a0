"""A deployment that changes while it serves: its successor starts beside it, takes over, and nobody is cut off."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from engine_bench import PATIENCE_S, chat, children_of, is_alive, until
from tiny_model import write_tiny_model

from hortus.engines.drivers.llamacpp import check
from hortus.snapshot.model import Deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine_bench import Bench

    from hortus.engines.addresses import EngineAddress

pytestmark = pytest.mark.slow

MIB = 1024 * 1024


def _deployment(model: Path, **changes: object) -> Deployment:
    values: dict[str, object] = {"context_tokens": 512, "slots": 2, "threads": 1, **changes}
    return Deployment(name="tiny", engine="llamacpp", model_path=str(model), **values)  # type: ignore[arg-type]


@contextlib.contextmanager
def _long_stream(address: EngineAddress) -> Iterator[http.client.HTTPResponse]:
    """Open a stream of hundreds of tokens of which nothing is read yet."""
    connection = http.client.HTTPConnection(address.base_url.split("/")[2], timeout=PATIENCE_S)
    asked = {"messages": [{"role": "user", "content": "a"}], "stream": True, "max_tokens": 400, "ignore_eos": True}
    headers = {"authorization": f"Bearer {address.key}", "content-type": "application/json"}
    try:
        connection.request("POST", "/v1/chat/completions", msgspec.json.encode(asked), headers)
        yield connection.getresponse()
    finally:
        connection.close()


def test_a_successor_takes_over_in_one_step_and_the_predecessor_then_ends(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    bench.start()
    before = bench.until_state("tiny", "ready")
    seen: list[EngineAddress] = []
    bench.want(_deployment(tiny_model, slots=3))

    def look() -> bool:
        now = bench.address("tiny")
        assert now
        seen.append(now)
        return now.pid != before.pid

    until(look, "the successor serves")
    after = seen[-1]
    assert {address.state for address in seen} == {"ready"}
    assert (after.edition, after.restarts) == (_deployment(tiny_model, slots=3).edition, 0)
    assert after.key != before.key
    assert chat(after)
    assert before.pid
    until(lambda: before.pid and not is_alive(before.pid), "the predecessor has ended")
    assert chat(after)


def test_an_engine_has_answered_once_before_anybody_may_ask(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    bench.start()
    address = bench.until_state("tiny", "ready")
    assert address.load_s is not None
    assert address.warm_s is not None
    assert (address.engine, address.edition) == ("llamacpp", _deployment(tiny_model).edition)


def test_a_stream_that_runs_at_the_predecessor_is_answered_to_its_end(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    bench.start()
    before = bench.until_state("tiny", "ready")
    with _long_stream(before) as answer:
        answer.readline()
        bench.want(_deployment(tiny_model, slots=3))
        bench.until_state("tiny", "ready", not_pid=before.pid)
        assert answer.read().rstrip().endswith(b"data: [DONE]")


def test_a_model_file_that_is_replaced_is_served_anew(bench: Bench, tiny_model: Path, tmp_path: Path) -> None:
    model = tmp_path / "model.gguf"
    shutil.copy(tiny_model, model)
    bench.want(_deployment(model))
    bench.start()
    before = bench.until_state("tiny", "ready")
    write_tiny_model(tmp_path / "newer.gguf", name="newer").replace(model)
    after = bench.until_state("tiny", "ready", not_pid=before.pid)
    assert chat(after)


def test_what_serves_goes_on_when_its_successor_cannot_start(bench: Bench, tiny_model: Path, tmp_path: Path) -> None:
    bench.want(_deployment(tiny_model))
    bench.start()
    before = bench.until_state("tiny", "ready")
    bench.want(_deployment(tmp_path / "missing.gguf"))

    def failed() -> EngineAddress | None:
        now = bench.address("tiny")
        return now if now and now.successor == "failed" else None

    now = until(failed, "the successor has failed")
    assert (now.state, now.pid, now.edition) == ("ready", before.pid, before.edition)
    assert now.successor_error
    assert "cannot be read" in now.successor_error
    assert chat(now)
    bench.want(_deployment(tiny_model))
    until(lambda: (address := bench.address("tiny")) and address.successor is None, "it is given up")
    assert chat(before)


def test_where_memory_is_short_for_both_the_predecessor_makes_room(bench: Bench, tiny_model: Path) -> None:
    need = check(_deployment(tiny_model, slots=3), tiny_model).memory_bytes
    bench.want(_deployment(tiny_model))
    bench.start(memory_limit=need + MIB, is_shared=True)
    before = bench.until_state("tiny", "ready")
    bench.want(_deployment(tiny_model, slots=3))
    after = bench.until_state("tiny", "ready", not_pid=before.pid)
    assert before.pid
    assert not is_alive(before.pid)
    assert chat(after)
    assert "memory is too short for it and its successor" in bench.log()


def test_a_supervisor_killed_during_a_replacement_comes_back_with_what_is_wanted(
    bench: Bench, tiny_model: Path
) -> None:
    bench.want(_deployment(tiny_model))
    supervisor = bench.start()
    before = bench.until_state("tiny", "ready")
    wanted = _deployment(tiny_model, slots=3)
    bench.want(wanted)
    engines = until(lambda: len(found := children_of(supervisor.pid)) > 1 and found, "both run")
    supervisor.kill()
    supervisor.wait()
    until(lambda: not any(map(is_alive, engines)), "the engines are gone")
    again = bench.start()
    after = bench.until_state("tiny", "ready", not_pid=before.pid)
    assert after.edition == wanted.edition
    assert chat(after)
    assert children_of(again.pid) == [after.pid]


def test_a_deployment_retired_while_it_is_replaced_leaves_nothing(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    supervisor = bench.start()
    bench.until_state("tiny", "ready")
    bench.want(_deployment(tiny_model, slots=3))
    until(lambda: len(children_of(supervisor.pid)) > 1, "both run")
    bench.want()
    until(lambda: not children_of(supervisor.pid), "no engine is left")
    until(lambda: bench.address("tiny") is None, "the file is removed")
    assert os.listdir(bench.home.engines) == []  # noqa: PTH208 - hidden files count too
