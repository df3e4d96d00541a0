"""OpenAI's files and uploads: what hosts keep for later requests, batches and tuning jobs.

https://github.com/openai/openai-python (`resources/files.py`, `resources/uploads/`), read 2026-11.
"""

from __future__ import annotations

from hortus.canon.dialect import Dialect, Lists, Operation
from hortus.dialects.openai_files import relay
from hortus.dialects.openai_files.relay import ADD_PART, CREATE
from hortus.framing import openai_keeping as keeping
from hortus.framing import plain
from hortus.framing.openai_errors import render_error

DIALECT = Dialect(
    name=relay.NAME,
    operations=keeping.as_operations(
        (
            Operation("list_files", "GET", "/files", "/files/{id}", lists="file", is_free=True, body="none"),
            Operation("get_file", "GET", "/files/{id}", "/files/{id}", id_kind="file", is_free=True, body="none"),
            Operation(
                "delete_file",
                "DELETE",
                "/files/{id}",
                "/files/{id}",
                id_kind="file",
                deletes=True,
                is_free=True,
                body="none",
            ),
            Operation(CREATE, "POST", "/files", "/files", is_free=True, body="multipart"),
            Operation(
                *("file_content", "GET", "/files/{id}/content", "/files/{id}/content"),
                id_kind="file",
                is_free=True,
                body="none",
                answer="bytes",
            ),
            Operation("create_upload", "POST", "/uploads", "/uploads", is_free=True),
            Operation(
                *(ADD_PART, "POST", "/uploads/{id}/parts", "/uploads/{id}/parts"),
                id_kind="upload",
                is_free=True,
                body="multipart",
            ),
            Operation(
                *("complete_upload", "POST", "/uploads/{id}/complete", "/uploads/{id}/complete"),
                id_kind="upload",
                is_free=True,
            ),
            Operation(
                *("cancel_upload", "POST", "/uploads/{id}/cancel", "/uploads/{id}/cancel"),
                id_kind="upload",
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
    read_form=relay.read_form,
    open_bytes=relay.open_content,
    requests_in=relay.requests_in,
    lists=Lists(keeping.read_page, relay.is_wanted, keeping.write_page),
)
