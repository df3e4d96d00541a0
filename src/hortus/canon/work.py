"""What may a file of requests use at most, once a host works through it? Summed up line by line, before any is run."""

from __future__ import annotations

import msgspec


class Work(msgspec.Struct, frozen=True, array_like=True):
    """The requests of one file, together.

    Attributes:
        route: Which all of them name.
        operation: What all of them ask for, such as `chat`.
        requests: How many there are.
        input_bytes: Of their bodies.
        output_tokens: Most output tokens of those that name a limit, all their choices together.
        unlimited: Answers that are wanted without such a limit.
        images: Pictures in them; likewise the next two.
        documents: Files in them.
        kept: What the host adds of its own accord.
        searches: Whether the host may search for any of them.
        server_tools: Whether it may run other tools of its own.
    """

    route: str
    operation: str
    requests: int = 0
    input_bytes: int = 0
    output_tokens: int = 0
    unlimited: int = 0
    images: int = 0
    documents: int = 0
    kept: int = 0
    searches: bool = False
    server_tools: bool = False
