"""What is the runner to do for a job now, and what does a step's process get to know?

Control writes orders, the runner carries them out: one process for each step, which is started again, and goes on from
its last checkpoint, until it has said `done` or `failed`. Killing any of them at any moment changes nothing.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from hortus.jobs.spec import JobSpec

Step = Literal["check", "train", "evaluate", "host"]
Wish = Literal["run", "pause", "cancel"]


class CheckStep(msgspec.Struct, frozen=True, tag_field="step", tag="check"):
    """Check the examples and write them as a dataset.

    Attributes:
        training: The file as it came.
        validation: The held-out one, None where a share of the training file is held out.
        base: Folder of the base, whose tokenizer counts; None for a host's model.
        datasets: Folder in which datasets lie, each below its hash.
    """

    job: JobSpec
    training: str
    validation: str | None
    base: str | None
    datasets: str
    folder: str


class TrainStep(msgspec.Struct, frozen=True, tag_field="step", tag="train"):
    """Train, and write the product.

    Attributes:
        base: Folder of the base; None from scratch.
        base_name: What the base is called.
        base_facts: The base's own facts file, `{}` where there is none.
        dataset: Folder of the checked dataset.
        folder: The job's folder.
    """

    job: JobSpec
    base: str | None
    base_name: str
    dataset: str
    folder: str
    base_facts: msgspec.Raw = msgspec.Raw(b"{}")


class Suite(msgspec.Struct, frozen=True):
    """An exact-match suite: a JSON Lines file of chats whose last message is the expected answer."""

    name: str
    path: str


class EvaluateStep(msgspec.Struct, frozen=True, tag_field="step", tag="evaluate"):
    """Ask base and product through the door and judge.

    Attributes:
        base_route: Where the base answers; None from scratch: there is nothing to compare with.
        product_route: Where the product answers, on the engine that will serve it; at a host by the name it has there.
        door: Address of the door.
        key: A key that may use both; a secret.
        is_at_host: Whether a host has tuned it: neither papers nor a trainer's answers are here.
        ca_bundle: File that vouches for the door's certificate, where that is one's own.
    """

    job: JobSpec
    base_route: str | None
    product_route: str
    dataset: str
    folder: str
    door: str
    key: str
    suites: tuple[Suite, ...] = ()
    ca_bundle: str | None = None
    is_at_host: bool = False


class HostStep(msgspec.Struct, frozen=True, tag_field="step", tag="host"):
    """Have a host tune a model of its own, through the door, and wait until it has; or cancel what it does.

    Attributes:
        route: The route to the base at its host.
        dataset: Folder of the checked dataset.
        door: Address of the door.
        key: A key of the job's project; a secret.
        poll_s: How often the host is asked how its job stands, in seconds.
        is_cancelled: Whether the host's job is to be cancelled.
        ca_bundle: As of an evaluation.
    """

    job: JobSpec
    route: str
    dataset: str
    folder: str
    door: str
    key: str
    poll_s: float = 20.0
    is_cancelled: bool = False
    ca_bundle: str | None = None


StepWork = CheckStep | TrainStep | EvaluateStep | HostStep


class Order(msgspec.Struct, frozen=True):
    """What the runner is to do for one job.

    Attributes:
        number: Grows with each order; reports of a step belong to the newest order that named it.
        work: The step; None where nothing is to be done any more.
    """

    number: int
    wish: Wish
    work: StepWork | None = None


def step_of(work: StepWork) -> Step:
    """Return the name of a step."""
    match work:
        case CheckStep():
            return "check"
        case TrainStep():
            return "train"
        case EvaluateStep():
            return "evaluate"
        case HostStep():
            return "host"
