"""What can be wrong with a deployment before or while its engine starts; only people read these.

EngineError
├── ModelFileError      the file is not a model that this engine may load: fatal until file or deployment changes
├── MemoryShortError    not now: tried again later
├── EngineMissingError  the engine is not installed or not known
└── FetchError          a model could not be fetched
"""

from __future__ import annotations

from hortus.base.errors import HortusError


class EngineError(HortusError):
    """Something about running a model went wrong. `is_fatal`: trying again unchanged cannot help."""

    code = "engine_error"
    is_fatal = False


class ModelFileError(EngineError):
    """The file is missing, damaged, or of a kind that is refused."""

    code = "model_file_error"
    is_fatal = True


class MemoryShortError(EngineError):
    """The machine has not enough memory for the model."""

    code = "memory_short"
    lacking_bytes = 0


class EngineMissingError(EngineError):
    """The program that serves models is not installed, or no driver has this name."""

    code = "engine_missing"
    is_fatal = True


class FetchError(EngineError):
    """A model could not be fetched from a hub."""

    code = "fetch_error"
