"""A request and its answer as they pass between a client and a host that both speak Gemini: only the model is changed.

The model stands in the path; bodies that name it too (batches of embeddings, counts) are told the host's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from hortus.canon.dialect import Answer, Asked, HostId, HostIdKind, Operation, Rewritten
from hortus.canon.errors import InvalidRequest
from hortus.dialects.gemini.media import is_file
from hortus.dialects.gemini.usage import USAGE, count, searches_in
from hortus.framing.asking import read_limit
from hortus.framing.counting import UNREADABLE, estimate_whole, read_served_model
from hortus.framing.shallow import Members, read_members, write_members

ADAPTED_MODEL = "model"
"""Adaptation: the route's name is replaced by the host's name of the model."""

_NAMES: Mapping[str, HostIdKind] = {
    "fileUri": "file",
    "file_uri": "file",
    "fileSearchStoreNames": "file",
    "file_search_store_names": "file",
    "cachedContent": "cached_content",
    "cached_content": "cached_content",
}
"""Members whose value names what a host keeps."""

_URIS = frozenset(("fileUri", "file_uri"))
"""Those that may also be an address anywhere."""

_FREE = frozenset(("args", "response", "parameters", "parametersJsonSchema", "responseSchema", "responseJsonSchema"))
"""Members whose content is the client's own."""

_DECODE_MEMBERS = msgspec.json.Decoder(Members).decode
_DECODE_LIST = msgspec.json.Decoder(list[Members]).decode
_DECODE = msgspec.json.Decoder().decode
_ENCODE = msgspec.json.Encoder().encode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read output limit and what hosts keep out of a request; route and stream stand in its path.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: The path names no route, or nested too deep.
    """
    if not route:
        raise InvalidRequest("The path names no model.", path="model", hint="Write a route's name there.")
    members = read_members(body)
    return Asked(
        route=route,
        is_stream=bool(operation.is_stream),
        wants_usage=True,
        output_limit=_output_limit(members),
        members=members,
        host_ids=_host_ids(body),
    )


def write_request(asked: Asked, upstream_model: str) -> Rewritten:
    """Return the body for a host that calls the model `upstream_model`."""
    changed: Members = {}
    if upstream_model != asked.route:
        for name, value in asked.members.items():
            renamed = _renamed(name, value, _ENCODE(f"models/{upstream_model}"))
            if renamed is not None:
                changed[name] = renamed
    adaptations = (ADAPTED_MODEL,) if upstream_model != asked.route else ()
    return Rewritten(body=write_members(asked.members | changed), adaptations=adaptations)


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return usage and served model of a whole answer; what the host leaves out is estimated."""
    try:
        members = _DECODE_MEMBERS(body)
        usage = count(_DECODE_MEMBERS(members.get(USAGE, b"{}")), searches=searches_in(body))
    except UNREADABLE:
        members, usage = {}, None
    if usage is None:
        output_bytes = len(members.get("candidates", b"")) if operation.name == "chat" else 0
        usage = estimate_whole(input_bytes=input_bytes, output_bytes=output_bytes)
    return Answer(usage=usage, served_model=read_served_model(members.get("modelVersion")))


def _renamed(name: str, value: msgspec.Raw, model: bytes) -> msgspec.Raw | None:
    """Return a member that names the model with the host's name in it, None where it names none."""
    try:
        if name == "model":
            return msgspec.Raw(model)
        if name in {"generateContentRequest", "generate_content_request"}:
            inner = _DECODE_MEMBERS(value)
            return msgspec.Raw(write_members(inner | {"model": msgspec.Raw(model)})) if "model" in inner else None
        if name == "requests":
            items = _DECODE_LIST(value)
            return msgspec.Raw(
                _ENCODE([one | {"model": msgspec.Raw(model)} if "model" in one else one for one in items])
            )
    except msgspec.DecodeError:
        return None  # of a wrong type, that is the host's to judge
    return None


def _output_limit(members: Members) -> int | None:
    value = members.get("generationConfig") or members.get("generation_config")
    try:
        config = _DECODE_MEMBERS(value or b"{}")
        both = [read_limit(config, name) for name in ("maxOutputTokens", "max_output_tokens")]
        return max((limit for limit in both if limit is not None), default=None)  # the host may take either
    except msgspec.DecodeError:
        return None  # null, or of a wrong type that is the host's to judge


def _host_ids(body: bytes) -> tuple[HostId, ...]:
    """Return the files, stores of files and cached contents that a request names."""
    if b"\\u00" not in body and not any(name.encode() in body for name in _NAMES):
        return ()
    return tuple(dict.fromkeys(_named(_DECODE(body))))


def _named(value: object) -> Iterator[HostId]:
    if isinstance(value, list):
        for one in value:
            yield from _named(one)
    elif isinstance(value, dict):
        for name, inner in value.items():
            kind = _NAMES.get(name)
            if kind is not None:
                yield from ((kind, uri) for uri in _uris(inner) if name not in _URIS or is_file(uri))
            elif name not in _FREE:
                yield from _named(inner)


def _uris(value: object) -> Iterator[str]:
    values = value if isinstance(value, list) else [value]
    return (one for one in values if isinstance(one, str))
