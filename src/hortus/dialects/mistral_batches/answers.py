"""What answers about jobs say: ids that are given out, and what was used, where the answer has the outputs in it.

https://github.com/mistralai/client-python (`models/batchjob.py`), read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from hortus.canon.dialect import Answer, Operation, Page
from hortus.canon.errors import InvalidRequest
from hortus.canon.usage import COUNTS, Usage
from hortus.framing.counting import UNREADABLE
from hortus.framing.metering import read_members, usage_of
from hortus.framing.openai_keeping import Named, given_ids
from hortus.framing.openai_keeping import read_page as read_usual_page

_GIVEN: Named = {"id": "batch_job", "output_file": "file", "error_file": "file"}
_NOTHING: Named = {}
_CHATS = "mistral"
_TIER = "batch"
_USUAL_PAGE = "100"
_ENDED = frozenset(("SUCCESS", "FAILED", "TIMEOUT_EXCEEDED", "CANCELLED"))
_NONE = msgspec.Raw(b"null")


class _Body(msgspec.Struct):
    usage: msgspec.Raw = _NONE


class _Response(msgspec.Struct):
    body: _Body | None = None


class _Output(msgspec.Struct):
    response: _Response | None = None


class _Job(msgspec.Struct):
    status: str = ""
    succeeded_requests: int | None = None
    outputs: list[_Output] | None = None


class _Listed(msgspec.Struct):
    total: int
    data: tuple[msgspec.Raw, ...]
    object: str = "list"


_DECODE = msgspec.json.Decoder(_Job).decode
_ENCODE = msgspec.json.Encoder().encode


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return what an answer gives out, and what the job has used where it has ended and that can be known."""
    del input_bytes
    used = read_used(body)
    named = _NOTHING if operation.deletes else _GIVEN
    return Answer(used or Usage(), None, given_ids(body, named), has_ended=used is not None)


def read_used(body: bytes) -> Usage | None:
    """Return what a job has used, None where it goes on, or the answer does not have all that succeeded in it."""
    try:
        job = _DECODE(body)
    except UNREADABLE:
        return None
    if job.status not in _ENDED or job.succeeded_requests is None:
        return None
    total, known = Usage(service_tier=_TIER), 0
    for output in job.outputs or ():
        used = _used_by(output)
        if used is not None:
            known += 1
            sums = {name: getattr(total, name) + getattr(used, name) for name in COUNTS}
            total = replace(total, **sums)
    return total if known >= job.succeeded_requests else None


def _used_by(output: _Output) -> Usage | None:
    body = None if output.response is None else output.response.body
    members = None if body is None else read_members(body.usage)
    return None if members is None else usage_of(_CHATS, members)


def read_page(query: Mapping[str, str]) -> Page:
    """Return which part of a list is wanted.

    Raises:
        InvalidRequest: `page_size` is no whole number above zero, or another page or order is asked for.
    """
    if query.get("page", "0") != "0" or query.get("order_by", "-created") != "-created":
        raise InvalidRequest(
            "Lists of jobs begin with the newest, and have one page.", path="page", hint="Ask for the others by id."
        )
    return read_usual_page({"limit": query.get("page_size", _USUAL_PAGE)})


def write_page(items: tuple[msgspec.Raw, ...], has_more: bool) -> bytes:  # noqa: FBT001 -- the signature of `Lists`
    """Return a list; where there are more, `total` is one more than it shows."""
    return _ENCODE(_Listed(len(items) + has_more, items))
