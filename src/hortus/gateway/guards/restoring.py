"""How does an answer get its values back, whole or in pieces? At the level of meaning, for every dialect alike.

Thoughts are restored to the letter only, so that the next turn can put them back as the host has sealed them. A host's
own words about an error stay as they are: what was hidden must reach no log.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

import msgspec
from msgspec.structs import replace
from typing_extensions import override

from hortus.canon.events import (
    ChoiceEnded,
    Cited,
    Delta,
    Event,
    Extra,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    SealSet,
    Started,
    TextAdded,
    ThoughtAdded,
    UsageReported,
)
from hortus.canon.loss import Loss
from hortus.canon.manifest import Vocabulary
from hortus.canon.nodes import Extras
from hortus.canon.parts import Citation, Part, Refusal, Text, ToolCall
from hortus.canon.request import Request
from hortus.canon.response import Choice, Response
from hortus.framing.paths import join_paths
from hortus.gateway.guards.placeholders import Mask, Restoring
from hortus.gateway.guards.places import Kind, Look, Walk
from hortus.gateway.guards.spotting import Manner

_TOKENS = "Its tokens are those of placeholders."
_MANNERS: dict[Kind, Manner] = {"text": "text", "thought": "exact", "json": "json", "fixed": "text"}


class _Look(Look):
    """Restores every place of what is whole."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask

    @override
    def enter(self, node: msgspec.Struct, at: str) -> msgspec.Struct:
        return node

    @override
    def words(self, text: str, kind: Kind, *, at: str) -> str:
        return self._mask.put_back(text, _MANNERS[kind])

    @override
    def json(self, raw: msgspec.Raw, kind: Kind, *, at: str) -> msgspec.Raw:
        text = bytes(raw).decode()
        restored = self._mask.restore_in_json(text)
        return raw if restored is text else msgspec.Raw(restored.encode())


class _Open:
    """The part of a choice that is open.

    Attributes:
        index: Its number.
        words: Restores its words, of thoughts those of the last piece; None where it has none yet.
        thought: The last of its thoughts, to tell when another piece begins.
        waiting: What came while words before it were held back.
    """

    __slots__ = ("index", "thought", "waiting", "words")

    def __init__(self, index: int, words: Restoring | None) -> None:
        self.index = index
        self.words = words
        self.thought: ThoughtAdded | None = None
        self.waiting: list[Cited | SealSet] = []


