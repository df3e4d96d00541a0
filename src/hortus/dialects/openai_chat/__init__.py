"""OpenAI's Chat Completions, embeddings and models: the wire format that most hosts speak.

https://platform.openai.com/docs/api-reference, read 2026-11.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Operation
from hortus.dialects.openai_chat.answer import read_answer
from hortus.dialects.openai_chat.errors import render_error, render_stream_error
from hortus.dialects.openai_chat.request import read_request, write_request
from hortus.dialects.openai_chat.routes import write_route, write_routes
from hortus.dialects.openai_chat.stream import Stream

DIALECT = Dialect(
    name="openai_chat",
    operations=(
        Operation("chat", "POST", "/v1/chat/completions", "/chat/completions", can_stream=True),
        Operation("embeddings", "POST", "/v1/embeddings", "/embeddings"),
        Operation("list_models", "GET", "/v1/models", None),
        Operation("get_model", "GET", "/v1/models/{route}", None),
    ),
    read_request=read_request,
    write_request=write_request,
    render_error=render_error,
    render_stream_error=render_stream_error,
    read_answer=read_answer,
    open_stream=Stream,
    write_routes=write_routes,
    write_route=write_route,
)
