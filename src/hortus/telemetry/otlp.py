"""What OpenTelemetry's protocol looks like as JSON: the few of its messages that a trace takes.

Ids are hexadecimal, kinds and codes are numbers, 64-bit integers are strings, names are in camel case:
# https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding, read 2026-11
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

PATH = "/v1/traces"
SERVER, CLIENT = 2, 3
"""Kinds of spans."""

ERROR = 2
"""The only code of a status that is set here; unset is no claim."""

IS_SAMPLED = 0x01
PARENT_IS_KNOWN, PARENT_IS_REMOTE = 0x100, 0x200
"""Bits of a span's flags; the lowest eight are those of the trace."""


class _Message(msgspec.Struct, frozen=True, omit_defaults=True, gc=False, rename="camel"):
    """How all messages are written."""


class StringValue(_Message, frozen=True, gc=False):
    """A text."""

    string_value: str


class IntValue(_Message, frozen=True, gc=False):
    """A whole number, as text."""

    int_value: str


class DoubleValue(_Message, frozen=True, gc=False):
    """A number."""

    double_value: float


class BoolValue(_Message, frozen=True, gc=False):
    """Yes or no."""

    bool_value: bool


class Values(_Message, frozen=True, gc=False):
    """Several texts."""

    values: tuple[StringValue, ...]


class ArrayValue(_Message, frozen=True, gc=False):
    """A list of texts."""

    array_value: Values


Value = StringValue | IntValue | DoubleValue | BoolValue | ArrayValue


class KeyValue(_Message, frozen=True, gc=False):
    """An attribute."""

    key: str
    value: Value


class Status(_Message, frozen=True, gc=False):
    """How a span ended."""

    code: int = 0


class Span(_Message, frozen=True, omit_defaults=True, gc=False):
    """One piece of work.

    Attributes:
        start_time_unix_nano: As text, for it is a 64-bit integer.
    """

    trace_id: str
    span_id: str
    name: str
    kind: int
    start_time_unix_nano: str
    end_time_unix_nano: str
    attributes: Sequence[KeyValue]
    flags: int
    parent_span_id: str = ""
    status: Status = Status()


class Scope(_Message, frozen=True, gc=False):
    """What made the spans."""

    name: str
    version: str


class ScopeSpans(_Message, frozen=True, gc=False):
    """Spans of one maker."""

    scope: Scope
    spans: Sequence[Span]
    schema_url: str


class Resource(_Message, frozen=True, gc=False):
    """Where the spans come from."""

    attributes: Sequence[KeyValue]


class ResourceSpans(_Message, frozen=True, gc=False):
    """Spans of one place."""

    resource: Resource
    scope_spans: Sequence[ScopeSpans]


class ExportRequest(_Message, frozen=True, gc=False):
    """The body of a request to `/v1/traces`."""

    resource_spans: Sequence[ResourceSpans]


class PartialSuccess(_Message, frozen=True, gc=False):
    """What a collector did not take of a request that it took."""

    rejected_spans: int = 0
    error_message: str = ""


class ExportReply(_Message, frozen=True, gc=False):
    """A collector's answer."""

    partial_success: PartialSuccess | None = None
