"""OpenAI's batches: a host works through a file of requests, within a day and for less.

https://github.com/openai/openai-python (`resources/batches.py`, `types/batch.py`), read 2026-11.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Lists, Operation
from hortus.dialects.openai_batches import relay
from hortus.framing import openai_keeping as keeping
from hortus.framing import plain
from hortus.framing.openai_errors import render_error

DIALECT = Dialect(
    name=relay.NAME,
    operations=keeping.as_operations(
        (
            Operation("create_batch", "POST", "/batches", "/batches"),
            Operation("list_batches", "GET", "/batches", "/batches/{id}", lists="batch", is_free=True, body="none"),
            Operation("get_batch", "GET", "/batches/{id}", "/batches/{id}", id_kind="batch", is_free=True, body="none"),
            Operation(
                *("cancel_batch", "POST", "/batches/{id}/cancel", "/batches/{id}/cancel"),
                id_kind="batch",
                is_free=True,
                body="none",
            ),
        )
    ),
    read_request=relay.read_request,
    write_request=keeping.write_body,
    render_error=render_error,
    render_stream_error=keeping.render_stream_error,
    read_answer=relay.read_answer,
    open_stream=keeping.open_stream,
    weigh=keeping.weigh,
    cap_output=plain.cap_nothing,
    write_routes=keeping.write_routes,
    write_route=keeping.write_route,
    bases=keeping.BASES,
    lists=Lists(keeping.read_page, keeping.is_any, keeping.write_page),
)
