"""How an example becomes tokens: the prompt's are exactly those that an engine sees, the answer's end with its turn.

Prompt and answer are tokenised apart, as at inference, where the prompt's tokens are fixed before the first answer's.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
from transformers import PreTrainedTokenizerBase

from hortus.jobs.errors import StepError
from hortus.jobs.examples import Example, Message
from hortus.tuning.templates import DAY, ChatTemplate, PromptChanges, Rendered, TemplateRefuses

IGNORED = -100
"""The label of a token that is not learnt."""
_ADDED = 2
"""Start and end that plain text and some templates lack: the check did not count them."""


class Encoded(msgspec.Struct, frozen=True):
    """An example as token ids.

    Attributes:
        answer: Of a preference the chosen one.
        rejected: Of a preference the other one.
    """

    prompt: list[int]
    answer: list[int]
    rejected: list[int] | None = None

    @property
    def length(self) -> int:
        """Tokens of the longer side."""
        return len(self.prompt) + max(len(self.answer), len(self.rejected or ()))


class Encoder:
    """Turns examples into tokens under one tokenizer and its chat template.

    Args:
        ends: Ids that end a turn; the tokenizer's own end is one of them.
        max_tokens: Longest example.
        day: Today, for templates that write it.

    Raises:
        StepError: The chat template is broken.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, *, ends: Iterable[int], max_tokens: int, day: datetime = DAY
    ) -> None:
        self._tokenizer = tokenizer
        self._template = _template_of(tokenizer, day)
        self._ends = {*ends, tokenizer.eos_token_id} - {None}
        self._max_tokens = max_tokens

    def encode(self, example: Example) -> Encoded | None:
        """Return an example's tokens, or None where its answer is not to be learnt (`"weight": 0`).

        Raises:
            StepError: It cannot be encoded: too long, no answer, or a template that takes it for something else.
        """
        if example.answer.get("weight") == 0:
            return None
        where = f"{example.source} file:{example.line}"
        encoded = self._text(example) if example.is_text else self._chat(example, where=where)
        if encoded.length > self._max_tokens + _ADDED:
            raise StepError(
                f"The example has {encoded.length} tokens, more than the recipe's {self._max_tokens}.",
                reason="bad_data",
                path=where,
                hint="Shorten it, or set max_tokens of the recipe higher.",
            )
        return encoded

    def render(self, prompt: list[Message], *, tools: list[dict[str, Any]] | None = None) -> str:
        """Return a prompt as the text that an engine would give the model. Raises StepError."""
        try:
            return self._known().prompt(prompt, tools=tools)
        except TemplateRefuses as error:
            raise _refused(error, "") from error

    def _chat(self, example: Example, *, where: str) -> Encoded:
        chosen = self._rendered(example, example.answer, where=where)
        rejected = example.rejected
        return Encoded(
            self._ids(chosen.prompt),
            self._answer(chosen.answer, where=where),
            None
            if rejected is None
            else self._answer(self._rendered(example, rejected, where=where).answer, where=where),
        )

    def _text(self, example: Example) -> Encoded:
        start = self._tokenizer.bos_token_id
        text = self._ids(example.answer.get("content") or "")
        return Encoded([] if start is None else [start], [*text, self._tokenizer.eos_token_id])

    def _rendered(self, example: Example, answer: Message, *, where: str) -> Rendered:
        try:
            return self._known().render(example.prompt, answer, tools=example.tools)
        except TemplateRefuses as error:
            raise _refused(error, where) from error
        except PromptChanges as error:
            raise StepError(
                "The base's chat template writes a prompt differently once it is answered, so that what is learnt "
                "would not be what is asked.",
                reason="bad_data",
                path=where,
                hint="Use a base whose template keeps prompts as they are.",
            ) from error

    def _known(self) -> ChatTemplate:
        if self._template is None:
            raise TemplateRefuses("")
        return self._template

    def _answer(self, text: str, *, where: str) -> list[int]:
        ids = self._ids(text)
        last = max((index for index, one in enumerate(ids) if one in self._ends), default=-1)
        if last == 0 or not ids:
            raise StepError("The answer is empty.", reason="bad_data", path=where, hint="Give it a text or a call.")
        return ids[: last + 1] if last > 0 else [*ids, self._tokenizer.eos_token_id]

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids


def _template_of(tokenizer: PreTrainedTokenizerBase, day: datetime) -> ChatTemplate | None:
    if not tokenizer.chat_template:
        return None
    words = {name: word for name, word in tokenizer.special_tokens_map.items() if isinstance(word, str)}
    return ChatTemplate(tokenizer.chat_template, words=words, day=day)


def _refused(error: TemplateRefuses, where: str) -> StepError:
    return StepError(
        f"The base's chat template cannot write these messages{error.why and f': {error.why}'}.",
        reason="bad_data",
        path=where,
        hint="Look at their roles and contents, or use another base.",
    )


def supervised_row(encoded: Encoded, *, whole: bool) -> dict[str, list[int]]:
    """Return a row for TRL's supervised trainer: the answer is learnt, or the whole text."""
    ids = encoded.prompt + encoded.answer
    return {"input_ids": ids, "labels": ids if whole else [IGNORED] * len(encoded.prompt) + encoded.answer}


def preference_row(encoded: Encoded) -> dict[str, list[int]]:
    """Return a row for TRL's preference trainer. Raises StepError where the example is none."""
    if encoded.rejected is None:
        raise StepError(
            "An example has no rejected answer, which preference tuning needs.",
            reason="bad_data",
            hint="Upload preference pairs, or choose the supervised method.",
        )
    return {"prompt_ids": encoded.prompt, "chosen_ids": encoded.answer, "rejected_ids": encoded.rejected}
