"""Which questions are asked, and what should be answered: held-out examples of a dataset, and exact-match suites."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from hortus.evals.graders import GRADERS, Expected, Grader, GraderName, choose
from hortus.evals.ports import ToolCall
from hortus.evals.suitefiles import Item, check_suite, say_problems, text_of, with_own_ids
from hortus.jobs.errors import StepError
from hortus.jobs.examples import HELD_OUT, Example, read_examples

HELD_OUT_NAME = "held_out"

_BUDGET_TOKENS = 32
"""Beside half of the longest answer's bytes: a tokenizer that fits its language needs fewer."""
_FEWEST_OF_A_LABEL, _MOST_LABELS, _LABEL_LETTERS = 5, 30, 40


class Questions(msgspec.Struct, frozen=True):
    """A suite that is ready to be asked.

    Attributes:
        key: `held_out`, or `suite:` and its name.
        of: How many there are; `items` may be a part of them.
        without_answer: Examples that are plain text: nothing can be asked of them.
        max_tokens: What an answer may take: room for the longest one that is expected.
    """

    key: str
    items: tuple[Item, ...]
    grader: GraderName
    of: int
    max_tokens: int
    without_answer: int = 0

    @property
    def hash(self) -> str:
        """SHA-256 of what is asked and expected, and of how it is judged."""
        said = msgspec.json.encode([self.grader, self.max_tokens, self.items], order="deterministic")
        return hashlib.sha256(said).hexdigest()

    @property
    def judge(self) -> Grader:
        """The grader."""
        return GRADERS[self.grader]


def held_out(dataset: Path, *, grader: Literal["auto"] | GraderName, most: int, longest: int) -> Questions:
    """Return the held-out examples of a dataset, at most so many: always the same ones, chosen by their hashes.

    Args:
        dataset: The folder.
        grader: How answers are judged; `auto`: as they look.
        most: Examples.
        longest: Tokens that an answer may take at most.

    Raises:
        StepError: The dataset has none, or it cannot be read.
    """
    path = dataset / HELD_OUT
    try:
        examples = list(read_examples(path))
    except OSError as error:
        raise StepError(
            "The held-out examples cannot be read.",
            reason="bad_dataset",
            path=str(path),
            hint="Check the dataset again: `hortus train` writes it anew.",
        ) from error
    chats = with_own_ids([_item(one) for one in examples if not one.is_text])
    chosen = {one.id for one in sorted(chats, key=_lot)[:most]}
    items = tuple(one for one in chats if one.id in chosen)
    kind = choose([one.expected for one in items]) if grader == "auto" else grader
    return Questions(
        HELD_OUT_NAME,
        _labelled(items) if GRADERS[kind].is_binary else items,
        kind,
        of=len(chats),
        max_tokens=_budget(items, longest),
        without_answer=len(examples) - len(chats),
    )


def read_suite(path: Path, *, name: str, longest: int) -> Questions:
    """Return an exact-match suite.

    Raises:
        StepError: It cannot be read, or lines of it cannot be used: all of them are named.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StepError(
            f"The suite {name} cannot be read.", reason="bad_suite", path=str(path), hint="Bring the file again."
        ) from error
    items, problems = check_suite(content)
    if problems:
        raise StepError(
            say_problems(name, problems), reason="bad_suite", path=f"{path}:{problems[0].line}", hint="Correct it."
        )
    return Questions(f"suite:{name}", items, "exact", of=len(items), max_tokens=_budget(items, longest))


def _item(example: Example) -> Item:
    calls = tuple(
        ToolCall(call["function"]["name"], call["function"].get("arguments") or "{}")
        for call in example.answer.get("tool_calls") or ()
    )
    rejected = None if example.rejected is None else text_of(example.rejected.get("content"))
    expected = Expected(text_of(example.answer.get("content")), calls, rejected)
    return Item(example.id, example.prompt, expected, example.tools)


def _lot(item: Item) -> bytes:
    return hashlib.sha256(b"gate " + item.id.encode()).digest()


def _labelled(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """Group by the expected answer where those are labels: few, short, and none so rare that it tells of a person."""
    counts: dict[str, int] = {}
    for one in items:
        label = one.expected.text.strip()
        counts[label] = counts.get(label, 0) + 1
    if not 1 < len(counts) <= _MOST_LABELS or min(counts.values()) < _FEWEST_OF_A_LABEL:
        return items
    if any(not label or len(label) > _LABEL_LETTERS for label in counts):
        return items
    return tuple(msgspec.structs.replace(one, group=one.expected.text.strip()) for one in items)


def _budget(items: Sequence[Item], longest: int) -> int:
    """Return how many tokens an answer may take."""
    sizes = [len(msgspec.json.encode(one.expected)) for one in items]
    return min(longest, max(sizes, default=0) // 2 + _BUDGET_TOKENS)
