"""What does a served model cost behind Hortus? Tokens/s through the door over the bare engine, and cold starts.

Both are asked in turns, in short rounds, by the same clients, so that what else runs on the machine weighs on
both alike. A stream asks the next question as soon as it has its answer. The last figure is of requests that failed
while the engine was replaced again and again.

Usage: serving.py [--model FILE.gguf] [--folder DIRECTORY] [--seconds 2] [--rounds 5] [--json FILE]
"""

from __future__ import annotations

import argparse
import http.client
import os
import queue
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from engines.tiny_model import Shape, write_tiny_model
from garden import Hortus, wait_for
from hortus.engines.addresses import EngineAddress, read_address

STREAMS = (1, 8, 32)
ANSWER_TOKENS = 64
QUESTION = "The street lamp in front of my house has been out for a week. Which office mends it?"
REPLACEMENTS = 3
MIDDLING = Shape(width=384, layers=8, heads=6)
"""About 12 M parameters: small for a model, but large enough that the engine takes most of the time."""

_TOML = """
[settings]
seedling = false
[[project]]
name = "default"
routes = ["*"]
[[deployment]]
name = "served"
source = "{source}"
engine = "{engine}"
slots = {slots}
threads = 1
context_tokens = 256
"""


class Place(NamedTuple):
    """Where a client asks."""

    address: str
    key: str


class Run(NamedTuple):
    """What one client had in its time."""

    tokens: int
    answers: int
    failures: int


def ask_on(place: Place, seconds: float, found: queue.Queue[Run]) -> None:
    """Be one stream after another until the time is over; every answer counts by the engine's own count of tokens."""
    host = place.address.removeprefix("http://").split("/", maxsplit=1)[0]
    body = {
        "model": "served",
        "messages": [{"role": "user", "content": QUESTION}],
        "max_tokens": ANSWER_TOKENS,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0,
        "ignore_eos": True,
    }
    headers = {"authorization": f"Bearer {place.key}", "content-type": "application/json"}
    raw = msgspec.json.encode(body)
    tokens = answers = failures = 0
    end = time.monotonic() + seconds
    connection = http.client.HTTPConnection(host, timeout=60)
    while time.monotonic() < end:
        count = _one(connection, raw, headers)
        tokens += count
        answers += 1
        failures += count == 0
    connection.close()
    found.put(Run(tokens, answers, failures))


def _one(connection: http.client.HTTPConnection, raw: bytes, headers: dict[str, str]) -> int:
    """Return the tokens of one answer, 0 where it failed."""
    try:
        connection.request("POST", "/v1/chat/completions", raw, headers)
        answer = connection.getresponse()
        text = answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0
    if answer.status != 200 or not text.rstrip().endswith(b"[DONE]"):
        return 0
    last = text.rstrip().split(b"\n\n")[-2].removeprefix(b"data: ")
    return int(msgspec.json.decode(last)["usage"]["completion_tokens"])


def cpu_s(pid: int) -> float:
    """Return the processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tokens_per_s(place: Place, streams: int, seconds: float) -> tuple[float, int, int]:
    """Return what so many streams together get in a second, how many requests failed, and the tokens in all."""
    found: queue.Queue[Run] = queue.Queue()
    clients = [threading.Thread(target=ask_on, args=(place, seconds, found)) for _ in range(streams)]
    begin = time.monotonic()
    for client in clients:
        client.start()
    runs = [found.get() for _ in clients]
    for client in clients:
        client.join()
    took = time.monotonic() - begin
    tokens = sum(run.tokens for run in runs)
    return tokens / took, sum(run.failures for run in runs), tokens


@contextmanager
def garden(source: Path, *, engine: str, slots: int) -> Iterator[Hortus]:
    """A Hortus that serves the model and nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        one = Hortus(Path(folder), toml=_TOML.format(source=source, engine=engine, slots=slots))
        one.start()
        try:
            yield one
        finally:
            one.close()


def engine_of(one: Hortus, *, not_pid: int | None = None) -> EngineAddress:
    def look() -> EngineAddress | None:
        found = read_address(one.home / "run" / "engines", "served")
        return found if found is not None and found.state == "ready" and found.pid != not_pid else None

    found = wait_for(look, within_s=120, what="the engine")
    assert isinstance(found, EngineAddress)
    return found


