"""Google's Live API: conversations in text, sound and pictures over a WebSocket.

https://ai.google.dev/api/live, recalled 2026-11; messages by the official SDK's types.
"""

from __future__ import annotations

from hortus.canon.dialect import Operation
from hortus.canon.realtime import Realtime
from hortus.dialects.gemini_live.errors import no_message, render_error
from hortus.dialects.gemini_live.messages import Meter, read_route, write_first, write_next
from hortus.framing.conversing import REALTIME, conversing_dialect

NAME = "gemini_live"

_PATH = "/ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent"

DIALECT = conversing_dialect(
    NAME,
    operations=tuple(
        Operation(REALTIME, "GET", path, path)
        for path in [_PATH.replace("{version}", version) for version in ("v1", "v1beta", "v1alpha")]
    ),
    render_error=render_error,
    bases=("/gemini",),
    realtime=Realtime(
        route_in="message",
        read_route=read_route,
        write_first=write_first,
        open_meter=Meter,
        write_error=no_message,
        write_next=write_next,
    ),
)
