"""Which file a deployment serves: a path, or the model that ships in the package."""

from __future__ import annotations

from pathlib import Path

import msgspec

from hortus.engines.plan import FileStamp
from hortus.snapshot.model import Deployment

SEEDLING = "seedling"
"""As a model path: the embedded model."""

SEEDLING_FILE = Path(__file__).resolve().parent / "seedling" / "seedling.gguf"

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


def stamp_of(path: Path) -> FileStamp | None:
    """Return the state of a file, None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return FileStamp(size=found.st_size, modified_ns=found.st_mtime_ns, inode=found.st_ino)
