"""Adapters by name over one model, in one process: which one answers lies with the address file, not with clients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from engine_bench import ask
from tiny_model import write_tiny_adapter

from hortus.engines.drivers.llamacpp import check, serves
from hortus.engines.errors import ModelFileError
from hortus.snapshot.model import Adapter, Deployment

if TYPE_CHECKING:
    from engine_bench import Bench

    from hortus.engines.addresses import EngineAddress

pytestmark = pytest.mark.slow


@pytest.fixture
def adapters(tmp_path: Path) -> tuple[Adapter, Adapter]:
    day, night = (write_tiny_adapter(tmp_path / f"{name}.gguf", seed=name) for name in ("day", "night"))
    return Adapter("day", str(day)), Adapter("night", str(night))


def _deployment(model: Path, *adapters: Adapter) -> Deployment:
    return Deployment(
        name="tiny", engine="auto", model_path=str(model), context_tokens=256, slots=2, threads=1, adapters=adapters
    )


def _say(address: EngineAddress, name: str) -> str:
    body = {"messages": [{"role": "user", "content": "hello"}], "max_tokens": 24, "temperature": 0, "ignore_eos": True}
    status, answer = ask(address, "/chat/completions", body | address.serves[name])
    assert status == 200, answer
    return str(answer["choices"][0]["message"]["content"])


def test_each_name_has_its_own_answer_in_any_order(bench: Bench, tiny_model: Path, adapters) -> None:
    bench.want(_deployment(tiny_model, *adapters))
    bench.start()
    address = bench.until_state("tiny", "ready")
    names = ("tiny", "day", "night")
    first = {name: _say(address, name) for name in names}
    assert len(set(first.values())) == 3
    for name in (*reversed(names), "day", "day", "tiny", "night"):
        assert _say(address, name) == first[name]
    bench.want(_deployment(tiny_model))
    alone = bench.until_state("tiny", "ready", not_pid=address.pid)
    assert _say(alone, "tiny") == first["tiny"]


def test_an_adapter_is_added_by_a_successor_that_knows_both(bench: Bench, tiny_model: Path, adapters) -> None:
    bench.want(_deployment(tiny_model, adapters[1]))
    bench.start()
    before = bench.until_state("tiny", "ready")
    said = _say(before, "night")
    bench.want(_deployment(tiny_model, *adapters))
    after = bench.until_state("tiny", "ready", not_pid=before.pid)
    assert (set(before.serves), set(after.serves)) == ({"tiny", "night"}, {"tiny", "day", "night"})
    assert before.serves["night"] != after.serves["night"]
    assert _say(after, "night") == said


def test_every_name_says_of_every_adapter_whether_it_is_on(tiny_model: Path, adapters) -> None:
    served = serves(_deployment(tiny_model, *adapters))
    found = {name: msgspec.json.decode(members["lora"]) for name, members in served.items()}
    assert found == {
        "tiny": [{"id": 0, "scale": 0}, {"id": 1, "scale": 0}],
        "day": [{"id": 0, "scale": 1}, {"id": 1, "scale": 0}],
        "night": [{"id": 0, "scale": 0}, {"id": 1, "scale": 1}],
    }
    assert serves(_deployment(tiny_model)) == {"tiny": {}}


def test_an_adapter_of_another_architecture_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    other = Adapter("other", str(write_tiny_adapter(tmp_path / "other.gguf", seed="", architecture="qwen3")))
    with pytest.raises(ModelFileError, match="made for the architecture qwen3, the model has llama"):
        check(_deployment(tiny_model, other), tiny_model)


def test_a_model_is_no_adapter(tiny_model: Path) -> None:
    with pytest.raises(ModelFileError, match="no LoRA adapter"):
        check(_deployment(tiny_model, Adapter("model", str(tiny_model))), tiny_model)
