"""Amazon Bedrock's Converse: chat, its stream, and token counting.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, read 2026-11.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Operation
from hortus.canon.translation import Chat, TokenCount, Translation
from hortus.dialects.bedrock_converse import relay, token_count
from hortus.dialects.bedrock_converse.relay_stream import open_stream
from hortus.dialects.bedrock_converse.request import read_request, write_request
from hortus.dialects.bedrock_converse.response import read_response, write_response
from hortus.dialects.bedrock_converse.stream_reader import Reader
from hortus.dialects.bedrock_converse.stream_writer import Writer
from hortus.dialects.bedrock_converse.units import cap_output, weigh
from hortus.dialects.bedrock_converse.vocabulary import VOCABULARY
from hortus.dialects.bedrock_converse.wire import NAME
from hortus.framing.aws_asking import write_request as relay_request
from hortus.framing.aws_errors import read_error, render_error, render_stream_error
from hortus.framing.aws_frames import STREAM_TYPE
from hortus.framing.aws_routes import write_route, write_routes


def _post(name: str, method: str, *, is_stream: bool = False) -> Operation:
    path, host_path = f"/model/{{route}}/{method}", f"/model/{{whole_model}}/{method}"
    return Operation(name, "POST", path, host_path, can_stream=is_stream, is_stream=is_stream)


DIALECT = Dialect(
    name=NAME,
    operations=(
        _post("chat", "converse"),
        _post("chat", "converse-stream", is_stream=True),
        _post("count_tokens", "count-tokens"),
        Operation("list_models", "GET", "/foundation-models", None, is_at_root=False),
        Operation("get_model", "GET", "/foundation-models/{route}", None, is_at_root=False),
    ),
    read_request=relay.read_request,
    write_request=relay_request,
    render_error=render_error,
    render_stream_error=render_stream_error,
    read_answer=relay.read_answer,
    open_stream=open_stream,
    weigh=weigh,
    cap_output=cap_output,
    write_routes=write_routes,
    write_route=write_route,
    bases=("/bedrock",),
    request_id_header="x-amzn-requestid",
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
            stream_type=lambda _: STREAM_TYPE,
        ),
        token_count=TokenCount(
            read_request=token_count.read_request,
            write_request=token_count.write_request,
            read_response=token_count.read_response,
            write_response=token_count.write_response,
        ),
    ),
)
