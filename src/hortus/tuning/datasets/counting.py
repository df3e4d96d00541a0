"""How many tokens has an example under the base, and does the base's chat template carry it? In batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from hortus.jobs.examples import Message, Source
from hortus.tuning.datasets.formats import Draft
from hortus.tuning.datasets.problems import Flaws, Problems
from hortus.tuning.datasets.reading import Given
from hortus.tuning.datasets.rendering import BaseText
from hortus.tuning.templates import PromptChanges, Rendered, TemplateRefuses

_BATCH = 64
_BYTES_A_TOKEN = 4  # of European languages under the makers' tokenizers, roughly

_END = 1  # token that training puts after an answer whose template ends it with none
_AROUND_TEXT = 2  # tokens that begin and end a plain text
_NOTHING = Rendered("", "")

_encode = msgspec.json.Encoder().encode


_Drawn = tuple[Draft, Flaws, bool]
"""An example, where its problems go, and whether it is the last of its line."""


class Counted(msgspec.Struct, frozen=True):
    """An example with what it counts.

    Attributes:
        is_last: Whether it is the last one of its line.
    """

    draft: Draft
    line: int
    tokens: int
    answer_tokens: int
    is_last: bool


class Counter:
    """Counts the examples of both files.

    Args:
        base: None where a host's tokenizer counts: then tokens are estimated.
        most_tokens: Of one example.
        problems: Where problems of the whole go.
    """

    def __init__(self, base: BaseText | None, *, most_tokens: int, problems: Problems) -> None:
        self._base = base
        self._most = most_tokens
        self._problems = problems
        self._is_without_template = False

    def counted(self, given: Iterable[Given], source: Source) -> Iterator[Counted]:
        """Yield every example, in order, counted."""
        batch: list[_Drawn] = []
        for one in given:
            for number, draft in enumerate(one.drafts):
                batch.append((draft, one.flaws, number == len(one.drafts) - 1))
            if len(batch) >= _BATCH:
                yield from self._count(batch, source)
                batch = []
        yield from self._count(batch, source)

    def _count(self, batch: list[_Drawn], source: Source) -> Iterator[Counted]:
        if self._base is None:
            for draft, flaws, is_last in batch:
                answer = _estimated(draft.answer)
                yield Counted(draft, flaws.line, _estimated(draft.prompt) + answer, answer, is_last)
            return
        base = self._base
        chosen = [self._text(base, one, source) for one in batch]
        rejected = [self._rejected(base, one, source) for one in batch]
        counts = zip(batch, base.count(chosen), base.count(rejected), strict=True)
        for (draft, flaws, is_last), (before, answer), (_, other) in counts:
            longest = before + max(answer, other) + (_END if draft.prompt else _AROUND_TEXT)
            if longest > self._most:
                flaws.add("example_too_long", draft.at, tokens=longest, most=self._most)
            yield Counted(draft, flaws.line, before + answer, answer, is_last)

    def _text(self, base: BaseText, drawn: _Drawn, source: Source) -> Rendered:
        draft, flaws, is_last = drawn
        if is_last:
            _note_special(base, draft, flaws)
        return self._rendered(base, draft, draft.answer, flaws=flaws, source=source)

    def _rejected(self, base: BaseText, drawn: _Drawn, source: Source) -> Rendered:
        draft, flaws, _ = drawn
        if draft.rejected is None:
            return _NOTHING
        return self._rendered(base, draft, draft.rejected, flaws=flaws, source=source)

    def _rendered(self, base: BaseText, draft: Draft, answer: Message, *, flaws: Flaws, source: Source) -> Rendered:
        if draft.prompt and not base.has_template:
            if not self._is_without_template:
                self._problems.add("no_chat_template", source)
            self._is_without_template = True
            return _NOTHING
        try:
            text = base.render(draft.prompt, answer, tools=draft.tools)
        except TemplateRefuses as error:
            flaws.add("template_refuses", draft.at, why=f": {error.why}" if error.why else "")
        except PromptChanges:
            flaws.add("prompt_changes", draft.at)
        else:
            if _carries(text.answer, answer):
                return text
            flaws.add("answer_vanishes", draft.at)
        return _NOTHING


def _note_special(base: BaseText, draft: Draft, flaws: Flaws) -> None:
    for number, message in enumerate(draft.prompt):
        if base.holds_special(text_of(message)):
            flaws.add("special_token", draft.prompt_at.format(number))
    for answer in (draft.answer, draft.rejected):
        if answer is not None and base.holds_special(text_of(answer)):
            flaws.add("special_token", draft.at)


def _estimated(value: object) -> int:
    return len(_encode(value)) // _BYTES_A_TOKEN


def _carries(text: str, answer: Message) -> bool:
    """Tell whether the text of an answer has all that is to be learnt."""
    content = answer.get("content")
    if isinstance(content, str) and content.strip() not in text:
        return False
    return all(one["function"]["name"] in text for one in answer.get("tool_calls", ()))


def text_of(message: Message) -> str:
    """Return all that a message says, as one text."""
    content = message.get("content")
    parts = [content] if isinstance(content, str) else [one.get("text", "") for one in content or ()]
    parts += [one["function"]["arguments"] for one in message.get("tool_calls", ())]
    return "\n".join(parts)
