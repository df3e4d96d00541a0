"""One question through the door and its answer, as any client of OpenAI's Chat Completions would ask it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec

from hortus.base.errors import HortusError
from hortus.canon.errors import NotReady, Unauthenticated, UnknownRoute
from hortus.framing.sse import Frame, SseSplitter
from hortus.transport.client import read_headers

if TYPE_CHECKING:
    from hortus.gateway.ports import HostResponse
    from hortus.transport.client import Client

_LONGEST_REFUSAL_BYTES = 1 << 20
_OK = 200
_END = b"[DONE]"


class Question(msgspec.Struct, frozen=True):
    """What is asked, and where."""

    door: str
    route: str
    text: str
    system: str | None = None

    @property
    def messages(self) -> list[dict[str, str]]:
        """The conversation that is sent."""
        first = [{"role": "system", "content": self.system}] if self.system else []
        return [*first, {"role": "user", "content": self.text}]


class Tokens(msgspec.Struct, frozen=True):
    """Token counts as the door tells them."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


class Heard(msgspec.Struct, frozen=True):
    """An answer, whole."""

    text: str
    receipt_id: str | None
    model: str | None = None
    finish_reason: str | None = None
    usage: Tokens | None = None


class RefusalError(HortusError):
    """The door said no; its own words and hint."""

    code = "refused"

    def __init__(
        self, message: str, *, reason: str | None = None, path: str | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message, path=path, hint=hint)
        self.reason = reason

    @property
    def is_bad_key(self) -> bool:
        """Whether the key was not known."""
        return self.reason == Unauthenticated.code

    @property
    def is_passing(self) -> bool:
        """Whether the door is only not ready yet, such as right after an engine's start."""
        return self.reason == NotReady.code


async def ask(question: Question, key: str, *, client: Client, on_text: Callable[[str], None]) -> Heard:
    """Ask and return the answer, giving each piece to `on_text` as it comes.

    Raises:
        RefusalError: The door refused the request, or the answer broke off.
        HortusError: The door cannot be reached.
    """
    body = {
        "model": question.route,
        "messages": question.messages,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    url = f"{question.door}/v1/chat/completions"
    async with client.open(url, "POST", headers=headers, body=msgspec.json.encode(body)) as response:
        if response.status != _OK:
            raise read_refusal(await response.read(_LONGEST_REFUSAL_BYTES), response.status, route=question.route)
        return await _listen(response, on_text)


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _Fault(msgspec.Struct, frozen=True):
    message: str = "no reason was given"
    code: str | None = None


class _Event(msgspec.Struct, frozen=True):
    choices: list[_Choice] = []
    model: str | None = None
    usage: Tokens | None = None
    error: _Fault | None = None


class _Listener:
    """Gathers one answer from its events."""

    def __init__(self, on_text: Callable[[str], None]) -> None:
        self._on_text = on_text
        self._pieces: list[str] = []
        self._model: str | None = None
        self._finish_reason: str | None = None
        self._usage: Tokens | None = None
        self._has_ended = False

    def take(self, frame: Frame) -> None:
        self._has_ended = self._has_ended or frame.data == _END
        event = _read_event(frame)
        if event is None:
            return
        self._model = event.model or self._model
        self._usage = event.usage or self._usage
        for choice in event.choices:
            self._finish_reason = choice.finish_reason or self._finish_reason
            if choice.delta.content:
                self._pieces.append(choice.delta.content)
                self._on_text(choice.delta.content)

    def heard(self, receipt_id: str | None) -> Heard:
        if not self._has_ended and self._finish_reason is None:
            raise RefusalError("the answer broke off.", hint="Ask again; what came is paid for.")
        return Heard("".join(self._pieces), receipt_id, self._model, self._finish_reason, self._usage)


async def _listen(response: HostResponse, on_text: Callable[[str], None]) -> Heard:
    splitter, listener = SseSplitter(), _Listener(on_text)
    async for chunk in response.body():
        for frame in splitter.feed(chunk):
            listener.take(frame)
    return listener.heard(read_headers(response).get("hortus-receipt"))


def _read_event(frame: Frame) -> _Event | None:
    if frame.data is None or frame.data == _END:
        return None
    try:
        event = msgspec.json.decode(frame.data, type=_Event)
    except msgspec.MsgspecError as error:
        raise RefusalError(
            "the answer holds an event that is not OpenAI's.", hint="Is HORTUS_URL the address of a Hortus?"
        ) from error
    if event.error is not None:
        raise RefusalError(event.error.message, reason=event.error.code, hint="What came before it is paid for.")
    return event


class _Wrapped(msgspec.Struct, frozen=True):
    error: _Fault


def read_refusal(body: bytes, status: int, *, route: str) -> RefusalError:
    """Return the error in an answer of OpenAI's form; any other body is not quoted."""
    try:
        fault = msgspec.json.decode(body, type=_Wrapped).error
    except msgspec.MsgspecError:
        return RefusalError(f"the door answered with status {status}.", hint="`hortus doctor` may know why.")
    hint = _HINTS.get(fault.code or "")
    return RefusalError(fault.message, reason=fault.code, path=f"route {route}", hint=hint)


_HINTS = {
    UnknownRoute.code: "`hortus projects allow PROJECT ROUTE` lets a project's keys use a route.",
    Unauthenticated.code: "`hortus keys create --project NAME` makes a key.",
}
