"""Where a job's files lie below HORTUS_HOME, and what is in a product's folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

REPORTS = "reports.jsonl"
PROBLEMS = "check/problems.json"
"""What the check has found wrong, line by line."""
PRODUCT_MODEL = "model"
"""The whole model as a Hugging Face folder: config, tokenizer, chat template, safetensors."""
PRODUCT_ADAPTER = "adapter"
"""The PEFT adapter, where there is one."""
PRODUCT_GGUF = "gguf/model.gguf"
ADAPTER_GGUF = "gguf/adapter.gguf"
REFERENCES = "references.jsonl"
"""Prompts with the trainer's own greedy answers: `{"messages": […], "answer": "…"}`."""
FACTS = "facts.json"
CARD = "README.md"


class JobFolder(msgspec.Struct, frozen=True):
    """One job's folder, `jobs/<id>`."""

    root: Path

    @property
    def product(self) -> Path:
        """What comes out of it."""
        return self.root / "product"

    @property
    def base_gguf(self) -> Path:
        """The base as llama.cpp reads it, where it had no such file."""
        return self.root / "base.gguf"

    @property
    def checkpoints(self) -> Path:
        """Where training can go on from."""
        return self.root / "checkpoints"

    def reports(self, step: str) -> Path:
        """What a step has said."""
        return self.root / step / REPORTS

    def log(self, step: str) -> Path:
        """What a step's process wrote on its standard output and error."""
        return self.root / step / "log.txt"

    def measure(self) -> int:
        """Return how many bytes its files have together; what goes away meanwhile does not count."""
        return sum(_sizes_below(str(self.root)))


def _sizes_below(folder: str) -> Iterator[int]:
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            yield from _sizes_below(entry.path)
            continue
        try:
            yield entry.stat(follow_symlinks=False).st_size
        except FileNotFoundError:
            continue


class Allowance(msgspec.Struct, frozen=True):
    """What one project may bring and queue, and what nobody's files or jobs may take from the disk.

    Attributes:
        jobs: Of a project, not over yet.
        bytes: Of a project's files and of its jobs' folders together, uploads that are under way included.
        free_bytes: What must stay free of the disk.
    """

    jobs: int = 50
    bytes: int = 20 * 1024**3
    free_bytes: int = 1024**3


class WorkshopPlaces(msgspec.Struct, frozen=True):
    """Where the workshop's things lie.

    Attributes:
        files: Bytes of files, by their ids.
        datasets: Checked datasets, by their hashes.
        jobs: One folder for each job.
        models: Bases of this installation, one folder each.
        suites: Regression suites, one JSON Lines file each.
        orders: What the runner is to do.
        seedling: The embedded model.
        allowance: How much of it there may be.
    """

    files: Path
    datasets: Path
    jobs: Path
    models: Path
    suites: Path
    orders: Path
    seedling: Path
    allowance: Allowance = Allowance()
