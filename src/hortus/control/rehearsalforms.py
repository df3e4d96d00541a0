"""What the admin API takes and answers about rehearsals: a draft against what a project sent."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from hortus.control.models import Ask
from hortus.control.policyforms import RulesForm, RulingView
from hortus.control.views import Instant, View
from hortus.policy.rehearsing import Outcome


class RehearsalWanted(Ask):
    """A draft of a policy, by its name or as a whole, and whose requests it is held against."""

    project: Annotated[str, Field(max_length=63, description="Name of the project.")]
    draft: Annotated[str | None, Field(max_length=63, description="Name of a policy.")] = None
    rules: Annotated[RulesForm | None, Field(description="Rules that nobody has declared yet.")] = None
    days: Annotated[int, Field(ge=1, le=366, description="How far back.")] = 7


class MoneyView(View):
    """An amount in one currency."""

    currency: str
    amount: Decimal


class RehearsedChange(View):
    """Requests of one route to one endpoint for which the draft would have meant something else."""

    route: str
    endpoint: Annotated[str | None, Field(description="Which answered; null where the rules refused.")] = None
    outcome: Annotated[
        Outcome,
        Field(
            description="`refused` (no endpoint is left), `moved` (another one of the route), `adapted` (the same one, "
            "asked otherwise), `allowed` (what was refused would go)."
        ),
    ]
    requests: int
    is_at_most: Annotated[bool, Field(description="Whether these are the most that it could be.")] = False
    rulings: tuple[RulingView, ...] = ()
    instead: Annotated[tuple[str, ...], Field(description="Endpoints of the route that would be left.")] = ()
    adaptations: Annotated[tuple[str, ...], Field(description="What would newly be asked of the host.")] = ()
    findings: Annotated[tuple[str, ...], Field(description="What would become of findings: `KIND:TREATMENT`.")] = ()
    cost: Annotated[tuple[MoneyView, ...], Field(description="What these requests cost.")] = ()


class RehearsalView(View):
    """What a draft would have changed; nothing was sent."""

    project: str
    policy: Annotated[str, Field(description="The policy that the project has.")]
    draft: Annotated[str, Field(description="The draft, `NAME~DIGEST`.")]
    since_ms: Instant
    requests: Annotated[int, Field(description="How many were looked at.")]
    unchanged: int
    changes: list[RehearsedChange]
    stranded: Annotated[tuple[str, ...], Field(description="Routes in use that would lead nowhere.")] = ()
    not_rehearsed: Annotated[tuple[str, ...], Field(description="What receipts cannot show of the draft.")] = ()
