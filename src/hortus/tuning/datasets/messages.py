"""Is a list of messages a chat that can be learnt from? Read into OpenAI's form; tables say what may stand where."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from hortus.jobs.examples import Message
from hortus.tuning.datasets.calls import Calls, read_calls
from hortus.tuning.datasets.problems import Flaws
from hortus.tuning.datasets.shapes import check_answer_text, check_members, check_text, wanted

_ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "system": frozenset(("role", "content", "name", "weight")),
        "developer": frozenset(("role", "content", "name", "weight")),
        "user": frozenset(("role", "content", "name", "weight")),
        "assistant": frozenset(("role", "content", "name", "tool_calls", "weight", "refusal", "reasoning_content")),
        "tool": frozenset(("role", "content", "name", "weight", "tool_call_id")),
    }
)
"""What a message of each role may have."""

_SYSTEM = ("system", "developer")
_MEDIA = frozenset(("image", "image_url", "input_image", "input_audio", "audio", "video", "file"))


class Read(msgspec.Struct, frozen=True):
    """A list of messages as it was read.

    Attributes:
        messages: In OpenAI's form, without weights.
        weights: One a message: 0 for answers that are not to be learnt.
        is_whole: Whether every message could be read; else nothing can be said about their order.
    """

    messages: list[Message]
    weights: list[int]
    is_whole: bool = True


class Reader:
    """Reads the messages of one line.

    Args:
        flaws: Where problems go.
        calls: The tools of the line, and the calls so far.
        reads_media: Whether what learns from it reads more than text; images are then left as they are.
    """

    def __init__(self, flaws: Flaws, *, calls: Calls, reads_media: bool) -> None:
        self._flaws = flaws
        self._calls = calls
        self._reads_media = reads_media

    def read(self, value: object, *, path: str) -> Read:
        """Return the messages in `value`; what is wrong with them is noted."""
        read = Read([], [])
        listed = wanted(value, list, path=path, flaws=self._flaws)
        if listed is not None and not listed:
            self._flaws.add("no_messages", path)
        for number, one in enumerate(listed or ()):
            at = f"{path}[{number}]"
            message = wanted(one, dict, path=at, flaws=self._flaws)
            if message is not None:
                self._read_one(message, at=at, into=read)
        return Read(read.messages, read.weights, is_whole=len(read.messages) == len(listed or (None,)))

    def _read_one(self, one: dict[str, Any], *, at: str, into: Read) -> None:
        role = self._role(one, at=at)
        if role is None:
            return
        self._check_place(role, at=at, before=into.messages)
        message: Message = {"role": role}
        self._read_content(one, role, at=at, into=message)
        for name in ("name", "refusal", "reasoning_content"):
            if one.get(name) is not None and wanted(one[name], str, path=f"{at}.{name}", flaws=self._flaws) is not None:
                message[name] = one[name]
        if role == "tool":
            self._read_result(one, at=at, into=message)
        else:
            self._calls.go_on()
        into.messages.append(message)
        into.weights.append(self._weight(one, role, at=at))
        if role == "assistant" and one.get("tool_calls") is not None:
            read_calls(one["tool_calls"], self._calls, at=f"{at}.tool_calls", into=message)

    def _role(self, one: dict[str, Any], *, at: str) -> str | None:
        """Return a message's role; `developer` is what OpenAI calls system now."""
        role = one.get("role")
        if "role" not in one:
            self._flaws.add("missing_member", at, name="role")
        elif not isinstance(role, str) or role not in _ROLES:
            self._flaws.add("unknown_role", f"{at}.role")
        else:
            check_members(one, _ROLES[role], path=at, flaws=self._flaws)
            return "system" if role in _SYSTEM else role
        return None

    def _check_place(self, role: str, *, at: str, before: list[Message]) -> None:
        if role in _SYSTEM and before:
            is_second = any(one["role"] in _SYSTEM for one in before)
            self._flaws.add("second_system" if is_second else "system_not_first", f"{at}.role")
        elif before and before[-1]["role"] == role and role != "tool":
            self._flaws.add("roles_repeat", f"{at}.role")

    def _read_content(self, one: dict[str, Any], role: str, *, at: str, into: Message) -> None:
        content: object = one.get("content")
        path = f"{at}.content"
        has_other = role == "assistant" and bool(one.get("tool_calls") or one.get("refusal"))
        if content is None:
            if not has_other:
                self._flaws.add("no_content", path)
            return
        said = self._joined(content, path=path) if isinstance(content, list) else content
        if isinstance(said, list):
            into["content"] = said
            return
        text: str | None = wanted(said, str, path=path, flaws=self._flaws)
        if text is None:
            return
        into["content"] = text
        if not has_other:
            (check_answer_text if role == "assistant" else check_text)(text, path=path, flaws=self._flaws)

    def _joined(self, parts: list[Any], *, path: str) -> str | list[Any]:
        """Return the text of parts, joined; the parts themselves where some are no text."""
        texts: list[str] = []
        for number, one in enumerate(parts):
            part = wanted(one, dict, path=f"{path}[{number}]", flaws=self._flaws)
            text = None if part is None else self._text_of(part, at=f"{path}[{number}]")
            if text is not None:
                texts.append(text)
        if len(texts) < len(parts):
            return parts
        if len(texts) > 1:
            self._flaws.add("text_parts_joined", path)
        return "\n".join(texts)  # as llama.cpp joins parts for templates that take strings, recalled 2026-11

    def _text_of(self, part: dict[str, Any], *, at: str) -> str | None:
        """Return the text of a part, None where it is none."""
        if part.get("type") == "text":
            return wanted(part.get("text"), str, path=f"{at}.text", flaws=self._flaws)
        if part.get("type") not in _MEDIA:
            self._flaws.add("unknown_part", f"{at}.type")
        elif not self._reads_media:
            self._flaws.add("image_not_read", at)
        return None

    def _read_result(self, one: dict[str, Any], *, at: str, into: Message) -> None:
        call_id = one.get("tool_call_id")
        if call_id is None:
            self._flaws.add("missing_member", at, name="tool_call_id")
            return
        text = wanted(call_id, str, path=f"{at}.tool_call_id", flaws=self._flaws)
        if text is not None:
            into["tool_call_id"] = text
            self._calls.answer(text, path=f"{at}.tool_call_id")

    def _weight(self, one: dict[str, Any], role: str, *, at: str) -> int:
        weight = one.get("weight", 1)
        path = f"{at}.weight"
        if "weight" in one and role != "assistant":
            self._flaws.add("weight_without_answer", path)
            return 1
        if isinstance(weight, bool) or not isinstance(weight, int | float) or weight not in {0, 1}:
            self._flaws.add("unknown_weight", path)
            return 1
        return int(weight)
