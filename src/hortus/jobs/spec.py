"""What is a job asked to do: base, examples, method, recipe and the gate that its product must pass?"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Method = Literal["supervised", "dpo", "scratch"]
"""How it learns: from answers, from preferences, or from the first step on, without a base's weights."""

Schedule = Literal["constant", "linear", "cosine"]
Precision = Literal["auto", "float32", "bfloat16"]
EngineWish = Literal["auto", "llamacpp", "transformers", "vllm"]
Form = Literal["merged", "adapter"]
"""How the product is served: with the adapter put into the weights, or by name over its base."""

ALL_LINEAR = "all-linear"

MOST_ITEMS, MOST_ITEMS_AT_HOST = 400, 100
"""Held-out examples that a gate asks at most where nobody says how many; a host's answers cost money."""


class Lora(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A low-rank adapter instead of all weights.

    Attributes:
        rank: Inner width of each adapter matrix.
        alpha: Scale; updates count alpha / rank.
        dropout: Share of inputs dropped while training, 0 to 1.
        targets: Names of the modules that get one; `all-linear` for every linear layer but the head.
        embeddings: Whether the token embeddings (and a tied head) learn too, whole: a base that has never written
            an answer's tokens cannot learn to without.
    """

    rank: int = 16
    alpha: float = 32.0
    dropout: float = 0.0
    targets: tuple[str, ...] = (ALL_LINEAR,)
    embeddings: bool = False


class Shape(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The size of a model that is made from scratch (Llama architecture)."""

    hidden: int = 160
    layers: int = 3
    heads: int = 5
    key_value_heads: int = 1
    inner: int = 320
    vocabulary: int = 8192
    context_tokens: int = 1024


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of a training run; the product's identity has their hash.

    Attributes:
        seed: Of weights, order and dropout.
        epochs: How often every example is seen; `steps`, where set, goes before it.
        batch_size: Examples in one step on one device.
        accumulate: Batches whose gradients are added up before a step.
        learning_rate: Highest one; None: the method's own.
        learning_rate_multiplier: Of the highest one, whichever it is.
        warmup_share: Share of the steps in which it rises.
        clip: Longest gradient.
        max_tokens: Longest example; longer ones are refused by the check.
        beta: Of DPO: how far the product may move from its base.
        lora: None: all weights learn.
        shape: Of a model from scratch.
        evaluate_every: Steps between looks at the held-out loss; 0: only at the end.
        checkpoint_every: Steps between checkpoints.
        checkpoints_kept: The newest so many.
        patience: Looks without a lower held-out loss after which training stops; None: never.
        threads: Of the processor; 0: all that the process may use.
    """

    seed: int = 0
    epochs: float = 3.0
    steps: int | None = None
    batch_size: int = 16
    accumulate: int = 1
    learning_rate: float | None = None
    learning_rate_multiplier: float = 1.0
    schedule: Schedule = "linear"
    warmup_share: float = 0.03
    weight_decay: float = 0.0
    clip: float = 1.0
    max_tokens: int = 1024
    precision: Precision = "auto"
    beta: float = 0.1
    lora: Lora | None = Lora()
    shape: Shape | None = None
    evaluate_every: int = 50
    checkpoint_every: int = 50
    checkpoints_kept: int = 2
    patience: int | None = None
    threads: int = 0


class GateRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the product must show before it is promoted.

    Attributes:
        margin: The lower bound of the gain over the base must be above this, in points of the score (0 to 1).
        confidence: Of the bounds.
        references: Prompts for which the served engine must give the trainer's greedy answers; none of a host's model.
        most_items: Held-out examples that are asked at most; None: as many as is usual.
        suites: Names of regression suites of the project in which the product may not get worse.
        tolerance: How much lower its score there may be, in points of the score.
        grader: How an answer is judged: `exact`, `contains`, `f1` (of words); `auto`: exact where answers are short.
    """

    margin: float = 0.0
    confidence: float = 0.95
    references: int = 32
    most_items: int | None = None
    suites: tuple[str, ...] = ()
    tolerance: float = 0.0
    grader: Literal["auto", "exact", "contains", "f1"] = "auto"


_Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
_Sentences = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class About(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What only people can say of a job's product; it stands in the product's papers and changes no weight.

    Attributes:
        maker: Whose model it is: a person or an organisation.
        intended_purpose: What it is meant for, and what it is not.
        limits: What it cannot do or must not be asked.
        data_description: Where the examples come from, and how they were chosen.
        data_licence: Under which licence the examples may be used.
    """

    maker: _Line | None = None
    intended_purpose: _Text | None = None
    limits: Annotated[tuple[_Sentences, ...], msgspec.Meta(max_length=16)] = ()
    data_description: _Text | None = None
    data_licence: _Line | None = None


class JobAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked of a job.

    Attributes:
        base: What is tuned: a base of this installation (`hortus models`), an earlier job's id, or a route to a host.
        training: Id of the dataset's file.
        validation: Id of a file that is held out; None: a share of the training file is.
        suffix: Part of the product's name.
        held_out_share: Share of the examples that are held out where `validation` is None.
        engine: What serves the product.
        deploy: Whether the product is served once it has passed the gate.
        check_only: Whether the job ends once its examples are checked: nothing is trained.
        said: Members of the recipe that were named though they are as usual: a host is told nothing else than what
            was said.
        about: What people say of the product; nothing that names or changes its weights has it.
    """

    base: str
    training: str
    validation: str | None = None
    method: Method = "supervised"
    suffix: str = ""
    recipe: Recipe = Recipe()
    gate: GateRules = GateRules()
    held_out_share: float = 0.1
    engine: EngineWish = "auto"
    form: Form = "merged"
    deploy: bool = True
    check_only: bool = False
    said: tuple[str, ...] = ()
    about: About = About()


class JobSpec(JobAsked, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A job as it was asked for, and whose it is; nothing in it changes later."""

    id: str
    project_id: str


def usual_gate(rules: GateRules, *, at_host: bool) -> GateRules:
    """Return the rules with everything said that nobody has said; a host has no trainer whose answers were kept.

    >>> usual_gate(GateRules(), at_host=True).most_items
    100
    """
    usual = MOST_ITEMS_AT_HOST if at_host else MOST_ITEMS
    return msgspec.structs.replace(
        rules,
        most_items=usual if rules.most_items is None else rules.most_items,
        references=0 if at_host else rules.references,
    )


def is_said(spec: JobSpec, member: str) -> bool:
    """Tell whether somebody has said what a member of the recipe is to be."""
    return member in spec.said or getattr(spec.recipe, member) != getattr(Recipe(), member)
