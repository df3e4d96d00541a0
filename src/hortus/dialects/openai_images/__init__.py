"""OpenAI's pictures: made from words, edited, varied. Hosts and local programs speak it likewise.

https://developers.openai.com/api/reference/resources/images, recalled 2026-11; openai-python 3.52, read 2026-11.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Operation
from hortus.dialects.openai_images.relay import (
    EDITS,
    GENERATIONS,
    NAME,
    VARIATIONS,
    open_stream,
    read_answer,
    read_form,
    read_request,
)
from hortus.dialects.openai_images.units import weigh
from hortus.framing import plain
from hortus.framing.azure_paths import at_deployments
from hortus.framing.openai_errors import render_error

_OPERATIONS = (
    Operation(GENERATIONS, "POST", "/v1/images/generations", "/images/generations", can_stream=True),
    Operation(EDITS, "POST", "/v1/images/edits", "/images/edits", can_stream=True, body="either"),
    Operation(VARIATIONS, "POST", "/v1/images/variations", "/images/variations", body="multipart"),
)

DIALECT = Dialect(
    name=NAME,
    operations=(*_OPERATIONS, *at_deployments(_OPERATIONS)),
    read_request=read_request,
    write_request=plain.write_request,
    render_error=render_error,
    render_stream_error=plain.write_error,
    read_answer=read_answer,
    open_stream=open_stream,
    weigh=weigh,
    cap_output=plain.cap_nothing,
    write_routes=plain.no_routes,
    write_route=plain.no_route,
    bases=("/openai", "/azure", "/azure/openai"),
    read_form=read_form,
)
