"""Amazon Bedrock's InvokeModel: a body in a model's own words, relayed between clients and hosts that both speak it.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html, recalled 2026-11; the rest from
recordings.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Operation
from hortus.dialects.bedrock_invoke import relay
from hortus.dialects.bedrock_invoke.relay_stream import open_stream
from hortus.dialects.bedrock_invoke.units import weigh
from hortus.framing.aws_asking import write_request
from hortus.framing.aws_errors import render_error, render_stream_error
from hortus.framing.aws_routes import write_route, write_routes

NAME = "bedrock_invoke"
_PATH = "/model/{{{}}}/invoke"


def _post(end: str = "", *, is_stream: bool) -> Operation:
    path, host_path = _PATH.format("route") + end, _PATH.format("whole_model") + end
    return Operation("invoke", "POST", path, host_path, can_stream=is_stream, is_stream=is_stream)


DIALECT = Dialect(
    name=NAME,
    operations=(_post(is_stream=False), _post("-with-response-stream", is_stream=True)),
    read_request=relay.read_request,
    write_request=write_request,
    render_error=render_error,
    render_stream_error=render_stream_error,
    read_answer=relay.read_answer,
    usage_in_headers=relay.usage_in_headers,
    open_stream=open_stream,
    weigh=weigh,
    cap_output=lambda asked, _: asked,  # a route's limit is one of chats; each family calls its own otherwise
    write_routes=write_routes,
    write_route=write_route,
    bases=("/bedrock",),
    request_id_header="x-amzn-requestid",
    passed_headers=(
        "x-amzn-bedrock-accept",
        "x-amzn-bedrock-guardrailidentifier",
        "x-amzn-bedrock-guardrailversion",
        "x-amzn-bedrock-performanceconfig-latency",
        "x-amzn-bedrock-service-tier",
        "x-amzn-bedrock-trace",
    ),
)
