"""What of a job its host cannot be told."""

from __future__ import annotations

import pytest

from hortus.control.workshop.hosting import find_uncarried
from hortus.control.workshop.service import JobWish
from hortus.jobs.spec import About, GateRules, Lora, Recipe

USUAL = {"base": "hosted", "training": "file-1"}


def path_of(**more: object) -> str | None:
    found = find_uncarried(JobWish(**USUAL, **more))
    return None if found is None else found.path


def test_a_usual_job_can_be_told() -> None:
    assert path_of() is None


def test_what_openai_s_words_say_can_be_told() -> None:
    recipe = Recipe(seed=3, epochs=2.0, batch_size=4, learning_rate_multiplier=0.5)
    assert path_of(recipe=recipe, said=("seed", "epochs", "batch_size", "learning_rate_multiplier")) is None


def test_what_the_check_here_sees_to_needs_no_words() -> None:
    assert path_of(recipe=Recipe(max_tokens=64)) is None


def test_what_the_gate_is_told_needs_no_words_for_the_host() -> None:
    assert path_of(gate=GateRules(margin=0.2, most_items=20, suites=("greetings",))) is None


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ({"recipe": Recipe(lora=Lora(rank=4))}, "recipe.lora"),
        ({"recipe": Recipe(steps=10)}, "recipe.steps"),
        ({"said": ("patience",)}, "recipe.patience"),
        ({"recipe": Recipe(beta=0.2)}, "recipe.beta"),
        ({"recipe": Recipe(epochs=0.5)}, "recipe.epochs"),
        ({"gate": GateRules(references=8)}, "gate.references"),
        ({"about": About(maker="City of Somewhere")}, "about.maker"),
        ({"method": "scratch"}, "method"),
        ({"engine": "vllm"}, "engine"),
        ({"form": "adapter"}, "form"),
    ],
)
def test_the_rest_is_named(more: dict[str, object], path: str) -> None:
    assert path_of(**more) == path


def test_only_preferences_have_a_beta() -> None:
    assert path_of(method="dpo", recipe=Recipe(beta=0.2)) is None
