"""Placeholders: what is hidden comes back as it was written, however it is cut and whatever a model makes of it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.guards.marking import Marks, new_mask
from hortus.gateway.guards.findings import Finding
from hortus.gateway.guards.placeholders import Mask, Restoring
from laws.tally import LAW

VALUES = ("DE89 3704 0044 05", "DE8937040044", "anna@town.example", "sk-abc1", 'Anna "Smith', "Zoé Čapek")
PIECES = st.one_of(
    st.text(max_size=6),
    st.sampled_from(VALUES),
    st.sampled_from(("IBAN_", "_", "\\", "IBA", "EMAIL_ABCDEFGH", "PERSON")),
)
TEXTS = st.lists(PIECES, max_size=8).map("".join)


def masked(text: str) -> tuple[Mask, str]:
    mask = new_mask()
    return mask, mask.hide(text, Marks().find(text))


def in_pieces(mask: Mask, text: str, cuts: list[int], manner: str = "text") -> str:
    restoring = Restoring(mask, manner)
    places = sorted({min(cut, len(text)) for cut in cuts})
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    return "".join([restoring.feed(piece) for piece in pieces]) + restoring.flush()


@LAW
@given(text=TEXTS)
def test_what_is_hidden_comes_back_as_it_was_written(text: str) -> None:
    mask, hidden = masked(text)
    assert mask.restore(hidden) == text


@LAW
@given(text=TEXTS)
def test_two_workers_write_the_same_placeholders(text: str) -> None:
    assert masked(text)[1] == masked(text)[1]


@LAW
@given(text=TEXTS, cuts=st.lists(st.integers(0, 80), max_size=12))
def test_however_the_text_is_cut_the_same_comes_back(text: str, cuts: list[int]) -> None:
    mask, hidden = masked(text)
    assert in_pieces(mask, hidden, cuts) == text


@LAW
@given(text=TEXTS, cuts=st.lists(st.integers(0, 120), max_size=12))
def test_however_json_text_is_cut_it_says_the_same(text: str, cuts: list[int]) -> None:
    mask, hidden = masked(text)
    written = msgspec.json.encode({"said": hidden}).decode()
    assert msgspec.json.decode(in_pieces(mask, written, cuts, "json")) == {"said": text}
    assert msgspec.json.decode(mask.restore_in_json(written)) == {"said": text}


@pytest.mark.parametrize("manner", ["text", "json", "exact"])
@LAW
@given(text=TEXTS, noise=st.sampled_from([str.lower, str.upper, str.title, lambda text: text.replace("_", "\\_")]))
def test_cut_letter_by_letter_it_is_what_it_is_at_once(manner: str, text: str, noise: object) -> None:
    mask, hidden = masked(text)
    spoiled = noise(hidden)
    assert in_pieces(mask, spoiled, list(range(len(spoiled))), manner) == mask.put_back(spoiled, manner)


@pytest.mark.parametrize(
    "spoil",
    [
        str.lower,
        str.title,
        lambda text: text.replace("_", "\\_"),
        lambda text: text.replace("_", "\\\\_"),
        lambda text: f"[{text}]",
        lambda text: f"`{text}`",
        lambda text: f"**{text.lower()}**",
        lambda text: f"({text}s",
    ],
)
@pytest.mark.parametrize("kind", ["iban", "national_id"])
def test_spellings_of_models_are_understood(kind: str, spoil: object) -> None:
    mask = new_mask()
    placeholder = mask.hide("12345678901", [Finding("personal_data", kind, 0, 11)])
    assert mask.restore(f"It is {spoil(placeholder)}.") == f"It is {spoil('12345678901')}."


def test_an_escaped_underscore_in_json_is_one() -> None:
    mask = new_mask()
    placeholder = mask.hide('a"b', [Finding("secrets", "password", 0, 3)])
    assert mask.restore_in_json(f'["{placeholder.replace("_", chr(92) + "u005f")}"]') == '["a\\"b"]'


def test_sealed_words_are_restored_to_the_letter_only() -> None:
    mask = new_mask()
    placeholder = mask.hide("DE8937040044", [Finding("personal_data", "iban", 0, 12)])
    assert mask.put_back(placeholder, "exact") == "DE8937040044"
    assert mask.put_back(placeholder.lower(), "exact") == placeholder.lower()


def test_two_spellings_of_a_number_begin_alike_and_differ() -> None:
    mask = new_mask()
    one = mask.hide("DE89 3704", [Finding("personal_data", "iban", 0, 9)])
    other = mask.hide("de89-3704", [Finding("personal_data", "iban", 0, 9)])
    assert (one[:13] == other[:13], one == other) == (True, False)
    assert mask.restore(f"{one} {other}") == "DE89 3704 de89-3704"


def test_placeholders_of_another_project_or_request_stay_as_they_are() -> None:
    placeholder = new_mask("prj_2").hide("DE8937040044", [Finding("personal_data", "iban", 0, 12)])
    mask, _ = masked("my number is DE8937040044")
    assert mask.restore(placeholder) == placeholder


def test_no_more_is_held_back_than_may_become_a_placeholder() -> None:
    mask, hidden = masked("DE8937040044")
    restoring = Restoring(mask, "text")
    assert restoring.feed("I see I") == "I see "
    assert restoring.feed("BAN numbers") == "IBAN numbers"
    assert restoring.feed(" " + hidden[:8]) == " "
    assert restoring.feed("=") == hidden[:8] + "="


def test_a_mask_of_nothing_holds_nothing_back() -> None:
    restoring = Restoring(new_mask(), "text")
    assert (restoring.feed("IBAN_AB"), restoring.flush()) == ("IBAN_AB", "")
