"""Admin operations on jobs: begun, looked at, paused, cancelled; what they measured and what the gate said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from hortus.control.errors import Invalid
from hortus.control.plane import Plane
from hortus.control.tenancy import find_project
from hortus.control.workshop import forms, shown
from hortus.control.workshop.filing import live_project, note, project_names
from hortus.control.workshop.opening import workshop_of
from hortus.control.workshop.service import JobWish, UnknownThing, Workshop
from hortus.jobs.records import JobRecord, NumberedEvent
from hortus.jobs.reports import Metric
from hortus.jobs.spec import About, GateRules, Recipe

_Kind = TypeVar("_Kind")
_AT_ONCE = 500
_OF_RECORD = (
    *("id", "state", "phase", "wish", "created_at_ms", "started_at_ms", "finished_at_ms", "dataset"),
    *("trained_tokens", "product", "made_by", "metadata", "held_bytes", "removed_at_ms"),
)
_OF_SPEC = (
    *("method", "training", "validation", "suffix", "check_only", "engine", "form", "deploy", "held_out_share"),
)


def list_jobs(plane: Plane, ask: forms.JobsWanted) -> shown.JobList:
    """Return jobs, newest first; checks alone are not among them."""
    project_id = None if ask.project is None else find_project(plane, ask.project).id
    names = project_names(plane)
    found = workshop_of(plane).jobs(project_id, after=ask.after, limit=ask.limit, state=ask.state)
    return shown.JobList(jobs=[show(one, names) for one in found])


def create_job(plane: Plane, ask: forms.JobWanted) -> shown.JobView:
    """Begin a job: its examples are checked, it is trained, judged and served."""
    wish = _wish_of(
        ask,
        suffix=ask.suffix,
        gate=read_value(ask.gate, GateRules, at="gate"),
        about=read_value(ask.about, About, at="about"),
        engine=ask.engine,
        form=ask.form,
        deploy=ask.deploy,
        metadata=ask.metadata,
    )
    return begin(plane, ask.project, wish)


def check_file(plane: Plane, ask: forms.CheckWanted) -> shown.JobView:
    """Check a file against a base; nothing is trained. `datasets.show` tells what was found, by the job's id."""
    return begin(plane, ask.project, _wish_of(ask, check_only=True, deploy=False))


def show_job(plane: Plane, ask: forms.OneJob) -> shown.JobView:
    """Return one job as it stands."""
    return show(find_job(plane, ask.id), project_names(plane))


def list_events(plane: Plane, ask: forms.EventsWanted) -> shown.EventList:
    """Return what happened in a job, oldest first."""
    job = find_job(plane, ask.id)
    found = _events(plane, job, newer_than=ask.newer_than, limit=ask.limit, kind=ask.kind)
    return shown.EventList(events=[_show_event(one) for one in found])


def list_metrics(plane: Plane, ask: forms.MetricsWanted) -> shown.MetricList:
    """Return the figures of a job's steps, oldest first."""
    job = find_job(plane, ask.id)
    found = _events(plane, job, newer_than=ask.newer_than, limit=ask.limit, kind="metrics")
    return shown.MetricList(metrics=[_show_metric(one) for one in found])


def cancel_job(plane: Plane, ask: forms.OneJob) -> shown.JobView:
    """Cancel a job; it ends within seconds."""
    return _do(plane, ask.id, "cancel", Workshop.cancel)


def pause_job(plane: Plane, ask: forms.OneJob) -> shown.JobView:
    """Pause a job at its last checkpoint."""
    return _do(plane, ask.id, "pause", Workshop.pause)


def resume_job(plane: Plane, ask: forms.OneJob) -> shown.JobView:
    """Let a paused job go on."""
    return _do(plane, ask.id, "resume", Workshop.resume)


def show_verdict(plane: Plane, ask: forms.OneJob) -> shown.VerdictView:
    """Return what the gate has found on a job's product."""
    job = find_job(plane, ask.id)
    raw = job.facts.get("evaluate")
    verdict = None if raw is None else msgspec.json.decode(raw, type=dict[str, Any])
    return shown.VerdictView(job=job.id, state=job.state, passed=passed(job), verdict=verdict)


