"""The installation's two secret files as they are now: looked at again, and taken in whole when they have changed."""

from __future__ import annotations

import logging

from hortus.app.home import Home
from hortus.app.secrets import Secrets, load_secrets, read_admin_token
from hortus.base.errors import InstallationError
from hortus.base.secrets import Secret
from hortus.snapshot.reading import sign

_log = logging.getLogger("hortus.secrets")


class SecretFile:
    """Implements `base.secrets.SecretVersions`: what `secret.key` holds now. For any number of threads.

    Raises:
        InstallationError: The file is missing, open to others, or damaged.
    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._signature = sign(home.secret_key)
        self._secrets = load_secrets(home)
        self._newest_first = _newest_first(self._secrets)

    @property
    def newest_first(self) -> tuple[Secret, ...]:
        """The versions, as they are known."""
        return self._newest_first

    def current(self) -> Secret:
        """Return the version with which new keys are made, as the file says at this moment."""
        self.look_again()
        return self._secrets.current

    def version(self, number: int) -> Secret | None:
        """Return a version by its number, as the file says at this moment; None where there is none such."""
        self.look_again()
        return self._secrets.by_version.get(number)

    def look_again(self) -> bool:
        """Take in what has changed, and tell whether anything has; what cannot be right is logged and left alone."""
        signature = sign(self._home.secret_key)
        if signature == self._signature:
            return False
        self._signature = signature
        try:
            found = load_secrets(self._home)
        except InstallationError as error:
            _log.error("the versions of the secret that are known stay", extra={"reason": str(error)})
            return False
        known = self._secrets.by_version
        is_older = found.current.version < self._secrets.current.version
        if is_older or any(known.get(version, secret) != secret for version, secret in found.by_version.items()):
            _log.error("this is an older secret or another installation's; the versions that are known stay")
            return False
        self._secrets, self._newest_first = found, _newest_first(found)
        _log.info("versions of the secret taken in", extra={"versions": sorted(found.by_version)})
        return True


def _newest_first(secrets: Secrets) -> tuple[Secret, ...]:
    return tuple(secrets.by_version[version] for version in sorted(secrets.by_version, reverse=True))


class AdminToken:
    """The admin token as it is now: the file's, unless one was given.

    Raises:
        InstallationError, ConfigurationError: As `read_admin_token`.
    """

    def __init__(self, home: Home, *, given: str | None = None) -> None:
        self._home = home
        self._given = given
        self._signature = sign(home.admin_token)
        self._token = read_admin_token(home, given=given)

    def read(self) -> str:
        """Return it; where the file cannot be read now, the one that was read last."""
        signature = sign(self._home.admin_token)
        if self._given or signature == self._signature:
            return self._token
        self._signature = signature
        try:
            self._token = read_admin_token(self._home)
        except InstallationError as error:
            _log.error("the admin token that is known stays", extra={"reason": str(error)})
        else:
            _log.info("another admin token taken in")
        return self._token
