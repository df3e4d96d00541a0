"""A request to Bedrock as it passes: the path has the model, and the body may name files in buckets.

These are read by the host with our rights, not the client's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from hortus.canon.dialect import Asked, HostId, Operation, Rewritten
from hortus.canon.errors import InvalidRequest
from hortus.framing.shallow import Members, read_members, write_members

ADAPTED_MODEL = "model"
"""Adaptation: the route's name is replaced by the host's name of the model."""

_S3 = b"s3Location"
_FREE = frozenset(("input", "json", "additionalModelRequestFields"))
"""Members whose content is the client's own, or the model's words."""

_DECODE_ANY = msgspec.json.Decoder().decode


def read_asked(
    operation: Operation, body: bytes, route: str | None, *, limit_of: Callable[[Members], int | None]
) -> Asked:
    """Read the output limit and what hosts keep out of a request; route and stream stand in its path.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: The path names no route, or nested too deep.
    """
    if not route:
        raise InvalidRequest("The path names no model.", path="modelId", hint="Write a route's name there.")
    members = read_members(body)
    return Asked(
        route=route,
        is_stream=bool(operation.is_stream),
        wants_usage=True,
        output_limit=limit_of(members),
        members=members,
        host_ids=_files_in_buckets(body),
    )


def write_request(asked: Asked, upstream_model: str) -> Rewritten:
    """Return the body, every member byte for byte, for a host that calls the model `upstream_model` in the path."""
    adaptations = (ADAPTED_MODEL,) if upstream_model != asked.route else ()
    return Rewritten(body=write_members(asked.members), adaptations=adaptations)


def _files_in_buckets(body: bytes) -> tuple[HostId, ...]:
    if _S3 not in body and b"\\u00" not in body:
        return ()
    return tuple(dict.fromkeys(("file", uri) for uri in _uris(_DECODE_ANY(body))))


def _uris(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for one in value:
            yield from _uris(one)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name == _S3.decode() and isinstance(inner, dict):
                yield str(inner.get("uri", ""))
            elif name not in _FREE:
                yield from _uris(inner)
