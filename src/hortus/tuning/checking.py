"""The step `check`: are the files of a job fit to be learnt from, what is in them, and where does the dataset lie?

Everything that is wrong is found before anything is spent; a file with errors leaves nothing but their list.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from hortus.jobs.errors import StepError
from hortus.jobs.examples import UNKNOWN_TOKENS, Example
from hortus.jobs.folders import PROBLEMS
from hortus.jobs.reports import Note, Report
from hortus.jobs.steps import CheckStep
from hortus.tuning.datasets import splitting
from hortus.tuning.datasets.counting import Counter
from hortus.tuning.datasets.estimating import estimate
from hortus.tuning.datasets.figures import CheckResult, DatasetFacts, PersonalData, token_figures
from hortus.tuning.datasets.labels import figures_of
from hortus.tuning.datasets.problems import Problem, Problems
from hortus.tuning.datasets.reading import File, Rate
from hortus.tuning.datasets.rendering import BaseText
from hortus.tuning.datasets.survey import Survey, example_of
from hortus.tuning.datasets.whole import Near, Split, check_split, check_whole, near_of, split_of, warn
from hortus.tuning.datasets.writing import write_dataset, write_document

_NOTED = 50  # errors among the job's events; the file has more of them

_ReportTo = Callable[[Report], None]


class ProblemList(msgspec.Struct, frozen=True):
    """The document `problems.json`: the first problems, errors before warnings, and how many there are of each code."""

    errors: int
    warnings: int
    counts: dict[str, int]
    listed: list[Problem]


class BadData(StepError):  # noqa: N818 -- it says what happened
    """A job's files cannot be learnt from; `problems` says why, line by line."""

    def __init__(self, problems: ProblemList) -> None:
        first = problems.listed[0]
        more = f" {problems.errors} errors in all: see {PROBLEMS} of the job." if problems.errors > 1 else ""
        super().__init__(first.message, reason="bad_data", path=first.place, hint=f"{first.hint}{more}")
        self.problems = problems


def check(work: CheckStep, *, report: _ReportTo, recognise: PersonalData) -> CheckResult:
    """Check the files of a job; count, split and keep their examples.

    Raises:
        BadData: They have errors; nothing but their list was written.
        StepError: The base or a file cannot be read.
        OSError: The dataset cannot be written.
    """
    base = BaseText(Path(work.base)) if work.base is not None else None
    problems = Problems()
    files = _files(work, problems)
    survey = Survey(problems, recognise)
    counter = Counter(base, most_tokens=work.job.recipe.max_tokens, problems=problems)
    rate = _rate("check", files, report)
    for file in files:
        survey.take(counter.counted(file.read(method=work.job.method, rate=rate), file.source), file.source)
    check_whole(files, survey, problems)
    labels = survey.labels.of_rows()
    split = split_of(work.job, survey, labels, has_file=work.validation is not None)
    check_split(work.job, split, problems)
    near = near_of(survey, split)
    facts = _facts(work, files, survey, base=base, split=split, near=near)
    warn(facts, near, problems)
    _end_if_bad(work, problems, report)
    write_dataset(
        Path(work.datasets),
        facts,
        job_id=work.job.id,
        examples=lambda: _examples(work, files, survey, split=split, report=report),
    )
    learnt = sum(tokens for tokens, is_held in zip(survey.tokens, split.held, strict=True) if not is_held)
    return CheckResult(
        dataset=facts.dataset,
        facts=facts,
        estimate=estimate(work.job, None if base is None else Path(work.base or ""), train=facts.train, tokens=learnt),
        warnings=problems.warnings,
        counts=dict(problems.counts),
    )


def _files(work: CheckStep, problems: Problems) -> list[File]:
    """Return the files that are read, the training file first. Raises StepError."""
    is_hosted = work.base is None and work.job.method != "scratch"
    files = [File(Path(work.training), "training", problems=problems, reads_media=is_hosted)]
    if work.validation is not None:
        files.append(File(Path(work.validation), "validation", problems=problems, reads_media=is_hosted))
    for one in files:
        if not one.path.is_file():
            raise StepError(
                f"The {one.source} file is not there.",
                reason="file_missing",
                path=one.path.name,
                hint="Upload it again, and make a job with it.",
            )
    return files


def _rate(phase: str, files: list[File], report: _ReportTo) -> Rate:
    return Rate(phase, report, total_bytes=sum(one.path.stat().st_size for one in files))


def _end_if_bad(work: CheckStep, problems: Problems, report: _ReportTo) -> None:
    """Write the list of problems; end the step where there are errors."""
    listed = ProblemList(
        problems.count("error"), problems.count("warning"), dict(problems.counts), problems.errors + problems.warnings
    )
    write_document(Path(work.folder) / PROBLEMS, listed)
    if problems.errors:
        for one in problems.errors[:_NOTED]:
            report(Note(f"{one.place}: {one.message} {one.hint}", "error"))
        raise BadData(listed)


def _facts(
    work: CheckStep, files: list[File], survey: Survey, *, base: BaseText | None, split: Split, near: Near
) -> DatasetFacts:
    labels = survey.labels.of_rows()
    held_out = sum(split.held)
    share = work.job.held_out_share if split.how == "split" else 0.0
    counted_by = base.identity if base is not None else None
    named = [splitting.VERSION, survey.content, split.how, share, counted_by]
    return DatasetFacts(
        dataset=hashlib.sha256(msgspec.json.encode(named)).hexdigest(),
        content=survey.content,
        format=files[0].format or "",
        lines=sum(one.lines for one in files),
        examples=len(survey.tokens),
        train=len(survey.tokens) - held_out,
        held_out=held_out,
        held_out_from=split.how,
        held_out_share=share,
        tokens=token_figures(survey.tokens, answers=survey.answer_tokens, is_estimated=base is None),
        duplicates=survey.duplicates,
        near_duplicates=near.doubles,
        near_leaks=near.leaks,
        compared=survey.compared,
        languages=dict(survey.languages.most_common()),
        personal_data=survey.personal_data(),
        labels=figures_of(labels) if labels is not None else None,
        training_sha256=files[0].sha256,
        validation_sha256=files[1].sha256 if len(files) > 1 else None,
    )


def _examples(
    work: CheckStep, files: list[File], survey: Survey, *, split: Split, report: _ReportTo
) -> Iterator[tuple[Example, bool]]:
    """Read the files once more, and yield what they give; they were checked, so nothing is noted any more."""
    rows = zip(survey.tokens, split.held, strict=True)
    again = _files(work, Problems(0))
    rate = _rate("write", again, report)
    for file, before in zip(again, files, strict=True):
        for given in file.read(method=work.job.method, rate=rate):
            for draft in given.drafts:
                tokens, is_held = next(rows)
                line = given.flaws.line
                tokens = tokens if work.base is not None else UNKNOWN_TOKENS
                yield example_of(draft, line=line, tokens=tokens, source=file.source), is_held
        if file.sha256 != before.sha256:
            raise StepError(
                "The file changed while it was read.",
                reason="file_changed",
                path=file.path.name,
                hint="Upload it anew.",
            )
