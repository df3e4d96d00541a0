"""Google's generateContent, as the Gemini API (`v1`, `v1beta`) and Vertex AI (`v1`, `v1beta1`) speak it.

https://ai.google.dev/api and https://cloud.google.com/vertex-ai/docs/reference/rest, read 2026-11.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Operation
from hortus.canon.translation import Chat, Embeddings, TokenCount, Translation
from hortus.dialects.gemini import embeddings, request, response, token_count
from hortus.dialects.gemini.errors import read_error, render_error, render_stream_error
from hortus.dialects.gemini.frames import stream_type
from hortus.dialects.gemini.members import NAME
from hortus.dialects.gemini.relay import read_answer, read_request, write_request
from hortus.dialects.gemini.relay_stream import Stream
from hortus.dialects.gemini.routes import write_route, write_routes
from hortus.dialects.gemini.stream_reader import Reader
from hortus.dialects.gemini.stream_writer import Writer
from hortus.dialects.gemini.units import cap_output, weigh
from hortus.dialects.gemini.vocabulary import VOCABULARY

_METHODS = (
    ("chat", "generateContent", False),
    ("chat", "streamGenerateContent", True),
    ("count_tokens", "countTokens", False),
    ("embeddings", "embedContent", False),
    ("batch_embeddings", "batchEmbedContents", False),
)
"""Operation, Google's name of it, and whether it is a stream."""

_PLACES = (
    "/v1beta",
    "/v1",
    "/v1beta1/projects/{project}/locations/{location}/publishers/{publisher}",
    "/v1/projects/{project}/locations/{location}/publishers/{publisher}",
    "/v1beta1/publishers/{publisher}",
    "/v1/publishers/{publisher}",
)
"""What stands before `/models`: the first two at the Gemini API, the others at Vertex."""

_OPENAI = "/v1"
"""At the root, GET /v1/models is OpenAI's."""


def _operations(place: str) -> tuple[Operation, ...]:
    models = f"{place}/models"
    posts = tuple(
        Operation(
            name,
            "POST",
            f"{models}/{{route}}:{method}",
            f"/models/{{model}}:{method}" + ("?alt=sse" if is_stream else ""),
            can_stream=is_stream,
            is_stream=is_stream,
        )
        for name, method, is_stream in _METHODS
    )
    at_root = place != _OPENAI
    return (
        *posts,
        Operation("list_models", "GET", models, None, is_at_root=at_root),
        Operation("get_model", "GET", f"{models}/{{route}}", None, is_at_root=at_root),
    )


DIALECT = Dialect(
    name=NAME,
    operations=tuple(operation for place in _PLACES for operation in _operations(place)),
    read_request=read_request,
    write_request=write_request,
    render_error=render_error,
    render_stream_error=render_stream_error,
    read_answer=read_answer,
    open_stream=Stream,
    weigh=weigh,
    cap_output=cap_output,
    write_routes=write_routes,
    write_route=write_route,
    bases=("/gemini", "/vertex"),
    request_id_header="x-goog-request-id",
    passed_query=("alt", "$alt"),
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
            stream_type=stream_type,
        ),
        embeddings=Embeddings(
            read_request=embeddings.read_request,
            write_request=embeddings.write_request,
            read_response=embeddings.read_response,
            write_response=embeddings.write_response,
            path_of=embeddings.path_of,
        ),
        token_count=TokenCount(
            read_request=token_count.read_request,
            write_request=token_count.write_request,
            read_response=token_count.read_response,
            write_response=token_count.write_response,
        ),
    ),
)