def begin(plane: Plane, project: str, wish: JobWish) -> shown.JobView:
    """Begin a job of a project, and write down who has."""
    owner = live_project(plane, project)
    job = workshop_of(plane).create_job(owner.id, wish)
    said = {"base": wish.base, "training": wish.training, "method": wish.method, "check_only": wish.check_only}
    note(plane, "create", kind="job", name=job.id, project=owner.name, said=said)
    return show(job, {owner.id: owner.name})


def find_job(plane: Plane, job_id: str) -> JobRecord:
    """Return a job of any project. Raises UnknownThing."""
    found = plane.ports.jobs.job(job_id)
    if found is None:
        raise UnknownThing(f"There is no job `{job_id}`.", path="id", hint="`hortus jobs` lists them.")
    return found


def passed(job: JobRecord) -> bool | None:
    """Return whether the gate let a job's product pass, None where it was not asked."""
    raw = job.facts.get("evaluate")
    return None if raw is None else msgspec.json.decode(raw, type=_Judged).passed


def show(job: JobRecord, names: Mapping[str, str]) -> shown.JobView:
    """Return a job as the API shows it."""
    spec = job.spec
    phase, done, total = job.progress or ("", 0, 0)
    return shown.JobView(
        project=names.get(spec.project_id, spec.project_id),
        base=job.base.name,
        at_host=job.base.route is not None,
        progress=shown.ProgressView(phase=phase, done=done, total=total) if job.progress is not None else None,
        error=None if job.error is None else shown.JobErrorView.model_validate(job.error),
        passed=passed(job),
        recipe=msgspec.to_builtins(spec.recipe),
        gate=msgspec.to_builtins(spec.gate),
        about=msgspec.to_builtins(spec.about),
        **{name: getattr(job, name) for name in _OF_RECORD},
        **{name: getattr(spec, name) for name in _OF_SPEC},
    )


def read_value(given: dict[str, Any], kind: type[_Kind], *, at: str) -> _Kind:
    """Return a value that came as JSON.

    Raises:
        Invalid: A member is unknown or cannot be; the path names it.
    """
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        hint = "GET /admin/v1/openapi.json says what it may be; docs/how-to/train-a-model.md lists a recipe's members."
        raise Invalid(f"{message}.", path=f"{at}{path.rstrip('`')}", hint=hint) from error


class _Judged(msgspec.Struct):
    passed: bool


def _wish_of(ask: forms.Learnt, **members: Any) -> JobWish:
    return JobWish(
        base=ask.base,
        training=ask.training,
        validation=ask.validation,
        method=ask.method,
        recipe=read_value(ask.recipe, Recipe, at="recipe"),
        held_out_share=ask.held_out_share,
        **members,
    )


def _do(plane: Plane, job_id: str, change: str, act: Callable[[Workshop, str, str], JobRecord]) -> shown.JobView:
    job = find_job(plane, job_id)
    done = act(workshop_of(plane), job.spec.project_id, job.id)
    names = project_names(plane)
    note(plane, change, kind="job", name=job.id, project=names.get(job.spec.project_id), said={"wish": done.wish})
    return show(done, names)


def _events(plane: Plane, job: JobRecord, *, newer_than: int, limit: int, kind: str | None) -> list[NumberedEvent]:
    """Return the oldest events after a number; the store gives the newest first."""
    found: list[NumberedEvent] = []
    after: int | None = None
    while True:
        page = plane.ports.jobs.events(job.id, after=after, limit=_AT_ONCE, kind=kind)
        found.extend(one for one in page if one.number > newer_than)
        if len(page) < _AT_ONCE or page[-1].number <= newer_than:
            return found[::-1][:limit]
        after = page[-1].number


def _show_event(one: NumberedEvent) -> shown.EventView:
    event = one.event
    return shown.EventView(
        number=one.number,
        at_ms=event.at_ms,
        level=event.level,
        kind=event.kind,
        message=event.message,
        data=msgspec.json.decode(event.data, type=dict[str, Any]),
    )


def _show_metric(one: NumberedEvent) -> shown.MetricView:
    figures = msgspec.json.decode(one.event.data, type=Metric)
    return shown.MetricView(number=one.number, at_ms=one.event.at_ms, **msgspec.structs.asdict(figures))
