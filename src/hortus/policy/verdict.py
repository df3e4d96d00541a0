"""May this request go to this endpoint under this policy? One pure answer, the same for every hop of a request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec

from hortus.policy.facts import CHAT, Facts, Lever
from hortus.policy.levering import pull, sets_of_levers
from hortus.policy.objections import RULES
from hortus.policy.rules import Policy

_KIB = 1024
_NOTHING_KNOWN = "nothing is known of it"


class Ask(msgspec.Struct, frozen=True, gc=False):
    """What a policy looks at in a request.

    Attributes:
        request_bytes: Length of the body as the client sent it.
        tools: Kinds of tools that it brings; see `Policy.tools`.
        names_history: It points at what a host keeps of earlier turns: an answer, a conversation, cached content.
        names_files: It points at files that a host keeps.
    """

    request_bytes: int = 0
    tools: tuple[str, ...] = ()
    names_history: bool = False
    names_files: bool = False


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


def judge_endpoint(
    policy: Policy, facts: Facts | None, *, dialects: tuple[str, ...], on: date, operation: str = CHAT
) -> Verdict:
    """Return what a policy says of an endpoint, whatever is asked of it.

    The smallest set of levers with which every rule is satisfied is demanded; of equal ones the first by name. Where
    none will do, the rulings are those that the best set leaves, for no request can change them.

    Args:
        policy: The rules.
        facts: What is known; None: nothing.
        dialects: The wire formats that the endpoint speaks; a lever counts only where it works in all of them.
        on: The day (UTC).
        operation: What is asked, such as `embeddings`.
    """
    if facts is None:
        return Verdict(tuple(Ruling(rule.name, _NOTHING_KNOWN) for rule in RULES if rule.asks(policy)))
    facts = facts.for_operation(operation)
    least: tuple[Ruling, ...] | None = None
    for levers in sets_of_levers(facts, dialects):
        rulings = _rulings(policy, pull(facts, levers), on=on)
        if not rulings:
            return Verdict(levers=levers)
        if least is None or len(rulings) < len(least):
            least = rulings
    return Verdict(least or ())


def judge_ask(policy: Policy, ask: Ask) -> tuple[Ruling, ...]:
    """Return what a policy says of a request, wherever it goes."""
    found = ((name, objection(policy, ask)) for name, objection in _OF_REQUESTS)
    return tuple(Ruling(name, reason) for name, reason in found if reason is not None)


def _rulings(policy: Policy, facts: Facts, *, on: date) -> tuple[Ruling, ...]:
    found = ((rule.name, rule.objection(policy, facts, on)) for rule in RULES if rule.asks(policy))
    return tuple(Ruling(name, reason) for name, reason in found if reason is not None)


def _stateless(policy: Policy, ask: Ask) -> str | None:
    if not (policy.stateless and (ask.names_history or ask.names_files)):
        return None
    return "it points at what a host keeps of earlier requests; send the whole conversation instead"


def _personal_data(policy: Policy, ask: Ask) -> str | None:
    return _unseen(policy.personal_data != "allow" and _is_unseen(policy, ask))


def _secrets(policy: Policy, ask: Ask) -> str | None:
    return _unseen(policy.secrets != "allow" and _is_unseen(policy, ask))


def _is_unseen(policy: Policy, ask: Ask) -> bool:
    return ask.names_history or (ask.names_files and policy.unseen_content == "refuse")


def _unseen(is_refused: bool) -> str | None:  # noqa: FBT001 -- private: the two rules above differ in nothing else
    if not is_refused:
        return None
    return "it points at what a host keeps, which no guard can look at; send the whole conversation instead"


def _largest_request(policy: Policy, ask: Ask) -> str | None:
    kib = policy.largest_request_kib
    if kib is None or ask.request_bytes <= kib * _KIB:
        return None
    return f"its body has {ask.request_bytes} bytes, more than {kib} KiB"


def _tools(policy: Policy, ask: Ask) -> str | None:
    if policy.tools is None:
        return None
    others = sorted(set(ask.tools) - set(policy.tools))
    allowed = f"only {', '.join(policy.tools)}" if policy.tools else "none"
    return f"it brings tools of the kind {', '.join(others)}; allowed: {allowed}" if others else None


_OF_REQUESTS: tuple[tuple[str, Callable[[Policy, Ask], str | None]], ...] = (
    ("stateless", _stateless),
    ("personal_data", _personal_data),
    ("secrets", _secrets),
    ("largest_request_kib", _largest_request),
    ("tools", _tools),
)
"""Every rule over requests, in the order of the policy's members."""
