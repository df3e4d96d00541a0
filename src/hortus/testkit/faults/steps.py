"""Which bytes are sent when, for one act? A list of steps, without any I/O."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime, formatdate, parsedate_to_datetime
from typing import Literal

import msgspec

from hortus.testkit.faults import words
from hortus.testkit.faults.words import Piece, Saying, Word

_VOCABULARY = ("lamp ", "street ", "Brücke ", "mended ", "at ", "night ", "東京 ", "🌉 ", "the ", "office ")
_HUGE_BYTES = 1024 * 1024
_RETRY_S = 1
_PAUSE_S = 0.001
_OPENED = 3
"""After so many frames any dialect is in the middle of its text."""


class Send(msgspec.Struct, frozen=True):
    """Make so many tokens, and then send these bytes."""

    data: bytes
    tokens: int = 0


class Pause(msgspec.Struct, frozen=True):
    """Wait a moment."""

    seconds: float


class Finish(msgspec.Struct, frozen=True):
    """No more bytes: keep the connection, close it, cut it with a reset, or say nothing until the other side goes."""

    how: Literal["keep", "close", "reset", "stall"]


class Forever(msgspec.Struct, frozen=True):
    """Send these bytes again and again."""

    data: bytes
    tokens: int


Step = Send | Pause | Finish | Forever


class Task(msgspec.Struct, frozen=True):
    """What is asked."""

    dialect: str
    is_stream: bool
    model: str
    input_tokens: int
    wants_usage: bool = True


def saying_for(task: Task, act: str, *, draw: random.Random) -> Saying:
    """Return what is said: some words, a few of them counted as several tokens."""
    count = draw.randint(3, 24)
    chosen = tuple(Word(draw.choice(_VOCABULARY), draw.choice((1, 1, 1, 2))) for _ in range(count))
    return Saying(
        words=chosen,
        model=task.model,
        given_tokens=task.input_tokens,
        usage={"usage-missing": 0, "usage-twice": 2}.get(act, 1),
        wants_usage=task.wants_usage,
        breaks=act == "error-inside" and task.is_stream,
        padding_bytes=_HUGE_BYTES if act == "huge-frame" else 0,
    )


def steps_for(task: Task, act: str, *, draw: random.Random) -> list[Step]:
    """Return the steps of an act."""
    if act[0].isdigit():
        return _refuse(task, act)
    saying = saying_for(task, act, draw=draw)
    if task.is_stream:
        return _stream(task, act, saying, draw=draw)
    return _whole(task, act, saying, draw=draw)


def _refuse(task: Task, act: str) -> list[Step]:
    status = int(act[:3])
    later = parsedate_to_datetime(formatdate(usegmt=True)) + timedelta(seconds=_RETRY_S)
    kind, body, more = {
        "429-seconds": ("application/json", None, f"retry-after: {_RETRY_S}\r\n"),
        "429-date": ("application/json", None, f"retry-after: {format_datetime(later, usegmt=True)}\r\n"),
        "429-ms": ("application/json", None, f"retry-after-ms: {_RETRY_S * 1000}\r\n"),
        "500-html": ("text/html", b"<html><body>inner-host.internal is down</body></html>", ""),
        "502-empty": ("text/plain", b"", ""),
    }.get(act, ("application/json", None, ""))
    body = words.refusal(task.dialect, status) if body is None else body
    return [Send(_head(status, kind, f"content-length: {len(body)}\r\n{more}") + body), Finish("keep")]


def _head(status: int, kind: str, more: str) -> bytes:
    return f"HTTP/1.1 {status} Made Up\r\ncontent-type: {kind}\r\n{more}\r\n".encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _stream(task: Task, act: str, saying: Saying, *, draw: random.Random) -> list[Step]:
    head = Send(_head(200, "text/event-stream", "transfer-encoding: chunked\r\n"))
    pieces = words.frames(task.dialect, saying)
    middle = draw.randint(1, len(saying.words) - 1)  # in the text: its end, and what is said of usage, come later
    sent: list[Step] = [Send(_chunk(piece.data), piece.tokens) for piece in pieces]
    end: list[Step] = [Send(b"0\r\n\r\n"), Finish("keep")]
    match act:
        case "reset-before-head" | "stall-before-head":
            return [Send(b"", pieces[1].tokens), Finish(_cut(act))]
        case "reset-after-head":
            return [head, Finish("reset")]
        case "reset-mid" | "stall-mid":
            return [head, *sent[:middle], Pause(_PAUSE_S), Finish(_cut(act))]
        case "half-frame":
            half = pieces[middle].data[: len(pieces[middle].data) // 2]
            return [head, *sent[:middle], Send(_chunk(half), pieces[middle].tokens), *end]
        case "endless" | "endless-pings":
            has_text = act == "endless"
            frame = words.endless_frame(task.dialect, has_text=has_text)
            middle = max(middle, _OPENED)
            return [head, *sent[:middle], Forever(_chunk(frame), int(has_text))]
        case "length-short" | "length-long":
            return _lie(act, _head_of_lie("text/event-stream", pieces, act), pieces)
        case "torn-utf8" | "slow-drip":
            return [head, *_in_bits(act, pieces), *end]
        case _:
            return [head, *_paced(sent, draw), *end]


def _cut(act: str) -> Literal["reset", "stall"]:
    return "stall" if act.startswith("stall") else "reset"


def _paced(steps: list[Step], draw: random.Random) -> Iterator[Step]:
    for step in steps:
        yield step
        if draw.random() < 0.3:  # noqa: PLR2004 -- so often the host thinks a little
            yield Pause(_PAUSE_S)


def _head_of_lie(kind: str, pieces: list[Piece], act: str) -> bytes:
    length = sum(len(piece.data) for piece in pieces)
    said = length // 2 if act == "length-short" else length + 100
    return _head(200, kind, f"content-length: {said}\r\n")


def _lie(act: str, head: bytes, pieces: list[Piece]) -> list[Step]:
    """Send all of it under a wrong length; after one that is too long nothing can follow but the connection's end."""
    end = Finish("close" if act == "length-long" else "keep")
    return [Send(head), *(Send(piece.data, piece.tokens) for piece in pieces), end]


