"""Google's Live API: conversations in text, sound and pictures over a WebSocket.

https://ai.google.dev/api/live, recalled 2026-11; messages by the official SDK's types.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Operation
from hortus.canon.realtime import Realtime
from hortus.dialects.gemini_live.errors import no_message, render_error
from hortus.dialects.gemini_live.messages import Meter, read_route, write_first, write_next
from hortus.framing.conversing import REALTIME, nothing, read_request, weigh

NAME = "gemini_live"

_PATH = "/ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContent"

DIALECT = Dialect(
    name=NAME,
    operations=tuple(
        Operation(REALTIME, "GET", path, path)
        for path in [_PATH.replace("{version}", version) for version in ("v1", "v1beta", "v1alpha")]
    ),
    read_request=read_request,
    write_request=nothing,
    render_error=render_error,
    render_stream_error=nothing,
    read_answer=nothing,
    open_stream=nothing,
    weigh=weigh,
    cap_output=nothing,
    write_routes=nothing,
    write_route=nothing,
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
