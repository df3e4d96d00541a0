"""Why a job's step cannot be done, for its owner to act on."""

from __future__ import annotations

from hortus.base.errors import HortusError


class StepError(HortusError):
    """A step has failed for a reason that trying again does not cure.

    Args:
        reason: Its stable code, such as `bad_data`.
    """

    code = "job_failed"

    def __init__(self, message: str, *, reason: str, path: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, path=path, hint=hint)
        self.reason = reason
