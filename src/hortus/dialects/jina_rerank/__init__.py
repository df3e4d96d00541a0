"""Rankings of documents by a question, as Jina, llama.cpp, vLLM and Together take them at `/v1/rerank`.

https://jina.ai/reranker, recalled 2026-11; llama.cpp's from recordings.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Operation
from hortus.canon.translation import Rerank, Translation
from hortus.dialects.jina_rerank.ranking import read_request, read_response, write_request, write_response
from hortus.dialects.jina_rerank.relay import read_answer, weigh
from hortus.dialects.jina_rerank.relay import read_request as read_asked
from hortus.dialects.jina_rerank.vocabulary import VOCABULARY
from hortus.dialects.jina_rerank.wire import NAME
from hortus.framing import plain
from hortus.framing.openai_errors import read_error, render_error

DIALECT = Dialect(
    name=NAME,
    operations=(Operation("rerank", "POST", "/v1/rerank", "/rerank"),),
    read_request=read_asked,
    write_request=plain.write_request,
    render_error=render_error,
    render_stream_error=plain.write_error,
    read_answer=read_answer,
    open_stream=plain.no_stream,
    weigh=weigh,
    cap_output=plain.cap_nothing,
    write_routes=plain.no_routes,
    write_route=plain.no_route,
    bases=("/jina",),
    translation=Translation(
        vocabulary=VOCABULARY,
        read_error=read_error,
        rerank=Rerank(
            read_request=read_request,
            write_request=write_request,
            read_response=read_response,
            write_response=write_response,
        ),
    ),
)
