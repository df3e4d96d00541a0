"""What the gate has found, as it is stored and shown. No prompt is in it, and of answers at most a few characters."""

from __future__ import annotations

from typing import Literal

import msgspec

from hortus.evals.statistics import Interval, Pairs

DifferenceKind = Literal["text", "calls", "finish", "prompt_tokens", "unanswered"]


class Score(msgspec.Struct, frozen=True):
    """A mean of scores between 0 and 1, with its bounds."""

    value: float
    bounds: Interval
    items: int


class Gain(msgspec.Struct, frozen=True, omit_defaults=True):
    """Product minus base on the same questions.

    Attributes:
        method: How the bounds were found: `newcombe` or `bootstrap`.
        pairs: Of scores that are right or wrong.
        p: McNemar's exact p of the pairs.
    """

    value: float
    bounds: Interval
    method: Literal["newcombe", "bootstrap"]
    pairs: Pairs | None = None
    p: float | None = None


class Misses(msgspec.Struct, frozen=True):
    """Questions without an answer: the route refused it, or was not to be had. `cut`: answers that ran out of room."""

    refused: int = 0
    unanswered: int = 0
    cut: int = 0


class Latency(msgspec.Struct, frozen=True):
    """How long answers took, in milliseconds."""

    median_ms: float
    p95_ms: float


class Group(msgspec.Struct, frozen=True):
    """The figures of a part of a suite: of a language, or of a label."""

    name: str
    product: Score
    base: Score | None = None
    gain: Gain | None = None


class SuiteFigures(msgspec.Struct, frozen=True, omit_defaults=True):
    """The figures of one suite.

    Attributes:
        hash: Of what was asked and expected.
        of: How many questions the suite has; `items` of them were asked.
        best: The lower bound that a product without any fault would reach.
        same_answers: Whether product and base said the same to every question.
    """

    key: str
    hash: str
    grader: str
    items: int
    of: int
    product: Score
    best: float
    base: Score | None = None
    gain: Gain | None = None
    product_misses: Misses = Misses()
    base_misses: Misses = Misses()
    groups: tuple[Group, ...] = ()
    same_answers: bool = False


class Difference(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where the engine does not give what the trainer gave.

    Attributes:
        index: Of the reference, from 0.
        expected_length: Characters; of `prompt_tokens`, tokens.
        place: First character that differs.
        expected: A few characters from there on.
    """

    index: int
    kind: DifferenceKind
    expected_length: int
    got_length: int
    place: int | None = None
    expected: str = ""
    got: str = ""


class ReferenceFigures(msgspec.Struct, frozen=True):
    """How the served product stands beside the trainer's greedy answers.

    Attributes:
        counted: References that say how many tokens their prompt has, where the engine says it too.
        differing: References with any difference; `differences` are the first of them.
        weighed: References of which both tell how likely the first tokens were.
        apart: How far these log-probabilities lie apart, half of them less; None where none were weighed.
        allowed: How far they may.
    """

    asked: int
    counted: int
    differing: int
    differences: tuple[Difference, ...] = ()
    weighed: int = 0
    apart: float | None = None
    allowed: float = 0.0


class Check(msgspec.Struct, frozen=True, omit_defaults=True):
    """One condition of promotion.

    Attributes:
        name: `references`, `gain` (from scratch: `score`), or `suite:` and its name.
        sentence: What was found, for people, with its figures.
        bound: The bound that decides, where one does; `needed` is what it had to be above (of a suite: at least).
    """

    name: str
    passed: bool
    sentence: str
    measured: float | None = None
    bound: float | None = None
    needed: float | None = None


class Verdict(msgspec.Struct, frozen=True):
    """The gate's finding on one product.

    Attributes:
        sentence: The finding in short; where it bars, why.
        product: Hash of the product's own papers: facts and references; of a host's model, of its name there.
        engines: What the engines said of themselves while they answered for the product.
    """

    passed: bool
    sentence: str
    checks: tuple[Check, ...]
    confidence: float
    references: ReferenceFigures
    suites: tuple[SuiteFigures, ...]
    product: str
    product_latency: Latency | None
    base_latency: Latency | None
    engines: tuple[str, ...] = ()
