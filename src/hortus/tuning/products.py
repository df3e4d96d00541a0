"""What does a finished training leave? GGUF files beside the weights, hashes of everything, a model card and facts.

Run again on the same folder with the same inputs it writes the same bytes; each file appears whole.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from hortus.jobs.errors import StepError
from hortus.jobs.folders import ADAPTER_GGUF, PRODUCT_ADAPTER, PRODUCT_GGUF, PRODUCT_MODEL
from hortus.jobs.spec import JobSpec
from hortus.tuning.bases import BaseFacts, check_base
from hortus.tuning.compute import Compute
from hortus.tuning.facts import (
    BaseRecord,
    DataRecord,
    Facts,
    FileRecord,
    TrainingRecord,
)
from hortus.tuning.gguf.adapters import write_adapter
from hortus.tuning.gguf.models import write_model
from hortus.tuning.identity import Environment, Identity, hash_file, identify
from hortus.tuning.papers import may_change, write_papers


class ProductInputs(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a product's papers are made from.

    Attributes:
        folder: The product's folder, in which `model/` and, where there is one, `adapter/` are whole already.
        name: What the product is called.
        base_folder: None from scratch.
        base: None from scratch; `base_record` makes one.
        environment: `identity.look_around` makes one.
        maker: Whose product it is, where that is known.
        intended_purpose: As its owner stated it.
        limits: Those that people state; what is found here comes after them.
    """

    job: JobSpec
    folder: Path
    name: str
    base_folder: Path | None
    base: BaseRecord | None
    data: DataRecord
    training: TrainingRecord
    compute: Compute
    environment: Environment
    maker: str | None = None
    intended_purpose: str | None = None
    limits: tuple[str, ...] = ()


class _Earlier(msgspec.Struct, frozen=True):
    """What an earlier facts file (`TrainStep.base_facts`) may say of a base; anything else in it is not needed."""

    maker: str | None = None
    licence: str | None = None
    training_flop: float | None = None
    training_flop_source: str | None = None
    has_systemic_risk: bool | None = None
    base: BaseRecord | None = None


def base_record(name: str, folder: Path, *, told: bytes | msgspec.Raw = b"{}") -> BaseRecord:
    """Return what is known of a base: its own card, and what the installation was told of it.

    Args:
        told: `TrainStep.base_facts`: a facts file, of a catalogued model or of an earlier product.

    Raises:
        StepError: The base may not be loaded.
    """
    found = check_base(folder)
    try:
        earlier = msgspec.json.decode(told, type=_Earlier)
    except msgspec.DecodeError:
        earlier = _Earlier()
    origin = earlier.base  # an earlier product's own base: the original, for the comparison of compute
    return BaseRecord(
        name=name,
        hash=found.hash,
        architecture=found.architecture,
        parameters=found.parameters,
        maker=earlier.maker,
        licence=found.licence or earlier.licence,
        licence_link=found.licence_link,
        languages=found.languages,
        training_flop=earlier.training_flop or (origin.training_flop if origin else None),
        training_flop_source=earlier.training_flop_source or (origin.training_flop_source if origin else None),
        has_systemic_risk=earlier.has_systemic_risk or (origin.has_systemic_risk if origin else None),
    )


def write_product(inputs: ProductInputs) -> Facts:
    """Write GGUF files, card and facts into a product's folder, and return the facts.

    Raises:
        StepError: The model in the folder is not whole.
        OSError: The disk is full.
    """
    model = inputs.folder / PRODUCT_MODEL
    shape = check_base(model, hashed=False)
    limits = _write_gguf(inputs, model)
    identity = identify(
        inputs.job, model, base=inputs.base_folder, dataset=inputs.data.hash, environment=inputs.environment
    )
    facts = _facts(inputs, shape, identity=identity, limits=limits)
    write_papers(inputs.folder, facts)
    return facts


def _facts(inputs: ProductInputs, shape: BaseFacts, *, identity: Identity, limits: tuple[str, ...]) -> Facts:
    base = inputs.base
    has_gguf = (inputs.folder / PRODUCT_GGUF).exists()
    return Facts(
        name=inputs.name,
        job_id=inputs.job.id,
        project_id=inputs.job.project_id,
        maker=inputs.maker,
        method=inputs.job.method,
        recipe=inputs.job.recipe,
        gate=inputs.job.gate,
        base=base,
        licence=base.licence if base else None,
        architecture=shape.architecture,
        parameters=shape.parameters,
        context_tokens=shape.context_tokens,
        languages=tuple(sorted(inputs.data.languages)),
        data=inputs.data,
        training=inputs.training,
        compute=inputs.compute,
        training_flop=base.training_flop if base else inputs.compute.flop,
        identity=identity,
        intended_purpose=inputs.intended_purpose,
        engines=tuple(each for each in shape.engines if has_gguf or each != "llamacpp"),
        limits=(*inputs.limits, *limits),
        files=list_files(inputs.folder),
        open_questions=tuple(_open_questions(inputs)),
    )


def list_files(folder: Path) -> dict[str, FileRecord]:
    """Return size and hash of every file of a product but those that may change."""
    found = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    return {
        name: FileRecord(path.stat().st_size, hash_file(path))
        for name, path in found.items()
        if not may_change(name) and not path.name.startswith(".")
    }


def _write_gguf(inputs: ProductInputs, model: Path) -> tuple[str, ...]:
    """Write what llama.cpp can carry; the reasons for the rest become limits."""
    licence = inputs.base.licence if inputs.base else None
    try:
        limits = write_model(model, inputs.folder / PRODUCT_GGUF, name=inputs.name, licence=licence)
    except StepError as error:
        if error.reason != "no_gguf":
            raise
        (inputs.folder / PRODUCT_GGUF).unlink(missing_ok=True)
        return (f"There is no GGUF file: the model {error.message}",)
    return (*limits, *_write_adapter(inputs))


def _write_adapter(inputs: ProductInputs) -> tuple[str, ...]:
    adapter, target = inputs.folder / PRODUCT_ADAPTER, inputs.folder / ADAPTER_GGUF
    if inputs.base_folder is None or not adapter.is_dir():
        return ()
    try:
        write_adapter(adapter, target, base=inputs.base_folder, name=inputs.name)
    except StepError as error:
        if error.reason not in {"no_gguf", "no_gguf_adapter"}:
            raise
        target.unlink(missing_ok=True)
        return (f"There is no GGUF adapter: it {error.message}",)
    return ()


def _open_questions(inputs: ProductInputs) -> list[str]:
    """What later documents need and only people can answer: listed, never inferred."""
    base = inputs.base
    asked = (
        ("Who is the maker of this model?", inputs.maker),
        ("What is it meant for, and what is it not meant for?", inputs.intended_purpose),
        ("Where do the training examples come from, and how were they chosen?", inputs.data.description),
        ("Under which licence may the training examples be used?", inputs.data.licence),
        ("Under which licence may the base be used and passed on?", base.licence if base else "its maker decides"),
        ("How much compute did the base's own training take?", base.training_flop if base else 0),
        ("Does the base have systemic risk (AI Act, article 51)?", base.has_systemic_risk if base else False),
        ("How much energy did the training use?", inputs.training.energy_j),
    )
    always = (
        "Which measures were taken against unsuitable sources and identifiable bias in the examples?",
        "Which people may be affected by its answers, and who oversees them?",
    )
    return [*(question for question, answer in asked if answer is None), *always]
