"""Is an answer right? A table of graders, each a pure function of what was expected and what was answered: 0 to 1."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Literal

import msgspec

from hortus.evals.ports import Answer, ToolCall

GraderName = Literal["exact", "contains", "f1", "number", "json", "preferred"]

_SHORT_WORDS, _SHORT_LETTERS = 12, 100
_WORD = re.compile(r"\w+")


class Expected(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the answer should have been; `rejected` is the worse one of a pair."""

    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    rejected: str | None = None


class Grader(msgspec.Struct, frozen=True):
    """A way to judge.

    Attributes:
        is_binary: Whether it says right or wrong and nothing between.
        sentence: What it does, for people.
    """

    name: GraderName
    judge: Callable[[Expected, str], float]
    is_binary: bool
    sentence: str


def grade(grader: Grader, expected: Expected, answer: Answer) -> float:
    """Return how right an answer is. Expected calls are compared as such, whatever the grader does with text."""
    if expected.tool_calls:
        return float(_calls(expected.tool_calls) == _calls(answer.tool_calls))
    if answer.tool_calls:
        return 0.0
    return grader.judge(expected, answer.text)


def choose(expected: Sequence[Expected]) -> GraderName:
    """Return the grader for such answers: `preferred` for pairs of long ones, and `f1` for other long ones.

    >>> choose([Expected("waste"), Expected("street lighting")])
    'exact'
    >>> choose([Expected("12"), Expected("3.50")])
    'number'
    """
    texts = [one.text for one in expected if not one.tool_calls]
    for name, fits in _KINDS if texts else ():
        if all(map(fits, texts)):
            return name
    are_pairs = all(one.rejected is not None for one in expected)
    return "exact" if not texts else "preferred" if are_pairs else "f1"


def plain(text: str) -> str:
    """Return a text as it is compared: composed (NFC), line ends as one character, no white space at its ends."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n")).strip()


def _exact(expected: Expected, answer: str) -> float:
    return float(plain(expected.text) == plain(answer))


def _contains(expected: Expected, answer: str) -> float:
    wanted = re.escape(plain(expected.text))
    return float(re.search(rf"(?<!\w){wanted}(?!\w)", plain(answer)) is not None)


def _f1(expected: Expected, answer: str) -> float:
    return _overlap(expected.text, answer)


def _preferred(expected: Expected, answer: str) -> float:
    near, far = _overlap(expected.text, answer), _overlap(expected.rejected or "", answer)
    return 0.5 if near == far else float(near > far)


def _numbers(expected: Expected, answer: str) -> float:
    got = _number(answer)
    return float(got is not None and got == _number(expected.text))


def _json(expected: Expected, answer: str) -> float:
    try:
        return float(_value(answer) == _value(expected.text))
    except ValueError:
        return 0.0


def _overlap(one: str, other: str) -> float:
    """Harmonic mean of precision and recall of words, counted as often as they occur."""
    ours, theirs = (Counter(_WORD.findall(plain(text).casefold())) for text in (one, other))
    shared = (ours & theirs).total()
    return 2 * shared / (ours.total() + theirs.total()) if ours or theirs else 1.0


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(plain(text))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def _is_number(text: str) -> bool:
    return _number(text) is not None


def _is_json(text: str) -> bool:
    try:
        return plain(text)[:1] in {"{", "["} and bool(_value(text))
    except ValueError:
        return False


def _is_short(text: str) -> bool:
    return len(text) <= _SHORT_LETTERS and len(text.split()) <= _SHORT_WORDS and "\n" not in text.strip()


def _calls(calls: Sequence[ToolCall]) -> Counter[tuple[str, bytes]]:
    return Counter((call.name, _arguments(call.arguments)) for call in calls)


def _arguments(text: str) -> bytes:
    """Spell arguments one way; what is not JSON only equals itself."""
    try:
        return _value(text or "{}")
    except ValueError:
        return b"\xff" + text.encode("utf-8", "surrogatepass")


def _value(text: str) -> bytes:
    """Spell a JSON value one way: members sorted, 1.0 as 1; true is not 1. Raises ValueError where it is no JSON."""
    try:
        return msgspec.json.encode(_whole(msgspec.json.decode(text.strip().encode())), order="deterministic")
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError("no JSON, or nested too deep") from error


def _whole(value: object) -> object:
    match value:
        case dict():
            return {key: _whole(one) for key, one in value.items()}
        case list():
            return [_whole(one) for one in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


_KINDS: tuple[tuple[GraderName, Callable[[str], bool]], ...] = (
    ("number", _is_number),
    ("json", _is_json),
    ("exact", _is_short),
)
"""Of expected answers, and what judges them; the first that fits all."""

GRADERS: Mapping[GraderName, Grader] = MappingProxyType(
    {
        one.name: one
        for one in (
            Grader("exact", _exact, is_binary=True, sentence="the same text, but for white space at its ends"),
            Grader("contains", _contains, is_binary=True, sentence="the expected text stands in it, as whole words"),
            Grader("f1", _f1, is_binary=False, sentence="share of words in common (F1)"),
            Grader("number", _numbers, is_binary=True, sentence="the same number and nothing else"),
            Grader("json", _json, is_binary=True, sentence="the same JSON value"),
            Grader(
                "preferred",
                _preferred,
                is_binary=False,
                sentence="more words in common with the chosen than with the rejected answer",
            ),
        )
    }
)
