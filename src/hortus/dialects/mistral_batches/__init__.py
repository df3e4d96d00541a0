"""Mistral's batch jobs: a host works through requests that the job itself brings, within a day and for less.

https://github.com/mistralai/client-python (`jobs.py`), read 2026-11.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Lists, Operation
from hortus.dialects.mistral_batches import answers, relay
from hortus.framing import openai_keeping as keeping
from hortus.framing import plain
from hortus.framing.mistral_errors import render_error, render_stream_error

_ALL, _ONE = "/v1/batch/jobs", "/v1/batch/jobs/{id}"
_ALL_THERE, _ONE_THERE = "/batch/jobs", "/batch/jobs/{id}"

DIALECT = Dialect(
    name=relay.NAME,
    operations=(
        Operation("create_batch", "POST", _ALL, _ALL_THERE),
        Operation("list_batches", "GET", _ALL, _ONE_THERE, lists="batch_job", is_free=True, body="none"),
        Operation("get_batch", "GET", _ONE, _ONE_THERE, id_kind="batch_job", is_free=True, body="none"),
        Operation(
            *("cancel_batch", "POST", f"{_ONE}/cancel", f"{_ONE_THERE}/cancel"),
            id_kind="batch_job",
            is_free=True,
            body="none",
        ),
        Operation(
            *("delete_batch", "DELETE", _ONE, _ONE_THERE), id_kind="batch_job", deletes=True, is_free=True, body="none"
        ),
    ),
    read_request=relay.read_request,
    write_request=relay.write_request,
    render_error=render_error,
    render_stream_error=render_stream_error,
    read_answer=answers.read_answer,
    open_stream=keeping.open_stream,
    weigh=relay.weigh,
    cap_output=plain.cap_nothing,
    write_routes=keeping.write_routes,
    write_route=keeping.write_route,
    bases=("/mistral",),
    request_id_header="mistral-correlation-id",
    passed_query=("inline",),
    lists=Lists(answers.read_page, keeping.is_any, answers.write_page),
)
