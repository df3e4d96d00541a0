"""What a finder finds, as short words for tests: `kind:what was written`."""

from __future__ import annotations

from hortus.gateway.guards.table import finder_for
from hortus.policy.rules import Policy, Treatment


def policy(
    personal: Treatment = "pseudonymise",
    *kinds: str,
    secrets: Treatment = "allow",
    blocked: tuple[str, ...] = (),
) -> Policy:
    return Policy(name="p", personal_data=personal, personal_kinds=kinds, secrets=secrets, blocked_words=blocked)


EVERYTHING = finder_for(policy(secrets="pseudonymise"))


def found(text: str) -> list[str]:
    return [f"{one.kind}:{text[one.start : one.end]}" for one in EVERYTHING.find(text)]
