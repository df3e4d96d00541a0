"""What translation costs: µs for a request of 20 messages and for one event of a stream, for each pair of dialects.

A request is read in the client's dialect and written in the host's; an event is read in the host's and written in the
client's. Where both are the same, this is the translation all the same: what a relay would cost is `make bench`'s.

Usage: dialects.py [--seconds 0.3] [--json FILE]
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from hortus.canon.events import (
    ChoiceEnded,
    Event,
    Finished,
    PartEnded,
    PartStarted,
    Started,
    TextAdded,
    UsageReported,
)
from hortus.canon.manifest import Vocabulary
from hortus.canon.parts import Text, ToolCall, ToolResult
from hortus.canon.request import Message, Request, Tool
from hortus.canon.translation import Asking, Call, Target, Translation
from hortus.canon.usage import Usage
from hortus.dialects import DIALECTS

TRANSLATIONS = {
    dialect.name: dialect.translation
    for dialect in DIALECTS
    if dialect.translation is not None and dialect.translation.chats is not None
}
SCHEMA = msgspec.Raw(b'{"type":"object","properties":{"zone":{"type":"string"}},"required":["zone"]}')
WORDS = "Which office mends the street lamp in front of number twelve? " * 4
EVENTS = 500
CALL = Call(route="garden", is_stream=True, query={"alt": "sse"})


def request_of_20() -> Request:
    """Return a conversation of 20 messages with two tools, every fourth one a call or its result."""
    messages = [Message(role="system", parts=(Text(text="Answer for a town hall."),))]
    for number in range(1, 20):
        match number % 4:
            case 1:
                messages.append(Message(role="user", parts=(Text(text=WORDS),)))
            case 2:
                call = ToolCall(id=f"call_{number}", name="parking_fee", arguments='{"zone":"A"}')
                messages.append(Message(role="assistant", parts=(Text(text="I look it up."), call)))
            case 3:
                result = ToolResult(call_id=f"call_{number - 1}", parts=(Text(text='{"fee":2.50}'),))
                messages.append(Message(role="user", parts=(result,)))
            case _:
                messages.append(Message(role="assistant", parts=(Text(text=WORDS),)))
    tools = tuple(Tool(name=name, description=WORDS, parameters=SCHEMA) for name in ("parking_fee", "opening_hours"))
    return Request(
        model="garden",
        messages=tuple(messages),
        tools=tools,
        max_output_tokens=500,
        temperature=0.5,
        is_stream=True,
        wants_usage=True,
    )


def stream_of_text() -> list[Event]:
    """Return the events of a long answer."""
    place = {"choice": 0, "index": 0}
    return [
        Started(id="made1", model="garden-1", created_s=1_790_000_000),
        PartStarted(part=Text(text=""), **place),
        *(TextAdded("The lamp ", **place) for _ in range(EVENTS)),
        PartEnded(**place),
        ChoiceEnded(stop="end"),
        UsageReported(Usage(input_tokens=100, output_tokens=EVENTS)),
        Finished(),
    ]


def best_us(work: Callable[[], object], *, seconds: float) -> float:
    """Return the shortest time of a run in µs, of as many as fit into `seconds`."""
    end = time.perf_counter() + seconds
    best = float("inf")
    while time.perf_counter() < end:
        start = time.perf_counter_ns()
        work()
        best = min(best, (time.perf_counter_ns() - start) / 1000)
    return best


def request_us(client: Translation, host: Translation, *, seconds: float) -> float:
    """Return what reading a client's request and writing it for a host costs."""
    body = client.chat.write_request(request_of_20(), Target("garden", Vocabulary())).body
    target = Target("upstream", client.vocabulary)
    return best_us(lambda: host.chat.write_request(client.chat.read_request(body, CALL), target), seconds=seconds)


def asking_of(source: Translation) -> Asking:
    """Return for whom streams are written."""
    request = Request(model="garden", messages=(), is_stream=True, wants_usage=True)
    return Asking(request=request, answer_id="0001", now_s=1_790_000_000, call=CALL, source=source.vocabulary)


def event_us(client: Translation, host: Translation, *, seconds: float) -> float:
    """Return what reading a host's event and writing it for a client costs."""
    writer = host.chat.open_writer(asking_of(host))
    frames = [part for event in stream_of_text() if (part := writer.feed(event))]

    def pass_on() -> None:
        reader, out = host.chat.open_reader(), client.chat.open_writer(asking_of(host))
        for frame in frames:
            for event in reader.feed(frame):
                out.feed(event)
        for event in reader.close():
            out.feed(event)

    return best_us(pass_on, seconds=seconds) / EVENTS


def table(title: str, figures: dict[str, dict[str, float]], *, digits: int) -> Table:
    """Return a table with a row for each client and a column for each host."""
    made = Table(title=title)
    made.add_column("client \\ host")
    for host in TRANSLATIONS:
        made.add_column(host, justify="right")
    for client, row in figures.items():
        made.add_row(client, *(f"{row[host]:.{digits}f}" for host in TRANSLATIONS))
    return made


def main() -> int:
    """Measure every pair, print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.3, help="for each figure")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()
    figures: dict[str, dict[str, dict[str, float]]] = {"request": {}, "event": {}}
    for name, measure in (("request", request_us), ("event", event_us)):
        for client, one in TRANSLATIONS.items():
            figures[name][client] = {
                host: measure(one, other, seconds=options.seconds) for host, other in TRANSLATIONS.items()
            }
    console = Console(width=110)
    console.print(table("µs to translate a request of 20 messages", figures["request"], digits=0))
    console.print(table("µs to translate one event of a stream", figures["event"], digits=1))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
