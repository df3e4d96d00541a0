"""OpenAI's Responses API.

https://platform.openai.com/docs/api-reference/responses, read 2026-11. Models are listed by OpenAI's other dialect,
which has the same bases. Answers that Hortus itself keeps can be fetched and deleted by their ids; those that only a
host keeps, and answers in the background, cannot.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Operation
from hortus.canon.translation import Chat, TokenCount, Translation
from hortus.dialects.openai_responses import relay
from hortus.dialects.openai_responses.continuing import CONTINUING
from hortus.dialects.openai_responses.errors import render_stream_error
from hortus.dialects.openai_responses.relay_stream import open_stream
from hortus.dialects.openai_responses.request import read_request
from hortus.dialects.openai_responses.request_writer import write_request
from hortus.dialects.openai_responses.response import read_response
from hortus.dialects.openai_responses.response_writer import write_response
from hortus.dialects.openai_responses.stream_reader import Reader
from hortus.dialects.openai_responses.stream_writer import Writer
from hortus.dialects.openai_responses.tokens import read_token_count, write_count_request, write_token_count
from hortus.dialects.openai_responses.units import cap_output, weigh
from hortus.dialects.openai_responses.vocabulary import VOCABULARY
from hortus.dialects.openai_responses.wire import NAME
from hortus.framing.openai_errors import read_error, render_error

DIALECT = Dialect(
    name=NAME,
    operations=tuple(
        Operation(name, method, v1 + path, host_path, can_stream=name == "chat", is_at_root=bool(v1))
        for v1 in ("/v1", "")  # the latter stands below Azure's `/openai`, whatever the `api-version`
        for name, method, path, host_path in (
            ("chat", "POST", "/responses", "/responses"),
            ("count_tokens", "POST", "/responses/input_tokens", "/responses/input_tokens"),
            ("list_input_items", "GET", "/responses/{id}/input_items", None),
            ("get_response", "GET", "/responses/{id}", None),
            ("delete_response", "DELETE", "/responses/{id}", None),
        )
    ),
    read_request=relay.read_request,
    write_request=relay.write_request,
    render_error=render_error,
    render_stream_error=render_stream_error,
    read_answer=relay.read_answer,
    open_stream=open_stream,
    weigh=weigh,
    cap_output=cap_output,
    write_routes=relay.write_routes,
    write_route=relay.write_route,
    bases=("/openai", "/azure", "/azure/openai"),
    continuing=CONTINUING,
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
