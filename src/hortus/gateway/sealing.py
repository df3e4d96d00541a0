"""How do seals survive a client whose dialect has no place for them? They are kept under the id of their tool call.

The id that the client gets for such a call ends with a mark of the seal's dialect: so a call that comes back without
its seal is noticed, and not sent to fail or to forget.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping

import msgspec

from hortus.canon.collect import Growing
from hortus.canon.events import Event, PartEnded, PartStarted, SealSet, TextAdded, ThoughtAdded
from hortus.canon.loss import Loss
from hortus.canon.nodes import Seal
from hortus.canon.parts import Part, Reasoning, ToolCall, ToolResult
from hortus.canon.request import Message, Request
from hortus.canon.response import Choice, Response
from hortus.canon.turns import Turn, turns_of
from hortus.content.ports import NotKept, Seals

_log = logging.getLogger("hortus.gateway")

_MARKS: Mapping[str, str] = {
    "gemini": "_hsg",
    "anthropic_messages": "_hsa",
    "openai_responses": "_hsr",
    "bedrock_converse": "_hsb",
}
_DIALECTS: Mapping[str, str] = {mark: dialect for dialect, mark in _MARKS.items()}
_MARK = b"_hs"
_MARKED = re.compile(rb'"([^"\\]{1,256})_hs[garb]"')
"""A marked id as it stands in a request, in any dialect."""

ADAPTED = "seals"
"""Adaptation: seals were put back that the client's dialect has no place for."""


class _Kept(msgspec.Struct, frozen=True):
    """What lies under a call's id: sealed reasoning that came before it in its turn, and its own seal.

    Attributes:
        is_first: Nothing else came before that reasoning; some hosts insist on it.
    """

    before: tuple[Reasoning, ...] = ()
    seal: Seal | None = None
    is_first: bool = False


_DECODE = msgspec.json.Decoder(_Kept).decode
_ENCODE = msgspec.json.Encoder().encode


class SealKeeper:
    """Keeps the seals of one answer; feed it whole parts or events, in order.

    Args:
        seals: Where they lie.
        project_id: Whose they are.
        endpoint: Which endpoint gave them, by name.
    """

    def __init__(self, seals: Seals, project_id: str, *, endpoint: str) -> None:
        self._seals = seals
        self._project_id = project_id
        self._endpoint = endpoint
        self._before: dict[int, list[Reasoning]] = {}
        self._begun: set[int] = set()
        self._began_with_reasoning: set[int] = set()
        self._growing: dict[int, Growing] = {}

    def mark_response(self, response: Response) -> Response:
        """Keep every seal of a whole answer and return it with the ids of its calls marked."""
        return msgspec.structs.replace(response, choices=tuple(self._mark_choice(one) for one in response.choices))

    def _mark_choice(self, choice: Choice) -> Choice:
        parts = tuple(self._mark_whole(choice.index, part) for part in choice.message.parts)
        return msgspec.structs.replace(choice, message=msgspec.structs.replace(choice.message, parts=parts))

    def _mark_whole(self, choice: int, part: Part) -> Part:
        marked = self._marked(choice, part)
        self._take_whole(choice, part)
        return marked

    def mark_event(self, event: Event) -> Event:
        """Take the next event of a stream and return it, with the id marked where a sealed call begins."""
        if isinstance(event, PartStarted):
            if isinstance(event.part, Reasoning | ToolCall):
                self._growing[event.choice] = Growing(event.part)
            marked = self._marked(event.choice, event.part)
            return event if marked is event.part else msgspec.structs.replace(event, part=marked)
        if isinstance(event, TextAdded | ThoughtAdded | SealSet):
            growing = self._growing.get(event.choice)
            if growing is not None:
                growing.grow(event)
        elif isinstance(event, PartEnded):
            growing = self._growing.pop(event.choice, None)
            if growing is not None:
                self._take_whole(event.choice, growing.whole(event.extras))
        return event

    def _marked(self, choice: int, part: Part) -> Part:
        if choice not in self._begun and isinstance(part, Reasoning):
            self._began_with_reasoning.add(choice)
        self._begun.add(choice)
        if not isinstance(part, ToolCall):
            return part
        seal = part.seal or next((one.seal for one in self._before.get(choice, ()) if one.seal), None)
        if seal is None:
            return part
        return msgspec.structs.replace(part, id=part.id + _MARKS.get(seal.dialect, ""))

    def _take_whole(self, choice: int, part: Part) -> None:
        if isinstance(part, Reasoning) and part.seal is not None:
            self._before.setdefault(choice, []).append(part)
        elif isinstance(part, ToolCall):
            before = tuple(self._before.pop(choice, ()))
            if before or part.seal is not None:
                is_first = choice in self._began_with_reasoning
                self._began_with_reasoning.discard(choice)
                self._keep(part.id, _Kept(before=before, seal=part.seal, is_first=is_first))

    def _keep(self, call_id: str, kept: _Kept) -> None:
        try:
            self._seals.keep(self._project_id, self._endpoint, call_id, _ENCODE(kept))
        except NotKept as error:  # the next turn will say that it is lost
            _log.warning("seal not kept: %s", error.message)


