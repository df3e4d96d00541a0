"""Mistral's own API: chats with chunks of content, completions in the middle, vectors, pages and moderation.

https://docs.mistral.ai/api, read 2026-11.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Operation
from hortus.canon.translation import Chat, Embeddings, Moderations, Translation
from hortus.dialects.mistral import embeddings, moderation, request, response
from hortus.dialects.mistral.relay_answer import read_answer
from hortus.dialects.mistral.relay_request import read_form, read_request, write_request
from hortus.dialects.mistral.relay_stream import open_stream
from hortus.dialects.mistral.routes import write_route, write_routes
from hortus.dialects.mistral.stream_reader import Reader
from hortus.dialects.mistral.stream_writer import Writer
from hortus.dialects.mistral.vocabulary import NAME, VOCABULARY
from hortus.framing.mistral_errors import read_error, render_error, render_stream_error
from hortus.framing.mistral_units import cap_output, weigh

DIALECT = Dialect(
    name=NAME,
    operations=(
        # Paths that OpenAI's clients use too belong to `openai_chat` where they stand without a base.
        Operation("chat", "POST", "/v1/chat/completions", "/chat/completions", can_stream=True, is_at_root=False),
        Operation("fim", "POST", "/v1/fim/completions", "/fim/completions", can_stream=True),
        Operation("embeddings", "POST", "/v1/embeddings", "/embeddings", is_at_root=False),
        Operation(
            *("transcriptions", "POST", "/v1/audio/transcriptions", "/audio/transcriptions"),
            can_stream=True,
            is_at_root=False,
            body="multipart",
        ),
        Operation("ocr", "POST", "/v1/ocr", "/ocr"),
        Operation("moderations", "POST", "/v1/moderations", "/moderations", is_at_root=False),
        Operation("chat_moderations", "POST", "/v1/chat/moderations", "/chat/moderations"),
        Operation("list_models", "GET", "/v1/models", None, is_at_root=False),
        Operation("get_model", "GET", "/v1/models/{route}", None, is_at_root=False),
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
    bases=("/mistral",),
    read_form=read_form,
    request_id_header="mistral-correlation-id",
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
        moderations=Moderations(
            read_request=moderation.read_request,
            write_request=moderation.write_request,
            read_response=moderation.read_response,
            write_response=moderation.write_response,
            path_of=moderation.path_of,
        ),
    ),
)
