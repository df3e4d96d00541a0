"""OpenAI's judging of content, at `/v1/moderations`.

https://developers.openai.com/api/reference, recalled 2026-11; and recordings.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Operation
from hortus.canon.translation import Moderations, Translation
from hortus.dialects.openai_moderations.judging import read_request, read_response, write_request, write_response
from hortus.dialects.openai_moderations.relay import read_answer, weigh
from hortus.dialects.openai_moderations.relay import read_request as read_asked
from hortus.dialects.openai_moderations.vocabulary import VOCABULARY
from hortus.dialects.openai_moderations.wire import NAME
from hortus.framing import plain
from hortus.framing.openai_errors import read_error, render_error

DIALECT = Dialect(
    name=NAME,
    operations=(Operation("moderations", "POST", "/v1/moderations", "/moderations"),),
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
    bases=("/openai",),
    translation=Translation(
        vocabulary=VOCABULARY,
        read_error=read_error,
        moderations=Moderations(
            read_request=read_request,
            write_request=write_request,
            read_response=read_response,
            write_response=write_response,
        ),
    ),
)