class Restorer:
    """Restores one answer; feed it the whole, or events in order.

    Args:
        mask: Of its request.
        request: What was asked.
        source: How the host's dialect calls things, for the paths of losses.
    """

    def __init__(self, mask: Mask, request: Request, *, source: Vocabulary) -> None:
        self._mask = mask
        self._writes_json = request.output is not None and request.output.kind != "text"
        self._walk = Walk(_Look(mask), source)
        self._choices = source.names.get("Response.choices", "choices")
        self._logprobs = source.names.get("Choice.logprobs", "logprobs")
        self._open: dict[int, _Open] = {}
        self._losses: list[Loss] = []

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What the client does not get because its tokens are those of placeholders."""
        return tuple(self._losses)

    def restore_response(self, response: Response) -> Response:
        """Return a whole answer with its values."""
        head = self._walk.through(replace(response, choices=()))
        return replace(head, choices=tuple(self._choice(one) for one in response.choices))

    def restore_event(self, event: Event) -> list[Event]:
        """Return what of a stream is certain with its next event."""
        match event:
            case PartStarted():
                words = self._words_of(event.part)
                self._open[event.choice] = _Open(event.index, words)
                return [replace(event, part=self._begun(event.part, words))]
            case TextAdded() | ThoughtAdded() | SealSet() | Cited():
                return list(self._delta(event, self._open[event.choice]))
            case PartEnded():
                extras = self._extras(event.extras, "")
                return [*self._flush(event.choice), replace(event, extras=extras)]
            case ChoiceEnded():
                return [self._ended(event)]
            case Started():
                return [replace(event, extras=self._extras(event.extras, ""))]
            case Extra(extras):
                return [Extra(self._walk.through_extras(extras))]
            case Failed():
                return [*self.flush(), event]
            case UsageReported() | Finished():
                return [event]
            case _:
                assert_never(event)

    def flush(self) -> list[Event]:
        """Return what is held back of a stream that broke off."""
        return [event for choice in list(self._open) for event in self._flush(choice)]

    def _words_of(self, part: Part) -> Restoring | None:
        match part:
            case Text() | Refusal():
                return Restoring(self._mask, "json" if self._writes_json else "text")
            case ToolCall():
                return Restoring(self._mask, "json")
            case _:
                return None

    def _begun(self, part: Part, words: Restoring | None) -> Part:
        """Return a part with what is certain of it; its words may go on."""
        if words is None:
            return self._walk.through(part)
        match part:
            case Text():
                text = words.feed(part.text)
                cited = tuple(self._cited(one, words) for one in part.citations)
                return replace(self._walk.through(replace(part, text="", citations=())), text=text, citations=cited)
            case ToolCall():
                arguments = words.feed(part.arguments)
                return replace(self._walk.through(replace(part, arguments="")), arguments=arguments)
            case Refusal():
                return replace(self._walk.through(replace(part, text="")), text=words.feed(part.text))
            case _:
                return self._walk.through(part)

    def _delta(self, event: Delta, opened: _Open) -> Iterator[Event]:
        match event:
            case ThoughtAdded():
                before = opened.thought
                if before is None or (before.goes_to, before.piece) != (event.goes_to, event.piece):
                    yield from self._release(event.choice, opened)
                    opened.words = Restoring(self._mask, "exact")
                opened.thought = event
                yield from self._said(event, opened)
            case TextAdded():
                yield from self._said(event, opened)
            case Cited() | SealSet():
                opened.waiting.append(event)
                yield from self._stop_waiting(opened)
            case _:
                assert_never(event)

    def _said(self, event: TextAdded | ThoughtAdded, opened: _Open) -> Iterator[Event]:
        if opened.words is None:  # words of a part that has none: the writer says so
            yield event
            return
        text = opened.words.feed(event.text)
        if text:
            yield replace(event, text=text)
        yield from self._stop_waiting(opened)

    def _stop_waiting(self, opened: _Open) -> Iterator[Event]:
        """Yield what has waited, once no words before it are held back."""
        words = opened.words
        if words is not None and words.is_holding:
            return
        waiting, opened.waiting = opened.waiting, []
        for event in waiting:
            if isinstance(event, Cited) and words is not None:
                yield replace(event, citation=self._cited(event.citation, words))
            else:
                yield event

    def _release(self, choice: int, opened: _Open) -> Iterator[Event]:
        """Yield what is held back: no more words of this kind come."""
        text = opened.words.flush() if opened.words is not None else ""
        if text and opened.thought is not None:
            yield replace(opened.thought, text=text)
        elif text:
            yield TextAdded(text, choice=choice, index=opened.index)
        yield from self._stop_waiting(opened)

    def _flush(self, choice: int) -> Iterator[Event]:
        opened = self._open.pop(choice, None)
        if opened is not None:
            yield from self._release(choice, opened)

    def _cited(self, citation: Citation, words: Restoring) -> Citation:
        restored = self._walk.through(citation)
        if citation.start is None and citation.end is None:
            return restored
        start = None if citation.start is None else words.place_of(citation.start, is_end=False)
        end = None if citation.end is None else words.place_of(citation.end, is_end=True)
        return replace(restored, start=start, end=end)

    def _whole(self, part: Part) -> Part:
        words = self._words_of(part)
        begun = self._begun(part, words)
        rest = words.flush() if words is not None else ""
        if not rest:
            return begun
        match begun:
            case Text() | Refusal():
                return replace(begun, text=begun.text + rest)
            case ToolCall():
                return replace(begun, arguments=begun.arguments + rest)
            case _:
                return begun

    def _choice(self, choice: Choice) -> Choice:
        self._lose_tokens(choice.logprobs, choice.at)
        message = replace(choice.message, parts=())
        head = self._walk.through(replace(choice, message=message, logprobs=None))
        parts = tuple(self._whole(part) for part in choice.message.parts)
        return replace(head, message=replace(head.message, parts=parts))

    def _ended(self, event: ChoiceEnded) -> ChoiceEnded:
        at = f"{self._choices}[{event.choice}]"
        self._lose_tokens(event.logprobs, at)
        sequence = event.stop_sequence
        return replace(
            event,
            stop_sequence=self._mask.restore(sequence) if sequence is not None else None,
            logprobs=None,
            extras=self._extras(event.extras, at),
        )

    def _lose_tokens(self, logprobs: msgspec.Raw | None, at: str) -> None:
        """Leave probabilities of tokens out: those of a placeholder are none of the value's."""
        if logprobs is not None:
            self._losses.append(Loss(path=join_paths(at, self._logprobs), weight="tuning", reason=_TOKENS))

    def _extras(self, extras: Extras | None, at: str) -> Extras | None:
        return None if extras is None else self._walk.through_extras(extras, at)
