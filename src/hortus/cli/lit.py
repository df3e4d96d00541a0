"""Which hosts are lit: their credential is present here, so that they can be connected."""

from __future__ import annotations

from collections.abc import Mapping

from hortus.catalog.lookup import can_route
from hortus.catalog.rows import Host


def is_lit(host: Host, environment: Mapping[str, str]) -> bool:
    """Tell whether the host's credential is in the environment, and routes can be made to it."""
    return can_route(host) and bool(host.credential_env) and bool(environment.get(host.credential_env or ""))
