"""Which file a deployment serves: a path, or the model that ships in the package."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hortus.engines.plan import FileStamp
from hortus.engines.weights import folder_files
from hortus.snapshot.model import Deployment

SEEDLING = "seedling"
"""As a model path: the embedded model."""

SEEDLING_FOLDER = Path(__file__).resolve().parent / "seedling"
"""A product of `examples/citizen-desk`, as `hortus models export` wrote it."""

SEEDLING_FILE = SEEDLING_FOLDER / "gguf" / "model.gguf"

_SEEDLING_TEMPERATURE = 0.0
"""It routes, it does not chat: always the likeliest word."""


def model_file(deployment: Deployment) -> Path:
    """Return the file that a deployment serves, whether it exists or not."""
    return SEEDLING_FILE if deployment.model_path == SEEDLING else Path(deployment.model_path)


def with_defaults(deployment: Deployment) -> Deployment:
    """Return the deployment with what its model asks for where nothing else is said."""
    if deployment.model_path == SEEDLING and deployment.temperature is None:
        return msgspec.structs.replace(deployment, temperature=_SEEDLING_TEMPERATURE)
    return deployment


def stamp_of_deployment(deployment: Deployment) -> FileStamp | None:
    """Return the state of all files that a deployment is made of, None where its model is not there."""
    model = stamp_of(model_file(deployment))
    if model is None or not deployment.adapters:
        return model
    stamps = [model, *(stamp_of(Path(adapter.path)) for adapter in deployment.adapters)]
    return _joined(stamps)


def _joined(stamps: Sequence[FileStamp | None]) -> FileStamp:
    there = [stamp for stamp in stamps if stamp is not None]
    digest = hashlib.blake2b(msgspec.json.encode(stamps), digest_size=8).digest()
    return FileStamp(
        size=sum(stamp.size for stamp in there),
        modified_ns=max((stamp.modified_ns for stamp in there), default=0),
        inode=int.from_bytes(digest, "big"),
    )


def stamp_of(path: Path) -> FileStamp | None:
    """Return the state of a file, or of all files of a model's folder; None where there is none."""
    try:
        found = path.stat()
        if path.is_dir():
            return _joined([stamp_of(each) for each in folder_files(path)])
    except OSError:
        return None
    return FileStamp(size=found.st_size, modified_ns=found.st_mtime_ns, inode=found.st_ino)
