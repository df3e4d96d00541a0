"""What the admin API answers about files, jobs, datasets and bases, as far as the CLI shows it."""

from __future__ import annotations

from typing import Any

import msgspec

OVER = frozenset(("succeeded", "failed", "cancelled"))


class File(msgspec.Struct, frozen=True):
    """A file that was brought."""

    id: str
    project: str
    name: str
    purpose: str
    size_bytes: int
    sha256: str
    created_at_ms: int


class KeptFile(msgspec.Struct, frozen=True):
    """A file that was made of kept content."""

    file: File
    examples: int
    left_out: dict[str, int]


class Progress(msgspec.Struct, frozen=True):
    """How far a job's step is."""

    phase: str
    done: int
    total: int


class JobError(msgspec.Struct, frozen=True):
    """Why a job failed."""

    code: str
    message: str
    param: str | None = None
    hint: str = ""


class Job(msgspec.Struct, frozen=True):
    """A job as it stands."""

    id: str
    project: str
    base: str
    method: str
    training: str
    state: str
    phase: str
    wish: str
    created_at_ms: int
    recipe: dict[str, Any]
    gate: dict[str, Any]
    engine: str
    about: dict[str, Any] = {}
    validation: str | None = None
    suffix: str = ""
    progress: Progress | None = None
    started_at_ms: int | None = None
    finished_at_ms: int | None = None
    error: JobError | None = None
    dataset: str | None = None
    trained_tokens: int | None = None
    product: str | None = None
    passed: bool | None = None
    check_only: bool = False
    at_host: bool = False
    held_bytes: int | None = None
    removed_at_ms: int | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in OVER


class Event(msgspec.Struct, frozen=True):
    """Something that happened in a job."""

    number: int
    at_ms: int
    level: str
    kind: str
    message: str
    data: msgspec.Raw = msgspec.Raw(b"{}")


class Check(msgspec.Struct, frozen=True):
    """One condition of promotion."""

    name: str
    passed: bool
    sentence: str
    bound: float | None = None
    needed: float | None = None


class Bounds(msgspec.Struct, frozen=True):
    """Lower and upper bound."""

    low: float
    high: float


class Verdict(msgspec.Struct, frozen=True):
    """What the gate found."""

    passed: bool
    checks: tuple[Check, ...] = ()
    suites: tuple[msgspec.Raw, ...] = ()


class Judged(msgspec.Struct, frozen=True):
    """A job's verdict, None before the gate was asked."""

    job: str
    state: str
    passed: bool | None = None
    verdict: Verdict | None = None


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong with a file."""

    code: str
    severity: str
    message: str
    hint: str = ""
    line: int | None = None
    path: str | None = None
    file: str = "training"


class Problems(msgspec.Struct, frozen=True):
    """What is wrong with the files of a job; the first of them are listed."""

    errors: int = 0
    warnings: int = 0
    counts: dict[str, int] = {}
    listed: tuple[Problem, ...] = ()


class Tokens(msgspec.Struct, frozen=True):
    """How many tokens examples have."""

    total: int
    answers: int
    longest: int
    mean: float
    percentiles: dict[str, int] = {}
    is_estimated: bool = False


class Personal(msgspec.Struct, frozen=True):
    """Personal data of one kind."""

    count: int
    lines: int
    first_lines: tuple[int, ...] = ()


class Facts(msgspec.Struct, frozen=True):
    """What is in a dataset."""

    dataset: str
    format: str
    lines: int
    examples: int
    train: int
    held_out: int
    held_out_from: str
    tokens: Tokens
    duplicates: int
    near_duplicates: int
    near_leaks: int
    languages: dict[str, int]
    personal_data: dict[str, Personal]
    labels: msgspec.Raw = msgspec.Raw(b"null")


class Estimate(msgspec.Struct, frozen=True):
    """What training will take."""

    tokens: int
    epochs: float
    steps: int
    parameters: int | None = None
    seconds: float | None = None
    method: str = ""


class CheckResult(msgspec.Struct, frozen=True):
    """What the check found in files without errors."""

    facts: Facts
    estimate: Estimate


class Checked(msgspec.Struct, frozen=True):
    """What the check of a file found."""

    job: Job
    result: CheckResult | None = None
    problems: Problems | None = None


class Dataset(msgspec.Struct, frozen=True):
    """Examples that were checked."""

    project: str
    job: str
    base: str
    checked_at_ms: int
    dataset: str | None = None
    facts: Facts | None = None


class Base(msgspec.Struct, frozen=True):
    """A model that can be tuned here."""

    name: str
    kind: str
    folder: str | None = None
    architecture: str | None = None
    parameters: int | None = None
    size_bytes: int | None = None
    context_tokens: int | None = None
    licence: str | None = None
    engines: tuple[str, ...] = ()
    reason: str | None = None


class Exported(msgspec.Struct, frozen=True):
    """A product in a folder of its own."""

    job: str
    folder: str
    files: tuple[str, ...] = ()


class Suite(msgspec.Struct, frozen=True):
    """An exact-match suite."""

    name: str
    items: int
    sha256: str
