"""The step that trains: refuses weights that may not be loaded, trains, and has the product's papers written."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from hortus.app.clock import SystemClock
from hortus.engines.memory import available_bytes, show_bytes
from hortus.engines.parent_death import die_with_parent
from hortus.jobs.errors import StepError
from hortus.jobs.folders import FACTS, JobFolder
from hortus.jobs.reporting import Reporter
from hortus.jobs.reports import Note, Progress
from hortus.jobs.spec import About
from hortus.jobs.steps import StepWork, TrainStep
from hortus.tuning.bases import check_base
from hortus.tuning.datasets.estimating import has_gpu, least_memory_bytes
from hortus.tuning.datasets.figures import DatasetFacts
from hortus.tuning.facts import BaseRecord, DataRecord, TrainingRecord
from hortus.tuning.gguf.models import write_model
from hortus.tuning.identity import look_around
from hortus.tuning.products import ProductInputs, base_record, write_product
from hortus.tuning.results import TrainResult
from hortus.tuning.training import train

_GGUF = "gguf/model.gguf"


def run(work: StepWork, reporter: Reporter) -> TrainResult:
    """Train, and write the product. Raises StepError."""
    assert isinstance(work, TrainStep)  # noqa: S101 -- `app.step` chooses by the work's kind
    base = None if work.base is None else Path(work.base)
    if base is not None:
        check_base(base, hashed=False)
    if not has_gpu():
        admit(work, base, available=available_bytes())
    clock = SystemClock()
    began_ms = clock.now_ms()
    result = train(work, report=reporter.say, clock=clock, guard=die_with_parent)
    reporter.say(Progress("papers", 0, 2))
    record = None if base is None else base_record(work.base_name, base, told=work.base_facts)
    facts = write_product(_inputs(work, result, base=record, began_ms=began_ms, ended_ms=clock.now_ms()))
    for limit in facts.limits[len(work.job.about.limits) :]:
        reporter.say(Note(limit))
    reporter.say(Progress("papers", 1, 2))
    _write_base(work, has_gguf="llamacpp" in facts.engines)
    reporter.say(Progress("papers", 2, 2))
    return result


def admit(work: TrainStep, base: Path | None, *, available: int) -> None:
    """Refuse to begin what cannot fit: where memory runs out, the kernel may end the door instead.

    Raises:
        StepError: `out_of_memory`.
    """
    need = least_memory_bytes(work.job, base) or 0
    if need > available:
        is_scratch = work.base is None
        raise StepError(
            f"Training takes at least {show_bytes(need)} of memory, and {show_bytes(available)} are free.",
            reason="out_of_memory",
            path="recipe.shape" if is_scratch else "base",
            hint="Make the model smaller." if is_scratch else "Tune with LoRA, or a smaller base.",
        )


def _inputs(
    work: TrainStep, result: TrainResult, *, base: BaseRecord | None, began_ms: int, ended_ms: int
) -> ProductInputs:
    about = work.job.about
    return ProductInputs(
        job=work.job,
        folder=JobFolder(Path(work.folder)).product,
        name=f"{work.base_name}-{work.job.suffix or work.job.id[-8:]}",
        base_folder=None if work.base is None else Path(work.base),
        base=base,
        data=_data(Path(work.dataset) / FACTS, about),
        training=TrainingRecord(
            steps=result.steps,
            planned_steps=result.planned_steps,
            tokens=result.tokens,
            loss=result.loss,
            held_out_loss=result.held_out_loss,
            best_step=result.used_step,
            stopped_early=result.stopped_early,
            started_ms=began_ms,
            ended_ms=ended_ms,
            seconds=result.seconds,
            tokens_per_s=result.tokens / result.seconds if result.seconds else None,
            energy_j=result.energy_j,
            energy_source=result.energy_source or None,
            peak_memory_bytes=result.peak_memory_bytes,
        ),
        compute=result.compute,
        environment=look_around(
            threads=work.job.recipe.threads or len(os.sched_getaffinity(0)),
            gpus=() if result.device == "cpu" else (result.device,),
        ),
        maker=about.maker,
        intended_purpose=about.intended_purpose,
        limits=about.limits,
    )


def _data(file: Path, about: About) -> DataRecord:
    document = file.read_bytes()
    facts = msgspec.json.decode(document, type=DatasetFacts)
    return DataRecord(
        hash=facts.dataset,
        training_examples=facts.train,
        held_out_examples=facts.held_out,
        tokens=facts.tokens.total,
        languages={code: count / facts.examples for code, count in facts.languages.items()},
        personal_data={kind: found.count for kind, found in facts.personal_data.items()},
        description=about.data_description,
        licence=about.data_licence,
        check=msgspec.Raw(document),
    )


def _write_base(work: TrainStep, *, has_gguf: bool) -> None:
    """Write the base as llama.cpp reads it, where the product is such a file and the base has none."""
    if work.base is None or not has_gguf:
        return
    base, target = Path(work.base), JobFolder(Path(work.folder)).base_gguf
    is_there = (base.parent / _GGUF).exists() or any(base.glob("*.gguf")) or (base / _GGUF).exists() or target.exists()
    if not is_there:
        write_model(base, target, name=work.base_name)
