"""Each method learns, and its product is whole: merged weights, adapter, template, references, curve, compute."""

from __future__ import annotations

import signal
from pathlib import Path

import msgspec
import pytest
import tiny_training as tiny
import torch
from msgspec.structs import replace
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from hortus.app.clock import SystemClock
from hortus.jobs.errors import StepError
from hortus.jobs.examples import HELD_OUT, TRAIN, write_examples
from hortus.jobs.folders import REFERENCES
from hortus.jobs.references import read_references
from hortus.jobs.reports import Checkpoint, Metric, Progress, Report
from hortus.jobs.steps import TrainStep
from hortus.tuning.results import TrainResult
from hortus.tuning.training import train
from tiny_bases import SHAPE

Trained = tuple[TrainStep, TrainResult, list[Report]]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def chats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.write_dataset(tmp_path_factory.mktemp("data") / "chats")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory, base: Path, chats: Path) -> Trained:
    recipe = replace(tiny.RECIPE, lora=None, precision="auto", threads=2)
    work = tiny.step(tmp_path_factory.mktemp("full"), base=base, dataset=chats, recipe=recipe)
    return (work, *tiny.run(work))


@pytest.fixture(scope="module")
def lora(tmp_path_factory: pytest.TempPathFactory, base: Path, chats: Path) -> Trained:
    recipe = replace(tiny.RECIPE, lora=replace(tiny.LORA, embeddings=True), learning_rate=1e-2, steps=30)
    work = tiny.step(tmp_path_factory.mktemp("lora"), base=base, dataset=chats, recipe=recipe)
    return (work, *tiny.run(work))


def model_of(work: TrainStep) -> Path:
    return tiny.folder_of(work).product / "model"


def test_full_tuning_lowers_the_loss(full: Trained) -> None:
    _, result, said = full
    losses = [one.loss for one in tiny.metrics(said)]
    assert losses[-1] < losses[0] - 0.5
    assert result.trainable == result.parameters


def test_a_metric_has_all_figures(full: Trained) -> None:
    last = tiny.metrics(full[2])[-1]
    assert last.step == last.steps == 12
    assert last.tokens > 300
    assert last.epoch == pytest.approx(12 * 4 / 40)
    assert last.held_out_loss is not None
    assert min(last.gradient_norm or 0, last.memory_bytes or 0, last.energy_j or 0, last.tokens_per_s or 0) > 0
    assert last.energy_source


def test_held_out_loss_is_taken_where_the_recipe_says(full: Trained) -> None:
    assert [one.step for one in tiny.metrics(full[2]) if one.held_out_loss is not None] == [4, 8, 12]


def test_checkpoints_are_reported_and_the_newest_kept(full: Trained) -> None:
    work, _, said = full
    reported = [one.folder for one in said if isinstance(one, Checkpoint)]
    assert reported == ["checkpoint-4", "checkpoint-8", "checkpoint-12"]
    kept = sorted(one.name for one in tiny.folder_of(work).checkpoints.iterdir())
    assert kept == ["checkpoint-12", "checkpoint-8"]


def test_progress_is_told_for_every_phase(full: Trained) -> None:
    phases = [one.phase for one in full[2] if isinstance(one, Progress)]
    assert list(dict.fromkeys(phases)) == ["tokenize", "train", "export", "references"]


def test_weights_are_saved_in_half_precision_by_default(full: Trained) -> None:
    work, result, _ = full
    assert result.dtype == "float16"
    assert {one.dtype for one in load_file(model_of(work) / "model.safetensors").values()} == {torch.float16}


def test_tokenizer_and_template_are_the_bases_own_files(full: Trained, base: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        assert (model_of(full[0]) / name).read_bytes() == (base / name).read_bytes()


def test_references_are_the_saved_weights_greedy_answers(full: Trained) -> None:
    work = full[0]
    references = read_references(tiny.folder_of(work).product / REFERENCES)
    tokenizer = AutoTokenizer.from_pretrained(model_of(work))
    model = AutoModelForCausalLM.from_pretrained(model_of(work), dtype=torch.float32)
    assert len(references) == 3
    for one in references:
        ids = tokenizer.apply_chat_template(
            one.messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
        )
        out = model.generate(**ids, max_new_tokens=one.max_tokens, do_sample=False)
        answer = tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
        assert (answer, ids["input_ids"].shape[1]) == (one.answer, one.prompt_tokens)


def test_no_product_file_names_a_folder_of_this_machine(lora: Trained) -> None:
    work, _, _ = lora
    for file in tiny.folder_of(work).product.rglob("*"):
        if file.is_file():
            assert str(Path(work.folder).parent.parent).encode() not in file.read_bytes(), file.name


def test_an_adapter_learns_to_answer(lora: Trained) -> None:
    losses = [one.loss for one in tiny.metrics(lora[2])]
    assert losses[-1] < losses[0] / 2


def test_adapter_over_its_base_says_what_the_merged_model_says(lora: Trained, base: Path) -> None:
    work = lora[0]
    adapted = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), tiny.folder_of(work).product / "adapter"
    )
    merged = AutoModelForCausalLM.from_pretrained(model_of(work), dtype=torch.float32)
    ids = torch.arange(40).reshape(2, 20)
    assert torch.allclose(adapted(ids).logits, merged(ids).logits, atol=1e-4)


def test_embeddings_learn_with_the_adapter_and_the_tied_head_follows(lora: Trained, base: Path) -> None:
    before = load_file(base / "model.safetensors")["model.embed_tokens.weight"]
    saved = load_file(model_of(lora[0]) / "model.safetensors")
    assert not torch.equal(saved["model.embed_tokens.weight"], before)
    assert "lm_head.weight" not in saved