def ratios(one: Hortus, *, rounds: int, seconds: float) -> Iterator[dict[str, object]]:
    """Yield, for each number of streams, tokens/s at the bare engine and through the door, round by round in turns."""
    engine = engine_of(one)
    bare, door = Place(engine.base_url, engine.key), Place(one.door, one.new_key())
    workers = [pid for name, pid in one.children().items() if name.startswith("worker")]
    assert workers
    assert engine.pid
    for streams in STREAMS:
        both: list[tuple[float, float]] = []
        served = 0
        spent = [0.0, 0.0]
        for _ in range(rounds):
            alone = tokens_per_s(bare, streams, seconds)[0]
            before = cpu_s(engine.pid), sum(map(cpu_s, workers))
            through, _, tokens = tokens_per_s(door, streams, seconds)
            spent = [spent[0] + cpu_s(engine.pid) - before[0], spent[1] + sum(map(cpu_s, workers)) - before[1]]
            served += tokens
            both.append((alone, through))
        shares = sorted(through / alone for alone, through in both)
        yield {
            "streams": streams,
            "bare": round(statistics.median(alone for alone, _ in both)),
            "hortus": round(statistics.median(through for _, through in both)),
            "ratio": round(statistics.median(shares), 3),
            "low": round(shares[0], 3),
            "high": round(shares[-1], 3),
            "engine_cpu_us": round(spent[0] / max(served, 1) * 1e6),
            "hortus_cpu_us": round(spent[1] / max(served, 1) * 1e6),
        }


def failed_while_replaced(one: Hortus, source: Path) -> tuple[int, int]:
    """Return how many of how many requests failed while the engine was replaced."""
    place = Place(one.door, one.new_key())
    found: queue.Queue[Run] = queue.Queue()
    seconds = 4.0 * REPLACEMENTS
    clients = [threading.Thread(target=ask_on, args=(place, seconds, found)) for _ in range(8)]
    for client in clients:
        client.start()
    pid = engine_of(one).pid
    for number in range(REPLACEMENTS):
        toml = _TOML.format(source=source, engine="auto", slots=9 + number)
        (one.directory / "hortus.toml").write_text(toml)
        pid = engine_of(one, not_pid=pid).pid
    runs = [found.get() for _ in clients]
    return sum(run.failures for run in runs), sum(run.answers for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="GGUF; random weights of middling size where absent")
    parser.add_argument("--folder", type=Path, help="of safetensors, for the cold start of transformers")
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    out = Console()
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as made:
        model = asked.model or write_tiny_model(Path(made) / "middling.gguf", shape=MIDDLING)
        measure(model, asked, out, figures)
    if asked.json is not None:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(figures)))


def measure(model: Path, asked: argparse.Namespace, out: Console, figures: dict[str, object]) -> None:
    with garden(model, engine="llamacpp", slots=8) as one:
        columns = ("streams", "bare tok/s", "Hortus tok/s", "ratio", "lowest", "highest", "engine µs", "Hortus µs")
        table = Table(*columns, title="Served tokens; CPU of a token through the door")
        figures["ratios"] = rows = list(ratios(one, rounds=asked.rounds, seconds=asked.seconds))
        for row in rows:
            table.add_row(*(str(value) for value in row.values()))
        out.print(table)
        failed, answered = failed_while_replaced(one, model)
        figures["replaced"] = {"failed": failed, "answered": answered, "replacements": REPLACEMENTS}
        out.print(f"{failed} of {answered} requests failed during {REPLACEMENTS} replacements.")
        engine = engine_of(one)
        figures["cold"] = cold = {"llamacpp": (engine.load_s, engine.warm_s)}
    if asked.folder is not None:
        with garden(asked.folder, engine="transformers", slots=1) as one:
            engine = engine_of(one)
            cold["transformers"] = (engine.load_s, engine.warm_s)
    for name, (load_s, warm_s) in cold.items():
        out.print(f"{name}: loaded in {load_s} s, first answer {warm_s} s")


if __name__ == "__main__":
    main()
