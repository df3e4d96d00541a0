"""What is asked of a model that judges whether content is harmful, and what does it answer?

Categories keep the names of the host that judged: what two makers mean by the same word is not the same.
"""

from __future__ import annotations

import msgspec

from hortus.canon.nodes import Node
from hortus.canon.parts import Media, Text
from hortus.canon.usage import Usage


class ModerationTurn(Node, frozen=True, tag="moderation_turn"):
    """What somebody says; `role` is None where nobody is said to say it."""

    parts: tuple[Text | Media, ...]
    role: str | None = None


class ModerationInput(Node, frozen=True, tag="moderation_input"):
    """What gets one result: a text, a text with pictures, or a conversation, of which the last turn is judged."""

    turns: tuple[ModerationTurn, ...]


class ModerationRequest(Node, frozen=True, tag="moderation_request"):
    """Content is to be judged."""

    model: str
    inputs: tuple[ModerationInput, ...]


class ModerationCategory(Node, frozen=True, tag="moderation_category"):
    """One kind of harm.

    Attributes:
        name: As the host calls it.
        is_flagged: Whether the host finds it.
        score: A JSON number, byte for byte; None where the host gives none.
    """

    name: str
    is_flagged: bool
    score: msgspec.Raw | None = None


class ModerationResult(Node, frozen=True, tag="moderation_result"):
    """What was found in one input."""

    is_flagged: bool
    categories: tuple[ModerationCategory, ...]


class ModerationResponse(Node, frozen=True, tag="moderation_response"):
    """Results, in the order of the inputs."""

    results: tuple[ModerationResult, ...]
    id: str = ""
    model: str = ""
    usage: Usage | None = None
