"""What the gateway must know of batches: the file that one is made of, the files that come out, what it has used."""

from __future__ import annotations

import msgspec

from hortus.canon.dialect import Answer, Asked, Operation
from hortus.canon.errors import InvalidRequest
from hortus.canon.usage import Usage
from hortus.framing.counting import MOST_TOKENS, UNREADABLE, part_of
from hortus.framing.openai_keeping import Named, given_ids, read_body

NAME = "openai_batches"

_INPUT = "input_file_id"
_NAMED: Named = {_INPUT: "file"}
_NOTHING: Named = {}
_GIVEN: Named = {"id": "batch", "output_file_id": "file", "error_file_id": "file"}

_ENDED = frozenset(("completed", "failed", "expired", "cancelled"))
"""https://github.com/openai/openai-python, `types/batch.py`, read 2026-11."""

_REFUSED = "failed"
"""The file was not taken: nothing of it was run, and some hosts then say nothing of usage. Recalled 2026-11."""

_TIER = "batch"


class _Cached(msgspec.Struct):
    cached_tokens: int = 0


class _Reasoned(msgspec.Struct):
    reasoning_tokens: int = 0


class _Used(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    input_tokens_details: _Cached | None = None
    output_tokens_details: _Reasoned | None = None


class _Counted(msgspec.Struct):
    completed: int = 0
    failed: int = 0


class _Batch(msgspec.Struct):
    status: str = ""
    usage: _Used | None = None
    request_counts: _Counted | None = None


_DECODE = msgspec.json.Decoder(_Batch).decode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read a request.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: A batch is to be made of no file.
    """
    del route  # the gateway's: it is the id in the path
    if operation.name != "create_batch":
        return read_body(body, _NOTHING)
    asked = read_body(body, _NAMED)
    if not asked.host_ids:
        raise InvalidRequest(
            f"`{_INPUT}` is missing.", path=_INPUT, hint="Send the requests to /v1/files, with the purpose `batch`."
        )
    return asked


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return what a batch gives out, and what it has used once it has come to its end and its host says so."""
    del operation, input_bytes
    used = read_used(body)
    return Answer(
        usage=used or Usage(), served_model=None, given_ids=given_ids(body, _GIVEN), has_ended=used is not None
    )


def read_used(body: bytes) -> Usage | None:
    """Return what a batch has used, None where it goes on, or its host does not say."""
    try:
        batch = _DECODE(body)
    except UNREADABLE:
        return None
    used = batch.usage
    if used is None and batch.status == _REFUSED and not _has_run(batch.request_counts):
        used = _Used()
    if used is None or batch.status not in _ENDED:
        return None
    given, made = (min(max(count, 0), MOST_TOKENS) for count in (used.input_tokens, used.output_tokens))
    cached = used.input_tokens_details.cached_tokens if used.input_tokens_details is not None else 0
    reasoned = used.output_tokens_details.reasoning_tokens if used.output_tokens_details is not None else 0
    return Usage(
        input_tokens=given,
        output_tokens=made,
        cached_input_tokens=part_of(cached, given),
        reasoning_tokens=part_of(reasoned, made),
        service_tier=_TIER,
    )


def _has_run(counts: _Counted | None) -> bool:
    return counts is not None and counts.completed + counts.failed > 0
