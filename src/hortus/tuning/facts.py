"""What does a product's facts file say? The one document that model cards and later documents read.

What nobody has said stays None or empty, and is listed as an open question: nothing here is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from hortus.jobs.spec import GateRules, Method, Recipe
from hortus.tuning.compute import Compute
from hortus.tuning.identity import Identity

VERSION = 1


class BaseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the product came from.

    Attributes:
        hash: Of its files; the identity's `base`.
        maker: Who made it, as its card or the catalog says.
        licence: SPDX name or the word of its card.
        training_flop: Operations of its own training, where its maker says; `training_flop_source` says where.
        has_systemic_risk: In the sense of Regulation (EU) 2024/1689, article 51; None: nobody has said.
    """

    name: str
    hash: str = ""
    architecture: str = ""
    parameters: int = 0
    maker: str | None = None
    licence: str | None = None
    licence_link: str | None = None
    languages: tuple[str, ...] = ()
    training_flop: float | None = None
    training_flop_source: str | None = None
    has_systemic_risk: bool | None = None


class DataRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What it learned from, as the check of the dataset found it.

    Attributes:
        hash: Of the dataset's canonical content and its split.
        tokens: Of the training examples under the base's tokenizer, once through.
        languages: Share of the examples of each.
        personal_data: Findings by kind; None: nobody looked.
        check: The check's whole document.
    """

    hash: str
    training_examples: int
    held_out_examples: int
    tokens: int
    languages: Mapping[str, float] = {}
    personal_data: Mapping[str, int] | None = None
    description: str | None = None
    licence: str | None = None
    check: msgspec.Raw = msgspec.Raw(b"{}")


class TrainingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How the training went.

    Attributes:
        steps: Done; fewer than planned where it stopped early.
        tokens: Trained on, all epochs.
        started_ms: UTC, milliseconds since 1970.
        seconds: Of work, over all runs of the step.
        peak_memory_bytes: Resident, or of the GPU.
        energy_j: Measured or estimated as `energy_source` says.
    """

    steps: int
    planned_steps: int
    tokens: int
    loss: float | None = None
    held_out_loss: float | None = None
    best_step: int | None = None
    stopped_early: bool = False
    started_ms: int | None = None
    ended_ms: int | None = None
    seconds: float | None = None
    tokens_per_s: float | None = None
    peak_memory_bytes: int | None = None
    energy_j: float | None = None
    energy_source: str | None = None


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluated set: shares from 0 to 1, bounds of the gain or of the product's share as `bounds_of` says."""

    name: str
    items: int
    product: float
    base: float | None = None
    low: float | None = None
    high: float | None = None
    bounds_of: Literal["product", "gain"] = "gain"
    metric: str = "exact match"


class VerdictRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate said.

    Attributes:
        reasons: Why it was barred, or what promotion rests on.
        references: Prompts asked again on the served engine, `references_equal` of them answered as the trainer did.
        document: The gate's whole verdict.
    """

    passed: bool
    reasons: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()
    references: int = 0
    references_equal: int = 0
    engine: str | None = None
    document: msgspec.Raw = msgspec.Raw(b"{}")


class FileRecord(msgspec.Struct, frozen=True):
    """One file of the product."""

    bytes: int
    sha256: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known of a product.

    Attributes:
        version: Of this document's form.
        maker: Who had it made: the organisation, where it is known.
        base: None where it was made from scratch.
        licence: Inherited from the base; None where the base names none.
        intended_purpose: As its owner stated it.
        limits: Known ones, such as where an engine differs.
        files: By path below the product's folder, all but those that change with the verdict: card, verdict, facts.
        training_flop: What the original took that everything comes from; of a model from scratch its own.
        open_questions: What nobody has answered yet.
        verdict: None until the gate has judged; it lies in a file of its own until the product is exported.
    """

    version: int = VERSION
    name: str
    job_id: str
    project_id: str
    maker: str | None
    method: Method
    recipe: Recipe
    gate: GateRules
    base: BaseRecord | None
    licence: str | None
    architecture: str
    parameters: int
    context_tokens: int
    languages: tuple[str, ...]
    data: DataRecord
    training: TrainingRecord
    compute: Compute
    training_flop: float | None
    identity: Identity
    intended_purpose: str | None
    engines: tuple[str, ...]
    limits: tuple[str, ...]
    files: Mapping[str, FileRecord]
    open_questions: tuple[str, ...]
    verdict: VerdictRecord | None = None
