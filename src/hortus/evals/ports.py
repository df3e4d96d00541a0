"""How an evaluation reaches a model: it asks a route through the door, like any other client. `app` implements it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from hortus.base.errors import HortusError

_PASSING = frozenset((408, 409, 425, 429, 500, 502, 503, 504))
"""Statuses after which the same question may well be answered."""
_UNKNOWN = 404
_OF_THE_QUESTION = frozenset((400, 413, 422))
"""Statuses that say: this question is not for this model, such as one that is too long for it."""


class ToolCall(msgspec.Struct, frozen=True):
    """A call that a model wants made; `arguments` is JSON as the model wrote it."""

    name: str
    arguments: str


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a route answered.

    Attributes:
        text: Empty where there is none.
        finish_reason: As OpenAI's chat API has it: `stop`, `length`, `tool_calls`.
        latency_ms: From the question to the whole answer.
        receipt_id: Of the request at the door.
        prompt_tokens: What the engine says it has read, None where it does not say.
        engine: What the engine says of itself, such as its fingerprint.
        likeliest: Log-probabilities of the likeliest first tokens, the likeliest first, where they were wanted.
    """

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str = "stop"
    latency_ms: float = 0.0
    receipt_id: str | None = None
    prompt_tokens: int | None = None
    engine: str | None = None
    likeliest: tuple[float, ...] = ()


class AskFailed(HortusError):  # noqa: N818 -- says what happened, as the faults of canon.errors do
    """A question got no answer.

    Args:
        status: HTTP status; None where nothing came back: no connection, or it broke.
        retry_after_s: How long the door asks to wait.
        is_unsent: Whether it is certain that nothing was done about the question.
    """

    code = "ask_failed"

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        is_unsent: bool = False,
    ) -> None:
        super().__init__(message)
        self.is_unsent = is_unsent
        self.status = status
        self.retry_after_s = retry_after_s

    @property
    def may_pass(self) -> bool:
        """Whether the same question may be answered later."""
        return self.status is None or self.status in _PASSING

    @property
    def is_unknown(self) -> bool:
        """Whether the route, or its host's model, is not there."""
        return self.status == _UNKNOWN

    @property
    def is_refusal(self) -> bool:
        """Whether the model cannot answer this question; else the route is not there, or not for this key."""
        return self.status in _OF_THE_QUESTION


class Inference(Protocol):
    """Asks routes."""

    async def ask(
        self,
        route: str,
        messages: Sequence[dict[str, Any]],
        *,
        max_tokens: int,
        temperature: float = 0,
        tools: Sequence[dict[str, Any]] | None = None,
        likeliest: int = 0,
    ) -> Answer:
        """Ask once; every call ends within a time of the implementation's own. `likeliest`: first tokens to tell of.

        Raises:
            AskFailed: There is no answer.
        """
        ...
