"""Small parts of the trainers: order, rates, energy, checkpoints, memory, patience."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hortus.jobs.errors import StepError
from hortus.jobs.spec import Lora, Recipe
from hortus.tuning import checkpoints
from hortus.tuning.energy import Estimate, Rapl, start_meter
from hortus.tuning.failures import check_figures, check_memory, explained, is_out_of_memory
from hortus.tuning.loop import is_out_of_patience
from hortus.tuning.order import draw_order
from hortus.tuning.recipes.rates import learning_rate


@settings(max_examples=50, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 50), min_size=1, max_size=60),
    batch=st.integers(1, 9),
    epochs=st.integers(1, 3),
    seed=st.integers(0, 3),
)
def test_every_epoch_shows_every_example_once(lengths: list[int], batch: int, epochs: int, seed: int) -> None:
    order = draw_order(lengths, seed=seed, batch=batch, count=epochs * len(lengths))
    assert Counter(order) == Counter(dict.fromkeys(range(len(lengths)), epochs))


@settings(max_examples=50, deadline=None)
@given(count=st.integers(1, 200), batch=st.integers(1, 9))
def test_the_order_has_as_many_examples_as_are_asked_for(count: int, batch: int) -> None:
    assert len(draw_order([3, 1, 2], seed=0, batch=batch, count=count)) == count


def test_the_seed_alone_decides_the_order() -> None:
    lengths = list(range(100))
    first, again, other = (draw_order(lengths, seed=seed, batch=4, count=100) for seed in (1, 1, 2))
    assert first == again != other


def test_batches_hold_examples_of_similar_length() -> None:
    lengths = [index % 64 for index in range(640)]
    order = draw_order(lengths, seed=0, batch=10, count=640)
    spreads = [max(lengths[one] for one in batch) - min(lengths[one] for one in batch) for batch in
               (order[start : start + 10] for start in range(0, 640, 10))]  # fmt: skip
    assert sum(spreads) / len(spreads) < 10


def test_small_models_learn_faster_than_large_ones_and_adapters_faster_than_all_weights() -> None:
    full, lora = Recipe(lora=None), Recipe()
    small, large = (learning_rate("supervised", recipe=full, parameters=size) for size in (1_300_000, 7_000_000_000))
    assert small > large == 2e-5
    assert learning_rate("supervised", recipe=lora, parameters=7_000_000_000) == 2e-4
    assert learning_rate("dpo", recipe=full, parameters=7_000_000_000) == 5e-7
    assert learning_rate("scratch", recipe=full, parameters=125_000_000) == 6e-4


def test_the_recipes_own_rate_goes_first() -> None:
    assert learning_rate("dpo", recipe=Recipe(learning_rate=0.3), parameters=10) == 0.3


@pytest.mark.parametrize(
    ("losses", "patience"), [([3.0, 2.0], 2), ([3.0, 2.0, 2.1, 1.9], 2), ([3.0, 4.0, 5.0], None), ([3.0, 4.0, 5.0], 3)]
)
def test_patience_lasts_while_losses_fall(losses: list[float], patience: int | None) -> None:
    assert not is_out_of_patience(losses, patience=patience)


def test_patience_ends_after_so_many_looks_without_a_lower_loss() -> None:
    assert is_out_of_patience([3.0, 2.0, 2.0, 2.0], patience=2)


def socket(folder: Path, *, name: str, used: int, highest: int) -> Path:
    place = folder / name
    place.mkdir()
    (place / "energy_uj").write_text(f"{used}\n")
    (place / "max_energy_range_uj").write_text(f"{highest}\n")
    return place


def test_sockets_are_metered_and_a_counter_may_begin_again(tmp_path: Path) -> None:
    first = socket(tmp_path, name="intel-rapl:0", used=900_000, highest=1_000_000)
    socket(tmp_path, name="intel-rapl:0:0", used=5, highest=1_000_000)
    meter = start_meter(powercap=tmp_path)
    (first / "energy_uj").write_text("100000\n")
    assert isinstance(meter, Rapl)
    assert meter.read().joules == pytest.approx(0.2)
    assert "whole sockets" in meter.read().source


def test_without_a_counter_energy_is_an_estimate_that_says_so(tmp_path: Path) -> None:
    meter = start_meter(powercap=tmp_path)
    assert isinstance(meter, Estimate)
    assert meter.read().source == "estimate: 10 W for each busy core"
    assert meter.read().joules >= 0


def test_the_newest_checkpoint_is_the_one_with_the_most_steps(tmp_path: Path) -> None:
    for name in ("checkpoint-8", "checkpoint-16", "best", ".writing-checkpoint-24", "checkpoint-x"):
        (tmp_path / name).mkdir()
    assert checkpoints.newest(tmp_path) == tmp_path / "checkpoint-16"


def test_sweeping_removes_halves_and_the_oldest(tmp_path: Path) -> None:
    for name in ("checkpoint-4", "checkpoint-8", "checkpoint-16", "best", ".writing-checkpoint-24"):
        (tmp_path / name).mkdir()
    checkpoints.sweep(tmp_path, kept=2)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["best", "checkpoint-16", "checkpoint-8"]


def test_a_folder_that_is_not_finished_does_not_appear(tmp_path: Path) -> None:
    class Interrupted(Exception):  # noqa: N818  # what a kill looks like from within
        pass

    def half_write() -> None:
        with checkpoints.written_whole(tmp_path / "model") as aside:
            (aside / "half").write_text("half")
            raise Interrupted

    with pytest.raises(Interrupted):
        half_write()
    assert not (tmp_path / "model").exists()


def test_a_folder_replaces_the_one_that_was_there(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with checkpoints.written_whole(tmp_path / "model") as aside:
            (aside / text).write_text(text)
    assert [one.name for one in (tmp_path / "model").iterdir()] == ["new"]


def test_too_little_memory_is_recognised_as_torch_says_it() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(raised.value)
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


@pytest.mark.parametrize(
    ("recipe", "advice"),
    [
        (Recipe(batch_size=16, accumulate=2), "Set batch_size to 8 and accumulate to 4"),
        (Recipe(batch_size=1, lora=None), "Tune with LoRA"),
        (Recipe(batch_size=1, lora=Lora()), "Shorten max_tokens"),
    ],
)
def test_too_little_memory_ends_with_what_helps(recipe: Recipe, advice: str) -> None:
    with pytest.raises(StepError) as raised, explained(recipe, phase="training"):
        torch.empty(1 << 60, dtype=torch.uint8)
    assert raised.value.reason == "out_of_memory"
    assert advice in (raised.value.hint or "")


def test_what_would_not_fit_is_not_begun() -> None:
    with pytest.raises(StepError, match=r"need 12\.0 GiB, and 8\.0 GiB are free") as raised:
        check_memory(12 << 30, available=8 << 30, recipe=Recipe(lora=None))
    assert raised.value.reason == "out_of_memory"
    assert "Tune with LoRA" in (raised.value.hint or "")


def test_what_fits_is_begun() -> None:
    check_memory(8 << 30, available=8 << 30, recipe=Recipe())


def test_other_faults_are_not_explained_away() -> None:
    with pytest.raises(RuntimeError, match="shapes"), explained(Recipe(), phase="training"):
        raise RuntimeError("shapes")


@pytest.mark.parametrize(
    ("loss", "norm", "says"),
    [
        (float("nan"), 1.0, "loss became no number at step 3"),
        (float("inf"), 1.0, "loss became infinite"),
        (1.0, float("nan"), "gradient became no number"),
    ],
)
def test_figures_that_are_none_end_training(loss: float, norm: float, says: str) -> None:
    with pytest.raises(StepError, match=says) as raised:
        check_figures(3, loss=loss, gradient_norm=norm, highest_rate=1e-3)
    assert raised.value.hint == "Lower the learning rate to 0.0002, or clip gradients more tightly."
