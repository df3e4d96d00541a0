"""Settings that would exhaust the machine, or open the gate to what is not better, are refused by their names."""

from __future__ import annotations

import pytest

from hortus.control.workshop.bounds import find_fault
from hortus.jobs.spec import GateRules, Lora, Recipe, Shape


def fault_of(recipe: Recipe | None = None, gate: GateRules | None = None, *, held_out_share: float = 0.1) -> str | None:
    found = find_fault(recipe or Recipe(), gate or GateRules(), held_out_share=held_out_share)
    return None if found is None else found.path


def test_what_is_usual_is_within_bounds() -> None:
    assert fault_of(Recipe(shape=Shape()), GateRules(suites=("laws", "tone-2.de"))) is None


@pytest.mark.parametrize(
    ("recipe", "path"),
    [
        (Recipe(batch_size=10**9), "recipe.batch_size"),
        (Recipe(steps=10**12), "recipe.steps"),
        (Recipe(steps=10**7, batch_size=64), "recipe.steps"),
        (Recipe(accumulate=4096, batch_size=4096, steps=100), "recipe.steps"),
        (Recipe(epochs=float("inf")), "recipe.epochs"),
        (Recipe(epochs=float("nan")), "recipe.epochs"),
        (Recipe(checkpoints_kept=10**9), "recipe.checkpoints_kept"),
        (Recipe(checkpoint_every=0), "recipe.checkpoint_every"),
        (Recipe(threads=10**6), "recipe.threads"),
        (Recipe(max_tokens=10**9), "recipe.max_tokens"),
        (Recipe(lora=Lora(rank=10**6)), "recipe.lora.rank"),
        (Recipe(lora=Lora(targets=("q_proj",) * 33)), "recipe.lora.targets"),
        (Recipe(lora=Lora(targets=("(a+)+$",))), "recipe.lora.targets"),
        (Recipe(shape=Shape(hidden=10**6)), "recipe.shape.hidden"),
        (Recipe(shape=Shape(hidden=160, heads=7)), "recipe.shape.heads"),
        (Recipe(shape=Shape(hidden=160, heads=5, key_value_heads=2)), "recipe.shape.key_value_heads"),
    ],
)
def test_a_recipe_that_no_machine_can_carry_out_is_refused(recipe: Recipe, path: str) -> None:
    assert fault_of(recipe) == path


@pytest.mark.parametrize(
    ("gate", "path"),
    [
        (GateRules(margin=-0.5), "gate.margin"),
        (GateRules(margin=float("nan")), "gate.margin"),
        (GateRules(confidence=0.8), "gate.confidence"),
        (GateRules(references=0), "gate.references"),
        (GateRules(references=1), "gate.references"),
        (GateRules(most_items=2), "gate.most_items"),
        (GateRules(most_items=10**9), "gate.most_items"),
        (GateRules(tolerance=1.0), "gate.tolerance"),
    ],
)
def test_no_job_lowers_the_gate_until_anything_passes(gate: GateRules, path: str) -> None:
    assert fault_of(gate=gate) == path


@pytest.mark.parametrize(
    "name", ["../jobs/ftjob-1/product/references", "/etc/passwd", "..", ".hidden", "a/b", "a\0b", "", "é", "x" * 129]
)
def test_the_name_of_a_suite_is_never_a_path(name: str) -> None:
    assert fault_of(gate=GateRules(suites=(name,))) == "gate.suites"


def test_a_suite_is_named_once() -> None:
    assert fault_of(gate=GateRules(suites=("laws", "laws"))) == "gate.suites"
