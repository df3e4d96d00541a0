"""Requests and whole answers that stay in this dialect: what the gateway must know, everything else as it was sent."""

from __future__ import annotations

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from hortus.canon.dialect import Answer, Asked, HostId, Operation, Rewritten
from hortus.canon.usage import Usage
from hortus.dialects.anthropic_messages.relay_thinking import ADAPTED_THINKING, only_signed
from hortus.dialects.anthropic_messages.usage import count, said_in
from hortus.framing.anthropic_ids import container_ids, given_files, named_ids
from hortus.framing.asking import read_asked
from hortus.framing.counting import UNREADABLE, estimate_whole, read_served_model
from hortus.framing.shallow import write_members

_NOTHING = Raw(b"null")
_ENCODE = msgspec.json.Encoder().encode


class _Head(msgspec.Struct):
    model: Raw = _NOTHING
    usage: Raw = _NOTHING
    container: Raw = _NOTHING
    content: Raw = _NOTHING


_DECODE = msgspec.json.Decoder(_Head).decode
_DECODE_BLOCKS = msgspec.json.Decoder(list[Raw]).decode


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read route, stream, output limit and hosts' ids out of a request.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: `model` is missing, or a member that the gateway reads has the wrong type.
    """
    del route  # it stands in the body
    asked = read_asked(operation, body, limit="max_tokens")
    return replace(asked, host_ids=named_ids(asked.members))


def write_request(asked: Asked, upstream_model: str) -> Rewritten:
    """Return the body for a host that calls the model `upstream_model`."""
    changed: dict[str, Raw] = {}
    if upstream_model != asked.route:
        changed["model"] = Raw(_ENCODE(upstream_model))
    adaptations = tuple(changed)
    signed = only_signed(asked.members.get("messages", _NOTHING))
    if signed is not None:
        changed["messages"] = signed
        adaptations += (ADAPTED_THINKING,)
    return Rewritten(body=write_members(asked.members | changed), adaptations=adaptations)


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return usage, served model and given ids of a whole answer; usage that the host leaves out is estimated."""
    if not operation.can_stream:  # counting tokens uses none
        return Answer(usage=Usage(), served_model=None)
    try:
        head = _DECODE(body)
    except UNREADABLE:
        return Answer(usage=estimate_whole(input_bytes=input_bytes, output_bytes=0), served_model=None)
    usage = None if head.usage == _NOTHING else count(said_in(head.usage))
    if usage is None:
        size = 0 if head.content == _NOTHING else len(bytes(head.content))
        usage = estimate_whole(input_bytes=input_bytes, output_bytes=size)
    given = container_ids(head.container) + _files_in(head.content)
    return Answer(usage=usage, served_model=read_served_model(head.model), given_ids=tuple(dict.fromkeys(given)))


def _files_in(content: Raw) -> list[HostId]:
    try:
        return [one for block in _DECODE_BLOCKS(content) for one in given_files(block)]
    except UNREADABLE:
        return []