def _in_bits(act: str, pieces: list[Piece]) -> Iterator[Step]:
    """Cut each piece inside its characters, or into single bytes at first."""
    for number, piece in enumerate(pieces):
        yield Send(b"", piece.tokens)
        data = piece.data
        cuts = _inside_characters(data) if act == "torn-utf8" else list(range(1, len(data) if number < 2 else 1))  # noqa: PLR2004 -- two frames are slow enough
        for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
            yield Send(_chunk(data[start:end]))
            if start % 16 == 0:
                yield Pause(_PAUSE_S)


def _inside_characters(data: bytes) -> list[int]:
    return [place for place, byte in enumerate(data) if byte & 0xC0 == 0x80]  # noqa: PLR2004 -- UTF-8's continuation bytes


def _whole(task: Task, act: str, saying: Saying, *, draw: random.Random) -> list[Step]:
    body = words.whole(task.dialect, saying)
    piece = Piece(body)
    made: list[Step] = [step for word in saying.words for step in (Send(b"", word.tokens), *_thought(draw))]
    half = draw.randint(1, len(body) - 1)
    true_head = _head(200, "application/json", f"content-length: {len(body)}\r\n")
    match act:
        case "reset-before-head" | "stall-before-head":
            return [*made[: len(made) // 2], Finish(_cut(act))]
        case "reset-after-head":
            return [*made, Send(true_head), Finish("reset")]
        case "reset-mid" | "stall-mid":
            return [*made, Send(true_head + body[:half]), Pause(_PAUSE_S), Finish(_cut(act))]
        case "length-short" | "length-long":
            return [*made, *_lie(act, _head_of_lie("application/json", [piece], act), [piece])]
        case "torn-utf8" | "slow-drip":
            head = _head(200, "application/json", "transfer-encoding: chunked\r\n")
            return [*made, Send(head), *_in_bits(act, [piece]), Send(b"0\r\n\r\n"), Finish("keep")]
        case _:
            return [*made, Send(true_head + body), Finish("keep")]


def _thought(draw: random.Random) -> tuple[Step, ...]:
    return (Pause(_PAUSE_S),) if draw.random() < 0.1 else ()  # noqa: PLR2004 -- whole answers take a few ms