def test_compute_of_an_adapter_counts_the_frozen_weights_without_their_gradients(lora: Trained) -> None:
    result = lora[1]
    work = result.compute.work
    assert result.compute.formula.startswith("4·")
    assert work.trainable_of_base % SHAPE.hidden == 0
    assert 0 < work.trainable - work.trainable_of_base < work.parameters


def test_preferences_move_the_chosen_answer_up(tmp_path: Path, base: Path) -> None:
    pairs = tiny.write_dataset(tmp_path / "pairs", preferences=True)
    recipe = replace(tiny.RECIPE, lora=replace(tiny.LORA, embeddings=True), beta=0.5, steps=6)
    work = tiny.step(tmp_path / "job", base=base, dataset=pairs, recipe=recipe, method="dpo")
    result, said = tiny.run(work)
    assert tiny.metrics(said)[0].loss == pytest.approx(0.6931, abs=1e-3)
    assert result.compute.work.method == "dpo-lora"


def test_a_model_from_scratch_has_the_shape_that_was_asked_for(tmp_path: Path, chats: Path) -> None:
    recipe = replace(tiny.RECIPE, shape=SHAPE, steps=2)
    work = tiny.step(tmp_path, base=None, dataset=chats, recipe=recipe, method="scratch")
    result, _ = tiny.run(work)
    config = msgspec.json.decode((model_of(work) / "config.json").read_bytes())
    assert (config["hidden_size"], config["num_hidden_layers"], config["model_type"]) == (32, 2, "llama")
    assert (result.compute.verdict, result.compute.comparisons) == ("own model", ())


def test_training_stops_when_patience_ends_and_uses_the_best_step(tmp_path: Path, base: Path, chats: Path) -> None:
    recipe = replace(
        tiny.RECIPE, lora=None, learning_rate=0.05, warmup_share=0.0, evaluate_every=1, patience=2, steps=40
    )
    work = tiny.step(tmp_path, base=base, dataset=chats, recipe=recipe)
    result, said = tiny.run(work)
    looks = {one.step: one.held_out_loss for one in tiny.metrics(said)}
    assert result.stopped_early
    assert result.used_step == min(looks, key=looks.__getitem__) == result.steps - 2
    assert result.held_out_loss == min(looks.values())


def test_starting_again_after_the_end_changes_nothing(full: Trained) -> None:
    work, result, _ = full
    files = [one for one in tiny.folder_of(work).product.rglob("*") if one.is_file()]
    before = {one: one.read_bytes() for one in files if one.name not in {"facts.json", "README.md"}}
    again, said = tiny.run(work)
    assert tiny.metrics(said) == []
    assert {one: one.read_bytes() for one in before} == before
    assert replace(again, compute=result.compute, peak_memory_bytes=result.peak_memory_bytes) == result


def test_the_signal_that_ends_a_step_is_left_to_end_it_at_once(tmp_path: Path, base: Path, chats: Path) -> None:
    found: set[object] = set()
    work = tiny.step(tmp_path, base=base, dataset=chats, recipe=replace(tiny.RECIPE, lora=None, steps=2))
    train(work, report=lambda _: found.add(signal.getsignal(signal.SIGTERM)), clock=SystemClock())
    assert found == {signal.SIG_DFL}


def test_an_infinite_loss_ends_training_with_a_lower_rate_to_try(tmp_path: Path, base: Path, chats: Path) -> None:
    recipe = replace(tiny.RECIPE, lora=None, learning_rate=1e30, warmup_share=0.0, clip=1e30)
    with pytest.raises(StepError) as raised:
        tiny.run(tiny.step(tmp_path, base=base, dataset=chats, recipe=recipe))
    assert raised.value.reason == "not_a_number"
    assert "Lower the learning rate to 2e+29" in (raised.value.hint or "")


def test_too_long_an_example_is_refused_with_its_line(tmp_path: Path, base: Path, chats: Path) -> None:
    with pytest.raises(StepError) as raised:
        tiny.run(tiny.step(tmp_path, base=base, dataset=chats, recipe=replace(tiny.RECIPE, max_tokens=10)))
    assert (raised.value.reason, raised.value.path) == ("bad_data", "training file:1")


def test_supervised_examples_are_no_preferences(tmp_path: Path, base: Path, chats: Path) -> None:
    with pytest.raises(StepError, match="no rejected answer") as raised:
        tiny.run(tiny.step(tmp_path, base=base, dataset=chats, method="dpo"))
    assert raised.value.reason == "bad_data"


def test_an_adapter_beside_layers_that_are_none_is_refused(tmp_path: Path, base: Path, chats: Path) -> None:
    recipe = replace(tiny.RECIPE, lora=replace(tiny.LORA, targets=("q_proj", "attn_q")))
    with pytest.raises(StepError, match="called attn_q") as raised:
        tiny.run(tiny.step(tmp_path, base=base, dataset=chats, recipe=recipe))
    assert "q_proj" in (raised.value.hint or "")


def test_examples_of_weight_zero_are_not_learnt(tmp_path: Path, base: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    silent = [
        replace(one, answer=one.answer | {"weight": 0}) if one.line > 8 else one for one in tiny.examples(20, seed=4)
    ]
    write_examples(folder / TRAIN, silent)
    write_examples(folder / HELD_OUT, [])
    result, said = tiny.run(tiny.step(tmp_path / "job", base=base, dataset=folder, recipe=tiny.RECIPE))
    assert (result.examples, result.held_out, result.references) == (8, 0, 0)
    assert all(one.held_out_loss is None for one in said if isinstance(one, Metric))
