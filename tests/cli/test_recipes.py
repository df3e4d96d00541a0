"""Files of `hortus train`: a strict recipe, with options before it, and what people say of the product."""

from __future__ import annotations

from pathlib import Path

import pytest

from hortus.base.errors import ConfigurationError
from hortus.cli.checkviews import say_lines, say_span
from hortus.cli.recipes import Settings, read_about, read_recipe, recipe_of
from hortus.jobs.spec import About, Lora, Recipe


def test_without_a_file_the_usual_recipe_holds() -> None:
    assert recipe_of(Settings(), read_recipe(None)) == Recipe()


@pytest.mark.parametrize(
    ("name", "text"), [("r.toml", "epochs = 2\n[lora]\nrank = 4\n"), ("r.json", '{"epochs":2,"lora":{"rank":4}}')]
)
def test_a_recipe_is_read_from_toml_and_json(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert read_recipe(tmp_path / name) == Recipe(epochs=2.0, lora=Lora(rank=4))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("epoch = 2", "epoch"),
        ('epochs = "two"', "r.toml epochs"),
        ("[lora]\nranks = 4", "r.toml lora"),
        ("epochs = ", "TOML"),
    ],
)
def test_a_recipe_that_cannot_be_names_the_setting(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "r.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read_recipe(tmp_path / "r.toml")
    assert place in str(caught.value)
    assert "batch_size" in str(caught.value)


def test_options_go_before_the_file() -> None:
    recipe = Recipe(epochs=2.0, seed=3, lora=Lora(rank=4, alpha=8.0))
    wanted = recipe_of(Settings(epochs=1.0, rank=32), recipe)
    assert wanted == Recipe(epochs=1.0, seed=3, lora=Lora(rank=32, alpha=8.0))


def test_full_tuning_has_no_adapter() -> None:
    assert recipe_of(Settings(lora=False), Recipe()).lora is None


def test_an_adapter_is_made_where_the_file_has_none() -> None:
    assert recipe_of(Settings(lora=True), Recipe(lora=None)).lora == Lora()


def test_full_tuning_and_a_rank_contradict_one_another() -> None:
    with pytest.raises(ConfigurationError, match="no adapter"):
        recipe_of(Settings(lora=False, rank=4), Recipe())


def test_a_schedule_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="steep"):
        recipe_of(Settings(schedule="steep"), Recipe())


def test_a_recipe_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_recipe(tmp_path / "gone.toml")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.toml", 'maker = "City"\nlimits = ["No law."]\nintended_purpose = """\nSorting.\nNo more."""\n'),
        ("a.json", '{"maker":"City","limits":["No law."],"intended_purpose":"Sorting.\\nNo more."}'),
    ],
)
def test_what_people_say_of_the_product_is_read_from_toml_and_json(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    said = About(maker="City", limits=("No law.",), intended_purpose="Sorting.\nNo more.")
    assert read_about(tmp_path / name) == said


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('makr = "x"', "makr"),
        ("maker = 3", "a.toml maker"),
        ('limits = ["x", 3]', "a.toml limits[1]"),
        ('maker = ""', "a.toml maker"),
    ],
)
def test_words_that_cannot_be_are_named_with_those_that_there_are(tmp_path: Path, text: str, place: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        read_about(tmp_path / "a.toml")
    assert place in str(caught.value)
    assert "data_licence" in str(caught.value)


def test_without_a_file_nothing_is_said() -> None:
    assert read_about(None) == About()


def test_lines_are_said_as_ranges_and_not_without_end() -> None:
    assert say_lines([1, 2, 4]) == "1-2, 4"
    assert say_lines(range(1, 100, 2)).endswith(", …")


@pytest.mark.parametrize(("seconds", "said"), [(0.2, "1 s"), (59.6, "1 min"), (3661, "1 h 1 min"), (90_000, "1 d 1 h")])
def test_spans_are_said_by_their_largest_parts(seconds: float, said: str) -> None:
    assert say_span(seconds) == said
