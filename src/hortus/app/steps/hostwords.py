"""How is a job said to a host that tunes, and what does it say of it? In the words of OpenAI's interface; pure.

https://github.com/openai/openai-python (`types/fine_tuning/`), read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from hortus.jobs.examples import Example, Message, read_examples
from hortus.jobs.remote import Remote
from hortus.jobs.reports import Metric, Note, Report
from hortus.jobs.spec import JobSpec, is_said
from hortus.jobs.steps import HostStep

MARK: Final = "hortus_job"
"""In the job's metadata at the host: by it a job is found again whose id was never read."""

BOUNDARY: Final = "hortus-of-a-job"
OVER = frozenset(("succeeded", "failed", "cancelled"))

_HYPERPARAMETERS = {
    "epochs": "n_epochs",
    "batch_size": "batch_size",
    "learning_rate_multiplier": "learning_rate_multiplier",
    "beta": "beta",
}


class Kept(msgspec.Struct, frozen=True):
    """A file or a job that the host keeps."""

    id: str
    filename: str | None = None
    metadata: dict[str, str] | None = None


class Page(msgspec.Struct, frozen=True):
    """Part of a list of them."""

    data: tuple[Kept, ...] = ()
    has_more: bool = False


class HostError(msgspec.Struct, frozen=True):
    """Why a job failed there."""

    message: str | None = None
    code: str | None = None


class HostJob(msgspec.Struct, frozen=True):
    """A job as its host shows it."""

    id: str
    status: str
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None
    error: HostError | None = None


class HostEvent(msgspec.Struct, frozen=True):
    """Something that happened in it."""

    id: str
    message: str = ""
    type: str = "message"
    data: msgspec.Raw = msgspec.Raw(b"null")


class Events(msgspec.Struct, frozen=True):
    """The newest events, newest first."""

    data: tuple[HostEvent, ...] = ()
    has_more: bool = False


class _Figures(msgspec.Struct, frozen=True):
    step: int | None = None
    total_steps: int | None = None
    train_loss: float | None = None
    valid_loss: float | None = None


def job_members(work: HostStep, remote: Remote) -> dict[str, Any]:
    """Return the body that asks a host for a job; what it has no word for was refused when the job was created."""
    job = work.job
    members: dict[str, Any] = {
        "model": work.route,
        "training_file": remote.training_file,
        "method": {"type": job.method, job.method: {"hyperparameters": _hyperparameters(job)}},
        "metadata": {MARK: job.id},
    }
    if remote.validation_file is not None:
        members["validation_file"] = remote.validation_file
    if is_said(job, "seed"):
        members["seed"] = job.recipe.seed
    return {**members, "suffix": job.suffix} if job.suffix else members


def _hyperparameters(job: JobSpec) -> dict[str, Any]:
    """Return what was asked for: of the rest the host knows better than we do."""
    found = {host: getattr(job.recipe, ours) for ours, host in _HYPERPARAMETERS.items() if is_said(job, ours)}
    return {name: int(value) if name == "n_epochs" else value for name, value in found.items()}


def form_of(parquet: Path, job: JobSpec, *, file_name: str) -> bytes | None:
    """Return the form by which a file of examples is brought; None where there are no examples. Raises OSError."""
    content = b"".join(msgspec.json.encode(line_of(one, job)) + b"\n" for one in read_examples(parquet))
    return b"".join(_form(content, file_name)) if content else None


def line_of(example: Example, job: JobSpec) -> dict[str, Any]:
    """Return an example as a line of a file; earlier answers in it are not learnt there, as they are not here."""
    tools = {"tools": example.tools} if example.tools else {}
    if job.method == "dpo":
        asked = {"messages": example.prompt, **tools}
        return {"input": asked, "preferred_output": [example.answer], "non_preferred_output": [example.rejected]}
    return {"messages": [*map(_unlearnt, example.prompt), example.answer], **tools}


def _unlearnt(message: Message) -> Message:
    return {**message, "weight": 0} if message.get("role") == "assistant" else message


def _form(content: bytes, file_name: str) -> Iterator[bytes]:
    dashes, end = b"--" + BOUNDARY.encode(), b"\r\n"
    yield dashes + end + b'Content-Disposition: form-data; name="purpose"' + end * 2 + b"fine-tune" + end
    head = f'Content-Disposition: form-data; name="file"; filename="{file_name}"'.encode()
    yield dashes + end + head + end + b"Content-Type: application/jsonl" + end * 2
    yield content
    yield end + dashes + b"--" + end


def report_of(event: HostEvent) -> Report | None:
    """Return an event of the host as one of ours; None where it says nothing."""
    figures = _figures(event)
    if figures.step is not None and figures.train_loss is not None:
        return Metric(figures.step, figures.total_steps or 0, figures.train_loss, 0.0, held_out_loss=figures.valid_loss)
    return Note(f"Host: {event.message}") if event.message else None


def _figures(event: HostEvent) -> _Figures:
    if event.type != "metrics":
        return _Figures()
    try:
        return msgspec.json.decode(event.data, type=_Figures | None) or _Figures()
    except msgspec.ValidationError:
        return _Figures()  # figures of another kind: its sentence is passed on
