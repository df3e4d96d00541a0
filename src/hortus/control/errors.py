"""How an admin operation can fail, with the HTTP status of each way."""

from __future__ import annotations

from hortus.base.errors import HortusError


class AdminError(HortusError):
    """An admin operation that ends with an error."""

    code = "internal"
    status = 500


class Invalid(AdminError):  # noqa: N818 -- faults are named as in canon
    """What was sent cannot be; `path` names the member."""

    code = "invalid_request"
    status = 400


class NoToken(AdminError):  # noqa: N818 -- faults are named as in canon
    """No admin token, or a wrong one."""

    code = "unauthenticated"
    status = 401


class ForeignName(AdminError):  # noqa: N818 -- faults are named as in canon
    """A request on loopback that calls this machine by somebody else's name, as a web page's might."""

    code = "foreign_name"
    status = 403


class NotFound(AdminError):  # noqa: N818 -- faults are named as in canon
    """Nothing has this name."""

    code = "not_found"
    status = 404


class Conflict(AdminError):  # noqa: N818 -- faults are named as in canon
    """The name is taken, retired, or belongs to the configuration file."""

    code = "conflict"
    status = 409


class DeclaredInFile(Conflict):
    """The object is declared in the configuration file, which alone may change it."""

    code = "declared_in_file"


class HostFailed(AdminError):  # noqa: N818 -- faults are named as in canon
    """A host that had to be asked did not answer as it should."""

    code = "host_failed"
    status = 502


class TooLong(AdminError):  # noqa: N818 -- faults are named as in canon
    """The body is larger than any operation needs."""

    code = "request_too_large"
    status = 413


class LengthNeeded(AdminError):  # noqa: N818 -- faults are named as in canon
    """The length of the body was not said beforehand."""

    code = "length_required"
    status = 411
