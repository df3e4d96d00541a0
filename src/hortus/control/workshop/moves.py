"""What does a job do next? A pure function of how it stands, of what its step has said and of the engines.

check -> train -> serve -> evaluate -> promote -> over; a job of a host's: check -> host -> evaluate -> promote -> over.
What a host runs is cancelled there before the job is over here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import msgspec

from hortus.jobs.records import JobError, JobEvent, JobRecord, Phase, State
from hortus.jobs.reports import Checkpoint, Done, Ended, Failed, Line, Metric, Note, Progress

STEP_OF: Mapping[Phase, str] = {"check": "check", "train": "train", "host": "host", "evaluate": "evaluate"}
"""Phases in which a step's process works, none before one that it follows; in the others control does."""

_AFTER: Mapping[Phase, Phase] = {"check": "train", "train": "serve", "evaluate": "promote", "host": "evaluate"}
_BEFORE_STATE: Mapping[Phase, State] = {"check": "validating_files", "train": "queued"}
_BAD_DATA = "bad_data"
_BARRED_HERE = "Its verdict and the product stay; `hortus jobs verdict` shows both."
_TUNED = "The host has tuned the model; the gate asks it and its base."


class EngineNews(msgspec.Struct, frozen=True):
    """How a deployment's engine stands."""

    state: str
    error: str | None = None


class Seen(msgspec.Struct, frozen=True):
    """What is to be known for the next move.

    Attributes:
        lines: Reports of the current step that were not read before.
        read: How far its reports are read now, in bytes.
        engines: How the deployments stand that the job waits for, by name; those without one are starting.
        has_room: Whether another job may train now.
        refusal: Why this one may not begin to; None: it may.
    """

    lines: Sequence[Line] = ()
    read: int = 0
    engines: Mapping[str, EngineNews] = {}
    has_room: bool = True
    refusal: JobError | None = None


class Move(msgspec.Struct, frozen=True):
    """The job as it stands now, and what has happened."""

    job: JobRecord
    events: tuple[JobEvent, ...] = ()


class _Checked(msgspec.Struct, frozen=True):
    """What this needs of the check's result."""

    dataset: str


class _Trained(msgspec.Struct, frozen=True):
    tokens: int | None = None


class _Judged(msgspec.Struct, frozen=True):
    passed: bool
    sentence: str = ""


class _Tuned(msgspec.Struct, frozen=True):
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None


def tuned_at_host(job: JobRecord) -> str | None:
    """Return what its host calls a model that it has tuned; None where it has none."""
    said = job.facts.get("host")
    return None if said is None else msgspec.json.decode(said, type=_Tuned).fine_tuned_model


def at_its_host(job: JobRecord) -> str:
    """Return where the model is all the same, which a host has tuned and somebody has paid for; else nothing."""
    tuned = tuned_at_host(job)
    return "" if tuned is None else f"Its host has it as {tuned}."


def next_move(job: JobRecord, seen: Seen, *, now_ms: int) -> Move:
    """Return what the job does now; the same job where nothing has happened."""
    move = _take_lines(Move(job), seen, now_ms=now_ms)
    if move.job.is_over or (move.job.phase == "host" and move.job.wish == "cancel"):
        return move  # what a host runs is cancelled by its step, which says so
    return _follow_wish(move, seen, now_ms=now_ms)


def fail(job: JobRecord, error: JobError, *, now_ms: int) -> Move:
    """Return the job as failed."""
    failed = replace(job, state="failed", phase="over", finished_at_ms=now_ms, error=error, progress=None)
    hint = f" {error.hint}" if error.hint else ""
    return Move(failed, (JobEvent("failed", now_ms, f"The job failed: {error.message}{hint}", level="error"),))


def succeed(job: JobRecord, *, product: str | None, now_ms: int) -> Move:
    """Return the job as done."""
    text = f"New fine-tuned model created: {product}" if product else "The product is there and is not served."
    return _end(replace(job, product=product), text, now_ms=now_ms)


def _end(job: JobRecord, text: str, *, now_ms: int) -> Move:
    done = replace(job, state="succeeded", phase="over", finished_at_ms=now_ms, progress=None)
    return Move(done, (JobEvent("succeeded", now_ms, text),))


def replace(job: JobRecord, **changes: object) -> JobRecord:
    """Return the job with other values."""
    return msgspec.structs.replace(job, **changes)


def _take_lines(move: Move, seen: Seen, *, now_ms: int) -> Move:
    job, events = move.job, list(move.events)
    step = STEP_OF.get(job.phase)
    if step is None or not seen.lines:
        return move
    job = replace(job, read={**job.read, step: seen.read})
    for line in seen.lines:
        match line.report:
            case Progress(phase=phase, done=done, total=total):
                job = replace(job, progress=(phase, done, total))
            case Done(result=result):
                job = replace(job, facts={**job.facts, step: result})
                ended = _end_step(job, result, now_ms=now_ms)
                return Move(ended.job, (*events, *ended.events))
            case Failed() as failed:
                ended = fail(job, _error(failed, job), now_ms=now_ms)
                return Move(ended.job, (*events, *ended.events))
            case Metric() | Checkpoint() | Note() | Ended() as report:
                events.append(_event(step, report, at_ms=line.at_ms))
    return Move(job, tuple(events))


