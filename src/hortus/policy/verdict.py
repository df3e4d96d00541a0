"""May this request go to this endpoint under this policy? One pure answer, the same for every hop of a request."""

from __future__ import annotations

from datetime import date

import msgspec

from hortus.policy.facts import Facts, Lever
from hortus.policy.rules import Policy


class Ask(msgspec.Struct, frozen=True, gc=False):
    """What a policy looks at in a request.

    Attributes:
        request_bytes: Length of the body as the client sent it.
        tools: Kinds of tools that it brings; see `Policy.tools`.
        names_history: It points at what a host keeps: an earlier answer, a conversation, a file, cached content.
    """

    request_bytes: int = 0
    tools: tuple[str, ...] = ()
    names_history: bool = False


class Ruling(msgspec.Struct, frozen=True):
    """One rule that says no.

    Attributes:
        rule: Name of the policy's member, such as `compute_in`.
        reason: End of the sentence "it is ruled out because …".
    """

    rule: str
    reason: str


class Verdict(msgspec.Struct, frozen=True):
    """What a policy says.

    Attributes:
        rulings: Every rule that says no, in the policy's order; empty: it may go.
        levers: What must be asked of the host so that it may.
    """

    rulings: tuple[Ruling, ...] = ()
    levers: tuple[Lever, ...] = ()

    @property
    def is_allowed(self) -> bool:
        """Whether nothing says no."""
        return not self.rulings


def judge_endpoint(policy: Policy, facts: Facts | None, *, dialects: tuple[str, ...], on: date) -> Verdict:
    """Return what a policy says of an endpoint, whatever is asked of it.

    Args:
        policy: The rules.
        facts: What is known; None: nothing.
        dialects: The wire formats that the endpoint speaks; a lever counts only where it works in all of them.
        on: The day (UTC).
    """
    raise NotImplementedError


def judge_ask(policy: Policy, ask: Ask) -> tuple[Ruling, ...]:
    """Return what a policy says of a request, wherever it goes."""
    raise NotImplementedError
