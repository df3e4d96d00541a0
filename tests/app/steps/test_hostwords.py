"""How a job is said to a host."""

from __future__ import annotations

import msgspec

from hortus.app.steps.hostwords import HostEvent, job_members, line_of, report_of
from hortus.jobs.examples import Example
from hortus.jobs.remote import Remote
from hortus.jobs.reports import Metric, Note
from hortus.jobs.spec import JobSpec, Recipe
from hortus.jobs.steps import HostStep

SPEC = JobSpec(id="ftjob-1", project_id="prj_1", base="hosted", training="file-1")
ASKED = [
    {"role": "user", "content": "Lamp 1 is dark."},
    {"role": "assistant", "content": "Which street?"},
    {"role": "user", "content": "Mill Lane."},
]
ANSWER = {"role": "assistant", "content": "lighting"}


def members(spec: JobSpec) -> dict[str, object]:
    work = HostStep(spec, route="hosted", dataset="d", folder="f", door="http://door", key="k")
    return job_members(work, Remote(training_file="file-a"))


def test_a_host_is_told_what_was_said_and_no_more() -> None:
    assert members(SPEC) == {
        "model": "hosted",
        "training_file": "file-a",
        "method": {"type": "supervised", "supervised": {"hyperparameters": {}}},
        "metadata": {"hortus_job": "ftjob-1"},
    }
    said = msgspec.structs.replace(SPEC, recipe=Recipe(batch_size=4), said=("epochs", "seed"), suffix="desk")
    told = members(said)
    assert told["method"]["supervised"]["hyperparameters"] == {"n_epochs": 3, "batch_size": 4}
    assert (told["seed"], told["suffix"]) == (0, "desk")


def test_earlier_answers_are_not_learnt() -> None:
    line = line_of(Example("id", 1, ASKED, ANSWER), SPEC)
    assert [one.get("weight") for one in line["messages"]] == [None, 0, None, None]


def test_figures_become_ours_and_others_stay_a_sentence() -> None:
    data = msgspec.Raw(b'{"step": 3, "total_steps": 9, "train_loss": 0.5, "valid_loss": 0.75}')
    assert report_of(HostEvent("e1", "Step 3/9", "metrics", data)) == Metric(3, 9, 0.5, 0.0, held_out_loss=0.75)
    odd = HostEvent("e2", "Step 4/9", "metrics", msgspec.Raw(b'{"step": "four"}'))
    assert report_of(odd) == Note("Host: Step 4/9")
