"""Is what the seedling was built from what its documents say? No training here: data, splits, pool, files and card."""

import hashlib
import importlib.util
import random
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

from hortus.catalog.loading import load_catalog
from hortus.jobs.folders import FACTS
from hortus.jobs.references import read_references
from hortus.jobs.spec import Recipe
from hortus.tuning.bases import check_base
from hortus.tuning.facts import Facts

ROOT = Path(__file__).parents[2]
DESK = ROOT / "examples/citizen-desk"
SEEDLING = ROOT / "src/hortus/engines/seedling"
POOLS = ("pool.tsv", "pool_2.tsv", "pool_3.tsv", "pool_4.tsv")
WEIGHTS = ("gguf/model.gguf", "model.safetensors")
BYTES_LIMIT = 12_000_000


def script(name: str) -> ModuleType:
    """A script of the example, under a name of its own; those beside it are found by their own names."""
    spec = importlib.util.spec_from_file_location(f"citizen_desk_{name}", DESK / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def facts() -> Facts:
    return msgspec.json.decode((SEEDLING / FACTS).read_bytes(), type=Facts)


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    return script("generator")


@pytest.fixture(scope="module")
def dataset() -> Iterator[ModuleType]:
    sys.path.insert(0, str(DESK))
    yield script("dataset")
    sys.path.remove(str(DESK))


@pytest.fixture(scope="module")
def serve() -> ModuleType:
    return script("serve")


@pytest.fixture(scope="module")
def lexicon(generator) -> dict[str, Any]:
    return generator.read_lexicon()


@pytest.mark.parametrize("split", ["train", "dev", "test"])
def test_the_same_seed_makes_the_same_messages(generator, lexicon, split) -> None:
    assert generator.messages(lexicon, split, per_language=20) == generator.messages(lexicon, split, per_language=20)


def test_another_seed_makes_other_messages(generator, lexicon) -> None:
    first, second = (generator.messages(lexicon, "train", per_language=20, seed=seed) for seed in (1, 2))
    assert first != second


def test_no_frame_and_no_predicate_belongs_to_two_splits(lexicon) -> None:
    for language in lexicon.values():
        lists = [language.frames, *(cell.predicates for cell in language.cells.values())]
        for parts in lists:
            assert not set(parts.train) & set(parts.dev)
            assert not set(parts.train) & set(parts.test)
            assert not set(parts.dev) & set(parts.test)


def test_training_never_shows_what_is_kept_for_the_test(generator, lexicon) -> None:
    for language in lexicon.values():
        for cell in language.cells.values():
            kept = cell.subjects.test + cell.predicates.test
            shown = cell.subjects.train + cell.predicates.train + cell.situations + cell.words
            assert not [(k, text) for k in kept for text in shown if generator.contains(text, k)]


@pytest.mark.parametrize("level", ["words", "sentences", "mails"])
def test_every_level_makes_messages_for_every_department(generator, lexicon, level) -> None:
    rng = random.Random(1)
    made = [generator.training_message(lexicon, rng, level) for _ in range(800)]
    assert {m.department for m in made} == set(generator.DEPARTMENTS)
    assert {m.lang for m in made} == set(generator.LANGUAGES)
    assert all(m.text.strip() for m in made)


def test_every_test_message_carries_an_unseen_predicate(generator, lexicon) -> None:
    for message in generator.messages(lexicon, "test", per_language=40):
        predicates = lexicon[message.lang].cells[message.department].predicates.test
        assert any(generator.contains(message.text, predicate) for predicate in predicates)


def test_every_language_fills_every_list(generator, lexicon) -> None:
    assert set(lexicon) == set(generator.LANGUAGES)
    for language in lexicon.values():
        assert set(language.cells) == set(generator.DEPARTMENTS)
        assert min(len(cell.subjects.train) for cell in language.cells.values()) >= 60
        assert min(len(cell.situations) for cell in language.cells.values()) >= 25


@pytest.mark.parametrize("pool", POOLS)
def test_a_pool_is_complete_and_no_message_stands_twice(generator, pool) -> None:
    rows = [line.split("\t") for line in (DESK / pool).read_text(encoding="utf-8").splitlines()]
    assert rows[0] == ["lang", "department", "message"]
    assert {len(row) for row in rows} == {3}
    assert {row[1] for row in rows[1:]} == set(generator.DEPARTMENTS)
    by_language = Counter(row[0] for row in rows[1:])
    assert set(by_language) == set(generator.LANGUAGES)
    assert min(by_language.values()) >= 60
    texts = [row[2].strip() for row in rows[1:]]
    assert all(texts)
    assert len(set(texts)) == len(texts)


def test_the_hand_written_sets_share_no_message(generator) -> None:
    texts = [m.text.casefold() for name in (*POOLS, "dev_hand.tsv") for m in generator.read_table(DESK / name)]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("pool", POOLS)
def test_no_message_of_a_pool_is_a_line_of_the_word_lists(generator, lexicon, pool) -> None:
    shown = {
        generator.normalised(text)
        for language in lexicon.values()
        for cell in language.cells.values()
        for text in cell.situations
    }
    assert not [m for m in generator.read_table(DESK / pool) if generator.normalised(m.text) in shown]


def test_the_seedlings_facts_name_every_file_and_its_hash() -> None:
    shipped = {path.relative_to(SEEDLING).as_posix() for path in SEEDLING.rglob("*") if path.is_file()}
    assert shipped == {*facts().files, FACTS}
    for name, record in facts().files.items():
        assert hashlib.sha256((SEEDLING / name).read_bytes()).hexdigest() == record.sha256


def test_the_seedling_is_the_product_of_this_base_and_this_recipe() -> None:
    told = facts()
    assert told.base is not None
    assert told.base.hash == check_base(DESK / "base").hash
    recipe = msgspec.json.decode((DESK / "recipe.json").read_bytes(), type=Recipe)
    assert told.recipe == msgspec.structs.replace(recipe, seed=0)


def test_the_seedling_learnt_from_as_many_chats_as_the_script_makes(dataset, lexicon) -> None:
    told = facts().data
    assert told.held_out_examples == len(dataset.validation(lexicon))
    assert told.training_examples <= len(dataset.training(lexicon))  # what the held-out file has too is left out
    assert told.training_examples > 0.97 * len(dataset.training(lexicon))


def test_the_seedling_passed_its_gate_by_more_than_twenty_points() -> None:
    verdict = facts().verdict
    assert verdict is not None
    assert verdict.passed
    assert verdict.references_equal == verdict.references >= 32
    [held_out] = verdict.scores
    assert held_out.bounds_of == "gain"
    assert held_out.low is not None
    assert held_out.low >= 0.2


def test_the_shipped_file_gives_the_trainers_answers(serve) -> None:
    references = read_references(SEEDLING / "references.jsonl")
    with serve.served(SEEDLING / "gguf/model.gguf") as model:
        answers = [model.answer(one.messages[0]["content"]) for one in references]
    assert answers == [one.answer for one in references]


def test_the_catalog_knows_the_seedlings_size() -> None:
    row = load_catalog().models["seedling"]
    assert row.parameters_billion is not None
    assert float(row.parameters_billion) == pytest.approx(facts().parameters / 1e9, abs=1e-6)
    assert row.context_tokens == facts().context_tokens


@pytest.mark.parametrize("page", ["examples/citizen-desk/README.md", "docs/explanation/the-seedling.md"])
def test_documents_repeat_the_measured_figures(page: str) -> None:
    assert (DESK / "final.md").read_text(encoding="utf-8").strip() in (ROOT / page).read_text(encoding="utf-8")


def test_figures_are_of_three_seeds_of_the_base_and_of_the_trainer() -> None:
    figures = msgspec.json.decode((DESK / "final.json").read_bytes())
    assert set(figures) == {"base", "tuned, seed 0", *(f"served, seed {seed}" for seed in range(3))}
    assert {len(sets) for sets in figures.values()} == {1 + len(POOLS)}


def test_the_weights_stay_below_their_limit() -> None:
    assert sum((SEEDLING / name).stat().st_size for name in WEIGHTS) < BYTES_LIMIT


def test_the_weights_are_half_precision_and_of_the_promised_size() -> None:
    content = (SEEDLING / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = msgspec.json.decode(content[8 : 8 + length])
    tensors = [row for name, row in header.items() if name != "__metadata__"]
    assert {row["dtype"] for row in tensors} == {"F16"}
    assert 1_000_000 <= sum(row["data_offsets"][1] - row["data_offsets"][0] for row in tensors) // 2 <= 3_000_000


def test_the_model_answers_greedily_by_default() -> None:
    assert msgspec.json.decode((SEEDLING / "generation_config.json").read_bytes())["do_sample"] is False


def test_letters_are_complete_and_no_letter_stands_twice_in_a_language(generator) -> None:
    letters = [*generator.read_letters("train"), *generator.read_letters("dev")]
    assert {m.department for m in letters} == set(generator.DEPARTMENTS)
    assert {m.lang for m in letters} == set(generator.LANGUAGES)
    assert min(Counter((m.lang, m.department) for m in letters).values()) >= 109
    assert len({(m.lang, m.text) for m in letters}) == len(letters)


def test_of_every_office_and_language_each_eleventh_letter_is_kept_away(generator) -> None:
    assert set(Counter((m.lang, m.department) for m in generator.read_letters("dev")).values()) <= {9, 10}


@pytest.mark.parametrize("pool", POOLS)
def test_no_letter_is_a_message_of_a_pool(generator, pool) -> None:
    letters = {generator.normalised(m.text) for split in ("train", "dev") for m in generator.read_letters(split)}
    asked = [generator.normalised(m.text) for m in generator.read_table(DESK / pool)]
    assert sum(text in letters for text in asked) == 0


def test_the_base_is_safetensors_below_its_limit_and_has_no_code() -> None:
    files = {path.name: path.stat().st_size for path in (DESK / "base").iterdir()}
    assert files["model.safetensors"] < 6_000_000
    assert {Path(name).suffix for name in files} == {".safetensors", ".json", ".jinja", ".md"}
