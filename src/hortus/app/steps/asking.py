"""Asks routes through the door, as any client does: how evaluations and jobs at hosts reach a model."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import msgspec

from hortus.base.errors import HortusError
from hortus.canon.errors import HostFault, HostUnavailable
from hortus.evals.ports import Answer, AskFailed, ToolCall
from hortus.snapshot.model import Timeouts
from hortus.transport.client import Client, Fetched
from hortus.transport.settings import TransportSettings

TIMEOUTS = Timeouts(connect_s=5.0, first_byte_s=300.0, idle_s=300.0, total_s=600.0)

_OK = 200
_CLIENT_FAULTS = range(400, 500)
_DONE_OR_NOT = frozenset((408, 409))
"""Request Timeout and Conflict: an earlier one with the same `Idempotency-Key` may have been answered."""


class _Function(msgspec.Struct, frozen=True):
    name: str
    arguments: str = "{}"


class _Call(msgspec.Struct, frozen=True):
    function: _Function


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None
    tool_calls: tuple[_Call, ...] | None = None


class _Likely(msgspec.Struct, frozen=True):
    logprob: float | None = None


class _Token(msgspec.Struct, frozen=True):
    top_logprobs: tuple[_Likely, ...] = ()


class _Logprobs(msgspec.Struct, frozen=True):
    content: tuple[_Token, ...] | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Usage(msgspec.Struct, frozen=True):
    prompt_tokens: int | None = None


class _Completion(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...]
    usage: _Usage | None = None
    system_fingerprint: str | None = None


class _Fault(msgspec.Struct, frozen=True):
    message: str = ""
    code: str | int | None = None


class _Refusal(msgspec.Struct, frozen=True):
    error: _Fault = _Fault()


class Door:
    """Implements `evals.ports.Inference` over HTTP; for the length of an `async with`.

    Args:
        url: The door's address.
        key: Opens it.
        ca_bundle: CAs that are trusted besides the system's own: the door may have a certificate of its own.
    """

    def __init__(self, url: str, key: str, *, ca_bundle: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._client = Client(TransportSettings(ca_bundle=ca_bundle), timeouts=TIMEOUTS, may_be_private=True)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, error, traceback)

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
        """Ask once. Raises AskFailed."""
        body: dict[str, Any] = {
            "model": route,
            "messages": list(messages),
            "max_tokens": max_tokens,
            "temperature": temperature,
        }
        if tools:
            body["tools"] = list(tools)
        if likeliest:
            body |= {"logprobs": True, "top_logprobs": likeliest}
        began_s = time.monotonic()
        fetched = await self.call("POST", "/v1/chat/completions", body=msgspec.json.encode(body))
        completion = msgspec.json.decode(fetched.body, type=_Completion)
        choice = completion.choices[0]
        calls = choice.message.tool_calls or ()
        return Answer(
            choice.message.content or "",
            tool_calls=tuple(ToolCall(one.function.name, one.function.arguments) for one in calls),
            finish_reason=choice.finish_reason or "stop",
            latency_ms=(time.monotonic() - began_s) * 1000,
            receipt_id=fetched.headers.get("hortus-receipt"),
            prompt_tokens=completion.usage.prompt_tokens if completion.usage is not None else None,
            engine=completion.system_fingerprint,
            likeliest=_likeliest(choice),
        )

    async def call(
        self, method: str, path: str, *, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Fetched:
        """Send one request; the answer has succeeded. Raises AskFailed."""
        try:
            fetched = await self._client.fetch(
                f"{self._url}{path}", method, headers={**self._headers, **(headers or {})}, body=body
            )
        except HostFault as error:
            raise AskFailed(str(error), is_unsent=not error.may_have_cost) from error
        except HortusError as error:
            raise AskFailed(str(error)) from error
        if fetched.status != _OK:
            fault = _fault_of(fetched)
            raise AskFailed(
                f"the door answered {fetched.status}: {fault.message or 'nothing more'}",
                status=fetched.status,
                retry_after_s=_seconds(fetched),
                is_unsent=_is_unsent(fetched.status, fault.code),
            )
        return fetched


def _likeliest(choice: _Choice) -> tuple[float, ...]:
    """Return how likely the first tokens were, the likeliest first; nothing where the engine does not tell."""
    tokens = (choice.logprobs.content if choice.logprobs else None) or ()
    known = (one.logprob for one in tokens[0].top_logprobs) if tokens else ()
    return tuple(sorted((one for one in known if one is not None), reverse=True))


def _fault_of(fetched: Fetched) -> _Fault:
    try:
        return msgspec.json.decode(fetched.body, type=_Refusal).error
    except msgspec.DecodeError:
        return _Fault()


def _is_unsent(status: int, code: str | int | None) -> bool:
    """Tell whether the host has certainly done nothing: refused by the door or by itself, with whatever reason."""
    if status == HostUnavailable.status:
        return code not in {None, HostUnavailable.code}  # that one may have been lost on its way back
    return status in _CLIENT_FAULTS and status not in _DONE_OR_NOT


def _seconds(fetched: Fetched) -> float | None:
    said = fetched.headers.get("retry-after", "")
    return float(said) if said.isdecimal() else None
