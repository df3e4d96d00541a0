"""Whom the client trusts: the system's CAs and a bundle of the organisation's own."""

from __future__ import annotations

import ssl

from hortus.base.errors import ConfigurationError


def make_tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """Return a context that checks certificate and host name and speaks HTTP/1.1 by ALPN.

    Raises:
        ConfigurationError: The bundle cannot be read.
    """
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if ca_bundle is None:
        return context
    try:
        context.load_verify_locations(cafile=ca_bundle)
    except OSError as error:  # ssl.SSLError is one too
        raise ConfigurationError(
            "the CA bundle cannot be read.",
            path=f"ca_bundle {ca_bundle}",
            hint="Name a file in PEM format that this user may read.",
        ) from error
    return context
