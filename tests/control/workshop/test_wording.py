"""Words that say nothing, or have what no reader sees, do not get into a product's papers."""

from __future__ import annotations

import pytest

from hortus.control.workshop.wording import find_unfit
from hortus.jobs.spec import About


def path_of(about: About) -> str | None:
    found = find_unfit(about)
    return None if found is None else found.path


def test_plain_words_in_any_script_are_fit() -> None:
    said = About("Ville de Biel/Bienne 🇨🇭", "Tri du courrier.\n\n郵便。", ("No law.",), "Γράμματα", "CC0-1.0")
    assert path_of(said) is None


def test_nothing_said_is_fit() -> None:
    assert path_of(About()) is None


@pytest.mark.parametrize(
    ("about", "path"),
    [
        (About(maker=" "), "about.maker"),
        (About(maker="City\nof Somewhere"), "about.maker"),
        (About(data_licence="CC0\n1.0"), "about.data_licence"),
        (About(intended_purpose="\n"), "about.intended_purpose"),
        (About(intended_purpose="red \x1b[31m"), "about.intended_purpose"),
        (About(data_description="a\x00b"), "about.data_description"),
        (About(data_description="a\x85b"), "about.data_description"),
        (About(data_description="a\u2028b"), "about.data_description"),
        (About(limits=("No law.", "turned \u202e round")), "about.limits[1]"),
    ],
)
def test_the_first_unfit_text_is_named(about: About, path: str) -> None:
    assert path_of(about) == path
