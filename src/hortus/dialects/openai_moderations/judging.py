"""Judgements of content, asked and answered."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, Raw

from hortus.canon.errors import InvalidRequest
from hortus.canon.habits import apply_habits
from hortus.canon.manifest import Manifest, Vocabulary
from hortus.canon.moderation import (
    ModerationInput,
    ModerationRequest,
    ModerationResponse,
    ModerationResult,
    ModerationTurn,
)
from hortus.canon.parts import Inline, Link, Media, Text
from hortus.canon.translation import Call, Target, Written
from hortus.canon.usage import Usage
from hortus.dialects.openai_moderations import wire
from hortus.framing.answers import read_whole
from hortus.framing.judging import OWN_NAMES, categories_of, write_flags
from hortus.framing.objects import Body, finish_body, kind_of, note_absent, restore_into, text_of, told
from hortus.framing.opening import Notes
from hortus.framing.shallow import check_text

_BARE = "input is bare"
"""Form: one text without a list around it."""

_PARTS = "parts"
"""Form: a text as an item of a list of texts and pictures."""

_ONE_TEXT_ONLY = "OpenAI judges texts, not turns of a conversation: send the last turn alone."
_ENCODE = msgspec.json.Encoder().encode


def read_request(body: bytes, call: Call) -> ModerationRequest:
    """Return what a client asks.

    Raises:
        NotJson: The body is no JSON object.
        InvalidRequest: A member is missing or has the wrong type.
    """
    del call  # everything stands in the body
    check_text(body)
    notes = Notes(wire.NAME, "")
    found = notes.open(body, wire.Body)
    given = found.input
    if isinstance(given, str):
        notes.form(_BARE)
        inputs: tuple[ModerationInput, ...] = (_plain(given, "input"),)
    else:
        texts = [text_of(one) for one in given]
        if given and all(text is None for text in texts):
            parts = tuple(_read_part(raw, f"input[{number}]") for number, raw in enumerate(given))
            inputs = (ModerationInput(turns=(ModerationTurn(parts=parts, at="input"),), at="input"),)
        else:
            inputs = tuple(_item(text, f"input[{number}]") for number, text in enumerate(texts))
    return ModerationRequest(model=told(found.model) or wire.USUAL_MODEL, inputs=inputs, extras=notes.extras())


def _plain(text: str, at: str) -> ModerationInput:
    return ModerationInput(turns=(ModerationTurn(parts=(Text(text=text, at=at),), at=at),), at=at)


def _item(text: str | None, at: str) -> ModerationInput:
    if text is None:
        raise InvalidRequest("Texts, and parts with a `type`, cannot be mixed.", path=at)
    return _plain(text, at)


def _read_part(raw: Raw, at: str) -> Text | Media:
    notes = Notes(wire.NAME, at)
    match kind_of(raw, at):
        case "text":
            text = notes.open(raw, wire.TextPart).text
            notes.form(_PARTS)
            return Text(text=text, at=at, extras=notes.extras())
        case "image_url":
            url = notes.open(raw, wire.ImagePart).image_url.url
            return Media(kind="image", source=_source_of(url), at=at, extras=notes.extras())
        case _:
            raise InvalidRequest("A part must be a `text` or an `image_url`.", path=at)


def _source_of(url: str) -> Inline | Link:
    head, comma, data = url.partition(",")
    if comma and head.startswith("data:") and head.endswith(";base64"):
        return Inline(media_type=head.removeprefix("data:").removesuffix(";base64"), data=data)
    return Link(url=url)


def write_request(request: ModerationRequest, target: Target) -> Written:
    """Return the body for a host."""
    manifest = Manifest(request, wire.NAME, source=target.source, reclassified=target.habits.weights)
    manifest.take(request, "model", "inputs")
    written = [_write_input(one, manifest) for one in request.inputs]
    if len(written) == 1 and isinstance(written[0], list):
        given: object = written[0]
    else:
        given = [_as_text(one, manifest, of=request.inputs[number]) for number, one in enumerate(written)]
        given = given[0] if len(written) == 1 and manifest.has_form(request, _BARE) else given
    body: Body = {"model": target.model, "input": given}
    restore_into(body, request, manifest, dialect=wire.NAME)
    apply_habits(body, target.habits, manifest=manifest, root=request, fields={"input": "inputs"})
    return finish_body(body, manifest)


def _write_input(one: ModerationInput, manifest: Manifest) -> str | list[Body]:
    """Return a text, or the parts of one input."""
    *before, last = one.turns
    for turn in before:
        manifest.lose(turn, "", _ONE_TEXT_ONLY)
    manifest.take_all(last)
    first = last.parts[0] if last.parts else None
    if len(last.parts) == 1 and isinstance(first, Text) and not manifest.has_form(first, _PARTS):
        manifest.take_all(first)
        return first.text
    return [_write_part(part, manifest) for part in last.parts]


def _write_part(part: Text | Media, manifest: Manifest) -> Body:
    if isinstance(part, Text):
        manifest.take(part, "text")
        return restore_into({"type": "text", "text": part.text}, part, manifest, dialect=wire.NAME)
    match part.source:
        case Inline(media_type=media_type, data=data):
            url = f"data:{media_type};base64,{data}"
        case Link(url=url):
            pass
        case _:
            manifest.lose(part, "", "OpenAI judges pictures that come along or lie at an address.")
            return {"type": "text", "text": ""}
    manifest.take(part, "kind", "source")
    body: Body = {"type": "image_url", "image_url": {"url": url}}
    return restore_into(body, part, manifest, dialect=wire.NAME)


def _as_text(written: str | list[Body], manifest: Manifest, *, of: ModerationInput) -> str:
    """Return one of several inputs, which OpenAI takes as texts only."""
    if isinstance(written, str):
        return written
    texts = [part.text for part in of.turns[-1].parts if isinstance(part, Text)]
    for part in of.turns[-1].parts:
        if isinstance(part, Media):
            manifest.lose(part, "", "Of several inputs each must be a text: send this one by itself.")
    if len(texts) > 1:
        manifest.approximate(of.turns[-1], "parts", "Written as one text, its parts apart by empty lines.")
    return "\n\n".join(texts)


def read_response(body: bytes) -> ModerationResponse:
    """Return a host's answer; OpenAI's judgements are free.

    Raises:
        BrokenStream: It cannot be read as one.
    """
    return read_whole(body, _read_response)


def _read_response(body: bytes) -> ModerationResponse:
    notes = Notes(wire.NAME, "")
    found = notes.open(body, wire.Answer)
    note_absent(found, ("id", "model"), notes)
    notes.form("own")
    return ModerationResponse(
        results=tuple(_read_result(raw, f"results[{number}]") for number, raw in enumerate(found.results)),
        id=told(found.id) or "",
        model=told(found.model) or "",
        usage=Usage(),
        extras=notes.extras(),
    )


def _read_result(raw: Raw, at: str) -> ModerationResult:
    notes = Notes(wire.NAME, at)
    found = notes.open(raw, wire.Result)
    if found.category_scores is UNSET:
        notes.form("-category_scores")
    categories = categories_of(found.categories, told(found.category_scores), at=at)
    return ModerationResult(is_flagged=found.flagged, categories=categories, at=at, extras=notes.extras())


def write_response(response: ModerationResponse, request: ModerationRequest) -> Written:
    """Return the answer for a client, the categories as the host calls them."""
    manifest = Manifest(response, wire.NAME, source=Vocabulary())
    manifest.take_all(response)
    results = []
    for one in response.results:
        manifest.take_all(one)
        for category in one.categories:
            manifest.take_all(category)
        written: Body = {"flagged": one.is_flagged, **write_flags(one)}
        results.append(restore_into(written, one, manifest, dialect=wire.NAME))
    body: Body = {"id": response.id or "modr-0", "model": response.model or request.model, "results": results}
    restore_into(body, response, manifest, dialect=wire.NAME)
    is_own = response.extras is not None and response.extras.dialect == wire.NAME
    losses = manifest.losses() if is_own else (OWN_NAMES, *manifest.losses())
    return Written(body=_ENCODE(body), losses=losses, adaptations=manifest.adaptations)
