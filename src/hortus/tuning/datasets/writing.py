"""How does a dataset come to lie in its folder? Written aside and renamed: it is there whole, or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import msgspec

from hortus.jobs.examples import HELD_OUT, TRAIN, Example, ExamplesFile
from hortus.jobs.folders import FACTS
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
        write_whole(aside / FACTS, facts)
        sync_folder(aside)
        try:
            aside.rename(folder)
        except OSError:
            if not folder.exists():
                raise
        sync_folder(datasets)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return folder


def write_whole(path: Path, document: msgspec.Struct) -> None:
    """Write a document as JSON for people and programs; it is there whole, or as it was. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.aside")
    with aside.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)


def sync_folder(folder: Path) -> None:
    """Bring what a folder lists to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
