"""How a node's settings make the client towards hosts and other services."""

from __future__ import annotations

import hortus
from hortus.app.settings import Settings
from hortus.transport.settings import TransportSettings


def transport_settings(node: Settings) -> TransportSettings:
    """Return trust and proxies as the node has them."""
    return TransportSettings(
        private_networks=node.private_networks,
        ca_bundle=node.ca_bundle,
        https_proxy=node.https_proxy,
        http_proxy=node.http_proxy,
        no_proxy=node.no_proxy or "",
        user_agent=f"hortus/{hortus.__version__}",
    )


def is_own_hub(node: Settings) -> bool:
    """Tell whether models come from a hub that the settings name, which may lie in a private network."""
    return node.hub_url != Settings().hub_url
