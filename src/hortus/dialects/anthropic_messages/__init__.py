"""Anthropic's Messages API: messages, token counting and models.

https://docs.claude.com/en/api/overview, read 2026-11.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Operation
from hortus.canon.translation import Chat, TokenCount, Translation
from hortus.dialects.anthropic_messages import relay
from hortus.dialects.anthropic_messages.relay_stream import open_stream
from hortus.dialects.anthropic_messages.request import read_request, write_count_request, write_request
from hortus.dialects.anthropic_messages.response import (
    read_response,
    read_token_count,
    write_response,
    write_token_count,
)
from hortus.dialects.anthropic_messages.routes import write_route, write_routes
from hortus.dialects.anthropic_messages.stream_reader import Reader
from hortus.dialects.anthropic_messages.stream_writer import Writer
from hortus.dialects.anthropic_messages.vocabulary import BETA_HEADER, VOCABULARY
from hortus.dialects.anthropic_messages.wire import NAME
from hortus.framing.anthropic_errors import read_error, render_error, render_stream_error
from hortus.framing.anthropic_units import cap_output, weigh

DIALECT = Dialect(
    name=NAME,
    operations=(
        Operation("chat", "POST", "/v1/messages", "/messages", can_stream=True),
        Operation("count_tokens", "POST", "/v1/messages/count_tokens", "/messages/count_tokens"),
        # At the root these paths are OpenAI's, unless the client says that it is Anthropic's.
        Operation("list_models", "GET", "/v1/models", None, is_at_root=False),
        Operation("get_model", "GET", "/v1/models/{route}", None, is_at_root=False),
    ),
    read_request=relay.read_request,
    write_request=relay.write_request,
    render_error=render_error,
    render_stream_error=render_stream_error,
    read_answer=relay.read_answer,
    open_stream=open_stream,
    weigh=weigh,
    cap_output=cap_output,
    write_routes=write_routes,
    write_route=write_route,
    bases=("/anthropic",),
    request_id_header="request-id",
    passed_headers=(BETA_HEADER, "anthropic-version"),
    translation=Translation(
        vocabulary=VOCABULARY,
        read_error=read_error,
        chats=Chat(
            read_request=read_request,
            write_request=write_request,
            read_response=read_response,
            write_response=write_response,
            open_reader=Reader,
            open_writer=Writer,
        ),
        token_count=TokenCount(
            read_request=read_request,
            write_request=write_count_request,
            read_response=read_token_count,
            write_response=write_token_count,
        ),
    ),
)
