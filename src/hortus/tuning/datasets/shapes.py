"""Typed access to members of a line, with a note where they are not what is wanted."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from hortus.tuning.datasets.problems import Flaws, kind_of, member

T = TypeVar("T")

_WORDS: dict[type, str] = {str: "a string", list: "a list", dict: "an object", bool: "true or false"}


def wanted(value: object, kind: type[T], *, path: str, flaws: Flaws) -> T | None:
    """Return a value that is of a kind; note it where it is not."""
    if isinstance(value, kind):
        return value
    flaws.add("wrong_type", path, found=kind_of(value), wanted=_WORDS[kind])
    return None


def check_members(value: dict[str, Any], known: Collection[str], *, path: str, flaws: Flaws) -> None:
    """Note members that are not known here."""
    for name in value:
        if name in {"functions", "function_call"} and name not in known:
            flaws.add("old_functions", member(path, name))
        elif name not in known:
            flaws.add("unknown_member", member(path, name), known=", ".join(sorted(known)))


def check_text(value: str, *, path: str, flaws: Flaws) -> None:
    """Note a text that says nothing."""
    if not value.strip():
        flaws.add("empty_content", path)


def check_answer_text(value: str, *, path: str, flaws: Flaws) -> None:
    """Note an answer that says nothing, or has white space around it."""
    check_text(value, path=path, flaws=flaws)
    if value.strip() and value != value.strip():
        flaws.add("answer_padded", path)
