"""Organisation, project and key, as the store keeps them."""

from __future__ import annotations

import msgspec

from hortus.canon.loss import Strictness


class Organisation(msgspec.Struct, frozen=True):
    """The owner of this installation."""

    id: str
    name: str


class Project(msgspec.Struct, frozen=True, omit_defaults=True):
    """The tenant: owns keys and says which routes they may use.

    Attributes:
        origin: `file` when declared in `hortus.toml`, else `api`.
        retired_at_ms: Instant (UTC) at which it was retired; its keys no longer work.
        loss: Which losses refuse a request: those of meaning, all, or none.
        policy: Name of the policy that decides what may go where; `shadow_policy` is only written down.
        keep_content_days: How long requests and answers are kept; 0: not at all.
    """

    id: str
    name: str
    routes: tuple[str, ...]
    origin: str
    created_at_ms: int
    retired_at_ms: int | None = None
    loss: Strictness = "standard"
    policy: str = "anywhere"
    shadow_policy: str | None = None
    keep_content_days: int = 0


class Key(msgspec.Struct, frozen=True, omit_defaults=True):
    """A key's record; the key itself is shown once and never stored.

    Attributes:
        hint: The key's last four characters, so that people can tell keys apart.
        digest_scheme: How the digest was made, such as `blake2b-256`.
        secret_version: Which version of the installation's secret keyed the digest.
    """

    id: str
    name: str
    project: str
    project_id: str
    hint: str
    digest_scheme: str
    secret_version: int
    created_at_ms: int
    expires_at_ms: int | None = None
    revoked_at_ms: int | None = None
