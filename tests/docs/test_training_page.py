"""The page about training shows a recipe and words about a product as the code takes them."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from hortus.control.workshop.wording import find_unfit
from hortus.jobs.spec import About, Recipe

PAGE = (Path(__file__).parents[2] / "docs/how-to/train-a-model.md").read_text("utf-8")
RECIPE, ABOUT = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def test_the_recipe_on_the_page_is_one() -> None:
    assert msgspec.json.decode(RECIPE, type=Recipe) != Recipe()


def test_the_words_about_a_product_on_the_page_say_everything_that_can_be_said() -> None:
    about = msgspec.json.decode(ABOUT, type=About)
    assert find_unfit(about) is None
    assert all(getattr(about, name) for name in about.__struct_fields__)
