"""A host's stream: each frame is a whole answer that holds the next piece of each candidate.

Texts go on from frame to frame until a part of another kind comes, or the signature; calls come whole. A `finishReason`
may stand in every frame, so choices end when the stream does.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hortus.canon.collect import joined
from hortus.canon.errors import BrokenStream, CallerFault
from hortus.canon.events import (
    ChoiceEnded,
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
from hortus.canon.nodes import Extras
from hortus.canon.parts import Part, Reasoning, Text, ToolCall
from hortus.canon.usage import Usage
from hortus.dialects.gemini.calls import CallIds
from hortus.dialects.gemini.errors import read_error
from hortus.dialects.gemini.frames import Frames
from hortus.dialects.gemini.members import NAME, Opened
from hortus.dialects.gemini.parts import read_part
from hortus.dialects.gemini.response import NAMELESS, blocked_choice, is_blocked, keep_reason, read_head, unreadable
from hortus.dialects.gemini.stops import read_stop
from hortus.dialects.gemini.usage import USAGE, read_usage, searches_in
from hortus.framing.shallow import check_text

_REASON = "finishReason"
_GROWING = ("logprobsResult", "citationMetadata")
"""Members of a candidate that hold the next piece of their lists in each frame; of others the last one counts."""

_NULL = b"null"
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ENCODE = msgspec.json.Encoder().encode


class Reader:
    """Reads one stream; see `canon.translation.StreamReader`."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._ids: CallIds | None = None
        self._known: dict[str, msgspec.Raw] = {}
        self._head: tuple[str, str, int | None] = ("", "", None)
        self._usage: Usage | None = None
        self._searches = 0
        self._candidates: dict[int, _Candidate] = {}
        self._is_blocked = self._is_failed = False

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that are complete now.

        Raises:
            BrokenStream: What came cannot be a stream of this dialect.
        """
        return [event for text in self._frames.feed(data) for event in self._read(text)]

    def close(self) -> list[Event]:
        """The host ended the stream: return the rest; nothing more where it broke off.

        Raises:
            BrokenStream: As above.
        """
        try:
            texts = self._frames.close()
        except BrokenStream:
            return []  # it broke off: the caller tells the client
        events = [event for text in texts for event in self._read(text)]
        return events + list(self._end())

    def _end(self) -> Iterator[Event]:
        candidates = [self._candidates[number] for number in sorted(self._candidates)]
        is_over = bool(candidates) and all(one.has_ended for one in candidates)
        is_barred = self._is_blocked and not candidates
        if self._is_failed or not (is_over or is_barred):
            return
        yield from self._report_searches()
        for one in candidates:
            yield from one.end()
        if is_barred:
            blocked = blocked_choice()
            yield ChoiceEnded(stop=blocked.stop, extras=blocked.extras)
        yield Finished()

    def _report_searches(self) -> Iterator[Event]:
        """Report the searches, which are known at the end only, wherever they stand."""
        if self._searches and self._usage is not None:
            yield UsageReported(msgspec.structs.replace(self._usage, searches=self._searches))

    def _read(self, text: bytes) -> list[Event]:
        if self._is_failed:
            return []
        try:
            check_text(text)
            return list(self._read_frame(Opened(text, ""), text))
        except CallerFault as error:
            raise unreadable(error) from error

    def _read_frame(self, wire: Opened, text: bytes) -> Iterator[Event]:
        if wire.has("error"):
            self._is_failed = True
            error = read_error(0, text)
            yield Failed(code=error.code, message=error.message)
            return
        self._searches = max(self._searches, searches_in(text))
        usage = read_usage(wire.inner(USAGE), known=self._known)
        candidates = wire.items("candidates") or []
        feedback = wire.raw("promptFeedback")
        if feedback is not None:
            wire.keep("promptFeedback", feedback)
            self._is_blocked |= is_blocked(feedback)
        yield from self._read_head(wire)
        if usage is not None and usage != self._usage:
            self._usage = usage
            yield UsageReported(usage)
        for raw in candidates:
            yield from self._read_candidate(raw)

    def _read_head(self, wire: Opened) -> Iterator[Event]:
        head = read_head(wire)
        for name, said, before in zip(("responseId", "modelVersion"), head, self._head, strict=False):
            if self._ids is not None and said and said != before:
                wire.keep(name, msgspec.Raw(_ENCODE(said)), is_silent=True)
        extras = wire.own_extras()
        new = Extras(dialect=NAME, members=self._news(extras.members), silent=self._news(extras.silent))
        self._known |= new.members | new.silent
        if self._ids is None:
            self._head = head
            self._ids = CallIds(head[0] or NAMELESS)
            yield Started(id=head[0], model=head[1], created_s=head[2], extras=new)
        elif new.members or new.silent:
            yield Extra(new)

    def _news(self, members: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
        return {path: raw for path, raw in members.items() if self._known.get(path) != raw and bytes(raw) != _NULL}

    def _read_candidate(self, raw: msgspec.Raw) -> Iterator[Event]:
        wire = Opened(raw, "candidates[]")
        index = wire.integer("index") or 0
        candidate = self._candidates.get(index)
        if candidate is None:
            candidate = self._candidates[index] = _Candidate(index, self._ids or CallIds())
        yield from candidate.read(wire)


class _Candidate:
    """One choice as it grows."""

    def __init__(self, index: int, ids: CallIds) -> None:
        self._index = index
        self._ids = ids
        self._next = 0
        self._open: type[Part] | None = None
        self._open_extras: Extras | None = None
        self._extras: Extras | None = None
        self._has_calls = False
        self._reason: msgspec.Raw | None = None

    @property
    def has_ended(self) -> bool:
        """Whether a reason for its end was seen."""
        return self._reason is not None

    def read(self, wire: Opened) -> Iterator[Event]:
        """Return the events of the next piece."""
        content = wire.inner("content")
        items: list[msgspec.Raw] = []
        if content is not None:
            content.raw("role")
            items = content.items("parts") or []
        reason = wire.raw(_REASON)
        if reason is not None:
            self._reason = reason
            self._extras = _without_reason(self._extras)
            keep_reason(wire, reason)
        wire.silence("finishMessage", "tokenCount")
        extras = _without_forms(wire.extras())
        if extras is not None:
            self._extras = _later(self._extras, extras)
        for raw in items:
            at = f"candidates[{self._index}].content.parts[{self._next}]"
            yield from self._read_part(read_part(raw, at, ids=self._ids))

    def end(self) -> Iterator[Event]:
        """Return the events of its end."""
        yield from self._close()
        stop = None if self._reason is None else read_stop(self._reason, has_calls=self._has_calls)
        yield ChoiceEnded(choice=self._index, stop=stop, extras=self._extras)

    def _read_part(self, part: Part) -> Iterator[Event]:
        if isinstance(part, Text | Reasoning):
            yield from self._grow(part)
            return
        yield from self._close()
        number = self._next
        if isinstance(part, ToolCall):
            self._has_calls = True
            yield PartStarted(msgspec.structs.replace(part, arguments=""), choice=self._index, index=number)
            yield TextAdded(part.arguments, choice=self._index, index=number)
        else:
            yield PartStarted(part, choice=self._index, index=number)
        yield PartEnded(choice=self._index, index=number)
        self._next += 1

    def _grow(self, part: Text | Reasoning) -> Iterator[Event]:
        words = part.text if isinstance(part, Text) else "".join(part.summary)
        more = _without_forms(part.extras)
        if not (words or part.seal or more):
            return
        if self._open is not type(part):
            yield from self._close()
            self._open = type(part)
            skeleton = Text(text="", at=part.at) if isinstance(part, Text) else Reasoning(at=part.at)
            yield PartStarted(skeleton, choice=self._index, index=self._next)
        if words:
            yield self._added(part, words)
        if more is not None:
            self._open_extras = joined(self._open_extras, more)
        if part.seal is not None:
            yield SealSet(part.seal, choice=self._index, index=self._next)
            yield from self._close()

    def _added(self, part: Text | Reasoning, words: str) -> TextAdded | ThoughtAdded:
        if isinstance(part, Text):
            return TextAdded(words, choice=self._index, index=self._next)
        return ThoughtAdded(words, choice=self._index, index=self._next, goes_to="summary")

    def _close(self) -> Iterator[Event]:
        if self._open is not None:
            yield PartEnded(choice=self._index, index=self._next, extras=self._open_extras)
            self._open = self._open_extras = None
            self._next += 1


def _without_forms(extras: Extras | None) -> Extras | None:
    """Return extras without notations and nulls: those of single frames mean nothing; None where nothing is left."""
    if extras is None:
        return None
    members = {path: raw for path, raw in extras.members.items() if bytes(raw) != _NULL}
    return Extras(dialect=NAME, members=members, silent=extras.silent) if members or extras.silent else None


def _without_reason(extras: Extras | None) -> Extras | None:
    """Return what is kept of a candidate before a new reason of its end comes."""
    if extras is None:
        return None
    members, silent = dict(extras.members), dict(extras.silent)
    members.pop(_REASON, None)
    silent.pop(_REASON, None)
    return Extras(dialect=NAME, members=members, silent=silent) if members or silent else None


def _later(before: Extras | None, extras: Extras) -> Extras:
    """Return what all frames so far say of a candidate."""
    if before is None:
        return extras
    members = {
        name: _lengthened(before.members[name], raw) if name in before.members and name in _GROWING else raw
        for name, raw in extras.members.items()
    }
    return joined(before, msgspec.structs.replace(extras, members=members))


def _lengthened(first: msgspec.Raw, second: msgspec.Raw) -> msgspec.Raw:
    """Return the object `second` with its lists put after those of `first`."""
    try:
        one, other = _OBJECT.decode(first), _OBJECT.decode(second)
    except msgspec.DecodeError:
        return second
    longer: dict[str, object] = {**one, **other}
    for name in one.keys() & other.keys():
        if bytes(one[name])[:1] == bytes(other[name])[:1] == b"[":
            longer[name] = _LIST.decode(one[name]) + _LIST.decode(other[name])
    return msgspec.Raw(_ENCODE(longer))
