"""Canonical events to a client's stream, with every event that OpenAI's SDKs put an answer together from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Raw
from msgspec.structs import replace

from hortus.canon.collect import Collector, Growing
from hortus.canon.errors import BY_CODE, HostFault, RequestError
from hortus.canon.events import (
    ChoiceEnded,
    Cited,
    Delta,
    Event,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    SealSet,
    Started,
    TextAdded,
    ThoughtAdded,
)
from hortus.canon.loss import Loss
from hortus.canon.parts import Citation, Part, Reasoning, Refusal, Text, ToolCall
from hortus.canon.response import Response
from hortus.canon.translation import Asking
from hortus.dialects.openai_responses.errors import write_error
from hortus.dialects.openai_responses.items import goes_on, item_of
from hortus.dialects.openai_responses.parts import write_citation, write_part
from hortus.dialects.openai_responses.pen import ENCODE, OBJECT, Object
from hortus.dialects.openai_responses.pieces import emptied, rest_of
from hortus.dialects.openai_responses.response import write_status
from hortus.dialects.openai_responses.response_writer import (
    message_item,
    pen_for,
    write_head,
    write_item,
    write_message,
    write_whole,
)
from hortus.framing.sse import write_frame

_INCOMPLETE = b'"incomplete"'


class _Message:
    """The message that is open, and its parts so far."""

    def __init__(self, index: int, item: Object) -> None:
        self.index = index
        self.item = item
        self.parts: list[Part] = []


class _Open:
    """The part that is open.

    Attributes:
        place: Which item and piece of it the events are about.
        siblings: Parts of the same message that are whole.
        thought: The piece of reasoning that is open: whether of the summary, and its number.
    """

    def __init__(self, skeleton: Part, place: Object, siblings: list[Part]) -> None:
        self.skeleton = skeleton
        self.place = place
        self.siblings = siblings
        self.growing = Growing(skeleton)
        self.citations = 0
        self.thought: tuple[bool, int] | None = None
        self.words: list[str] = []


class Writer:
    """Writes one stream; see `canon.translation.StreamWriter`.

    Args:
        asking: For whom.
    """

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._collector = Collector()
        self._pen = pen_for(Response(choices=()), asking)
        self._sequence = 0
        self._items = 0
        self._has_started = False
        self._message: _Message | None = None
        self._open: _Open | None = None
        self._losses: tuple[Loss, ...] | None = None

    def feed(self, event: Event) -> bytes:
        """Return the bytes for an event."""
        self._collector.feed(event)
        if getattr(event, "choice", 0) != 0:
            return b""  # named as lost when the answer is whole
        return b"".join(self._write(event))

    def fail(self, error: RequestError) -> bytes:
        """Return the bytes that end the stream with an error."""
        self._sequence += 1
        written = write_error(error, sequence_number=self._sequence - 1)
        if not self._has_started:
            return written
        body = self._whole()
        body |= {"status": "failed", "error": {"code": error.code, "message": error.message}}
        return written + self._frame("failed", {"response": body})

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What of the answer was not carried so far."""
        if self._losses is None:
            self._whole()
        return self._losses or ()

    def _write(self, event: Event) -> Iterator[bytes]:
        match event:
            case Started():
                yield from self._start(event)
            case PartStarted(part):
                yield from self._start_part(part)
            case TextAdded() | ThoughtAdded() | SealSet() | Cited():
                yield from self._add(event)
            case PartEnded():
                yield from self._end_part(event)
            case ChoiceEnded(stop=stop):
                yield from self._end_message(write_status(stop))
            case Finished():
                yield self._end()
            case Failed(code, message):
                yield self.fail(BY_CODE.get(code, HostFault)(message))
            case _:
                pass  # usage and extras stand in the whole answer at the end

    def _end(self) -> bytes:
        body = self._whole()
        is_cut = ENCODE(body["status"]) == _INCOMPLETE
        return self._frame("incomplete" if is_cut else "completed", {"response": body})

    def _start(self, event: Started) -> Iterator[bytes]:
        self._has_started = True
        response = Response(choices=(), id=event.id, model=event.model, created_s=event.created_s, extras=event.extras)
        self._pen = pen_for(response, self._asking)
        body = self._pen.close(response, write_head(response, self._asking, self._pen))
        nothing: Object = dict.fromkeys(("completed_at", "error", "incomplete_details", "usage"))
        body |= {"status": "in_progress", "output": [], **nothing}
        yield self._frame("created", {"response": body})
        yield self._frame("in_progress", {"response": body})

    def _start_part(self, part: Part) -> Iterator[bytes]:
        skeleton = emptied(part)
        if isinstance(skeleton, Text | Refusal):
            yield from self._start_content(skeleton)
        else:
            yield from self._end_message("completed")
            item = self._item(skeleton, "in_progress")
            if item is None:
                return
            self._open = _Open(skeleton, {"item_id": _id_of(item), "output_index": self._items}, [])
            yield self._frame("output_item.added", {"output_index": self._items, "item": item})
        for event in rest_of(part, skeleton, index=0):
            yield from self._add(event)

    def _start_content(self, skeleton: Text | Refusal) -> Iterator[bytes]:
        message = self._message
        if message is None:
            item = item_of(skeleton)
            if item is None:
                item = message_item(self._asking, self._items, status="in_progress")
            self._message = message = _Message(self._items, item)
            written = {"type": "message", **item, "content": []}
            yield self._frame("output_item.added", {"output_index": message.index, "item": written})
        place: Object = {
            "item_id": message.item.get("id", ""),
            "output_index": message.index,
            "content_index": len(message.parts),
        }
        self._open = _Open(skeleton, place, message.parts)
        yield self._frame("content_part.added", {**place, "part": write_part(skeleton, self._pen, role="assistant")})

    def _add(self, event: Delta) -> Iterator[bytes]:
        opened = self._open
        if opened is None:
            return  # a part that has no place here
        opened.growing.grow(event)
        match event, opened.skeleton:
            case TextAdded(text), Text():
                yield self._frame("output_text.delta", {**opened.place, "delta": text, "logprobs": []})
            case TextAdded(text), Refusal():
                yield self._frame("refusal.delta", {**opened.place, "delta": text})
            case TextAdded(text), ToolCall():
                yield self._frame("function_call_arguments.delta", {**opened.place, "delta": text})
            case ThoughtAdded(), Reasoning():
                yield from self._think(event, opened)
            case Cited(citation), Text() as text if self._pen.is_own:
                yield from self._annotate(citation, text, opened)
            case _:
                pass  # seals, and what they stand at, are written with the whole item

    def _annotate(self, citation: Citation, text: Text, opened: _Open) -> Iterator[bytes]:
        annotation = write_citation(citation, text, self._pen)
        if annotation is not None:
            members = {**opened.place, "annotation_index": opened.citations, "annotation": annotation}
            opened.citations += 1
            yield self._frame("output_text.annotation.added", members)

    def _think(self, event: ThoughtAdded, opened: _Open) -> Iterator[bytes]:
        is_summary = event.goes_to == "summary"
        place: Object = {**opened.place, "summary_index" if is_summary else "content_index": event.piece}
        if opened.thought != (is_summary, event.piece):
            yield from self._end_thought(opened)
            opened.thought = is_summary, event.piece
            name = "reasoning_summary_part.added" if is_summary else "content_part.added"
            yield self._frame(name, {**place, "part": _thought(is_summary=is_summary, text="")})
        opened.words.append(event.text)
        name = "reasoning_summary_text.delta" if is_summary else "reasoning_text.delta"
        yield self._frame(name, {**place, "delta": event.text})

    def _end_thought(self, opened: _Open) -> Iterator[bytes]:
        if opened.thought is None:
            return
        is_summary, piece = opened.thought
        text = "".join(opened.words)
        opened.words.clear()
        place: Object = {**opened.place, "summary_index" if is_summary else "content_index": piece}
        yield self._frame(
            "reasoning_summary_text.done" if is_summary else "reasoning_text.done", {**place, "text": text}
        )
        name = "reasoning_summary_part.done" if is_summary else "content_part.done"
        yield self._frame(name, {**place, "part": _thought(is_summary=is_summary, text=text)})

    def _end_part(self, event: PartEnded) -> Iterator[bytes]:
        opened, self._open = self._open, None
        if opened is None:
            return
        part = opened.growing.whole(event.extras)
        match part:
            case Text() | Refusal():
                yield from self._end_content(part, opened)
                return
            case ToolCall():
                members: Object = {**opened.place, "name": part.name, "arguments": part.arguments}
                yield self._frame("function_call_arguments.done", members)
            case Reasoning():
                yield from self._end_thought(opened)
            case _:
                pass
        yield self._frame("output_item.done", {"output_index": self._items, "item": self._item(part, "completed")})
        self._items += 1

    def _end_content(self, part: Text | Refusal, opened: _Open) -> Iterator[bytes]:
        if isinstance(part, Text):
            for citation in part.citations[opened.citations :]:
                yield from self._annotate(citation, part, opened)
            yield self._frame("output_text.done", {**opened.place, "text": part.text, "logprobs": []})
        else:
            yield self._frame("refusal.done", {**opened.place, "refusal": part.text})
        written = write_part(part, self._pen, role="assistant")
        yield self._frame("content_part.done", {**opened.place, "part": written})
        opened.siblings.append(part)
        if self._pen.is_own and not goes_on(part):
            yield from self._end_message("completed")

    def _end_message(self, status: str) -> Iterator[bytes]:
        message, self._message = self._message, None
        if message is None:
            return
        parts = tuple(message.parts)
        item = write_message(parts, self._pen, asking=self._asking, index=message.index, status=status)
        yield self._frame("output_item.done", {"output_index": message.index, "item": item})
        self._items = message.index + 1

    def _item(self, part: Part, status: str) -> Object | Raw | None:
        return write_item(part, self._pen, asking=self._asking, index=self._items, status=status)

    def _whole(self) -> Object:
        response = self._placed(self._collector.response())
        pen = pen_for(response, self._asking)
        body = write_whole(response, self._asking, pen)
        self._losses = pen.manifest.losses()
        return body

    def _placed(self, response: Response) -> Response:
        """Return what was collected with the paths of its answers, for losses."""
        name = self._asking.source.names.get("Response.choices", "choices")
        choices = tuple(replace(one, at=f"{name}[{one.index}]") for one in response.choices)
        return replace(response, choices=choices)

    def _frame(self, name: str, members: Object) -> bytes:
        kind = f"response.{name}"
        event: Object = {"type": kind, "sequence_number": self._sequence, **members}
        self._sequence += 1
        return write_frame(ENCODE(event), kind.encode())


def _thought(*, is_summary: bool, text: str) -> Object:
    return {"type": "summary_text" if is_summary else "reasoning_text", "text": text}


def _id_of(item: Object | Raw) -> object:
    members: Mapping[str, object] = item if isinstance(item, dict) else OBJECT(item)
    return members.get("id", "")
