"""Cohere's API v2: chat, embeddings and reranking, and its list of models.

https://docs.cohere.com/reference/about, recalled 2026-11; exact on recordings, and tried with cohere 7.3.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Operation
from hortus.canon.translation import Chat, Embeddings, Rerank, Translation
from hortus.dialects.cohere_v2 import embeddings, relay, rerank
from hortus.dialects.cohere_v2.errors import read_error, render_error, render_stream_error
from hortus.dialects.cohere_v2.relay_stream import open_stream
from hortus.dialects.cohere_v2.request import read_request, write_request
from hortus.dialects.cohere_v2.response import read_response, write_response
from hortus.dialects.cohere_v2.routes import write_route, write_routes
from hortus.dialects.cohere_v2.stream_reader import Reader
from hortus.dialects.cohere_v2.stream_writer import Writer
from hortus.dialects.cohere_v2.units import cap_output, weigh
from hortus.dialects.cohere_v2.vocabulary import VOCABULARY
from hortus.dialects.cohere_v2.wire import NAME

DIALECT = Dialect(
    name=NAME,
    operations=(
        Operation("chat", "POST", "/v2/chat", "/chat", can_stream=True),
        Operation("embeddings", "POST", "/v2/embed", "/embed"),
        Operation("rerank", "POST", "/v2/rerank", "/rerank"),
        # At the root these paths are OpenAI's.
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
    bases=("/cohere",),
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
        embeddings=Embeddings(
            read_request=embeddings.read_request,
            write_request=embeddings.write_request,
            read_response=embeddings.read_response,
            write_response=embeddings.write_response,
        ),
        rerank=Rerank(
            read_request=rerank.read_request,
            write_request=rerank.write_request,
            read_response=rerank.read_response,
            write_response=rerank.write_response,
        ),
    ),
)
