"""What answers about batches say: an id that is given out, and where the results lie: at Hortus, as clients see it.

A host names its own address there. A client that followed it would send its key of this Hortus to that host, so the
address becomes a path below the one that the client uses; Anthropic's SDKs take that as they take an address.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from hortus.canon.dialect import Answer, Asked, HostId, Operation, Page
from hortus.canon.errors import InvalidRequest
from hortus.canon.usage import Usage
from hortus.dialects.anthropic_batches.results import Results
from hortus.framing.counting import UNREADABLE
from hortus.framing.openai_keeping import read_page as read_usual_page
from hortus.framing.shallow import Members, write_members

_RESULTS = "results_url"
_DELETED = "message_batch_deleted"

_ENCODE = msgspec.json.Encoder().encode
_DECODE_MEMBERS = msgspec.json.Decoder(Members).decode


class _Counts(msgspec.Struct):
    processing: int = 0
    succeeded: int = 0


class _Batch(msgspec.Struct):
    id: str = ""
    type: str = ""
    processing_status: str = ""
    request_counts: _Counts | None = None
    results_url: str | None = None

    @property
    def has_used_nothing(self) -> bool:
        """Whether it is at its end and nothing succeeded, so that nothing is charged; recalled 2026-11."""
        counts = self.request_counts
        return self.processing_status == "ended" and counts is not None and counts.processing + counts.succeeded == 0


class _Listed(msgspec.Struct):
    data: tuple[msgspec.Raw, ...]
    has_more: bool
    first_id: str | None
    last_id: str | None


_DECODE = msgspec.json.Decoder(_Batch).decode


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return what an answer gives out, and the answer as clients get it."""
    del operation, input_bytes
    batch = _read(body)
    given: tuple[HostId, ...] = (("message_batch", batch.id),) if batch.id and batch.type != _DELETED else ()
    return Answer(
        usage=Usage(), served_model=None, given_ids=given, body=_led_home(body, batch), has_ended=batch.has_used_nothing
    )


def open_bytes(asked: Asked) -> Results:
    """Return a reader of results: they pass as they are."""
    del asked
    return Results()


def read_page(query: Mapping[str, str]) -> Page:
    """Return which part of a list is wanted.

    Raises:
        InvalidRequest: `limit` is no whole number above zero, or the list is to be read backwards.
    """
    if query.get("before_id"):
        raise InvalidRequest(
            "Lists of what hosts keep begin with the newest and go on from there.",
            path="before_id",
            hint="Use `after_id`.",
        )
    page = read_usual_page({name: value for name, value in query.items() if name == "limit"})
    return Page(page.limit, query.get("after_id") or None)


def write_page(items: tuple[msgspec.Raw, ...], has_more: bool) -> bytes:  # noqa: FBT001 -- the signature of `Lists`
    """Return a list."""
    batches = [_read(item) for item in items]
    data = tuple(msgspec.Raw(_led_home(item, batch) or item) for item, batch in zip(items, batches, strict=True))
    first, last = (batches[0].id, batches[-1].id) if batches else (None, None)
    return _ENCODE(_Listed(data, has_more, first, last))


def _read(body: bytes | msgspec.Raw) -> _Batch:
    try:
        return _DECODE(body)
    except UNREADABLE:
        return _Batch()


def _led_home(body: bytes | msgspec.Raw, batch: _Batch) -> bytes | None:
    """Return the answer with Hortus' own path to the results, every other value as it came; None where it has none."""
    if not batch.results_url:
        return None
    path = f"/v1/messages/batches/{quote(batch.id, safe='')}/results"
    try:
        return write_members(_DECODE_MEMBERS(body) | {_RESULTS: msgspec.Raw(_ENCODE(path))})
    except UNREADABLE:  # no text at all, which clients cannot read either
        return None
