"""Which policies come with Hortus? Four, from none at all to own machines only; every installation has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hortus.policy.rules import Policy

_COMMON_LAW = ("EEA",)
"""Where the General Data Protection Regulation is the law: the Union, Iceland, Liechtenstein and Norway."""

_CLIENTS_OWN = ("function",)
"""Tools that a host runs reach further than it says: a search asks others, an MCP server may stand anywhere."""

_LONGEST_ABUSE_LOG_DAYS = 30
"""What hosts commonly keep to look into abuse. Article 5(1)(e) GDPR: no longer than is needed for the purpose."""

_READY: tuple[Policy, ...] = (
    Policy(
        "anywhere",
        description="Demands nothing: every endpoint of a route may be used. For data that anybody may see.",
    ),
    Policy(
        "eu-computed",
        description=(
            "Computed and kept within the EU or EEA, not trained on, no tools that the host runs. "
            "The operator may be bound by the law of another country."
        ),
        compute_in=_COMMON_LAW,
        store_in=_COMMON_LAW,
        no_training=True,
        tools=_CLIENTS_OWN,
    ),
    Policy(
        "eu-operated",
        description=(
            "As eu-computed, and the operator comes from the EU or EEA, no authority of the United States or China can "
            "demand what is there, not even through a company in the chain, and nothing is kept for more than 30 days."
        ),
        compute_in=_COMMON_LAW,
        store_in=_COMMON_LAW,
        operators_from=_COMMON_LAW,
        out_of_reach_of=("US", "CN"),
        longest_retention_days=_LONGEST_ABUSE_LOG_DAYS,
        no_training=True,
        tools=_CLIENTS_OWN,
    ),
    Policy(
        "own-machines-only",
        description="Only models that this organisation runs itself on its own machines; nothing goes to anybody else.",
        no_training=True,
        own_machines=True,
    ),
)

READY: Final[Mapping[str, Policy]] = {policy.name: policy for policy in _READY}
"""By name. No policy of one's own may take one of these names."""
