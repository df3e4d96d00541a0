"""Thinking that another maker did goes back to no host of Anthropic's: it has no signature, and would be refused.

A client gets such blocks, with an empty signature, where a model of another maker answered it; they come back in the
next turn, which may be another model's.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hortus.framing.counting import UNREADABLE
from hortus.framing.shallow import Members

ADAPTED_THINKING = "-thinking.unsigned"
"""Adaptation: thinking blocks with an empty signature are left out."""

_SIGNATURE = b'"signature"'
_THINKING = b"thinking"
_DECODE_MESSAGES = msgspec.json.Decoder(list[Members]).decode
_DECODE_BLOCKS = msgspec.json.Decoder(list[Raw]).decode
_ENCODE = msgspec.json.Encoder().encode


class _Block(msgspec.Struct):
    type: str = ""
    signature: str | None = None


_DECODE_BLOCK = msgspec.json.Decoder(_Block).decode


def only_signed(messages: Raw) -> Raw | None:
    """Return `messages` without unsigned thinking and every other value as it was; None where there is none."""
    text = bytes(messages)
    if _SIGNATURE not in text or _THINKING not in text:
        return None
    try:
        found = _DECODE_MESSAGES(messages)
        kept = [_with_signed(message) for message in found]
    except UNREADABLE:
        return None  # of a wrong type, that is the host's to judge
    return Raw(_ENCODE(kept)) if any(new is not old for new, old in zip(kept, found, strict=True)) else None


def _with_signed(message: Members) -> Members:
    content = message.get("content")
    if content is None or not bytes(content).startswith(b"["):
        return message
    blocks = _DECODE_BLOCKS(content)
    signed = [block for block in blocks if not _is_unsigned(block)]
    if len(signed) in {0, len(blocks)}:  # a message must hold something
        return message
    return message | {"content": Raw(_ENCODE(signed))}


def _is_unsigned(block: Raw) -> bool:
    if _SIGNATURE not in bytes(block):
        return False
    head = _DECODE_BLOCK(block)
    return head.type == "thinking" and head.signature == ""
