"""OpenAI's Chat Completions, embeddings and models: the wire format that most hosts speak.

https://platform.openai.com/docs/api-reference, read 2026-11.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Operation
from hortus.canon.translation import Chat, Embeddings, Translation
from hortus.dialects.openai_chat import embeddings, request, response
from hortus.dialects.openai_chat.errors import render_stream_error
from hortus.dialects.openai_chat.relay_answer import read_answer
from hortus.dialects.openai_chat.relay_request import read_request, write_request
from hortus.dialects.openai_chat.relay_stream import open_stream
from hortus.dialects.openai_chat.routes import write_route, write_routes
from hortus.dialects.openai_chat.stream_reader import Reader
from hortus.dialects.openai_chat.stream_writer import Writer
from hortus.dialects.openai_chat.units import cap_output, weigh
from hortus.dialects.openai_chat.vocabulary import NAME, VOCABULARY
from hortus.framing.openai_errors import read_error, render_error

_AZURE = (
    Operation(
        "chat", "POST", "/deployments/{route}/chat/completions", "/chat/completions", can_stream=True, is_at_root=False
    ),
    Operation("embeddings", "POST", "/deployments/{route}/embeddings", "/embeddings", is_at_root=False),
    Operation("list_models", "GET", "/models", None, is_at_root=False),
    Operation("get_model", "GET", "/models/{route}", None, is_at_root=False),
    Operation("chat", "POST", "/models/chat/completions", "/chat/completions", can_stream=True),
    Operation("embeddings", "POST", "/models/embeddings", "/embeddings"),
)
"""Azure's paths, whatever their `api-version`: of deployments, below `/openai`, and of Foundry's models.

https://learn.microsoft.com/azure/ai-foundry/openai/reference and
https://learn.microsoft.com/rest/api/aifoundry/model-inference, recalled 2026-11.
"""

DIALECT = Dialect(
    name=NAME,
    operations=(
        Operation("chat", "POST", "/v1/chat/completions", "/chat/completions", can_stream=True),
        Operation("embeddings", "POST", "/v1/embeddings", "/embeddings"),
        Operation("list_models", "GET", "/v1/models", None),
        Operation("get_model", "GET", "/v1/models/{route}", None),
        *_AZURE,
    ),
    read_request=read_request,
    write_request=write_request,
    render_error=render_error,
    render_stream_error=render_stream_error,
    read_answer=read_answer,
    open_stream=open_stream,
    weigh=weigh,
    cap_output=cap_output,
    write_routes=write_routes,
    write_route=write_route,
    bases=("/openai", "/azure", "/azure/openai"),
    request_id_header="x-request-id",
    translation=Translation(
        vocabulary=VOCABULARY,
        read_error=read_error,
        chats=Chat(
            read_request=request.read_request,
            write_request=request.write_request,
            read_response=response.read_response,
            write_response=response.write_response,
            open_reader=Reader,
            open_writer=Writer,
        ),
        embeddings=Embeddings(
            read_request=embeddings.read_request,
            write_request=embeddings.write_request,
            read_response=embeddings.read_response,
            write_response=embeddings.write_response,
        ),
    ),
)
