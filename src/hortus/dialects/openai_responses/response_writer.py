"""The canonical answer to what a client gets."""

from __future__ import annotations

from types import MappingProxyType

import msgspec
from msgspec import Raw

from hortus.canon.manifest import Manifest
from hortus.canon.parts import Inline, Media, Opaque, Part, Reasoning, ToolCall
from hortus.canon.response import Choice, Response
from hortus.canon.translation import Asking, Written
from hortus.dialects.openai_responses.echo import write_echo
from hortus.dialects.openai_responses.items import (
    NO_CONTENT,
    group,
    is_content,
    item_of,
    write_call,
    write_reasoning,
)
from hortus.dialects.openai_responses.parts import write_part
from hortus.dialects.openai_responses.pen import MADE, Object, Pen, is_own
from hortus.dialects.openai_responses.response import STOPS, plain_stop, write_status
from hortus.dialects.openai_responses.usage import write_usage
from hortus.dialects.openai_responses.wire import NAME
from hortus.framing.objects import finish_body

INSTEAD = "@output[{}]"
"""Silent member of an answer: an item that its end gave otherwise than its stream had."""

_PREFIXES = MappingProxyType(
    {"function_call": "fc", "reasoning": "rs", "message": "msg", "image_generation_call": "ig"}
)


def write_response(response: Response, asking: Asking) -> Written:
    """Return the whole answer for a client."""
    pen = pen_for(response, asking)
    body = write_whole(response, asking, pen)
    return finish_body(body, pen.manifest)


def pen_for(response: Response, asking: Asking) -> Pen:
    """Return the pen for an answer."""
    manifest = Manifest(response, NAME, source=asking.source)
    return Pen(manifest=manifest, is_own=is_own(response), is_answer=True)


def write_whole(response: Response, asking: Asking, pen: Pen) -> Object:
    """Return the whole answer as an object."""
    choice = response.choices[0] if response.choices else None
    body = write_head(response, asking, pen)
    manifest = pen.manifest
    manifest.take(response, "choices", "usage")
    if choice is not None:
        manifest.take(choice, "message", "index", "stop")
        manifest.take(choice.message, "role", "parts")
        choice = _with_stop(choice, pen)
    output = _write_output(choice, asking, pen)
    silent = manifest.silent(response)
    body["output"] = [silent.get(INSTEAD.format(index), item) for index, item in enumerate(output)]
    _write_end(response, choice, asking, pen, body)
    for other in response.choices[1:]:
        manifest.lose(other, "", "OpenAI's Responses API has one answer to a request.")
    return pen.close(response, body)


def write_head(response: Response, asking: Asking, pen: Pen) -> Object:
    """Return everything that is known when an answer begins."""
    pen.manifest.take(response, "id", "model", "created_s")
    body: Object = {"object": "response"}
    if pen.is_own:
        known = {"id": response.id or None, "model": response.model or None, "created_at": response.created_s}
        return body | {name: value for name, value in known.items() if value is not None}
    created_s = asking.now_s if response.created_s is None else response.created_s
    body |= write_echo(asking)
    return body | {
        "id": f"resp_{asking.answer_id}",
        "model": response.model or asking.request.model,
        "created_at": created_s,
    }


def item_id(kind: str, asking: Asking, index: int) -> str:
    """Return an id for an item that a host gave none."""
    return f"{_PREFIXES[kind]}_{MADE}{asking.answer_id}{index:02}"


def write_item(part: Part, pen: Pen, *, asking: Asking, index: int, status: str) -> Object | Raw | None:
    """Return the item of a part that stands in no message; None where there is none, and the manifest knows why.

    Args:
        part: The part.
        pen: The pen.
        asking: For whom.
        index: Number of the item in the answer.
        status: Of an item that has none of its own.
    """

    def item(kind: str) -> Object:
        return {} if pen.is_own else {"id": item_id(kind, asking, index), "status": status}

    match part:
        case ToolCall():
            return write_call(part, pen, item=item("function_call"))
        case Reasoning():
            return write_reasoning(part, pen, item=item("reasoning"))
        case Opaque() if part.dialect == NAME:
            pen.manifest.take(part, "raw")
            return part.raw
        case Media(source=Inline(data=data)) if part.kind == "image":
            pen.manifest.take(part, "kind", "source", "seal", "detail")
            return {"type": "image_generation_call", **item("image_generation_call"), "result": data}
        case _:
            return None


def write_message(parts: tuple[Part, ...], pen: Pen, *, asking: Asking, index: int, status: str) -> Object:
    """Return the item of a message; arguments as in `write_item`."""
    last = parts[-1]
    is_empty = pen.has_form(last, NO_CONTENT)
    written = None if is_empty else [write_part(part, pen, role="assistant") for part in parts]
    if is_empty:
        pen.manifest.take_all(last)
    content = [one for one in written or () if one is not None]
    item = item_of(last)
    if item is None:
        item = message_item(asking, index, status=status)
    return {"type": "message", **item, "content": content}


def message_item(asking: Asking, index: int, *, status: str) -> Object:
    """Return a message without content that has none of its own."""
    return {"id": item_id("message", asking, index), "status": status, "role": "assistant"}


def _with_stop(choice: Choice, pen: Pen) -> Choice:
    """Return an answer that stopped for a reason which OpenAI can say."""
    if pen.is_own or choice.stop in {plain_stop(choice.message.parts), *STOPS.values()}:
        return choice
    if choice.stop == "refusal":
        pen.manifest.approximate(choice, "stop", "Written as cut by a content filter: the refusal has no words.")
        return msgspec.structs.replace(choice, stop="content_filter")
    pen.manifest.approximate(choice, "stop", "Written as completed: OpenAI has no word for it.")
    return choice


def _write_output(choice: Choice | None, asking: Asking, pen: Pen) -> list[object]:
    output: list[object] = []
    if choice is None:
        return output
    groups = list(group(choice.message.parts, is_own=pen.is_own))
    for number, parts in enumerate(groups, start=1):
        is_cut = number == len(groups) and choice.stop in STOPS.values()
        status = "incomplete" if is_cut else "completed"
        index = len(output)
        written: object
        if is_content(parts[-1]):
            written = write_message(parts, pen, asking=asking, index=index, status=status)
        else:
            written = write_item(parts[0], pen, asking=asking, index=index, status=status)
        if written is not None:
            output.append(written)
    return output


def _write_end(response: Response, choice: Choice | None, asking: Asking, pen: Pen, body: Object) -> None:
    """Write what is known when an answer ends."""
    stop = None if choice is None else choice.stop
    body["status"] = write_status(stop)
    reason = next((reason for reason, word in STOPS.items() if word == stop), None)
    if reason is not None:
        body["incomplete_details"] = {"reason": reason}
    if response.usage is not None:
        body["usage"] = write_usage(response.usage)
    if not pen.is_own:
        body.setdefault("incomplete_details", None)
        body.setdefault("usage", None)
        body["error"] = None
        body["completed_at"] = asking.now_s
