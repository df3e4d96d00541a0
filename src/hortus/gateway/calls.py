"""What stands around a body that belongs to the request all the same: path, address, headers of the dialect."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from hortus.canon.translation import Call
from hortus.gateway.door import Found
from hortus.gateway.visit import Visit

_KEY = "key"
_NONE: Mapping[str, str] = {}


def call_of(visit: Visit, found: Found) -> Call:
    """Return what stands around the body of a request; a key in the address is left out."""
    query, dialect = visit.exchange.query, found.dialect
    said = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)) if query else {}
    said.pop(_KEY, None)
    headers = _NONE
    if dialect.passed_headers:
        received = visit.received
        pairs = ((name, received.get(name.encode())) for name in dialect.passed_headers)
        headers = {name: value.decode("latin-1") for name, value in pairs if value is not None}
    return Call(route=found.argument, is_stream=found.operation.is_stream, query=said, headers=headers)
