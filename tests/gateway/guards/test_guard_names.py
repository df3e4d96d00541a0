"""Names of people: found by cues and given names, in the languages of Europe; products and places are not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from finding import found, policy

from hortus.base.errors import ConfigurationError
from hortus.gateway.guards.names import BUILT_IN, CuedNames, recogniser
from hortus.gateway.guards.table import finder_for


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Gestern rief Frau Dr. Wagenknecht-Obermaier an.", "Wagenknecht-Obermaier"),
        ("la señora Etxeberria llamó", "Etxeberria"),
        ("pani Brzęczyszczykiewicz dzwoniła", "Brzęczyszczykiewicz"),
        ("Je m'appelle Nguyen Thi Lan.", "Nguyen Thi Lan"),
        ("mein Name ist Xaver", "Xaver"),
        ("Nachname: Wagenknecht", "Wagenknecht"),
        ('{"lastName": "Wagenknecht"}', "Wagenknecht"),
        ("| Vorname | Ort |\n|---|---|\n| Xaver | Kiel |\n", "Xaver"),
        ("Mit freundlichen Grüßen\nXaver Wagenknecht\n", "Xaver Wagenknecht"),
        ("Hallo Xaver,\nkommst du?", "Xaver"),
        ("Hej Åsa, kommer du?", "Åsa"),
        ("so Anna van den Berg said", "Anna van den Berg"),
        ("DUPONT Marie, née à Lyon", "DUPONT Marie"),
        ("Μίλησα με τον Γιώργο και τη Μαρία Παπαδοπούλου.", "Μαρία Παπαδοπούλου"),
        ("г-н Иванов? Не, Георги Иванов.", "Георги Иванов"),
        ("meneer de Vries belde", "de Vries"),
        ("Jose\u0301 Garci\u0301a firmó", "Jose\u0301 Garci\u0301a"),
    ],
)
def test_a_name_is_found(text: str, name: str) -> None:
    assert found(text) == [f"person:{name}"]


@pytest.mark.parametrize(
    "text",
    [
        "Die Bundesregierung und das Land Berlin haben entschieden.",
        "Victoria Station, Charlotte Street and Paris",
        "Hallo Team,\ndanke!",
        "Dear Customer,\nthank you.",
        "Hi ChatGPT,\nwrite a poem.",
        "Name: Report 2024",
        "file name: Anna_Karenina.txt",
        "Product name: Anna",
        "from Monday to Friday",
        "anna schmidt in small letters",
        "Anna",
    ],
)
def test_what_is_no_name_is_not_found(text: str) -> None:
    assert found(text) == []


class _Shouts:
    """A recogniser of another package: words in capitals are names."""

    def names(self, text: str) -> Iterator[tuple[int, int]]:
        if "ANNA" in text:
            yield text.index("ANNA"), text.index("ANNA") + 4


def test_another_recogniser_takes_the_place_of_the_built_in_one() -> None:
    text = "ANNA and Frau Wagenknecht"

    findings = finder_for(policy("pseudonymise", "person"), _Shouts()).find(text)

    assert [text[one.start : one.end] for one in findings] == ["ANNA"]


def test_the_built_in_recogniser_has_a_name() -> None:
    assert isinstance(recogniser(BUILT_IN), CuedNames)


def test_a_recogniser_that_is_not_installed_is_an_error_that_names_those_that_are() -> None:
    with pytest.raises(ConfigurationError, match=r"'spacy'; there is built-in"):
        recogniser("spacy")


def test_a_package_that_is_installed_brings_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_names.py").write_text("class Acme:\n    def names(self, text):\n        return [(0, 4)]\n")
    facts = tmp_path / "acme_names-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-names\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[hortus.name_recognisers]\nacme = acme_names:Acme\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert list(recogniser("acme").names("Anna goes home.")) == [(0, 4)]
