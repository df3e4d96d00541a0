"""How does a dataset come to lie in its folder? Written aside and renamed: it is there whole, or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import msgspec

from hortus.jobs.examples import HELD_OUT, TRAIN, Example, ExamplesFile
from hortus.jobs.folders import FACTS
from hortus.jobs.wholefiles import bring_to_disk, write_whole
from hortus.tuning.datasets.figures import DatasetFacts


def write_dataset(
    datasets: Path, facts: DatasetFacts, *, job_id: str, examples: Callable[[], Iterable[tuple[Example, bool]]]
) -> Path:
    """Return a dataset's folder, written unless it is there.

    Args:
        datasets: The folder of all datasets; it is made.
        job_id: Whose check this is; two jobs may write the same dataset at the same time.
        examples: Gives each example in order, and whether it is held out; only called if they are to be written.

    Raises:
        OSError: It cannot be written.
    """
    folder = datasets / facts.dataset
    if folder.exists():
        return folder
    aside = datasets / f".{facts.dataset}-{job_id}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        with closing(ExamplesFile(aside / TRAIN)) as train, closing(ExamplesFile(aside / HELD_OUT)) as held_out:
            for example, is_held_out in examples():
                (held_out if is_held_out else train).add(example)
        write_document(aside / FACTS, facts)
        try:
            aside.rename(folder)
        except OSError:
            if not folder.exists():
                raise
        bring_to_disk(datasets)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def write_document(path: Path, document: msgspec.Struct) -> None:
    """Write a document as JSON for people and programs; it is there whole, or as it was. Raises OSError."""
    write_whole(path, msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
