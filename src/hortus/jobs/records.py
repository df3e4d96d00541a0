"""What the store knows of files, jobs and what happened in them; the words of states are OpenAI's."""

from __future__ import annotations

from typing import Literal

import msgspec

from hortus.jobs.spec import JobSpec
from hortus.jobs.steps import Wish

State = Literal["validating_files", "queued", "running", "paused", "succeeded", "failed", "cancelled"]
Phase = Literal["check", "train", "serve", "evaluate", "promote", "host", "over"]
"""What is being done: `serve` brings base and product onto an engine for the gate, `host` waits for a maker's job."""

OVER: frozenset[State] = frozenset(("succeeded", "failed", "cancelled"))


class FileRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file that was brought for jobs; its bytes lie in `files/<id>`."""

    id: str
    project_id: str
    name: str
    purpose: str
    size_bytes: int
    sha256: str
    created_at_ms: int
    deleted_at_ms: int | None = None


class JobError(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a job failed; `param` names what is to blame: `training_file`, a line of it, a setting."""

    code: str
    message: str
    param: str | None = None
    hint: str = ""


class Base(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a job starts from.

    Attributes:
        folder: A Hugging Face folder; None for a host's model and from scratch.
        source: What a deployment of it serves (`DeploymentSpec.source`); None where it is not served by an engine.
        route: The route to a host's model; None for one of this installation.
    """

    name: str
    folder: str | None = None
    source: str | None = None
    route: str | None = None


class JobRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One job as it stands.

    Attributes:
        made_by: Id of the key that asked for it; None: an admin.
        dataset: Hash of the checked dataset.
        product: Route under which the product answers, once it is promoted.
        read: How far the reports of each step have been read, in bytes.
        order: Number of the newest order.
        facts: Results of the steps by their names (`check`, `train`, `evaluate`, `host`).
        held_phase: Where a paused job goes on.
        held_bytes: What its folder holds on the disk once it is over; None until that was measured.
        removed_at_ms: When its folder was removed; the record and the events stay.
    """

    spec: JobSpec
    base: Base
    state: State
    phase: Phase
    created_at_ms: int
    wish: Wish = "run"
    made_by: str | None = None
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    error: JobError | None = None
    dataset: str | None = None
    trained_tokens: int | None = None
    product: str | None = None
    order: int = 0
    read: dict[str, int] = {}
    facts: dict[str, msgspec.Raw] = {}
    metadata: dict[str, str] = {}
    held_phase: Phase | None = None
    progress: tuple[str, int, int] | None = None
    held_bytes: int | None = None
    removed_at_ms: int | None = None

    @property
    def id(self) -> str:
        """The job's id."""
        return self.spec.id

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in OVER


class Held(msgspec.Struct, frozen=True):
    """What the jobs of a project hold on the disk.

    Attributes:
        bytes: Of those that were measured.
        unmeasured: Ids of the others: what they hold may still change.
    """

    bytes: int
    unmeasured: tuple[str, ...]


class JobEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened in a job.

    Attributes:
        key: Names what happened, once in a job: reading a report twice makes no second event.
        kind: A sentence for people, figures of a step, or a checkpoint.
        data: The figures.
    """

    key: str
    at_ms: int
    message: str
    level: Literal["info", "warn", "error"] = "info"
    kind: Literal["message", "metrics", "checkpoint"] = "message"
    data: msgspec.Raw = msgspec.Raw(b"{}")


class NumberedEvent(msgspec.Struct, frozen=True):
    """An event and its place among those of its job, from 1 on."""

    job_id: str
    number: int
    event: JobEvent
