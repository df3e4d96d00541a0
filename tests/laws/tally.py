"""How much a law carried: what it reports at the end, and what it must carry at least."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import HealthCheck, Phase, settings

from arrival import Arrival
from hortus.canon.loss import Loss

LAW = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
"""Every run draws the same examples: a law that fails once fails always."""


class Floor(NamedTuple):
    """What a law must carry at least, or it proves little: shares of the cases without a loss of meaning, of fields."""

    cases: float
    fields: float


WHOLE = Floor(1.0, 1.0)
"""Of a dialect to itself: nothing is lost."""


class Tally:
    """Counts cases and fields of one law for one pair."""

    def __init__(self) -> None:
        self.cases = 0
        self.whole = 0
        self.carried = 0
        self.named = 0

    def add(self, arrival: Arrival, losses: tuple[Loss, ...]) -> None:
        """Count one case."""
        self.cases += 1
        self.whole += not any(loss.weight == "meaning" for loss in losses)
        self.carried += arrival.carried
        self.named += arrival.named

    @property
    def share_of_cases(self) -> float:
        """Share of the cases in which no meaning was lost."""
        return self.whole / max(1, self.cases)

    @property
    def share_of_fields(self) -> float:
        """Share of what was said that arrived."""
        return self.carried / max(1, self.carried + self.named)

    def hold(self, floor: Floor, pair: str) -> None:
        """Hold the law to what it must carry."""
        assert self.share_of_cases >= floor.cases, pair
        assert self.share_of_fields >= floor.fields, pair

    def line(self, law: str, pair: str) -> str:
        """Return the line for the end of the run."""
        return (
            f"{law}, {pair}: {self.cases} cases, {self.share_of_cases:.0%} without a loss of meaning; "
            f"{self.share_of_fields:.0%} of the fields arrived"
        )
