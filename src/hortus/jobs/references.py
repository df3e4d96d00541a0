"""The trainer's own greedy answers, `product/references.jsonl`: training writes them, the gate asks for the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from hortus.jobs.errors import StepError

LIKELIEST = 5
"""First tokens whose probabilities are compared."""


class Reference(msgspec.Struct, frozen=True, omit_defaults=True):
    """A prompt and what the trained model answers to it, greedily.

    Attributes:
        messages: As OpenAI's chat API has them; the last one is not the assistant's.
        answer: The text, without special tokens and without the end of the turn.
        tools: What the assistant may call.
        max_tokens: Where the trainer stopped if the model did not; the engine is asked for no more.
        prompt_tokens: How many tokens the trainer's chat template and tokenizer made of the messages.
        finish_reason: `stop` where the model ended its turn, `length` where `max_tokens` did.
        likeliest: Log-probabilities of the likeliest first tokens of the answer, the likeliest first, in float32.
    """

    messages: list[dict[str, Any]]
    answer: str
    tools: list[dict[str, Any]] | None = None
    max_tokens: int | None = None
    prompt_tokens: int | None = None
    finish_reason: str | None = None
    likeliest: tuple[float, ...] = ()


_decode = msgspec.json.Decoder(Reference).decode


def read_references(path: Path) -> list[Reference]:
    """Return the references of a product; none where the file is not there.

    Raises:
        StepError: A line is not a reference.
    """
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    return [_reference(line, f"{path}:{number}") for number, line in enumerate(lines, start=1) if line.strip()]


def _reference(line: bytes, where: str) -> Reference:
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StepError(
            "This line is not a reference answer of the trainer.",
            reason="bad_references",
            path=where,
            hint="Train again: the file is written by training and read as it is.",
        ) from error
