"""OpenAI's Realtime API: conversations in text and sound over a WebSocket, as OpenAI and Azure have it.

https://platform.openai.com/docs/guides/realtime-websocket, recalled 2026-11; events by the official SDK's types.
"""

from __future__ import annotations

from hortus.canon.dialect import Operation
from hortus.canon.realtime import Realtime
from hortus.dialects.openai_realtime.events import Meter, read_route, write_error, write_next
from hortus.framing.conversing import REALTIME, conversing_dialect
from hortus.framing.openai_errors import render_error

NAME = "openai_realtime"

DIALECT = conversing_dialect(
    NAME,
    operations=(
        Operation(REALTIME, "GET", "/v1/realtime", "/realtime?model={model}"),
        # Azure's clients: https://learn.microsoft.com/azure/ai-foundry/openai/realtime-audio-websockets, recalled
        Operation(REALTIME, "GET", "/realtime", "/realtime?model={model}", is_at_root=False),
    ),
    render_error=render_error,
    bases=("/openai", "/azure", "/azure/openai"),
    passed_headers=("openai-beta", "openai-safety-identifier"),
    realtime=Realtime(
        route_in="query",
        read_route=read_route,
        open_meter=Meter,
        write_error=write_error,
        write_next=write_next,
        subprotocols=("realtime",),
    ),
)
