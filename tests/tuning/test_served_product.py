"""Does llama.cpp give the trainer's own greedy answers for a product that training has just written?"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tiny_training import LORA, RECIPE, run, step, write_base, write_dataset

from hortus.jobs.folders import ADAPTER_GGUF, PRODUCT_ADAPTER, PRODUCT_GGUF, PRODUCT_MODEL, REFERENCES, JobFolder
from hortus.jobs.references import Reference, read_references
from hortus.jobs.steps import TrainStep
from hortus.tuning.bases import check_base
from hortus.tuning.gguf.adapters import write_adapter
from hortus.tuning.gguf.models import write_model
from llama_server import served
from tiny_bases import SHAPE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),  # peft asks transformers for it
]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write_base(tmp_path / "base")


def trained(tmp_path: Path, *, base: Path | None, **more: object) -> tuple[TrainStep, Path]:
    work = step(tmp_path / "job", base=base, dataset=write_dataset(tmp_path / "data"), **more)
    run(work)
    return work, JobFolder(Path(work.folder)).product


def answers(model: Path, references: list[Reference], *, adapter: Path | None = None) -> list[tuple[int, str]]:
    """Return what the engine says over its chat API: the tokens that it read, and its text."""
    lora = {} if adapter is None else {"lora": [{"id": 0, "scale": 1.0}]}
    said = []
    with served(model, adapter=adapter) as engine:
        for one in references:
            body = {"messages": one.messages, "temperature": 0, "max_tokens": one.max_tokens}
            answer = engine.post("/v1/chat/completions", body | lora)
            said.append((answer["usage"]["prompt_tokens"], answer["choices"][0]["message"]["content"]))
    return said


METHODS: dict[str, Callable[[], dict[str, object]]] = {
    "LoRA, merged": lambda: {"recipe": msgspec.structs.replace(RECIPE, lora=LORA)},
    "all weights": lambda: {"recipe": msgspec.structs.replace(RECIPE, lora=None)},
}


@pytest.mark.parametrize("method", METHODS)
def test_the_merged_product_answers_as_the_trainer_did(method: str, base: Path, tmp_path: Path) -> None:
    _, product = trained(tmp_path, base=base, **METHODS[method]())
    write_model(product / PRODUCT_MODEL, product / PRODUCT_GGUF, name="tuned")
    references = read_references(product / REFERENCES)

    assert references
    assert answers(product / PRODUCT_GGUF, references) == [(one.prompt_tokens, one.answer) for one in references]


def test_the_adapter_over_its_base_answers_as_the_trainer_did(base: Path, tmp_path: Path) -> None:
    _, product = trained(tmp_path, base=base, recipe=msgspec.structs.replace(RECIPE, lora=LORA))
    write_model(base, tmp_path / "base.gguf", name="tiny")
    write_adapter(product / PRODUCT_ADAPTER, product / ADAPTER_GGUF, base=base, name="tuned")
    references = read_references(product / REFERENCES)

    said = answers(tmp_path / "base.gguf", references, adapter=product / ADAPTER_GGUF)

    assert said == [(one.prompt_tokens, one.answer) for one in references]


def test_a_model_from_scratch_answers_as_the_trainer_did(tmp_path: Path) -> None:
    recipe = msgspec.structs.replace(RECIPE, lora=None, shape=SHAPE)
    _, product = trained(tmp_path, base=None, recipe=recipe, method="scratch")
    write_model(product / PRODUCT_MODEL, product / PRODUCT_GGUF, name="tuned")
    references = read_references(product / REFERENCES)

    assert answers(product / PRODUCT_GGUF, references) == [(one.prompt_tokens, one.answer) for one in references]
    assert "llamacpp" in check_base(product / PRODUCT_MODEL).engines
