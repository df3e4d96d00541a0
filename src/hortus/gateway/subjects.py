"""Who is behind a request, by what the request itself says? Each dialect has its own places for that."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

_OPENAI = (("safety_identifier",), ("user",), ("metadata", "user_id"))

_PLACES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    # https://platform.openai.com/docs/api-reference/chat/create, read 2026-11: `user` gives way to `safety_identifier`
    "openai_chat": _OPENAI,
    "openai_responses": _OPENAI,
    "anthropic_messages": (("metadata", "user_id"),),  # https://docs.claude.com/en/api/messages, read 2026-11
    # The Gemini API has no place for it; Vertex AI has labels. https://cloud.google.com/vertex-ai/docs, read 2026-11
    "gemini": (("labels", "user_id"),),
    # Free words for the log of calls. https://docs.aws.amazon.com/bedrock/latest/userguide/, read 2026-11
    "bedrock_converse": (("requestMetadata", "user_id"),),
    # Mistral takes metadata of whatever members; Cohere has no place. Recalled 2026-11
    "mistral": (("metadata", "user_id"),),
}
_LONGEST = 1024

_read_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_read_text = msgspec.json.Decoder(str | int).decode


def subjects_of(dialect: str, members: Mapping[str, msgspec.Raw]) -> tuple[str, ...]:
    """Return the people whom a request names as those behind it, each once.

    Args:
        dialect: The client's.
        members: Of its body.

    >>> subjects_of("anthropic_messages", {"metadata": msgspec.Raw(b'{"user_id": "u-7"}')})
    ('u-7',)
    """
    found = (_find(members, place) for place in _PLACES.get(dialect, ()))
    return tuple(dict.fromkeys(one for one in found if one))


def _find(members: Mapping[str, msgspec.Raw], place: tuple[str, ...]) -> str | None:
    """Return the text at a place; None for what is no text, which is the host's to judge."""
    *outer, name = place
    try:
        for step in outer:
            members = _read_object(members.get(step, msgspec.Raw(b"{}")))
        return str(_read_text(members.get(name, msgspec.Raw(b'""'))))[:_LONGEST]
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
