"""A request and its answer as they pass between client and host that both speak Converse; the path has the model."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import Raw

from hortus.canon.dialect import Answer, Asked, HostId, Operation, Rewritten
from hortus.canon.errors import InvalidRequest
from hortus.canon.usage import Usage
from hortus.dialects.bedrock_converse.response import tier_of
from hortus.dialects.bedrock_converse.usage import count
from hortus.framing.asking import read_limit
from hortus.framing.counting import UNREADABLE, estimate_whole, read_served_model
from hortus.framing.shallow import Members, read_members, write_members

ADAPTED_MODEL = "model"
"""Adaptation: the route's name is replaced by the host's name of the model."""

CONFIG, LIMIT = "inferenceConfig", "maxTokens"
_S3 = b"s3Location"
_FREE = frozenset(("input", "json", "additionalModelRequestFields"))
"""Members whose content is the client's own, or the model's words."""

_NOTHING = Raw(b"null")
_DECODE_MEMBERS = msgspec.json.Decoder(Members).decode
_DECODE_ANY = msgspec.json.Decoder().decode


class _Router(msgspec.Struct, rename="camel"):
    invoked_model_id: Raw = _NOTHING


class _Trace(msgspec.Struct, rename="camel"):
    prompt_router: _Router | None = None


class Said(msgspec.Struct, rename="camel"):
    """What an answer, or the last event of a stream, says of itself."""

    usage: Raw = _NOTHING
    service_tier: Raw = _NOTHING
    output: Raw = _NOTHING
    trace: _Trace | None = None

    def counted(self) -> Usage | None:
        """Return the usage, None where none is said."""
        return None if self.usage == _NOTHING else count(self.usage, tier_of(self.service_tier))

    def served_model(self) -> str | None:
        """Return which model answered, where a router of Bedrock's chose it."""
        router = self.trace.prompt_router if self.trace is not None else None
        return None if router is None else read_served_model(router.invoked_model_id)


_DECODE = msgspec.json.Decoder(Said).decode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
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
        output_limit=read_limit(config_of(members), LIMIT),
        members=members,
        host_ids=_files(body),
    )


def config_of(members: Members) -> Members:
    """Return the members of `inferenceConfig`, none where it is absent or the host's to judge."""
    try:
        return _DECODE_MEMBERS(members.get(CONFIG, b"{}"))
    except msgspec.DecodeError:
        return {}


def write_request(asked: Asked, upstream_model: str) -> Rewritten:
    """Return the body for a host that calls the model `upstream_model`, which stands in the path."""
    adaptations = (ADAPTED_MODEL,) if upstream_model != asked.route else ()
    return Rewritten(body=write_members(asked.members), adaptations=adaptations)


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return usage and served model of a whole answer; what the host leaves out is estimated."""
    if operation.name != "chat":  # counting tokens uses none
        return Answer(usage=Usage(), served_model=None)
    try:
        said = _DECODE(body)
    except UNREADABLE:
        said = Said()
    usage = said.counted()
    if usage is None:
        output_bytes = 0 if said.output == _NOTHING else len(bytes(said.output))
        usage = estimate_whole(input_bytes=input_bytes, output_bytes=output_bytes)
    return Answer(usage=usage, served_model=said.served_model())


def _files(body: bytes) -> tuple[HostId, ...]:
    """Return the files in buckets that a request names: the host reads them with our rights, not the client's."""
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
