"""How vLLM would be started, and when it is not; no machine of ours can run it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pytest

from hortus.engines.drivers import vllm
from hortus.engines.drivers.vllm import VLLM, command, explain, has_gpu
from hortus.engines.errors import EngineMissingError, ModelFileError
from hortus.snapshot.model import Adapter, Deployment

if TYPE_CHECKING:
    from pathlib import Path

DEPLOYMENT = Deployment(name="eu/large", engine="vllm", model_path="/models/large", context_tokens=8192, slots=64)


def _adapter(path: Path, rank: int) -> Adapter:
    path.mkdir()
    (path / "adapter_config.json").write_bytes(msgspec.json.encode({"r": rank, "peft_type": "LORA", "x": 1}))
    (path / "adapter_model.safetensors").write_bytes(b"")
    return Adapter(f"eu/{path.name}", str(path))


def test_it_is_refused_in_one_sentence_where_it_cannot_run(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(vllm, "is_installed", lambda: False)
    monkeypatch.setattr(vllm, "has_gpu", lambda: False)
    with pytest.raises(EngineMissingError, match="needs vllm and a GPU, which this machine does not have"):
        VLLM.check(DEPLOYMENT, tmp_path)


def test_it_listens_here_only_under_the_deployments_name_and_without_the_key() -> None:
    words = command(DEPLOYMENT, model="/models/large", port=4711)
    pairs = dict(pairwise(words))
    assert words[:2] == ["serve", "/models/large"]
    assert (pairs["--host"], pairs["--port"], pairs["--served-model-name"]) == ("127.0.0.1", "4711", "eu/large")
    assert (pairs["--max-model-len"], pairs["--max-num-seqs"]) == ("8192", "64")
    assert "--no-trust-remote-code" in words
    assert not any("api-key" in word for word in words)


def test_adapters_are_named_and_the_rank_is_one_that_it_knows(tmp_path: Path) -> None:
    adapters = (_adapter(tmp_path / "day", 4), _adapter(tmp_path / "night", 24))
    words = command(msgspec.structs.replace(DEPLOYMENT, adapters=adapters), model="/m", port=1)
    assert words[words.index("--max-lora-rank") + 1] == "32"
    modules = [msgspec.json.decode(word) for word in words[words.index("--lora-modules") + 1 :]]
    assert modules == [{"name": one.name, "path": one.path} for one in adapters]


def test_each_name_is_chosen_by_the_model_alone(tmp_path: Path) -> None:
    adapters = (_adapter(tmp_path / "day", 4),)
    served = VLLM.serves(msgspec.structs.replace(DEPLOYMENT, adapters=adapters))
    assert served == {"eu/large": {}, "eu/day": {}}


def test_what_is_no_adapter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="is no folder with a LoRA adapter"):
        vllm.read_rank(Adapter("x", str(tmp_path)))


def test_two_of_them_never_share_a_gpu() -> None:
    assert VLLM.stands_alone


def test_a_gpu_is_seen_by_its_device(tmp_path: Path) -> None:
    assert not has_gpu(devices=tmp_path)
    (tmp_path / "nvidia0").touch()
    assert has_gpu(devices=tmp_path)


def test_the_log_names_the_cause() -> None:
    cause = explain("INFO\nValueError: User-specified max_model_len (9) is greater than the derived max_model_len\n")
    assert cause
    assert cause.is_fatal
    assert explain("INFO all is well") is None
