"""Which operations does a policy refuse whatever the request says? Those that its guards could not look into.

The door refuses them one by one, where it comes to them; this says beforehand what it will say.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hortus.canon.dialect import Dialect, Operation
from hortus.gateway.guards.prompts import LOOKED_AT
from hortus.gateway.meaning import has_meaning
from hortus.policy.rules import Policy
from hortus.policy.verdict import Ruling

TALKS: Final = "realtime"

_ALWAYS_FILES: Final = frozenset(
    ("transcriptions", "translations", "image_edits", "image_variations", "create_file", "add_upload_part")
)
"""Operations whose requests have a file, or they are none."""

_OF_CONTENT: Final = ("personal_data", "secrets", "blocked_words")
_OF_REQUESTS: Final = ("stateless", "largest_request_kib", "tools")


def judge_operation(policy: Policy, operation: str, *, dialects: Iterable[Dialect]) -> tuple[Ruling, ...]:
    """Return what a policy says of every request of an operation, wherever it goes.

    Args:
        policy: The rules.
        operation: What is asked, by the name that receipts bear.
        dialects: All that clients speak.
    """
    if operation == TALKS:
        rules = (*_OF_CONTENT, *_OF_REQUESTS)
        return _by(policy, rules, "nothing can look into a conversation over a WebSocket")
    if not policy.looks_at_content:
        return ()
    if operation in _ALWAYS_FILES:
        is_refused = policy.unseen_content == "refuse"
        return (Ruling("unseen_content", "it brings a file, and no guard can look into that"),) if is_refused else ()
    if operation in LOOKED_AT or not _is_closed(operation, dialects):
        return ()
    return _by(policy, _OF_CONTENT, f"no guard can look into requests of the kind {operation}")


def _is_closed(operation: str, dialects: Iterable[Dialect]) -> bool:
    """Tell whether requests of an operation bring something, and in no dialect anything that can be read."""
    bringing = [one for one in dialects if any(a.name == operation and _brings(a) for a in one.operations)]
    return bool(bringing) and not any(has_meaning(operation, dialect) for dialect in bringing)


def _brings(operation: Operation) -> bool:
    return operation.method == "POST" and operation.body != "none"


def _by(policy: Policy, rules: Iterable[str], reason: str) -> tuple[Ruling, ...]:
    """Return a ruling for each of the rules that the policy states."""
    usual = Policy(name="")
    return tuple(Ruling(rule, reason) for rule in rules if getattr(policy, rule) != getattr(usual, rule))
