"""Judgements of content, asked and answered: of texts, and of the last messages of conversations."""

from __future__ import annotations

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
from hortus.canon.parts import Text
from hortus.canon.translation import Call, Target, Written
from hortus.dialects.mistral import wire
from hortus.dialects.mistral.pen import Pen, encode, is_own, notes_at
from hortus.dialects.mistral.usage import write_usage
from hortus.dialects.mistral.vocabulary import NAME
from hortus.framing.answers import read_whole
from hortus.framing.judging import OWN_NAMES, categories_of, write_flags
from hortus.framing.noted_usage import note_usage
from hortus.framing.objects import Body, finish_body, kind_of, note_absent, text_of, told
from hortus.framing.shallow import check_text

_BARE = "input is bare"
"""Form: one text, or one conversation, without a list around it."""

_CHUNKS = "content is a list"
_NO_CONTENT = "no content"
_TEXTS_ONLY = "Mistral judges texts only: send the picture to another model, or leave it out."


def read_request(body: bytes, call: Call) -> ModerationRequest:
    """Return what a client asks; the shape of `input` tells texts from conversations.

    Raises:
        NotJson: The body is no JSON object.
        InvalidRequest: A member is missing or has the wrong type.
    """
    del call  # everything stands in the body
    check_text(body)
    notes = notes_at("")
    found = notes.open(body, wire.ModerationRequest)
    given = found.input
    if isinstance(given, str):
        notes.form(_BARE)
        inputs: tuple[ModerationInput, ...] = (_plain(given, "input"),)
    elif given and _starts(given[0], b"{"):
        notes.form(_BARE)
        inputs = (_read_chat(given, "input"),)
    else:
        inputs = tuple(_read_input(raw, f"input[{number}]") for number, raw in enumerate(given))
    return ModerationRequest(model=found.model, inputs=inputs, extras=notes.extras())


def _starts(raw: Raw, mark: bytes) -> bool:
    return bytes(memoryview(raw)[:1]) == mark


def _plain(text: str, at: str) -> ModerationInput:
    return ModerationInput(turns=(ModerationTurn(parts=(Text(text=text, at=at),), at=at),), at=at)


def _read_input(raw: Raw, at: str) -> ModerationInput:
    text = text_of(raw)
    if text is not None:
        return _plain(text, at)
    if not _starts(raw, b"["):
        raise InvalidRequest("An input must be a text or a list of messages.", path=at)
    return _read_chat(wire.DECODE_LIST(raw), at)


def _read_chat(messages: list[Raw], at: str) -> ModerationInput:
    turns = tuple(_read_turn(raw, f"{at}[{number}]") for number, raw in enumerate(messages))
    return ModerationInput(turns=turns, at=at)


def _read_turn(raw: Raw, at: str) -> ModerationTurn:
    notes = notes_at(at)
    found = notes.open(raw, wire.ModerationTurn)
    content = None if found.content is UNSET else found.content
    if isinstance(content, str):
        parts: tuple[Text, ...] = (Text(text=content, at=f"{at}.content"),)
    elif content is None:
        notes.form(_NO_CONTENT)
        parts = ()
    else:
        notes.form(_CHUNKS)
        parts = tuple(_read_chunk(one, f"{at}.content[{number}]") for number, one in enumerate(content))
    return ModerationTurn(parts=parts, role=found.role, at=at, extras=notes.extras())


def _read_chunk(raw: Raw, at: str) -> Text:
    if kind_of(raw, at) != "text":
        raise InvalidRequest("Only texts are judged here.", path=at, hint="Leave other chunks out.")
    notes = notes_at(at)
    return Text(text=notes.open(raw, wire.TextPart).text, at=at, extras=notes.extras())


def path_of(request: ModerationRequest) -> str:
    """Return which operation a request needs: conversations have one of their own."""
    return "chat_moderations" if any(_is_chat(one) for one in request.inputs) else "moderations"


def _is_chat(one: ModerationInput) -> bool:
    return len(one.turns) != 1 or one.turns[0].role is not None


