"""Which scheme of `catalog.auth.RENEWED` is opened by what?"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hortus.base.errors import ConfigurationError
from hortus.snapshot.resolved import Authorizer, OpenAuthorizer

OpenAccount = Callable[[str], Authorizer]
"""Credential reference to what fetches its tokens; raises ConfigurationError."""


def opener(accounts: Mapping[str, OpenAccount]) -> OpenAuthorizer:
    """Return what opens endpoints by scheme and credential."""

    def open_account(scheme: str, reference: str) -> Authorizer:
        account = accounts.get(scheme)
        if account is None:
            raise ConfigurationError(f"it authenticates by {scheme}, which this release cannot do")
        return account(reference)

    return open_account
