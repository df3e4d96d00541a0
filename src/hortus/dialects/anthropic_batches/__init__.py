"""Anthropic's Message Batches: a host works through a list of messages, within a day and for less.

https://github.com/anthropics/anthropic-sdk-python (`resources/messages/batches.py`), read 2026-11.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Lists, Operation
from hortus.dialects.anthropic_batches import answers, relay
from hortus.framing import openai_keeping as keeping
from hortus.framing import plain
from hortus.framing.anthropic_errors import render_error, render_stream_error

_ALL, _ONE = "/v1/messages/batches", "/v1/messages/batches/{id}"
_ALL_THERE, _ONE_THERE = "/messages/batches", "/messages/batches/{id}"

DIALECT = Dialect(
    name=relay.NAME,
    operations=(
        Operation("create_batch", "POST", _ALL, _ALL_THERE),
        Operation("list_batches", "GET", _ALL, _ONE_THERE, lists="message_batch", is_free=True, body="none"),
        Operation("get_batch", "GET", _ONE, _ONE_THERE, id_kind="message_batch", is_free=True, body="none"),
        Operation(
            *("cancel_batch", "POST", f"{_ONE}/cancel", f"{_ONE_THERE}/cancel"),
            id_kind="message_batch",
            is_free=True,
            body="none",
        ),
        Operation(
            *("delete_batch", "DELETE", _ONE, _ONE_THERE),
            id_kind="message_batch",
            deletes=True,
            is_free=True,
            body="none",
        ),
        Operation(
            *("batch_results", "GET", f"{_ONE}/results", f"{_ONE_THERE}/results"),
            id_kind="message_batch",
            is_free=True,
            body="none",
            answer="bytes",
        ),
    ),
    read_request=relay.read_request,
    write_request=relay.write_request,
    render_error=render_error,
    render_stream_error=render_stream_error,
    read_answer=answers.read_answer,
    open_stream=keeping.open_stream,
    open_bytes=answers.open_bytes,
    weigh=relay.weigh,
    cap_output=plain.cap_nothing,
    write_routes=keeping.write_routes,
    write_route=keeping.write_route,
    bases=("/anthropic",),
    request_id_header="request-id",
    passed_headers=("anthropic-beta", "anthropic-version"),
    lists=Lists(answers.read_page, keeping.is_any, answers.write_page),
)
