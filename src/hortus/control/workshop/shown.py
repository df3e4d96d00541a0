"""What the admin API answers about files, datasets, jobs, bases and suites."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from hortus.control.views import Instant, View

ProjectName = Annotated[str, Field(description="Name of the project; its id where it is gone.")]


class FileView(View):
    """A file that was brought for jobs."""

    id: str
    project: ProjectName
    name: str
    purpose: str
    size_bytes: int
    sha256: str
    created_at_ms: Instant
    deleted_at_ms: Instant | None = None


class FileList(View):
    """Files, newest first."""

    files: list[FileView]


class ProgressView(View):
    """How far a job's step is."""

    phase: Annotated[str, Field(description="Such as `tokenize`, `train`, `export`.")]
    done: int
    total: int


class JobErrorView(View):
    """Why a job failed."""

    code: str
    message: str
    param: Annotated[str | None, Field(description="What is to blame: a file with its line, a setting.")] = None
    hint: str = ""


class JobView(View):
    """A job as it stands."""

    id: str
    project: ProjectName
    base: str
    method: str
    training: Annotated[str, Field(description="Id of the file.")]
    validation: str | None = None
    suffix: str = ""
    state: Annotated[
        str,
        Field(description="`validating_files`, `queued`, `running`, `paused`, `succeeded`, `failed` or `cancelled`."),
    ]
    phase: Annotated[
        str, Field(description="`check`, `train`, `serve`, `evaluate`, `promote`, `host` (a maker trains) or `over`.")
    ]
    wish: Annotated[str, Field(description="What was asked of it last: `run`, `pause` or `cancel`.")]
    progress: ProgressView | None = None
    created_at_ms: Instant
    started_at_ms: Instant | None = None
    finished_at_ms: Instant | None = None
    error: JobErrorView | None = None
    dataset: Annotated[str | None, Field(description="Hash of the checked examples.")] = None
    trained_tokens: int | None = None
    product: Annotated[str | None, Field(description="Route under which the product answers.")] = None
    held_bytes: Annotated[
        int | None, Field(description="What its folder holds on the disk; null until it is over and was measured.")
    ] = None
    removed_at_ms: Annotated[
        Instant | None, Field(description="When its folder and its product were removed from the disk.")
    ] = None
    passed: Annotated[bool | None, Field(description="Whether the gate let it pass; null where it was not asked.")] = (
        None
    )
    check_only: bool = False
    at_host: Annotated[bool, Field(description="Whether a maker trains a model of its own.")] = False
    recipe: dict[str, Any]
    gate: dict[str, Any]
    about: Annotated[dict[str, Any], Field(description="What people say of the product.")]
    engine: str
    form: str
    deploy: bool
    held_out_share: float
    made_by: Annotated[str | None, Field(description="Id of the key that asked for it; null: an admin.")] = None
    metadata: Annotated[dict[str, str], Field(default_factory=dict)]


class JobList(View):
    """Jobs, newest first."""

    jobs: list[JobView]


class EventView(View):
    """Something that happened in a job."""

    number: Annotated[int, Field(description="Place among the job's events, counted from 1.")]
    at_ms: Instant
    level: str
    kind: Annotated[str, Field(description="`message`, `metrics` or `checkpoint`.")]
    message: str
    data: Annotated[dict[str, Any], Field(default_factory=dict, description="Figures of a step, or of a checkpoint.")]


class EventList(View):
    """Events, oldest first."""

    events: list[EventView]


class MetricView(View):
    """Figures of one training step."""

    number: Annotated[int, Field(description="Place among the job's events.")]
    at_ms: Instant
    step: int
    steps: int
    loss: float
    learning_rate: float
    gradient_norm: float | None = None
    tokens: int = 0
    tokens_per_s: float | None = None
    memory_bytes: int | None = None
    energy_j: float | None = None
    energy_source: str | None = None
    held_out_loss: float | None = None
    epoch: float | None = None


class MetricList(View):
    """Figures of steps, oldest first."""

    metrics: list[MetricView]


class VerdictView(View):
    """What the gate found."""

    job: str
    state: str
    passed: Annotated[bool | None, Field(description="Null where the gate was not asked yet.")] = None
    verdict: Annotated[dict[str, Any] | None, Field(description="Checks and figures, as the gate wrote them.")] = None


class DatasetView(View):
    """Examples that were checked."""

    dataset: Annotated[str | None, Field(description="Hash of examples and split.")] = None
    project: ProjectName
    job: Annotated[str, Field(description="The job that checked them last.")]
    base: str
    checked_at_ms: Instant
    facts: Annotated[dict[str, Any] | None, Field(description="What is in them.")] = None


class DatasetList(View):
    """Datasets, newest first."""

    datasets: list[DatasetView]


class CheckView(View):
    """What the check of a file found."""

    job: JobView
    result: Annotated[
        dict[str, Any] | None, Field(description="Facts, estimate and warnings; null where there are errors.")
    ] = None
    problems: Annotated[
        dict[str, Any] | None, Field(description="Errors and warnings by line and path, as far as they are listed.")
    ] = None


class ExportedView(View):
    """A product in a folder of its own."""

    job: str
    folder: str
    files: list[str]


class BaseView(View):
    """A model that can be tuned here."""

    name: str
    kind: Annotated[str, Field(description="`seedling`, `scratch` (no base), or `folder`.")]
    folder: str | None = None
    architecture: str | None = None
    parameters: int | None = None
    size_bytes: int | None = None
    context_tokens: int | None = None
    licence: str | None = None
    engines: Annotated[tuple[str, ...], Field(description="Those that can serve it.")] = ()
    reason: Annotated[str | None, Field(description="Why it cannot be tuned.")] = None


class BaseList(View):
    """Bases."""

    bases: list[BaseView]


class SuiteView(View):
    """An exact-match suite."""

    name: str
    items: Annotated[int, Field(description="Questions in it.")]
    sha256: str


class SuiteList(View):
    """Suites, by name."""

    suites: list[SuiteView]


class KeptFileView(View):
    """A file that was made of kept content."""

    file: FileView
    examples: int
    left_out: Annotated[dict[str, int], Field(description="Exchanges that gave none, by reason.")]
