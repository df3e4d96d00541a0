"""How does a product leave the house? As one Hugging Face folder whose every file is what its facts say.

A target that is already there is never touched; a copy that is broken off leaves nothing under the target's name.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path, PurePosixPath

import msgspec

from hortus.jobs.errors import StepError
from hortus.jobs.folders import CARD, FACTS, PRODUCT_MODEL
from hortus.tuning.facts import Facts, FileRecord
from hortus.tuning.papers import encode_facts, may_change, read_facts, render_card

_CHUNK_BYTES = 1 << 20
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


def export_model(product: Path, target: Path) -> Facts:
    """Copy a product into a new folder: weights and tokenizer at its top, `adapter/` and `gguf/` below.

    Returns:
        The facts as they lie in the new folder, files by their paths there.

    Raises:
        StepError: The target exists, or a file is not what the facts say.
        OSError: The disk is full, or the target's folder cannot be written.
    """
    facts = read_facts(product)
    if target.exists() or target.is_symlink():
        raise StepError(
            "exists already, and nothing is overwritten.",
            reason="target_exists",
            path=str(target),
            hint="Name a folder that does not exist yet.",
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{os.getpid()}.new")
    try:
        moved = _copy(facts, product, aside)
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return moved


def _copy(facts: Facts, product: Path, aside: Path) -> Facts:
    _make_folder(aside)
    moved: dict[str, FileRecord] = {}
    for name, record in facts.files.items():
        path = _exported(name, facts)
        _copy_file(product / name, aside / path, record=record)
        moved[path] = record
    here = msgspec.structs.replace(facts, files=moved)
    card = render_card(here).encode()
    _write(aside / CARD, card)
    moved[CARD] = FileRecord(len(card), hashlib.sha256(card).hexdigest())
    here = msgspec.structs.replace(here, files=dict(sorted(moved.items())))
    _write(aside / FACTS, encode_facts(here))
    return here


def _exported(name: str, facts: Facts) -> str:
    """The model's own files go to the top. A path that leads anywhere else was not written by Hortus."""
    parts = PurePosixPath(name).parts
    if not parts or parts[0] == "/" or ".." in parts or "\\" in name:
        raise _broken("is named in the facts with a path that leads out of the product.", name)
    path = "/".join(parts[1:] if parts[0] == PRODUCT_MODEL and len(parts) > 1 else parts)
    if may_change(path) or (path != name and path in facts.files):
        raise _broken("would lie in the place of another file.", name)
    return path


def _copy_file(source: Path, target: Path, *, record: FileRecord) -> None:
    if not target.parent.exists():
        _make_folder(target.parent)
    digest, size = hashlib.sha256(), 0
    try:
        with source.open("rb") as read, target.open("xb") as write:
            while chunk := read.read(_CHUNK_BYTES):
                digest.update(chunk)
                size += len(chunk)
                write.write(chunk)
    except FileNotFoundError:
        raise _broken("is named in the facts, but is not there.", str(source)) from None
    if (size, digest.hexdigest()) != (record.bytes, record.sha256):
        raise _broken("is not what the facts say: its hash differs.", str(source))
    target.chmod(_FILE_MODE)


def _make_folder(path: Path) -> None:
    """Make a folder that others may read, whatever the process's own files are like."""
    path.mkdir(parents=True)
    path.chmod(_FOLDER_MODE)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    path.chmod(_FILE_MODE)


def _broken(message: str, path: str) -> StepError:
    return StepError(message, reason="broken_product", path=path, hint="Run the job's training step again.")
