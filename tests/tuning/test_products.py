"""Is what a training leaves whole, the same each time, and told as it is?"""

from __future__ import annotations

import os
import stat
from datetime import date
from pathlib import Path

import msgspec
import pytest
from huggingface_hub import ModelCard
from peft import LoraConfig, get_peft_model

from hortus.jobs.errors import StepError
from hortus.jobs.spec import JobSpec, Lora, Recipe
from hortus.jobs.weightfiles import read_folder
from hortus.tuning import compute
from hortus.tuning.export import export_model
from hortus.tuning.facts import DataRecord, Score, TrainingRecord, VerdictRecord
from hortus.tuning.identity import Environment, hash_file
from hortus.tuning.papers import add_verdict, read_facts
from hortus.tuning.products import ProductInputs, base_record, write_product
from tiny_models import copy_of, edit, random_model, write_folder

pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # peft asks for it

JOB = JobSpec(id="ftjob-1", project_id="p", base="tiny", training="file-1", recipe=Recipe(lora=None))
WORK = compute.Work("full", parameters=1000, trainable=1000, tokens=900)
VERDICT = VerdictRecord(
    passed=True,
    reasons=("It gained.",),
    scores=(Score(name="held-out", items=40, product=0.9, base=0.25, low=0.5, high=0.75),),
    references=8,
    references_equal=8,
    engine="llama.cpp",
)


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("models")
    write_folder(root / "base")
    write_folder(root / "tuned", seed=7)
    (root / "base" / "README.md").write_text("---\nlicense: apache-2.0\nlanguage: [de, en]\n---\n")
    return root


