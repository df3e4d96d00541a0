"""Jobs that were stored before something was added to what a job may ask for are still read."""

from __future__ import annotations

import msgspec

from hortus.jobs.records import Base, JobRecord
from hortus.jobs.spec import About, JobSpec

JOB = JobRecord(
    JobSpec(id="ftjob-1", project_id="prj_1", base="tiny", training="file-1"), Base("tiny"), "queued", "train", 0
)


def test_a_job_without_words_about_its_product_says_nothing_of_it() -> None:
    stored = msgspec.json.decode(msgspec.json.encode(JOB))
    del stored["spec"]["about"]
    assert msgspec.json.decode(msgspec.json.encode(stored), type=JobRecord).spec.about == About()


def test_words_about_a_product_come_back_from_the_store_as_they_were() -> None:
    about = About("City of Somewhere", "Sorting.\nNo more.", ("No law.",), "Letters", "CC0-1.0")
    told = msgspec.structs.replace(JOB, spec=msgspec.structs.replace(JOB.spec, about=about))
    assert msgspec.json.decode(msgspec.json.encode(told), type=JobRecord) == told
