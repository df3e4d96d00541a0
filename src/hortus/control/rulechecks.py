"""What is wrong with a declared policy by itself? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from hortus.control.fault import Fault
from hortus.policy.ready import READY
from hortus.policy.rules import Policy


def check_rules(policy: Policy) -> Iterator[Fault]:
    """Return what is wrong with a policy; whether its name is a name is looked at elsewhere."""
    if policy.name in READY:
        hint = "Choose another name; `hortus policy show` writes the ready-made one out."
        yield Fault(("name",), f"The policy `{policy.name}` is ready-made and stays as it is.", hint)
