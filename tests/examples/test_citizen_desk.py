"""Is what the seedling was built from what its documents say? No training here: data, splits, pool, files and card."""

import hashlib
import importlib.util
import random
import re
import struct
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest

ROOT = Path(__file__).parents[2]
DESK = ROOT / "examples/citizen-desk"
SEEDLING = ROOT / "src/hortus/engines/seedling"
POOLS = ("pool.tsv", "pool_2.tsv", "pool_3.tsv")
WEIGHTS = ("seedling.gguf", "model.safetensors")
BYTES_LIMIT = 12_000_000
CARD_ROW = re.compile(r"\| (\S+) \| ([\d,]+) \| `([0-9a-f]{64})` \|")


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("citizen_desk_generator", DESK / "generator.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


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


def test_the_model_card_names_the_hash_of_every_shipped_file() -> None:
    rows = {name: digest for name, _, digest in CARD_ROW.findall((SEEDLING / "README.md").read_text(encoding="utf-8"))}
    shipped = {p.name for p in SEEDLING.iterdir() if p.suffix in {".gguf", ".safetensors", ".json"}}
    assert set(rows) == shipped
    for name, digest in rows.items():
        assert hashlib.sha256((SEEDLING / name).read_bytes()).hexdigest() == digest


def test_the_model_card_repeats_the_measured_figures() -> None:
    card = (SEEDLING / "README.md").read_text(encoding="utf-8")
    assert (DESK / "figures.md").read_text(encoding="utf-8").strip() in card
    figures = msgspec.json.decode((DESK / "figures.json").read_bytes())
    assert set(figures) == {"generated test", "free-written pool 2", "free-written pool 1 (opened before)"}
    for found in figures.values():
        assert f"{found['total']['accuracy']:.3f}" in card


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


def test_the_answers_of_the_two_formats_were_equal() -> None:
    found = msgspec.json.decode((DESK / "parity.json").read_bytes())
    assert found["compared"] >= 200
    assert found["equal_ids"] == found["equal_answers"] == found["compared"]


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
    assert files["model.safetensors"] < 8_000_000
    assert {Path(name).suffix for name in files} <= {".safetensors", ".json", ".jinja"}
