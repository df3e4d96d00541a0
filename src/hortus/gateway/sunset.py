"""Does an answering model come to its end? Headers of the answer say since when, until when, and what comes after it.

`Deprecation` (RFC 9745), `Sunset` (RFC 8594) and a `Link` to its successor (RFC 5829), where this key can reach one.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import quote

from hortus.base.time import utc_day
from hortus.gateway.visit import Pairs, Visit
from hortus.policy.facts import Facts
from hortus.snapshot.grants import Grant
from hortus.snapshot.model import Endpoint
from hortus.snapshot.resolved import Ready, ReadyRoute

NEAR_DAYS = 90
"""An end that is no further away is told, even where its maker does not call the model deprecated yet."""


def note_end(visit: Visit, ready: Ready, endpoint: Endpoint) -> None:
    """Take note of what the answer's headers must say of the model that is asked now."""
    facts = endpoint.facts
    if facts is not None and _may_end(facts) and visit.grant is not None:
        on = utc_day(visit.now_ms)
        visit.notices = notices(facts, ready, grant=visit.grant, on=on)
    elif visit.notices:
        visit.notices = ()


def notices(facts: Facts, ready: Ready, *, grant: Grant, on: date) -> Pairs:
    """Return the headers for an answer of a model, none where its end is far."""
    is_near = facts.retires is not None and facts.retires <= on + timedelta(days=NEAR_DAYS)
    if not (is_near or facts.state == "deprecated"):
        return ()
    pairs: list[tuple[bytes, bytes]] = []
    since = facts.deprecated or (facts.checked_on if facts.state == "deprecated" else None)
    if since is not None:
        pairs.append((b"deprecation", b"@%d" % _midnight(since).timestamp()))
    if facts.retires is not None:
        pairs.append((b"sunset", format_datetime(_midnight(facts.retires), usegmt=True).encode()))
    successor = _successor(facts.replacement, ready, grant=grant)
    if successor is not None:
        pairs.append((b"link", f'</v1/models/{quote(successor, safe="/:@")}>; rel="successor-version"'.encode()))
    return tuple(pairs)


def _may_end(facts: Facts) -> bool:
    return (facts.retires is not None or facts.state == "deprecated") and not facts.is_own


def _successor(model: str | None, ready: Ready, *, grant: Grant) -> str | None:
    """Return a route that this key may use and that leads to a model; best one of the same name."""
    if model is None:
        return None
    fitting = [name for name, one in ready.routes.items() if grant.may_use(name) and _leads_to(one, model)]
    return min(fitting, key=lambda name: (name != model, name), default=None)


def _leads_to(route: ReadyRoute, model: str) -> bool:
    return any(target.endpoint.model == model for target in route.targets)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
