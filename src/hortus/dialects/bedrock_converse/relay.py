"""A request and its answer as they pass between client and host that both speak Converse; the path has the model."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.canon.dialect import Answer, Asked, Operation
from hortus.canon.usage import Usage
from hortus.dialects.bedrock_converse.response import tier_of
from hortus.dialects.bedrock_converse.usage import count
from hortus.framing.asking import read_limit
from hortus.framing.aws_asking import read_asked
from hortus.framing.counting import UNREADABLE, estimate_whole, read_served_model
from hortus.framing.shallow import Members

CONFIG, LIMIT = "inferenceConfig", "maxTokens"
_NOTHING = Raw(b"null")
_DECODE_MEMBERS = msgspec.json.Decoder(Members).decode


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
    """Read what the gateway must know of a request. Raises as `read_asked`."""
    return read_asked(operation, body, route, limit_of=lambda members: read_limit(config_of(members), LIMIT))


def config_of(members: Members) -> Members:
    """Return the members of `inferenceConfig`, none where it is absent or the host's to judge."""
    try:
        return _DECODE_MEMBERS(members.get(CONFIG, b"{}"))
    except msgspec.DecodeError:
        return {}


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
