"""How do jobs, their events and checkpoints look in OpenAI's words? Pure; more than OpenAI says is below `hortus`.

https://github.com/openai/openai-python (`types/fine_tuning/`), read 2026-11.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hortus.control.workshop.results import metric_of
from hortus.jobs.records import JobRecord, NumberedEvent
from hortus.jobs.reports import Checkpoint, Metric
from hortus.jobs.spec import JobSpec, Recipe, is_said

Object = dict[str, object]

_MS = 1000
_EVENT, _CHECKPOINT = "ftevent", "ftckpt"


class _Judged(msgspec.Struct, frozen=True):
    passed: bool
    sentence: str = ""


class _Known(msgspec.Struct, frozen=True):
    """What steps say of cost and time, where they do."""

    estimate: msgspec.Raw = msgspec.Raw(b"null")
    compute: msgspec.Raw = msgspec.Raw(b"null")


def write_job(job: JobRecord, *, result_files: Sequence[str], now_ms: int) -> Object:
    """Return a job."""
    spec = job.spec
    hyper, beta = _hyperparameters(spec.recipe), {"beta": spec.recipe.beta} if spec.method == "dpo" else {}
    own: Object = {**hyper, **beta}
    if job.base.route is not None:
        hyper, own = _left_to_host(hyper, spec), _left_to_host(own, spec)
    return {
        "object": "fine_tuning.job",
        "id": job.id,
        "model": spec.base,
        "created_at": job.created_at_ms // _MS,
        "finished_at": _seconds(job.finished_at_ms),
        "estimated_finish": _estimated_finish(job, now_ms),
        "fine_tuned_model": job.product if job.state == "succeeded" else None,
        "organization_id": spec.project_id,
        "result_files": list(result_files),
        "status": job.state,
        "training_file": spec.training,
        "validation_file": spec.validation,
        "trained_tokens": job.trained_tokens,
        "error": _error(job),
        "seed": spec.recipe.seed,
        "hyperparameters": hyper,
        "method": {"type": spec.method, spec.method: {"hyperparameters": own}},
        "integrations": [],
        "metadata": job.metadata,
        "hortus": _own(job),
    }


def write_event(one: NumberedEvent) -> Object:
    """Return an event; figures have OpenAI's names, and ours beside them."""
    event = one.event
    is_metrics = event.kind == "metrics"
    return {
        "object": "fine_tuning.job.event",
        "id": event_id(one),
        "created_at": event.at_ms // _MS,
        "level": event.level,
        "message": event.message,
        "type": "metrics" if is_metrics else "message",
        "data": _figures(metric_of(one)) if is_metrics else event.data,
    }


def write_checkpoint(one: NumberedEvent) -> Object:
    """Return a checkpoint; it is a place to go on from, not a model that answers."""
    found = msgspec.json.decode(one.event.data, type=Checkpoint)
    return {
        "object": "fine_tuning.job.checkpoint",
        "id": _numbered(_CHECKPOINT, one),
        "created_at": one.event.at_ms // _MS,
        "fine_tuned_model_checkpoint": f"{one.job_id}:ckpt-step-{found.step}",
        "fine_tuning_job_id": one.job_id,
        "step_number": found.step,
        "metrics": {"step": found.step, "train_loss": found.loss, "valid_loss": found.held_out_loss},
    }


def event_id(one: NumberedEvent) -> str:
    """Return the id of an event."""
    return _numbered(_EVENT, one)


def number_of(job_id: str, said: str) -> int | None:
    """Return the number of an event or a checkpoint of a job, by its id; None where it is none."""
    start = job_id.removeprefix("ftjob-")
    for prefix in (_EVENT, _CHECKPOINT):
        number = said.removeprefix(f"{prefix}-{start}-")
        if number != said and number.isascii() and number.isdigit():
            return int(number[:_LONGEST_NUMBER])
    return None


_LONGEST_NUMBER = 9


def write_list(objects: Sequence[Object], *, has_more: bool) -> Object:
    """Return one page of a list."""
    ids = [one["id"] for one in objects]
    return {
        "object": "list",
        "data": list(objects),
        "has_more": has_more,
        "first_id": ids[0] if ids else None,
        "last_id": ids[-1] if ids else None,
    }


def _numbered(prefix: str, one: NumberedEvent) -> str:
    return f"{prefix}-{one.job_id.removeprefix('ftjob-')}-{one.number}"


def _hyperparameters(recipe: Recipe) -> Object:
    epochs = int(recipe.epochs) if recipe.epochs.is_integer() else recipe.epochs
    return {
        "n_epochs": epochs,
        "batch_size": recipe.batch_size,
        "learning_rate_multiplier": recipe.learning_rate_multiplier,
    }


def _left_to_host(hyper: Object, spec: JobSpec) -> Object:
    """Return what a host was told: the rest it chooses itself."""
    return {name: value if is_said(spec, _MEMBERS.get(name, name)) else "auto" for name, value in hyper.items()}


_MEMBERS = {"n_epochs": "epochs"}


def _error(job: JobRecord) -> Object | None:
    if job.error is None:
        return None
    message = f"{job.error.message} {job.error.hint}".strip()
    return {"code": job.error.code, "message": message, "param": job.error.param}


def _figures(metric: Metric) -> Object:
    ours = {name: getattr(metric, name) for name in _OURS if getattr(metric, name) is not None}
    losses = {"train_loss": metric.loss, "valid_loss": metric.held_out_loss}
    return {"step": metric.step, "total_steps": metric.steps, **losses, **ours}


_OURS = (
    *("learning_rate", "gradient_norm", "epoch", "tokens", "tokens_per_s"),
    *("memory_bytes", "energy_j", "energy_source"),
)


def _own(job: JobRecord) -> Object:
    spec = job.spec
    return {
        "phase": job.phase,
        "progress": None if job.progress is None else dict(zip(("phase", "done", "total"), job.progress, strict=True)),
        "base": job.base.name,
        "dataset": job.dataset,
        "recipe": spec.recipe,
        "gate": spec.gate,
        "about": spec.about,
        "engine": spec.engine,
        "form": spec.form,
        "deploy": spec.deploy,
        "held_out_share": spec.held_out_share,
        "made_by": job.made_by,
        "estimate": _part(job, "check").estimate,
        "compute": _part(job, "train").compute,
        "verdict": _verdict(job),
    }


def _part(job: JobRecord, step: str) -> _Known:
    said = job.facts.get(step)
    return _Known() if said is None else msgspec.json.decode(said, type=_Known)


def _verdict(job: JobRecord) -> Object | None:
    said = job.facts.get("evaluate")
    if said is None:
        return None
    judged = msgspec.json.decode(said, type=_Judged)
    return {"passed": judged.passed, "sentence": judged.sentence}


def _estimated_finish(job: JobRecord, now_ms: int) -> int | None:
    """Return when training will be done if it goes on as so far; None where nobody can tell."""
    if job.state != "running" or job.phase != "train" or job.progress is None or job.started_at_ms is None:
        return None
    phase, done, total = job.progress
    if phase != "train" or not 0 < done <= total:
        return None
    return (now_ms + (now_ms - job.started_at_ms) * (total - done) // done) // _MS


def _seconds(at_ms: int | None) -> int | None:
    return None if at_ms is None else at_ms // _MS
