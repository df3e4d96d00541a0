"""How a node's settings make the client towards hosts and other services."""

from __future__ import annotations

import hortus
from hortus.app.settings import Settings
from hortus.transport.settings import TransportSettings


def transport_settings(node: Settings) -> TransportSettings:
    """Return trust and proxies as the node has them."""
    return TransportSettings(
        ca_bundle=node.ca_bundle,
        https_proxy=node.https_proxy,
        http_proxy=node.http_proxy,
        no_proxy=node.no_proxy or "",
        user_agent=f"hortus/{hortus.__version__}",
    )