class Restored(msgspec.Struct, frozen=True):
    """A request with its seals back.

    Attributes:
        lost: Calls whose seal could not be found.
        adaptations: Names what was put back, or in place of what.
    """

    request: Request
    lost: tuple[Loss, ...] = ()
    adaptations: tuple[str, ...] = ()


def restore_seals(request: Request, seals: Seals, *, project_id: str, endpoint: str, dialect: str) -> Restored:
    """Put the seals of a request's calls back, and take all marks off.

    Thoughts that the client sent back without their seal, or with one that is kept, give way: what is kept has them
    whole, and as their host gave them.

    Args:
        request: As the client sent it.
        seals: Where they lie.
        project_id: Whose they must be.
        endpoint: Which endpoint must have given them.
        dialect: What it speaks; a seal of another dialect is of no use there, and none is missed.
    """
    if not _has_calls(request):
        return Restored(request)

    def find(call_id: str) -> _Kept | None:
        data = seals.find(project_id, endpoint, call_id)
        return None if data is None else _DECODE(data)

    turns = [_Turn(turn, find, dialect=dialect) for turn in turns_of(request.messages)]
    messages = tuple(message for turn in turns for message in turn.messages())
    lost = tuple(loss for turn in turns for loss in turn.lost)
    adaptations = (ADAPTED,) if any(turn.is_sealed for turn in turns) else ()
    return Restored(msgspec.structs.replace(request, messages=messages), lost, adaptations)


def marked_calls(body: bytes, *, most: int) -> list[str]:
    """Return the ids of the latest calls in a request whose seal was kept, latest first, without their marks."""
    if _MARK not in body:
        return []
    found = dict.fromkeys(one.decode("utf-8", "replace") for one in reversed(_MARKED.findall(body)))
    return list(found)[:most]


class _Turn:
    """A turn while its seals are put back."""

    def __init__(self, turn: Turn, find: Callable[[str], _Kept | None], *, dialect: str) -> None:
        self._find = find
        self._dialect = dialect
        self._first: list[Part] = []
        self.lost: list[Loss] = []
        sent = [part for message in turn.messages for part in message.parts]
        self._has_own = any(isinstance(part, Reasoning) and _is_sealed_for(part, dialect) for part in sent)
        self._kept = {part.id: self._find_kept(part) for part in sent if isinstance(part, ToolCall)}
        self._copied = [one.seal for kept in self._kept.values() if kept is not None for one in kept.before]
        self._messages = [(message, list(self._sealed(message))) for message in turn.messages]

    @property
    def is_sealed(self) -> bool:
        """Whether something was put back."""
        return any(kept is not None for kept in self._kept.values())

    def messages(self) -> Iterator[Message]:
        """Return its messages, sealed; reasoning that began the turn begins it again."""
        for number, (message, parts) in enumerate(self._messages):
            yield msgspec.structs.replace(message, parts=(*(self._first if number == 0 else ()), *parts))

    def _find_kept(self, call: ToolCall) -> _Kept | None:
        call_id, of_dialect = _unmarked(call.id)
        kept = self._find(call_id)
        if kept is None and of_dialect == self._dialect and call.seal is None and not self._has_own:
            self.lost.append(_lost(call))
        return kept

    def _sealed(self, message: Message) -> Iterator[Part]:
        for part in message.parts:
            if isinstance(part, ToolResult):
                call_id, _ = _unmarked(part.call_id)
                yield part if call_id == part.call_id else msgspec.structs.replace(part, call_id=call_id)
            elif isinstance(part, ToolCall):
                yield from self._call(part)
            elif not (isinstance(part, Reasoning) and self._is_copy(part)):
                yield part

    def _is_copy(self, part: Reasoning) -> bool:
        """Tell whether thoughts are what the client made of those that are kept."""
        return self.is_sealed and (part.seal is None or part.seal in self._copied)

    def _call(self, call: ToolCall) -> Iterator[Part]:
        kept = self._kept[call.id] or _Kept()
        before = [msgspec.structs.replace(one, at=call.at) for one in kept.before]
        if kept.is_first:
            self._first.extend(before)
        else:
            yield from before
        call_id, _ = _unmarked(call.id)
        yield msgspec.structs.replace(call, id=call_id, seal=call.seal or kept.seal)


def _has_calls(request: Request) -> bool:
    return any(isinstance(part, ToolCall | ToolResult) for message in request.messages for part in message.parts)


def _is_sealed_for(part: Reasoning, dialect: str) -> bool:
    return part.seal is not None and part.seal.dialect == dialect


def _unmarked(call_id: str) -> tuple[str, str | None]:
    """Return the id as the host gave it, and the dialect of its seal; None where it had none."""
    for mark, dialect in _DIALECTS.items():
        if call_id.endswith(mark):
            return call_id.removesuffix(mark), dialect
    return call_id, None


def _lost(call: ToolCall) -> Loss:
    return Loss(
        path=call.at,
        weight="meaning",
        reason="The maker's seal of this tool call is gone (they are kept for a day, for the endpoint that gave them); "
        "start the conversation anew, or leave the call and its result out.",
    )
