"""What does a model answer? One canonical answer for every dialect's chat."""

from __future__ import annotations

from typing import Literal

import msgspec

from hortus.canon.nodes import Node
from hortus.canon.request import Message
from hortus.canon.usage import Usage

Stop = Literal["end", "stop_sequence", "length", "tool_calls", "refusal", "content_filter", "pause", "other"]
"""Why the model stopped. `tool_calls` whenever the client is to run one, whatever the host calls it (Gemini: STOP);
`refusal`: the model declined; `content_filter`: something around it did; `pause`: the host wants to be asked again."""


class Choice(Node, frozen=True, tag="choice"):
    """One answer.

    Attributes:
        stop: None where the host never said.
        stop_sequence: Which one it was.
        logprobs: As sent, in the source's own form.
    """

    message: Message
    index: int = 0
    stop: Stop | None = None
    stop_sequence: str | None = None
    logprobs: msgspec.Raw | None = None


class Response(Node, frozen=True, tag="response"):
    """A whole answer.

    Attributes:
        id: The host's, empty where it gave none.
        model: Which model the host says has answered, empty where it did not.
        created_s: Unix time, None where the host did not say.
        usage: None where the host did not say.
    """

    choices: tuple[Choice, ...]
    id: str = ""
    model: str = ""
    created_s: int | None = None
    usage: Usage | None = None
