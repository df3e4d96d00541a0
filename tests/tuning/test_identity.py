"""Are hashes the same for the same content, wherever it lies, and others for other content?"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

import hortus
from hortus.jobs.spec import About, JobSpec, Lora, Recipe
from hortus.tuning.identity import (
    Environment,
    Identity,
    hash_code,
    hash_model,
    hash_recipe,
    hash_template,
    hash_tokenizer,
    identify,
    look_around,
)
from tiny_models import copy_of, edit, write_folder

JOB = JobSpec(id="ftjob-1", project_id="p", base="tiny", training="file-1")
HERE = Environment(python="3.11.9", system="Linux x86_64", packages={"torch": "2.13.0"}, processor="One", threads=2)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return write_folder(tmp_path_factory.mktemp("base") / "model")


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return copy_of(whole, tmp_path / "elsewhere")


def identity(folder: Path, *, job: JobSpec = JOB, dataset: str = "d", environment: Environment = HERE) -> Identity:
    return identify(job, folder, base=folder, dataset=dataset, environment=environment)


def test_a_folder_elsewhere_with_other_times_and_papers_is_the_same(whole: Path, folder: Path) -> None:
    (folder / "README.md").write_text("# another card\n")
    os.utime(folder / "model.safetensors", (1, 1))

    assert identity(folder) == identity(whole)


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "tokenizer.json", "chat_template.jinja"])
def test_a_changed_file_changes_the_model(name: str, folder: Path) -> None:
    before = hash_model(folder)
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")

    assert hash_model(folder) != before


def test_one_changed_weight_changes_the_model(folder: Path) -> None:
    before = hash_model(folder)
    data = bytearray((folder / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "model.safetensors").write_bytes(data)

    assert hash_model(folder) != before


def test_a_renamed_file_changes_the_model(folder: Path) -> None:
    before = hash_model(folder)
    (folder / "model.safetensors").rename(folder / "weights.safetensors")

    assert hash_model(folder) != before


def test_how_a_tokenizer_is_written_does_not_matter(folder: Path) -> None:
    before = hash_tokenizer(folder)
    table = msgspec.json.decode((folder / "tokenizer.json").read_bytes(), type=dict)
    shuffled = dict(reversed(table.items())) | {"truncation": {"max_length": 5}, "padding": {"strategy": "Longest"}}
    (folder / "tokenizer.json").write_bytes(msgspec.json.format(msgspec.json.encode(shuffled), indent=4))

    assert hash_tokenizer(folder) == before


def test_two_tokens_that_change_places_change_the_tokenizer(folder: Path) -> None:
    before = hash_tokenizer(folder)
    table = msgspec.json.decode((folder / "tokenizer.json").read_bytes(), type=dict)
    words = table["model"]["vocab"]
    words["!"], words["#"] = words["#"], words["!"]
    (folder / "tokenizer.json").write_bytes(msgspec.json.encode(table))

    assert hash_tokenizer(folder) != before


def test_a_template_is_the_same_beside_the_tokenizer_and_within(folder: Path) -> None:
    before = hash_template(folder)
    text = (folder / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").unlink()
    edit(folder / "tokenizer_config.json", chat_template=text)

    assert hash_template(folder) == before


@pytest.mark.parametrize(
    "recipe", [Recipe(seed=1), Recipe(epochs=2), Recipe(lora=None), Recipe(lora=Lora(rank=8)), Recipe(threads=1)]
)
def test_every_setting_of_the_recipe_counts(recipe: Recipe) -> None:
    assert hash_recipe(msgspec.structs.replace(JOB, recipe=recipe)) != hash_recipe(JOB)


def test_the_method_counts() -> None:
    assert hash_recipe(msgspec.structs.replace(JOB, method="dpo")) != hash_recipe(JOB)


def test_what_names_the_job_does_not_count() -> None:
    other = msgspec.structs.replace(JOB, id="ftjob-2", project_id="q", suffix="x", training="file-2")

    assert hash_recipe(other) == hash_recipe(JOB)


def test_what_people_say_of_the_product_does_not_count(folder: Path) -> None:
    told = msgspec.structs.replace(JOB, about=About(maker="City of Somewhere", limits=("No law.",)))

    assert identity(folder, job=told) == identity(folder)


def test_another_machine_changes_the_total_alone(folder: Path) -> None:
    there = msgspec.structs.replace(HERE, processor="Another")

    one, other = identity(folder), identity(folder, environment=there)

    assert (one.inputs == other.inputs, one.total == other.total) == (True, False)


def test_other_examples_change_the_inputs(folder: Path) -> None:
    assert identity(folder).inputs != identity(folder, dataset="e").inputs


def test_a_model_from_scratch_has_no_base(folder: Path) -> None:
    assert identify(JOB, folder, base=None, dataset="d", environment=HERE).base == ""


def test_the_code_is_named_by_version_and_source(monkeypatch: pytest.MonkeyPatch) -> None:
    before = hash_code()
    monkeypatch.setattr(hortus, "__version__", "99")

    assert hash_code() != before


def test_the_environment_names_no_machine(folder: Path) -> None:
    text = msgspec.json.encode(look_around(threads=2)).decode()

    assert os.uname().nodename not in text
    assert str(Path.home()) not in text