def write_request(request: ModerationRequest, target: Target) -> Written:
    """Return the body for a host."""
    manifest = Manifest(request, NAME, source=target.source, reclassified=target.habits.weights)
    pen = Pen(manifest)
    manifest.take(request, "model", "inputs")
    is_chat = path_of(request) == "chat_moderations"
    inputs: list[object] = [
        [_write_turn(turn, pen) for turn in one.turns] if is_chat else _write_text(one.turns[0], pen)
        for one in request.inputs
    ]
    is_bare = len(inputs) == 1 and manifest.has_form(request, _BARE)
    body: Body = {"model": target.model, "input": inputs[0] if is_bare else inputs}
    pen.close(request, body)
    apply_habits(body, target.habits, manifest=manifest, root=request, fields={"input": "inputs"})
    return finish_body(body, manifest)


def _write_turn(turn: ModerationTurn, pen: Pen) -> Body:
    pen.manifest.take_all(turn)
    body: Body = {"role": turn.role or "user"}
    if pen.manifest.has_form(turn, _CHUNKS):
        body["content"] = [_write_chunk(part, pen) for part in turn.parts if isinstance(part, Text)]
    elif turn.parts or not pen.manifest.has_form(turn, _NO_CONTENT):
        body["content"] = _write_text(turn, pen)
    return pen.close(turn, body)


def _write_chunk(part: Text, pen: Pen) -> Body:
    pen.manifest.take_all(part)
    return pen.close(part, {"type": "text", "text": part.text})


def _write_text(turn: ModerationTurn, pen: Pen) -> str:
    pen.manifest.take_all(turn)
    texts = []
    for part in turn.parts:
        if isinstance(part, Text):
            pen.manifest.take_all(part)
            texts.append(part.text)
        else:
            pen.manifest.lose(part, "", _TEXTS_ONLY)
    if len(texts) > 1:
        pen.manifest.approximate(turn, "parts", "Written as one text, its parts apart by empty lines.")
    return "\n\n".join(texts)


def read_response(body: bytes) -> ModerationResponse:
    """Return a host's answer.

    Raises:
        BrokenStream: It cannot be read as one.
    """
    return read_whole(body, _read_response)


def _read_response(body: bytes) -> ModerationResponse:
    notes = notes_at("")
    found = notes.open(body, wire.ModerationResponse)
    note_absent(found, ("id", "model", "usage"), notes)
    notes.form("own")
    usage = None
    if found.usage is not UNSET:
        usage = note_usage(found.usage, notes, dialect=NAME, write=write_usage)
    results = tuple(_read_result(raw, f"results[{number}]") for number, raw in enumerate(found.results))
    return ModerationResponse(
        results=results,
        id=told(found.id) or "",
        model=told(found.model) or "",
        usage=usage,
        extras=notes.extras(),
    )


def _read_result(raw: Raw, at: str) -> ModerationResult:
    notes = notes_at(at)
    found = notes.open(raw, wire.ModerationResult)
    note_absent(found, ("categories", "category_scores"), notes)
    categories = categories_of(told(found.categories) or {}, told(found.category_scores), at=at)
    is_flagged = any(one.is_flagged for one in categories)
    return ModerationResult(is_flagged=is_flagged, categories=categories, at=at, extras=notes.extras())


def write_response(response: ModerationResponse, request: ModerationRequest) -> Written:
    """Return the answer for a client, the categories as the host calls them."""
    manifest = Manifest(response, NAME, source=Vocabulary())
    pen = Pen(manifest)
    manifest.take_all(response)
    results = []
    for one in response.results:
        manifest.take_all(one)
        for category in one.categories:
            manifest.take_all(category)
        results.append(pen.close(one, write_flags(one)))
    body: Body = {"id": response.id or "mod-0", "model": response.model or request.model, "results": results}
    if response.usage is not None:
        body["usage"] = write_usage(response.usage)
    pen.close(response, body)
    losses = manifest.losses() if is_own(response) else (OWN_NAMES, *manifest.losses())
    return Written(body=encode(body), losses=losses, adaptations=manifest.adaptations)