def _error(failed: Failed, job: JobRecord) -> JobError:
    """Return why the job failed, in OpenAI's words where they have one."""
    if failed.code != _BAD_DATA:
        hint = f"{failed.hint or ''} {at_its_host(job)}".strip()
        return JobError(failed.code, failed.message, param=failed.path, hint=hint)
    where = f"{failed.path}: " if failed.path else ""
    return JobError("invalid_training_file", f"{where}{failed.message}", param="training_file", hint=failed.hint)


def _event(step: str, report: Metric | Checkpoint | Note | Ended, *, at_ms: int) -> JobEvent:
    match report:
        case Metric():
            text = f"Step {report.step}/{report.steps}: training loss={report.loss:.4f}"
            if report.held_out_loss is not None:
                text += f", validation loss={report.held_out_loss:.4f}"
            return JobEvent(f"metric:{report.step}", at_ms, text, kind="metrics", data=_raw(report))
        case Checkpoint():
            text = f"Checkpoint created at step {report.step}"
            return JobEvent(f"checkpoint:{report.step}", at_ms, text, kind="checkpoint", data=_raw(report))
        case Note():
            digest = hashlib.sha256(report.text.encode()).hexdigest()[:16]
            return JobEvent(f"note:{step}:{digest}", at_ms, report.text, level=report.level)
        case Ended():
            text = f"The process of the step {step} ended ({report.status}) and is started again."
            return JobEvent(f"ended:{step}:{at_ms}", at_ms, text, level="warn")


def _end_step(job: JobRecord, result: msgspec.Raw, *, now_ms: int) -> Move:
    match job.phase:
        case "check":
            return _end_check(job, result, now_ms=now_ms)
        case "train":
            trained = msgspec.json.decode(result, type=_Trained)
            job = replace(job, trained_tokens=trained.tokens)
        case "evaluate":
            judged = msgspec.json.decode(result, type=_Judged)
            if not judged.passed:
                error = JobError("barred_by_gate", judged.sentence, hint=at_its_host(job) or _BARRED_HERE)
                return fail(job, error, now_ms=now_ms)
        case "host":
            tuned = msgspec.json.decode(result, type=_Tuned)
            job = replace(job, trained_tokens=tuned.trained_tokens, phase=_AFTER["host"], progress=None)
            return Move(job, (JobEvent("gate", now_ms, _TUNED),) if tuned.fine_tuned_model else ())
        case _:
            pass
    return Move(replace(job, phase=_AFTER[job.phase], progress=None))


def _end_check(job: JobRecord, result: msgspec.Raw, *, now_ms: int) -> Move:
    checked = msgspec.json.decode(result, type=_Checked)
    if job.spec.check_only:
        return _end(replace(job, dataset=checked.dataset), "The examples can be learnt from.", now_ms=now_ms)
    phase: Phase = "host" if job.base.route is not None else "train"
    state: State = "running" if phase == "host" else "queued"
    started_at_ms = now_ms if phase == "host" else None
    moved = replace(job, dataset=checked.dataset, phase=phase, state=state, started_at_ms=started_at_ms, progress=None)
    return Move(moved, (JobEvent("queued", now_ms, "Files validated, moving job to queued state"),))


def _follow_wish(move: Move, seen: Seen, *, now_ms: int) -> Move:
    job, events = move.job, move.events
    if job.wish == "cancel":
        cancelled = replace(job, state="cancelled", phase="over", finished_at_ms=now_ms, progress=None)
        return Move(cancelled, (*events, JobEvent("cancelled", now_ms, "The job was cancelled.")))
    if job.wish == "pause":
        return move if job.state == "paused" else _pause(move, now_ms=now_ms)
    if job.state == "paused":
        return _resume(move, now_ms=now_ms)
    if job.state == "queued" and seen.has_room:
        if seen.refusal is not None:
            refused = fail(job, seen.refusal, now_ms=now_ms)
            return Move(refused.job, (*events, *refused.events))
        started = replace(job, state="running", started_at_ms=job.started_at_ms or now_ms)
        return Move(started, (*events, JobEvent("started", now_ms, "Fine-tuning job started")))
    if job.phase == "serve":
        return _wait_for_engines(job, seen, events=events, now_ms=now_ms)
    return Move(job, events)


def _pause(move: Move, *, now_ms: int) -> Move:
    paused = JobEvent(f"paused:{now_ms}", now_ms, "The job is paused; it will go on from its last checkpoint.")
    return Move(replace(move.job, state="paused"), (*move.events, paused))


def _resume(move: Move, *, now_ms: int) -> Move:
    """Let a job go on; one that was judged has its engines back first: what waits holds none."""
    job = move.job
    phase: Phase = "serve" if job.phase == "evaluate" else job.phase
    resumed = replace(job, state=_BEFORE_STATE.get(phase, "running"), phase=phase)
    return Move(resumed, (*move.events, JobEvent(f"resumed:{now_ms}", now_ms, "The job goes on.")))


def _wait_for_engines(job: JobRecord, seen: Seen, *, events: tuple[JobEvent, ...], now_ms: int) -> Move:
    for name, engine in seen.engines.items():
        if engine.state == "failed":
            message = f"The engine of {name} cannot serve it: {engine.error or 'no reason given'}"
            failed = fail(
                job, JobError("engine_failed", message, hint="`hortus deployments` says more."), now_ms=now_ms
            )
            return Move(failed.job, (*events, *failed.events))
    if seen.engines and all(engine.state == "ready" for engine in seen.engines.values()):
        asked = JobEvent("gate", now_ms, "Base and product are served; the gate asks both.")
        return Move(replace(job, phase="evaluate"), (*events, asked))
    return Move(job, events)


def _raw(report: msgspec.Struct) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(report))
