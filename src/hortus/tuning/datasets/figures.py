"""What is known about a dataset once it is checked: the documents that job, CLI and model card read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
import numpy as np

from hortus.tuning.datasets.labels import LabelFigures
from hortus.tuning.datasets.problems import Problem

_SHARES = (50, 90, 95, 99)
LINES_NAMED = 20
"""Lines named for each kind of personal data."""


class PersonalData(Protocol):
    """Recognises personal data."""

    def kinds_in(self, text: str) -> Mapping[str, int]:
        """Return how often each kind occurs in a text, such as `{"email": 2}`."""
        ...


class TokenFigures(msgspec.Struct, frozen=True):
    """How many tokens examples have.

    Attributes:
        is_estimated: Counted as a quarter of the bytes: the tokenizer is the host's.
        percentiles: Such as `{"50": 61}`.
        histogram: How many examples have at most so many tokens, and more than the row before.
        answers: Of all answers together, which is what is learnt.
    """

    total: int
    answers: int
    longest: int
    mean: float
    percentiles: dict[str, int]
    histogram: dict[str, int]
    is_estimated: bool = False


class PersonalFinding(msgspec.Struct, frozen=True):
    """Personal data of one kind: how often, in how many lines, and the first of these in the training file."""

    count: int
    lines: int
    first_lines: tuple[int, ...]


class DatasetFacts(msgspec.Struct, frozen=True):
    """All that does not hang on the job.

    Attributes:
        dataset: Name of its folder: SHA-256 of content, split and what counted the tokens.
        content: SHA-256 of what its examples say, in their order.
        format: A row of `formats.FORMATS`.
        examples: In both parts; a chat has one for each answer that is learnt.
        lines: That gave them.
        train: Examples to learn from.
        held_out: Examples that are kept for the gate.
        held_out_from: Whether the held-out ones are a file of their own, or split off.
        duplicates: Examples that say the same as an earlier one.
        near_duplicates: Prompts that say nearly the same as an earlier one.
        near_leaks: Held-out prompts that say nearly the same as one to learn.
        compared: Prompts that were looked at for this.
        languages: Examples by ISO 639-1 code of the prompt's language, `und` where it is not clear.
        personal_data: By kind; the values themselves are nowhere.
        training_sha256: Of the file as it came.
    """

    dataset: str
    content: str
    format: str
    lines: int
    examples: int
    train: int
    held_out: int
    held_out_from: str
    held_out_share: float
    tokens: TokenFigures
    duplicates: int
    near_duplicates: int
    near_leaks: int
    compared: int
    languages: dict[str, int]
    personal_data: dict[str, PersonalFinding]
    labels: LabelFigures | None
    training_sha256: str
    validation_sha256: str | None
    version: int = 1


class Estimate(msgspec.Struct, frozen=True):
    """What training will take.

    Attributes:
        tokens: Seen in training, all epochs together.
        seconds: None where a host trains, or the size of the base is not known.
        method: How the seconds were reckoned.
    """

    tokens: int
    epochs: float
    steps: int
    parameters: int | None = None
    seconds: float | None = None
    method: str = ""


class CheckResult(msgspec.Struct, frozen=True):
    """What the step `check` says.

    Attributes:
        dataset: Name of the folder below `datasets`.
        warnings: The first of them.
        counts: Of all warnings by code.
    """

    dataset: str
    facts: DatasetFacts
    estimate: Estimate
    warnings: list[Problem]
    counts: dict[str, int]


def token_figures(tokens: Sequence[int], *, answers: int, is_estimated: bool) -> TokenFigures:
    """Return the figures of examples with so many tokens each."""
    counted = np.asarray(tokens, dtype=np.int64)
    if not len(counted):
        return TokenFigures(0, 0, 0, 0.0, {}, {}, is_estimated)
    longest = int(counted.max())
    histogram, below = {}, 0
    bound = 16
    while below < len(counted):
        upto = int((counted <= bound).sum())
        if upto > below:
            histogram[str(bound)] = upto - below
        below, bound = upto, bound * 2
    return TokenFigures(
        total=int(counted.sum()),
        answers=answers,
        longest=longest,
        mean=round(float(counted.mean()), 2),
        percentiles={str(one): int(np.percentile(counted, one, method="higher")) for one in _SHARES},
        histogram=histogram,
        is_estimated=is_estimated,
    )
