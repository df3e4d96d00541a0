"""What a request may use at most, as far as it tells itself: output, choices, and what its length does not bound."""

from __future__ import annotations

from typing import Literal

import msgspec

Unit = Literal["image", "document"]
"""Parts of a request that count more tokens than they have bytes."""


class Units(msgspec.Struct, frozen=True):
    """What stands in a request beside plain text.

    Attributes:
        output_tokens: Most output tokens of one choice that the client allows, None where it names no limit.
        choices: How many answers are wanted at once.
        images: Pictures in the request, by value or by address.
        documents: Files in the request, likewise; each may have many pages.
        kept: What the host adds of its own accord: earlier turns, cached content, stored prompts.
        searches: Whether the host may search.
        server_tools: Whether the host may run other tools of its own, whose results count as input.
        tool_calls: Most calls of the host's tools that the client allows, searches among them; None: it does not say.
        service_tier: What the client asks to be served as, None where it does not say.
        tools: Kinds of tools that it brings, sorted: `function` (the client's own), `web_search`, `file_search`,
            `code_execution`, `mcp`, `computer`, `image_generation`, or the maker's own name of another one.
        output_images: Pictures to be made.
        seconds: Of sound to be made, or to be read from where its length does not tell; None: nobody knows.
        pages: Of documents to be read, where the request says which; None: it does not.
        characters: Of text to be spoken.
        search_units: Portions by which a ranking of documents is charged, at most.
        repeated_bytes: Of what the host reads more than once, such as a question with each document.
        file_bytes: Of the files of a form: they are no text, and count as pictures or sound.
        sound_bytes: Part of these that is sound.
    """

    output_tokens: int | None = None
    choices: int = 1
    images: int = 0
    documents: int = 0
    kept: int = 0
    searches: bool = False
    server_tools: bool = False
    tool_calls: int | None = None
    service_tier: str | None = None
    tools: tuple[str, ...] = ()
    output_images: int = 0
    seconds: int | None = 0
    pages: int | None = 0
    characters: int = 0
    search_units: int = 0
    repeated_bytes: int = 0
    file_bytes: int = 0
    sound_bytes: int = 0
