"""Real engines under a real supervisor: starting, answering, dying, coming back, stopping."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from engine_bench import ask, chat, children_of, is_alive, until

from hortus.snapshot.model import Deployment

if TYPE_CHECKING:
    from engine_bench import Bench

MIB = 1024 * 1024


def _deployment(model: Path, name: str = "tiny", **changes: object) -> Deployment:
    values: dict[str, object] = {"context_tokens": 256, "slots": 2, "threads": 1, **changes}
    return Deployment(name=name, engine="llamacpp", model_path=str(model), **values)  # type: ignore[arg-type]


def test_starts_a_wanted_deployment_and_says_where_it_answers(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    bench.start()
    address = bench.until_state("tiny", "ready")
    assert len(chat(address)) > 0
    assert address.base_url.startswith("http://127.0.0.1:")
    assert address.restarts == 0
    assert address.error is None
    assert address.memory_bytes
    mode = (bench.home.engines / "tiny.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_an_engine_answers_to_its_key_only_and_shows_it_to_nobody(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    bench.start()
    address = bench.until_state("tiny", "ready")
    assert ask(address, "/chat/completions", {"messages": []}, key="wrong")[0] == 401
    for place in ("cmdline", "environ"):
        shown = Path(f"/proc/{address.pid}/{place}").read_bytes()
        assert address.key.encode() not in shown
        assert b"SECRET_TOKEN" not in shown
    assert address.key not in bench.log()


def test_an_engine_is_one_process_in_its_own_group(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    supervisor = bench.start()
    address = bench.until_state("tiny", "ready")
    chat(address)
    assert address.pid is not None
    assert children_of(supervisor.pid) == [address.pid]
    assert children_of(address.pid) == []
    assert os.getpgid(address.pid) == address.pid


def test_two_deployments_run_side_by_side_and_one_can_embed(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model), _deployment(tiny_model, "eu/vectors", offers_embeddings=True))
    bench.start()
    one, other = bench.until_state("tiny", "ready"), bench.until_state("eu/vectors", "ready")
    assert one.base_url != other.base_url
    assert one.key != other.key
    assert chat(one)
    status, answer = ask(other, "/embeddings", {"model": "x", "input": "hello"})
    assert status == 200
    assert len(answer["data"][0]["embedding"]) == 64


def test_a_killed_engine_comes_back_at_the_same_address_and_answers(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    bench.start()
    before = bench.until_state("tiny", "ready")
    assert before.pid
    os.kill(before.pid, signal.SIGKILL)
    after = bench.until_state("tiny", "ready", not_pid=before.pid)
    assert chat(after)
    assert (after.base_url, after.key, after.restarts) == (before.base_url, before.key, 1)


def test_an_engine_that_no_longer_answers_is_replaced(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    bench.start()
    before = bench.until_state("tiny", "ready")
    assert before.pid
    os.kill(before.pid, signal.SIGSTOP)
    after = bench.until_state("tiny", "ready", not_pid=before.pid)
    assert chat(after)
    assert not is_alive(before.pid)


def test_no_engine_outlives_a_killed_supervisor_and_a_new_one_starts_afresh(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model), _deployment(tiny_model, "other"))
    supervisor = bench.start()
    pids = [bench.until_state(name, "ready").pid for name in ("tiny", "other")]
    supervisor.kill()
    supervisor.wait()
    until(lambda: not any(is_alive(pid) for pid in pids if pid), "the engines are gone")
    assert bench.address("tiny")  # stale: nobody was left to remove it
    bench.want(_deployment(tiny_model))
    bench.start()
    assert chat(bench.until_state("tiny", "ready", not_pid=pids[0]))
    assert bench.address("other") is None


def test_an_engine_whose_supervisor_dies_during_its_start_ends_too(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    supervisor = bench.start()
    (engine,) = until(lambda: children_of(supervisor.pid), "an engine's process exists")
    supervisor.kill()
    supervisor.wait()
    until(lambda: not is_alive(engine), "the engine is gone")


def test_an_engine_whose_port_is_taken_meanwhile_serves_on_another(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    bench.start()
    before = bench.until_state("tiny", "ready")
    assert before.pid
    os.kill(before.pid, signal.SIGKILL)
    port = int(before.base_url.split(":")[2].split("/")[0])
    with until(lambda: _taken(port), "the port is free for us"):
        after = bench.until_state("tiny", "ready", not_pid=before.pid)
        assert chat(after)
        assert after.base_url != before.base_url


def _taken(port: int) -> socket.socket | None:
    thief = socket.socket()
    thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        thief.bind(("127.0.0.1", port))
        thief.listen()
    except OSError:
        thief.close()
        return None
    return thief


def test_an_engine_with_a_long_queue_is_busy_not_hung(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    bench.start()
    address = bench.until_state("tiny", "ready")
    with ThreadPoolExecutor(40) as clients:
        answers = list(clients.map(lambda _: chat(address), range(200)))
    assert len(answers) == 200
    now = bench.address("tiny")
    assert now
    assert (now.pid, now.restarts) == (address.pid, 0)


def test_each_further_failure_waits_longer_and_then_shows_as_failed(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    bench.start()
    pid = None
    for _ in range(3):
        address = bench.until_state("tiny", "ready", not_pid=pid)
        pid = address.pid
        assert pid
        os.kill(pid, signal.SIGKILL)
    failed = bench.until_state("tiny", "failed")
    assert failed.error
    assert "was killed" in failed.error
    assert [float(wait) for wait in re.findall(r"again_in_s=([0-9.]+)", bench.log())] == [0.25, 0.5, 1.0]
    assert bench.until_state("tiny", "ready").restarts == 3


def test_a_deployment_that_is_no_longer_wanted_stops_and_leaves_no_file(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model), _deployment(tiny_model, "other"))
    bench.start()
    kept, gone = bench.until_state("tiny", "ready"), bench.until_state("other", "ready")
    bench.want(_deployment(tiny_model))
    until(lambda: bench.address("other") is None, "the file is removed")
    assert gone.pid
    assert not is_alive(gone.pid)
    assert bench.until_state("tiny", "ready").pid == kept.pid


def test_a_changed_deployment_is_started_anew(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    bench.start()
    before = bench.until_state("tiny", "ready")
    bench.want(_deployment(tiny_model, slots=3))
    after = bench.until_state("tiny", "ready", not_pid=before.pid)
    assert chat(after)


def test_sigterm_ends_the_supervisor_with_all_engines_and_their_files(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model), _deployment(tiny_model, "other"))
    supervisor = bench.start()
    pids = [bench.until_state(name, "ready").pid for name in ("tiny", "other")]
    supervisor.send_signal(signal.SIGTERM)
    assert supervisor.wait(20) == 0
    assert not any(is_alive(pid) for pid in pids if pid)
    assert list(bench.home.engines.iterdir()) == []


def test_a_broken_snapshot_changes_nothing_and_is_named_in_the_log(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    bench.start()
    before = bench.until_state("tiny", "ready")
    bench.put_snapshot(b'{"version": 2, "deploy')
    until(lambda: "snapshot cannot be read" in bench.log(), "the supervisor says so")
    bench.want(_deployment(tiny_model), _deployment(tiny_model, "other"))
    bench.until_state("other", "ready")
    assert bench.until_state("tiny", "ready").pid == before.pid


def test_a_file_that_is_no_model_fails_for_good_until_the_file_changes(
    bench: Bench, tiny_model: Path, tmp_path: Path
) -> None:
    model = tmp_path / "changing.gguf"
    model.write_bytes(b"not a model at all " * 100)
    bench.want(_deployment(model))
    bench.start()
    failed = bench.until_state("tiny", "failed")
    assert failed.error
    assert "not a GGUF model" in failed.error
    assert (failed.pid, failed.key, failed.restarts) == (None, "", 0)
    model.write_bytes(tiny_model.read_bytes())
    assert chat(bench.until_state("tiny", "ready"))


def test_a_model_that_only_the_engine_finds_damaged_fails_for_good_with_its_reason(
    bench: Bench, tiny_model: Path, tmp_path: Path
) -> None:
    model = tmp_path / "damaged.gguf"
    model.write_bytes(tiny_model.read_bytes().replace(b"blk.1.ffn_down", b"blk.9.ffn_down"))
    bench.want(_deployment(model))
    bench.start()
    failed = bench.until_state("tiny", "failed")
    assert failed.error
    assert "could not start" in failed.error
    assert "tensor" in failed.error
    assert bench.log().count("engine failed") == 1


def test_a_model_that_does_not_fit_into_memory_is_refused_with_both_figures(bench: Bench, tiny_model: Path) -> None:
    bench.want(_deployment(tiny_model))
    bench.start(memory_limit=20 * MIB)
    failed = bench.until_state("tiny", "failed")
    assert failed.error
    assert "memory is short: needs" in failed.error
    assert "has 20.0 MiB" in failed.error
    assert "smaller quantisation" in failed.error


def test_an_unknown_engine_is_refused_by_name(bench: Bench, tiny_model: Path) -> None:
    bench.want(Deployment(name="tiny", engine="other", model_path=str(tiny_model)))
    bench.start()
    failed = bench.until_state("tiny", "failed")
    assert failed.error == "no engine is called 'other'. Known engines: llamacpp, transformers, vllm."
