"""What does a client of one of our own engines ask? OpenAI's Chat Completions, read strictly: unknown is refused."""

from __future__ import annotations

from typing import NoReturn

import msgspec

MOST_STOPS = 16


class Refusal(Exception):  # noqa: N818 -- an answer, not a fault
    """A request that is answered with 400, in OpenAI's words."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


class Asked(msgspec.Struct, frozen=True):
    """One chat, checked.

    Attributes:
        messages: As the chat template wants them; contents are text.
        temperature: 0 takes the likeliest token; None: the deployment's.
        most_tokens: Of the answer; None: as long as the context allows.
    """

    messages: list[dict[str, object]]
    is_stream: bool = False
    wants_usage: bool = False
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    most_tokens: int | None = None
    stops: tuple[str, ...] = ()


class _Part(msgspec.Struct):
    type: str
    text: str = ""


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None
    name: str | None = None
    tool_calls: list[object] | None = None
    tool_call_id: str | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool = False


class _Body(msgspec.Struct, forbid_unknown_fields=True):
    """Members that have an effect, and those that only say who asks."""

    messages: list[_Message]
    model: str = ""
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stop: str | list[str] | None = None
    n: int | None = None
    user: str | None = None
    metadata: dict[str, str] | None = None


_NEUTRAL: dict[str, tuple[object, ...]] = {
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logprobs": (False,),
    "store": (False,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "response_format": ({"type": "text"},),
    "logit_bias": ({},),
    "service_tier": ("auto", "default"),
}
"""Members that change nothing with these values, and are refused with others."""

_BOUNDS: dict[str, tuple[float, float]] = {
    "temperature": (0, 5),
    "top_p": (0, 1),
    "max_tokens": (1, 2**31),
    "max_completion_tokens": (1, 2**31),
    "n": (1, 1),
    "seed": (-(2**63), 2**63 - 1),
}


def read_chat(body: bytes) -> Asked:
    """Return what is asked.

    Raises:
        Refusal: It cannot be read, or asks for something that this engine does not do.
    """
    try:
        members = msgspec.json.decode(body, type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise Refusal(f"The body is no JSON object: {error}.") from error
    plain = {name: value for name, value in members.items() if value is not None and not _is_neutral(name, value)}
    for name in plain:
        if name not in _Body.__struct_fields__:
            raise Refusal(f"This engine does not take `{name}`.", param=name, code="unsupported_parameter")
    try:
        asked = msgspec.convert(plain, _Body)
    except msgspec.ValidationError as error:
        raise Refusal(f"The request cannot be read: {error}.") from error
    for name, (low, high) in _BOUNDS.items():
        value = getattr(asked, name)
        if value is not None and not low <= value <= high:
            raise Refusal(f"`{name}` must lie between {low:g} and {high:g}.", param=name)
    return _checked(asked)


def _is_neutral(name: str, value: object) -> bool:
    return value in _NEUTRAL.get(name, ())


def _checked(asked: _Body) -> Asked:
    if not asked.messages:
        raise Refusal("`messages` is empty.", param="messages")
    stops = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ())
    if len(stops) > MOST_STOPS or not all(stops):
        raise Refusal(f"`stop` takes up to {MOST_STOPS} texts, none of them empty.", param="stop")
    wishes = [wish for wish in (asked.max_completion_tokens, asked.max_tokens) if wish is not None]
    return Asked(
        messages=[_message(one, f"messages[{index}]") for index, one in enumerate(asked.messages)],
        is_stream=bool(asked.stream),
        wants_usage=asked.stream_options is not None and asked.stream_options.include_usage,
        temperature=asked.temperature,
        top_p=asked.top_p,
        seed=asked.seed,
        most_tokens=min(wishes, default=None),
        stops=stops,
    )


def _message(message: _Message, at: str) -> dict[str, object]:
    if message.tool_calls or message.tool_call_id:
        raise Refusal("This engine knows no tools.", param=at, code="unsupported_value")
    content = message.content
    if isinstance(content, list):
        content = "".join(_text(part, f"{at}.content[{index}]") for index, part in enumerate(content))
    named = {} if message.name is None else {"name": message.name}
    return {"role": message.role, "content": content or "", **named}


def _text(part: _Part, at: str) -> str:
    return part.text if part.type == "text" else _refuse_part(part.type, at)


def _refuse_part(kind: str, at: str) -> NoReturn:
    raise Refusal(f"This engine takes text only, not `{kind[:40]}`.", param=at, code="unsupported_value")