@pytest.fixture
def made(models: Path, tmp_path: Path) -> ProductInputs:
    copy_of(models / "tuned", tmp_path / "product" / "model")
    return ProductInputs(
        job=JOB,
        folder=tmp_path / "product",
        name="tiny-tuned",
        base_folder=models / "base",
        base=base_record("tiny", models / "base", told=b'{"maker": "Someone"}'),
        data=DataRecord(
            hash="d" * 64, training_examples=90, held_out_examples=10, tokens=300, languages={"de": 0.5, "en": 0.5}
        ),
        training=TrainingRecord(steps=3, planned_steps=3, tokens=900, loss=1.25),
        compute=compute.compare(WORK, base=compute.Base(), on=date(2026, 11, 23)),
        environment=Environment(
            python="3.11", system="Linux", packages={"torch": "2.13.0"}, processor="One", threads=1
        ),
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_product_written_again_is_the_same_to_the_byte(made: ProductInputs) -> None:
    write_product(made)
    before = contents(made.folder)
    write_product(made)

    assert contents(made.folder) == before


def test_the_facts_have_the_hash_of_every_file(made: ProductInputs) -> None:
    facts = write_product(made)

    found = {name: hash_file(made.folder / name) for name in contents(made.folder)}
    assert {name: each.sha256 for name, each in facts.files.items()} == {
        name: digest for name, digest in found.items() if name not in {"README.md", "facts.json"}
    }


def test_what_is_read_is_what_was_written(made: ProductInputs) -> None:
    facts = write_product(made)

    assert read_facts(made.folder) == facts


def test_nothing_names_the_machine(made: ProductInputs) -> None:
    write_product(made)

    for name in ("facts.json", "README.md", "gguf/model.gguf"):
        assert str(made.folder.parent).encode() not in (made.folder / name).read_bytes()


def test_the_licence_of_the_base_is_inherited(made: ProductInputs) -> None:
    facts = write_product(made)

    assert facts.licence == "apache-2.0"
    assert 'license: "apache-2.0"\nbase_model: "tiny"' in (made.folder / "README.md").read_text()


def test_what_nobody_said_is_an_open_question_and_nothing_else(made: ProductInputs) -> None:
    facts = write_product(made)
    stated = write_product(msgspec.structs.replace(made, maker="City of Somewhere", intended_purpose="Sorting mail"))

    assert set(facts.open_questions) - set(stated.open_questions) == {
        "Who is the maker of this model?",
        "What is it meant for, and what is it not meant for?",
    }
    assert facts.maker is None


def test_a_base_without_a_licence_gives_a_product_without_one(
    made: ProductInputs, models: Path, tmp_path: Path
) -> None:
    base = copy_of(models / "base", tmp_path / "bare")
    (base / "README.md").unlink()

    facts = write_product(msgspec.structs.replace(made, base=base_record("bare", base)))

    assert facts.licence is None
    assert "license: unknown" in (made.folder / "README.md").read_text()


def test_a_verdict_lies_beside_facts_that_stay_as_they_were(made: ProductInputs) -> None:
    write_product(made)
    before = (made.folder / "facts.json").read_bytes()
    facts = add_verdict(made.folder, VERDICT)

    assert (made.folder / "facts.json").read_bytes() == before
    assert read_facts(made.folder) == facts
    assert facts.verdict == VERDICT


def test_the_card_shows_the_evaluation(made: ProductInputs) -> None:
    write_product(made)
    assert "Not judged yet." in (made.folder / "README.md").read_text()

    add_verdict(made.folder, VERDICT)

    card = (made.folder / "README.md").read_text()
    assert "| held-out | exact match | 40 | 0.250 | 0.900 | gain [0.500, 0.750] |" in card
    assert "Served on llama.cpp, it gave 8 of 8 of the trainer's answers." in card


def test_a_product_that_was_barred_says_so(made: ProductInputs) -> None:
    write_product(made)
    add_verdict(made.folder, msgspec.structs.replace(VERDICT, passed=False))

    assert "**It did not pass its gate.**" in (made.folder / "README.md").read_text()


def test_an_architecture_without_gguf_is_a_limit_and_no_failure(made: ProductInputs) -> None:
    edit(made.folder / "model" / "config.json", architectures=["PhiForCausalLM"])

    facts = write_product(made)

    assert facts.engines == ("transformers", "vllm")
    assert any("PhiForCausalLM" in limit for limit in facts.limits)
    assert not (made.folder / "gguf" / "model.gguf").exists()


def test_weights_that_are_no_numbers_fail_the_product(made: ProductInputs) -> None:
    path = made.folder / "model" / "model.safetensors"
    last = max(read_folder(made.folder / "model").values(), key=lambda each: each.start)
    data = bytearray(path.read_bytes())
    data[last.start : last.start + 2] = b"\xff\xff"
    path.write_bytes(data)

    with pytest.raises(StepError) as caught:
        write_product(made)

    assert caught.value.reason == "not_a_number"


def test_an_earlier_products_original_is_what_counts(made: ProductInputs, models: Path) -> None:
    told = msgspec.json.encode({"training_flop": None, "base": {"name": "origin", "training_flop": 3e20}})

    assert base_record("tuned", models / "base", told=told).training_flop == 3e20


def test_an_export_is_a_folder_that_its_facts_describe(made: ProductInputs, tmp_path: Path) -> None:
    write_product(made)
    add_verdict(made.folder, VERDICT)

    facts = export_model(made.folder, tmp_path / "out" / "tiny")

    found = contents(tmp_path / "out" / "tiny")
    assert set(found) == {*facts.files, "facts.json"}
    assert {"config.json", "model.safetensors", "tokenizer.json", "gguf/model.gguf", "README.md"} <= set(found)
    assert {name: hash_file(tmp_path / "out" / "tiny" / name) for name in facts.files} == {
        name: each.sha256 for name, each in facts.files.items()
    }
    assert facts.verdict == VERDICT


def test_an_export_is_loaded_as_any_folder_is(made: ProductInputs, models: Path, tmp_path: Path) -> None:
    write_product(made)
    export_model(made.folder, tmp_path / "out")

    assert base_record("tiny", tmp_path / "out").parameters == base_record("tiny", models / "tuned").parameters


def test_others_may_read_an_export_though_hortus_keeps_its_own_files_to_itself(
    made: ProductInputs, tmp_path: Path
) -> None:
    write_product(made)
    before = os.umask(0o077)
    try:
        export_model(made.folder, tmp_path / "out")
    finally:
        os.umask(before)
    paths = [tmp_path / "out", *(tmp_path / "out").rglob("*")]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_dir()} == {0o755}
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths if path.is_file()} == {0o644}


