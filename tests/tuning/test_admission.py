"""Training that cannot fit is refused before anything is loaded, with what is to blame."""

from __future__ import annotations

import pytest

from hortus.app.steps.train import admit
from hortus.jobs.errors import StepError
from hortus.jobs.spec import JobSpec, Recipe, Shape
from hortus.jobs.steps import TrainStep

LARGEST = Shape(hidden=65536, layers=1024, heads=512, key_value_heads=512, inner=65536, vocabulary=2**20)


def work_of(shape: Shape) -> TrainStep:
    job = JobSpec(
        id="ftjob-1", project_id="p", base="scratch", training="f", method="scratch", recipe=Recipe(shape=shape)
    )
    return TrainStep(job, base=None, base_name="scratch", dataset="d", folder="f")


def test_the_largest_shape_that_can_be_asked_for_is_not_begun() -> None:
    with pytest.raises(StepError) as caught:
        admit(work_of(LARGEST), None, available=2**40)
    assert (caught.value.reason, caught.value.path) == ("out_of_memory", "recipe.shape")


def test_what_fits_is_begun() -> None:
    admit(work_of(Shape()), None, available=2**30)
