"""What do guards make of one visit's request? The policy's verdict counts, the shadow policy's is only written down."""

from __future__ import annotations

import asyncio

from hortus.canon.errors import RefusedByGuard
from hortus.gateway.guards.refusing import RefusedForFindings
from hortus.gateway.guards.screen import PSEUDONYMISED, Guarded, Screener
from hortus.gateway.judging import Judged
from hortus.gateway.passage import Inquiry
from hortus.gateway.visit import Visit

_LONG_BYTES = 32 * 1024
"""A body from here on is looked at beside the event loop: it takes milliseconds, in which others want to be served."""


async def look_at(visit: Visit, screener: Screener, inquiry: Inquiry, *, judged: Judged) -> Guarded:
    """Return what leaves, and take note of what was found.

    Raises:
        RefusedByGuard: The policy does not let it.
        CallerFault: The request cannot be understood.
    """
    is_file = inquiry.upload is not None and inquiry.upload.requests is not None
    if len(inquiry.body) < _LONG_BYTES and not is_file:
        return _look_at(visit, screener, inquiry, judged=judged)
    return await asyncio.to_thread(_look_at, visit, screener, inquiry, judged=judged)


def _look_at(visit: Visit, screener: Screener, inquiry: Inquiry, *, judged: Judged) -> Guarded:
    shadow = judged.shadow
    if shadow is not None and shadow.looks_at_content:
        try:
            seen = screener.screen(shadow, inquiry)
        except RefusedByGuard as error:
            _take_note(visit, error)
            visit.shadow += (f"{shadow.name}:*:{error.code}",)
        else:
            visit.findings = seen.findings
            if seen.guise is not None:
                visit.shadow += (f"{shadow.name}:*:{PSEUDONYMISED}",)
    try:
        guarded = screener.screen(judged.policy, inquiry)
    except RefusedByGuard as error:
        _take_note(visit, error)
        raise
    if guarded.findings:
        visit.findings = guarded.findings
    return guarded


def _take_note(visit: Visit, error: RefusedByGuard) -> None:
    if isinstance(error, RefusedForFindings):
        visit.findings = error.findings
