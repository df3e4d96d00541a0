"""OpenAI's moderations on the wire. https://developers.openai.com/api/reference, recalled 2026-11; and recordings."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw, UnsetType

NAME = "openai_moderations"

USUAL_MODEL = "omni-moderation-latest"
"""What judges where a request names no model."""


class Wire(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What all have in common."""


class Body(Wire, frozen=True):
    """POST /v1/moderations."""

    input: str | list[Raw]
    model: str | UnsetType | None = UNSET


class TextPart(Wire, frozen=True):
    """A text beside pictures."""

    type: str
    text: str


class ImageUrl(Wire, frozen=True):
    """Where a picture is, or itself as a data URL."""

    url: str


class ImagePart(Wire, frozen=True):
    """A picture."""

    type: str
    image_url: ImageUrl


class Result(Wire, frozen=True):
    """What was found in one input; which kinds of input a category was looked for in is kept beside it."""

    flagged: bool
    categories: dict[str, bool | None]
    category_scores: dict[str, Raw] | UnsetType | None = UNSET


class Answer(Wire, frozen=True):
    """The answer."""

    results: list[Raw]
    id: str | UnsetType | None = UNSET
    model: str | UnsetType | None = UNSET
