"""What is wrong with, or worth knowing of, the files as a whole: pure decisions on what the survey saw."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hortus.jobs.spec import JobSpec
from hortus.tuning.datasets import splitting
from hortus.tuning.datasets.figures import DatasetFacts
from hortus.tuning.datasets.formats import FORMATS
from hortus.tuning.datasets.labels import RARE
from hortus.tuning.datasets.problems import Problems
from hortus.tuning.datasets.reading import File
from hortus.tuning.datasets.survey import Survey

LEAST_EXAMPLES = 10
"""To learn from, as at OpenAI."""


class Split(msgspec.Struct, frozen=True):
    """Which examples are held out, in the order of the survey, and how that was decided (`file`, `split`, `none`)."""

    held: Sequence[bool]
    how: str


class Near(msgspec.Struct, frozen=True):
    """Prompts that are nearly the same as earlier ones, and the line of one; `leaks`: across the split."""

    doubles: int = 0
    doubles_line: int = 0
    leaks: int = 0
    leaks_line: int = 0


def check_whole(files: Sequence[File], survey: Survey, problems: Problems) -> None:
    """Note what refuses files that may be right line by line."""
    if len({one.format for one in files if one.format is not None}) > 1:
        first, found = (FORMATS[one.format or ""].says for one in files)
        problems.add("formats_differ", "validation", found=found, first=first)
    learnt = len(survey.tokens) - sum(survey.sources)
    if learnt < LEAST_EXAMPLES and not problems.errors:
        problems.add("too_few_examples", "training", count=learnt, least=LEAST_EXAMPLES)
    if len(survey.answers) == 1 and learnt > 1:
        problems.add("all_answers_equal", "training")


def split_of(job: JobSpec, survey: Survey, labels: Sequence[str] | None, *, has_file: bool) -> Split:
    """Return which examples are held out."""
    if has_file:
        return Split([bool(one) for one in survey.sources], "file")
    keys = survey.keys()
    groups = splitting.held_out(keys, labels, share=job.held_out_share)
    return Split([key in groups for key in keys], "split" if groups else "none")


def check_split(job: JobSpec, split: Split, problems: Problems) -> None:
    """Note where nothing is held out."""
    if split.how == "none" and not problems.errors:
        problems.add("cannot_split" if job.held_out_share > 0 else "nothing_held_out", "training")


def near_of(survey: Survey, split: Split) -> Near:
    """Return how many prompts are nearly the same as others."""
    is_held = dict(zip(survey.prompts, split.held, strict=True))
    across = [(one, other) for one, other in survey.near.items() if is_held[one] != is_held[other]]
    doubles = list(survey.near)
    learnt_side = [other if is_held[one] else one for one, other in across]
    return Near(
        len(doubles),
        survey.first_line(doubles[0]) if doubles else 0,
        len(across),
        survey.first_line(learnt_side[0]) if across else 0,
    )


def warn(facts: DatasetFacts, near: Near, problems: Problems) -> None:
    """Note what does not refuse the files, but should be known."""
    if near.doubles:
        problems.add("near_doubles", "training", count=near.doubles, other=near.doubles_line)
    if near.leaks:
        problems.add("near_leak", "training", count=near.leaks, other=near.leaks_line)
    labels = facts.labels
    if labels is not None and labels.rare:
        problems.add("rare_label", "training", count=labels.rare, all=len(labels.counts), least=RARE)
    if labels is not None and labels.is_dominated:
        problems.add("dominant_label", "training", share=round(100 * labels.dominant_share))
    for kind, found in facts.personal_data.items():
        problems.add("personal_data", "training", count=found.lines, kind=kind)
