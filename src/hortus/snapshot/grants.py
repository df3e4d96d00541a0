"""What a key may do, as the gateway holds it, and the port through which it asks."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Protocol

import msgspec

from hortus.canon.loss import Strictness
from hortus.limits.limit import Limit

_EVERY = "*"

CANDIDATES = "gate."
"""Routes to products that have not passed their gate begin so; a key may use one only where its project names them."""

ANYWHERE = "anywhere"
"""The policy of projects that name none: it demands nothing."""


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """The rights of one key.

    Attributes:
        key_id: The key's id (never the key).
        key_name: What its owner called it.
        project_id: The project that pays and decides.
        project: The project's name.
        routes: Names of routes it may use, or patterns such as `eu/*`; empty means none.
        expires_at_ms: Instant (UTC) from which on it is refused; None for never.
        loss: Which losses refuse a request of the project.
        limits: What bounds it: its own limits, its project's, the organisation's.
        policy: Name of the policy that decides what may go where.
        shadow_policy: Name of one whose verdicts are only written down.
        keep_content_days: How long requests and answers are kept; 0: not at all.
    """

    key_id: str
    key_name: str
    project_id: str
    project: str
    routes: tuple[str, ...]
    expires_at_ms: int | None = None
    loss: Strictness = "standard"
    limits: tuple[Limit, ...] = ()
    policy: str = ANYWHERE
    shadow_policy: str | None = None
    keep_content_days: int = 0

    def may_use(self, route: str) -> bool:
        """Tell whether the key may call `route`."""
        if route.startswith(CANDIDATES):
            return any(named.startswith(CANDIDATES) and fnmatchcase(route, named) for named in self.routes)
        if route in self.routes or _EVERY in self.routes:
            return True
        return any(fnmatchcase(route, pattern) for pattern in self.routes)


class Grants(Protocol):
    """Where the gateway finds grants: a bounded cache before the ledger's socket."""

    def known(self, digest: str) -> Grant | None:
        """Return the grant under a key's digest, or its pair's access key id, where the ledger need not be asked."""
        ...

    async def find(self, digest: str) -> Grant | None:
        """Return the grant under a key's digest or its pair's access key id, None for an unknown or revoked key.

        Raises:
            hortus.canon.errors.NotReady: The ledger cannot be asked and the cache does not know the key.
        """
        ...

    async def renew(self, grant: Grant) -> Grant | None:
        """Return a grant as it is by now, though the cache has it; None for a key that was revoked meanwhile.

        While the ledger is away or does not answer, it is what it was.
        """
        ...