def test_nothing_is_overwritten(made: ProductInputs, tmp_path: Path) -> None:
    write_product(made)
    (tmp_path / "out").mkdir()

    with pytest.raises(StepError, match="nothing is overwritten"):
        export_model(made.folder, tmp_path / "out")


@pytest.mark.parametrize("name", ["model/model.safetensors", "gguf/model.gguf", "model/tokenizer.json"])
def test_a_changed_file_is_not_exported(name: str, made: ProductInputs, tmp_path: Path) -> None:
    write_product(made)
    (made.folder / name).write_bytes((made.folder / name).read_bytes() + b" ")

    with pytest.raises(StepError, match="hash differs"):
        export_model(made.folder, tmp_path / "out")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["product"]


def test_a_lost_file_is_named(made: ProductInputs, tmp_path: Path) -> None:
    write_product(made)
    (made.folder / "model" / "config.json").unlink()

    with pytest.raises(StepError) as caught:
        export_model(made.folder, tmp_path / "out")

    assert caught.value.path == str(made.folder / "model" / "config.json")


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "model/../../x", "a\\b"])
def test_facts_that_lead_out_of_the_product_are_refused(name: str, made: ProductInputs, tmp_path: Path) -> None:
    write_product(made)
    table = msgspec.json.decode((made.folder / "facts.json").read_bytes(), type=dict)
    table["files"][name] = {"bytes": 1, "sha256": "0"}
    (made.folder / "facts.json").write_bytes(msgspec.json.encode(table))

    with pytest.raises(StepError, match="leads out of the product"):
        export_model(made.folder, tmp_path / "out")


def test_a_folder_without_facts_is_no_product(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="is missing"):
        read_facts(tmp_path)


def adapted(made: ProductInputs) -> ProductInputs:
    """The same product with an adapter beside it."""
    model = random_model("LlamaForCausalLM", vocabulary=512)
    settings = LoraConfig(r=4, lora_alpha=8, target_modules="all-linear")
    get_peft_model(model, settings).save_pretrained(made.folder / "adapter")
    return msgspec.structs.replace(made, job=msgspec.structs.replace(JOB, recipe=Recipe(lora=Lora(rank=4))))


def test_an_adapter_gets_a_file_for_llama_cpp_too(made: ProductInputs) -> None:
    facts = write_product(adapted(made))

    assert {"adapter/adapter_model.safetensors", "gguf/adapter.gguf", "gguf/model.gguf"} <= set(facts.files)
    assert facts.limits == ()


def test_an_adapter_that_cannot_be_served_by_name_is_a_limit(made: ProductInputs) -> None:
    inputs = adapted(made)
    edit(made.folder / "adapter" / "adapter_config.json", use_dora=True)

    facts = write_product(inputs)

    assert "gguf/adapter.gguf" not in facts.files
    assert any("DoRA" in limit for limit in facts.limits)


def test_a_stale_file_does_not_outlive_what_it_was_made_from(made: ProductInputs) -> None:
    inputs = adapted(made)
    write_product(inputs)
    edit(made.folder / "adapter" / "adapter_config.json", use_dora=True)

    assert "gguf/adapter.gguf" not in write_product(inputs).files


