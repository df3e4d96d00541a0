"""Changing the installation's secret: a new version, what uses each one, and letting one go that nothing uses.

A running Hortus is told nothing: its processes find the new version in `secret.key` when they meet what they cannot
read, before they refuse it. So there is no moment at which a key or a seal is unknown.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from hortus.app.home import Home
from hortus.app.secrets import Secrets, load_secrets, make_version, replace_secrets, secrets_stay
from hortus.base.errors import InstallationError
from hortus.base.time import Clock
from hortus.content.census import Share, count_shares, forget_share
from hortus.content.kept import KeptBounds
from hortus.store.facts import LiveKey, read_facts

_MOST_NAMED = 5


class VersionStanding(msgspec.Struct, frozen=True):
    """One version of the secret and what uses it.

    Attributes:
        made_at_ms: None where it is not known.
        keys: That work.
        seals: Of reasoning, not over their time.
        host_ids: Whose owner is remembered under it.
        exchanges: Kept requests and answers.
    """

    version: int
    is_current: bool
    made_at_ms: int | None
    keys: int
    seals: int
    host_ids: int
    exchanges: int


def list_versions(home: Home, *, bounds: KeptBounds, clock: Clock) -> list[VersionStanding]:
    """Return every version, the newest first.

    Raises:
        InstallationError: The secret or the store cannot be read.
        NotKept: What is kept of content cannot be read.
    """
    secrets = load_secrets(home)
    keys = Counter(key.secret_version for key in _live_keys(home, clock))
    shares = _shares(home, secrets, bounds=bounds, clock=clock)
    return [
        VersionStanding(
            version=version,
            is_current=version == secrets.current.version,
            made_at_ms=secrets.made_at_ms.get(version),
            keys=keys[version],
            seals=shares[version].seals,
            host_ids=shares[version].host_ids,
            exchanges=shares[version].exchanges,
        )
        for version in sorted(secrets.by_version, reverse=True)
    ]


def add_version(home: Home, *, clock: Clock) -> int:
    """Make a new version, which keys everything new from now on; return its number.

    Raises:
        InstallationError: There is no installation, or a backup is being made.
    """
    with secrets_stay(home, is_changing=True):
        secrets = load_secrets(home)
        made = make_version(max(secrets.by_version) + 1)
        versions = {**secrets.by_version, made.version: made}
        replace_secrets(home, Secrets(made, versions, {**secrets.made_at_ms, made.version: clock.now_ms()}))
    return made.version


def retire_version(home: Home, version: int, *, may_forget: bool, bounds: KeptBounds, clock: Clock) -> Share:
    """Let a version go that no key uses; return what was forgotten of content.

    Args:
        home: The installation.
        version: Not the current one.
        may_forget: Content that is sealed under it goes, too; otherwise there must be none.
        bounds: How long content is kept.
        clock: Tells what has expired.

    Raises:
        InstallationError: Something uses it, or it is the current one, or there is none such.
        NotKept: What is kept of content cannot be read.
    """
    with secrets_stay(home, is_changing=True):
        secrets = load_secrets(home)
        _require_old(home, secrets, version)
        _require_unused(home, version, clock=clock)
        share = _shares(home, secrets, bounds=bounds, clock=clock)[version]
        if not share.is_empty and not may_forget:
            raise InstallationError(
                f"version {version} seals {share.exchanges} kept exchanges, {share.seals} seals of reasoning and"
                f" {share.host_ids} owners of hosts' ids.",
                path=str(home.content),
                hint="They end by themselves (`hortus secrets list`), or are forgotten with --forget-content.",
            )
        rest = {number: secret for number, secret in secrets.by_version.items() if number != version}
        made_at_ms = {number: at_ms for number, at_ms in secrets.made_at_ms.items() if number != version}
        replace_secrets(home, Secrets(secrets.current, rest, made_at_ms))
        try:
            _require_unused(home, version, clock=clock)  # one may have been made at this moment
        except InstallationError:
            replace_secrets(home, secrets)
            raise
        forget_share(home.content, secrets.by_version[version], clock)
    return share


def _require_old(home: Home, secrets: Secrets, version: int) -> None:
    if version not in secrets.by_version:
        known = ", ".join(str(number) for number in sorted(secrets.by_version))
        raise InstallationError(
            f"there is no version {version}; there are {known}.",
            path=str(home.secret_key),
            hint="`hortus secrets list` shows them.",
        )
    if version == secrets.current.version:
        raise InstallationError(
            f"version {version} keys everything new.",
            path=str(home.secret_key),
            hint="Make a new one first: `hortus secrets rotate`.",
        )


def _require_unused(home: Home, version: int, *, clock: Clock) -> None:
    using = [key for key in _live_keys(home, clock) if key.secret_version == version]
    if using:
        named = ", ".join(f"{key.id} ({key.name} of {key.project})" for key in using[:_MOST_NAMED])
        more = f" and {len(using) - _MOST_NAMED} more" if len(using) > _MOST_NAMED else ""
        raise InstallationError(
            f"{len(using)} keys of version {version} still work: {named}{more}.",
            path=str(home.secret_key),
            hint="Make new keys in their place and revoke them: `hortus keys revoke ID`.",
        )


def _live_keys(home: Home, clock: Clock) -> tuple[LiveKey, ...]:
    if not home.store.exists():
        return ()
    return read_facts(home.store, now_ms=clock.now_ms(), is_still=False).keys


def _shares(home: Home, secrets: Secrets, *, bounds: KeptBounds, clock: Clock) -> dict[int, Share]:
    return count_shares(home.content, list(secrets.by_version.values()), bounds=bounds, clock=clock)
