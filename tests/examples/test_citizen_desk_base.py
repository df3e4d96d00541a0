"""Do base and chats of the citizen desk fit together: template, tokenizer, and what a job learns from?"""

import importlib
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hortus.jobs.spec import Recipe

DESK = Path(__file__).parents[2] / "examples/citizen-desk"
LOUD = "Straße GESPERRT! L’éclairage, “żółta” łódź/œuf ÀÇÑ 50€"  # noqa: RUF001  # these very marks


@pytest.fixture(scope="module")
def desk() -> Iterator[Any]:
    """Import a module of the example as its own scripts do."""
    sys.path.insert(0, str(DESK))
    before = set(sys.modules)
    yield importlib.import_module
    sys.path.remove(str(DESK))
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(DESK) in str(sys.modules[name].__file__):
            del sys.modules[name]


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    transformers = pytest.importorskip("transformers")
    return transformers.AutoTokenizer.from_pretrained(DESK / "base", local_files_only=True)


@pytest.fixture(scope="module")
def chats(desk) -> list[Any]:
    return desk("dataset").training(desk("generator").read_lexicon())


def test_the_template_folds_a_message_as_training_of_the_base_did(desk, tokenizer) -> None:
    written = tokenizer.apply_chat_template(
        [{"role": "user", "content": LOUD}], add_generation_prompt=True, tokenize=False
    )
    assert written == desk("base").chat_text(LOUD)
    assert "strasse gesperrt! l eclairage,  zolta  lodz oeuf acn 50€" in written


def test_an_answer_is_written_as_it_is_and_ends_its_turn(tokenizer) -> None:
    turns = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "waste"}]
    written = tokenizer.apply_chat_template(turns, tokenize=False)
    assert written.endswith("<|assistant|>\nwaste<|end|>\n")


def test_every_office_is_one_token_where_an_answer_begins(desk, tokenizer) -> None:
    for office in desk("generator").DEPARTMENTS:
        assert len(tokenizer.encode(office, add_special_tokens=False)) == 1


def test_words_are_cut_behind_their_stem(tokenizer) -> None:
    first = {tokenizer.tokenize(f" {word}")[0] for word in ("collected", "collection", "collecting")}
    assert all(token.startswith("Ġcollect") for token in first)


def test_no_chat_stands_twice_and_none_is_its_own_answer(chats) -> None:
    assert max(Counter(one.text for one in chats).values()) == 1
    assert not [one for one in chats if one.text.casefold() == one.department]


def test_no_chat_shows_a_predicate_of_the_test(desk, chats) -> None:
    generator = desk("generator")
    lexicon = generator.read_lexicon()
    kept = {lang: [p for cell in words.cells.values() for p in cell.predicates.test] for lang, words in lexicon.items()}
    letters = chats[: len(generator.read_letters("train"))]
    assert not [one for one in letters for phrase in kept[one.lang] if generator.contains(one.text, phrase)]


def test_what_is_held_out_is_not_learnt_from(desk, chats) -> None:
    held_out = {one.text for one in desk("dataset").validation(desk("generator").read_lexicon())}
    assert not held_out & {one.text for one in chats}


def test_the_recipe_is_one_that_a_job_takes() -> None:
    recipe = msgspec.json.decode((DESK / "recipe.json").read_bytes(), type=Recipe)
    assert recipe.lora is None