def test_a_model_from_scratch_has_no_base_and_knows_its_own_compute(made: ProductInputs) -> None:
    work = compute.Work("scratch", parameters=1000, trainable=1000, tokens=900)
    own = compute.compare(work, base=compute.Base(), on=date(2026, 11, 23))
    facts = write_product(msgspec.structs.replace(made, base_folder=None, base=None, compute=own))

    assert (facts.base, facts.licence, facts.training_flop) == (None, None, own.flop)
    assert facts.identity.base == ""
    assert "trained from scratch" in (made.folder / "README.md").read_text()


def test_hugging_face_reads_the_card(made: ProductInputs) -> None:
    inputs = msgspec.structs.replace(adapted(made), name='tiny: "tuned" # one', intended_purpose="To sort mail")
    write_product(inputs)
    add_verdict(made.folder, VERDICT)

    card = ModelCard.load(made.folder / "README.md").data

    assert (card.license, card.base_model, card.language) == ("apache-2.0", "tiny", ["de", "en"])
    assert card.tags == ["hortus", "lora", "gguf"]
    assert card.model_name == 'tiny: "tuned" # one'
    assert [(each.dataset_name, each.metric_type, each.metric_value) for each in card.eval_results] == [
        ("held-out", "exact match", 0.9)
    ]


def test_figures_that_are_known_stand_in_the_card(made: ProductInputs) -> None:
    training = msgspec.structs.replace(
        made.training, seconds=12.5, energy_j=7200.0, energy_source="RAPL", held_out_loss=0.5, stopped_early=True
    )
    data = msgspec.structs.replace(made.data, personal_data={"email": 3}, description="Letters", licence="CC0-1.0")
    write_product(msgspec.structs.replace(made, training=training, data=data))

    card = (made.folder / "README.md").read_text()

    for said in ("About 0.002 kWh for training (RAPL).", "3 of email", "| What | Letters |", "(stopped early)"):
        assert said in card


def test_what_people_say_fills_the_papers_before_what_is_found(made: ProductInputs) -> None:
    told = msgspec.structs.replace(
        adapted(made),
        maker="City | <b>Somewhere</b>",
        intended_purpose="Sorting.\n\n---\nNo law.",
        limits=("No *law*.",),
    )
    edit(made.folder / "adapter" / "adapter_config.json", use_dora=True)
    facts = write_product(told)

    card = (made.folder / "README.md").read_text()

    for said in ("| Maker | City &#124; \\<b>Somewhere\\</b> |", "Sorting.\n\n\\--- No law.\n", "- No \\*law\\*.\n"):
        assert said in card
    assert facts.limits[0] == "No *law*."
    assert "DoRA" in facts.limits[1]


def test_what_people_say_changes_nothing_but_the_papers(made: ProductInputs) -> None:
    before = write_product(made)
    told = write_product(msgspec.structs.replace(made, maker="City of Somewhere", limits=("No law.",)))

    assert (told.files, told.identity) == (before.files, before.identity)


def test_the_maker_of_a_product_is_the_maker_of_the_base_of_the_next(made: ProductInputs) -> None:
    said = msgspec.structs.replace(made.data, description="Letters", licence="CC0-1.0")
    write_product(
        msgspec.structs.replace(made, maker="City of Somewhere", intended_purpose="Sorting", limits=("Old",), data=said)
    )
    told = (made.folder / "facts.json").read_bytes()

    facts = write_product(
        msgspec.structs.replace(made, base=base_record("tiny-tuned", made.folder / "model", told=told))
    )

    assert facts.base is not None
    assert facts.base.maker == "City of Somewhere"
    assert (facts.maker, facts.intended_purpose, facts.limits) == (None, None, ())
    assert (facts.data.description, facts.data.licence) == (None, None)


def test_a_licence_of_its_own_keeps_its_name(made: ProductInputs) -> None:
    assert made.base is not None
    write_product(msgspec.structs.replace(made, base=msgspec.structs.replace(made.base, licence="Own Licence 1.0")))

    card = ModelCard.load(made.folder / "README.md").data

    assert (card.license, card.license_name) == ("other", "Own Licence 1.0")
