"""What has a batch used? Its object does not say; its results do, line by line, while they pass as they are.

https://github.com/anthropics/anthropic-sdk-python (`types/messages/`), read 2026-11.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace
from typing_extensions import override

from hortus.canon.usage import COUNTS, Usage
from hortus.framing.counting import UNREADABLE
from hortus.framing.metering import read_members, usage_of
from hortus.framing.passed_bytes import PassedBytes

_CHATS = "anthropic_messages"
_TIER = "batch"
_SUCCEEDED = "succeeded"
_LONGEST_LINE_BYTES = 16 * 1024 * 1024
_NOTHING = msgspec.Raw(b"null")


class _Message(msgspec.Struct):
    usage: msgspec.Raw = _NOTHING


class _Result(msgspec.Struct):
    type: str
    message: _Message | None = None


class _Line(msgspec.Struct):
    result: _Result


_DECODE = msgspec.json.Decoder(_Line).decode


class Results(PassedBytes):
    """Passes the results of a batch and adds up what they say was used; of what did not succeed, nothing is charged."""

    def __init__(self) -> None:
        super().__init__(Usage())
        self._held = b""
        self._used = Usage(service_tier=_TIER)
        self._is_readable = True

    @override
    def feed(self, data: bytes) -> bytes:
        """Pass bytes on."""
        if self._is_readable:
            *lines, self._held = (self._held + data).split(b"\n")
            for line in lines:
                self._read(line)
            if len(self._held) > _LONGEST_LINE_BYTES:
                self._is_readable, self._held = False, b""
        return super().feed(data)

    @override
    def close(self) -> bytes:
        """Hear that they have ended: where every line could be read, the sum is known."""
        self._read(self._held)
        self._held = b""
        if self._is_readable and self.passed_bytes:
            self.work_used = self._used
        return super().close()

    def _read(self, line: bytes) -> None:
        if not line.strip():
            return
        try:
            result = _DECODE(line).result
        except UNREADABLE:
            self._is_readable = False
            return
        if result.type != _SUCCEEDED:
            return
        members = None if result.message is None else read_members(result.message.usage)
        used = None if members is None else usage_of(_CHATS, members)
        if used is None:
            self._is_readable = False
            return
        sums = {name: getattr(self._used, name) + getattr(used, name) for name in COUNTS}
        self._used = replace(self._used, **sums)
