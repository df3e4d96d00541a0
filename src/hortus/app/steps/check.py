"""The step that checks examples; what recognises personal data there is what the gateway's guards recognise it by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from hortus.gateway.guards.table import finder_for
from hortus.jobs.errors import StepError
from hortus.jobs.reporting import Reporter
from hortus.jobs.steps import CheckStep, StepWork
from hortus.policy.rules import Policy
from hortus.tuning.checking import check
from hortus.tuning.datasets.figures import CheckResult

_EVERY_KIND = Policy(name="examples", personal_data="pseudonymise", secrets="pseudonymise")
"""Nothing is hidden by it: it only says that every kind is looked for."""


class Recogniser:
    """Implements `tuning.datasets.figures.PersonalData`."""

    def __init__(self) -> None:
        self._finder = finder_for(_EVERY_KIND)

    def kinds_in(self, text: str) -> Mapping[str, int]:
        """Return how often each kind occurs in a text."""
        return Counter(found.kind for found in self._finder.find(text))


def run(work: StepWork, reporter: Reporter) -> CheckResult:
    """Check, and keep the dataset. Raises StepError."""
    assert isinstance(work, CheckStep)  # noqa: S101 -- `app.step` chooses by the work's kind
    for path, file in (("training_file", work.training), ("validation_file", work.validation)):
        if file is not None and not Path(file).is_file():
            message = f"The bytes of {Path(file).name} are gone."
            raise StepError(
                message, reason="file_gone", path=path, hint="Bring the file again, and create another job."
            )
    return check(work, report=reporter.say, recognise=Recogniser())
