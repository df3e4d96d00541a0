"""Kept exchanges of a project that allowed it, as chats to learn from: what was asked, with its history, and answered.

Only answers that came whole and ended by themselves. What stands for a person's data stays as it was kept. Whatever
cannot be said in a chat of texts and calls is left out as a whole, and counted with its reason. Thoughts are not kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from hortus.canon.collect import collect
from hortus.canon.errors import RequestError
from hortus.canon.parts import Media, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult
from hortus.canon.request import Message, Request, Tool
from hortus.canon.response import Choice
from hortus.canon.translation import Call, Chat
from hortus.content.exchange import Exchange
from hortus.dialects import DIALECTS

_WELL = 200
_ENDED = ("end", "stop_sequence", "tool_calls")
_BETWEEN = "\n\n"  # texts of one message, and system messages, are paragraphs

_encode = msgspec.json.Encoder().encode


class Selection(msgspec.Struct, frozen=True):
    """Which exchanges are wanted; what is empty or None wants all.

    Attributes:
        routes: Names that clients asked for.
        models: As hosts say that they answered, or names of endpoints.
        since_ms: From then on.
        until_ms: Before then.
    """

    routes: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    since_ms: int | None = None
    until_ms: int | None = None

    def wants(self, exchange: Exchange) -> bool:
        """Tell whether one is wanted, going by what is known without reading it."""
        return (
            (not self.routes or exchange.route in self.routes)
            and (self.since_ms is None or exchange.at_ms >= self.since_ms)
            and (self.until_ms is None or exchange.at_ms < self.until_ms)
        )


class _LeftOut(Exception):  # noqa: N818 -- it says what happened
    """An exchange that gives no example; `reason` is a word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def chats_of(exchanges: Iterable[Exchange], selection: Selection, left_out: Counter[str]) -> Iterator[bytes]:
    """Yield a line of chat JSON Lines for each exchange that gives one.

    Args:
        left_out: Gets how many wanted ones gave none, by reason.
    """
    for exchange in exchanges:
        if not selection.wants(exchange):
            continue
        try:
            yield _encode(_chat_of(exchange, selection)) + b"\n"
        except _LeftOut as error:
            left_out[error.reason] += 1


def _chat_of(exchange: Exchange, selection: Selection) -> dict[str, Any]:
    if exchange.operation != "chat":
        raise _LeftOut("no_chat")
    if not exchange.is_whole or exchange.status != _WELL:
        raise _LeftOut("not_completed")
    request, model, choice = _read(exchange)
    if selection.models and not selection.models & {model, exchange.endpoint}:
        raise _LeftOut("other_model")
    if choice.stop not in _ENDED:
        raise _LeftOut("not_ended")
    if exchange.continues is not None or request.continues is not None:
        raise _LeftOut("history_elsewhere")
    return _written(request, choice)


def _read(exchange: Exchange) -> tuple[Request, str, Choice]:
    """Return what was asked, which model answered, and its answer."""
    if exchange.request is None or exchange.answer is None:
        raise _LeftOut("not_kept")
    chats = _chats(exchange.dialect)
    try:
        request = chats.read_request(exchange.request, Call(route=exchange.route, is_stream=exchange.is_stream))
        return request, *_answer(exchange.answer, chats, is_stream=exchange.is_stream)
    except RequestError as error:
        raise _LeftOut("not_readable") from error


def _chats(dialect: str) -> Chat:
    found = next((one.translation for one in DIALECTS if one.name == dialect), None)
    if found is None or found.chats is None:
        raise _LeftOut("no_chat")
    return found.chats


def _answer(data: bytes, chats: Chat, *, is_stream: bool) -> tuple[str, Choice]:
    if is_stream:
        reader = chats.open_reader()
        response = collect([*reader.feed(data), *reader.close()])
    else:
        response = chats.read_response(data)
    if len(response.choices) != 1:
        raise _LeftOut("several_answers")
    return response.model, response.choices[0]


def _written(request: Request, choice: Choice) -> dict[str, Any]:
    messages = [one for message in _with_one_system(request.messages) for one in _messages(message)]
    answer = _messages(choice.message)
    if len(answer) != 1 or not any(answer[0].get(name) for name in ("content", "tool_calls")):
        raise _LeftOut("no_answer")
    chat: dict[str, Any] = {"messages": [*messages, *answer]}
    if request.tools:
        chat["tools"] = [_tool(one) for one in request.tools]
    return chat


def _with_one_system(messages: Sequence[Message]) -> list[Message]:
    """Join what is said by system and developer before all else; there must be no more of it later."""
    count = next((n for n, one in enumerate(messages) if one.role not in {"system", "developer"}), len(messages))
    if any(one.role in {"system", "developer"} for one in messages[count:]):
        raise _LeftOut("system_in_between")
    first = [Message("system", tuple(part for one in messages[:count] for part in one.parts))] if count else []
    return [*first, *messages[count:]]


def _messages(message: Message) -> list[dict[str, Any]]:
    """Return a canonical message as OpenAI's chat has it: results of tools are messages of their own, first."""
    results = [_result(one) for one in message.parts if isinstance(one, ToolResult)]
    calls = [_call(one) for one in message.parts if isinstance(one, ToolCall)]
    text = _text([one for one in message.parts if not isinstance(one, ToolResult | ToolCall | Reasoning)])
    said: dict[str, Any] = {"role": message.role}
    if text is not None:
        said["content"] = text
    if calls:
        said["tool_calls"] = calls
    return [*results, *([said] if len(said) > 1 else [])]


def _text(parts: Sequence[Part]) -> str | None:
    texts = []
    for part in parts:
        match part:
            case Text():
                texts.append(part.text)
            case Refusal():
                raise _LeftOut("refusal")
            case Media() | Opaque():
                raise _LeftOut("more_than_text")
            case _:
                raise _LeftOut("not_readable")
    return _BETWEEN.join(texts) if texts else None


def _call(call: ToolCall) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _result(result: ToolResult) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": result.call_id, "content": _text(result.parts) or ""}


def _tool(tool: object) -> dict[str, Any]:
    if not isinstance(tool, Tool):
        raise _LeftOut("tools_of_the_host")
    function: dict[str, Any] = {"name": tool.name}
    if tool.description is not None:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    return {"type": "function", "function": function}
