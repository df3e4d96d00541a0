"""What happens at the edge of a budget: many clients, several workers, money for fewer requests than they want.

Every request costs ten euros and may cost about a hundred, so nine tenths of what is held come back. A refusal is
*false* where its own words say that there was room. Reported besides: how long requests waited for leases.

Usage: limits.py [--workers 2,4] [--clients 32] [--requests 400] [--json FILE]
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import httpx2
import msgspec
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).parent.parent))

from garden import Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost

COST = 10
"""Of each request, in euros: seven tokens in, three out."""

_WORDS = re.compile(r"has (?P<left>[\d.]+) EUR left(?:, and running requests hold (?P<held>[\d.]+) EUR)?; this request "
                    r"may take up to (?P<need>[\d.]+) EUR")  # fmt: skip
_WAITS = re.compile(r"^hortus_lease_wait_seconds_(sum|count)(?:\{[^}]*\})? ([\d.e+-]+)$", re.MULTILINE)

_TOML = """
[settings]
seedling = false
workers = {workers}
[[project]]
name = "edge"
routes = ["*"]
[[endpoint]]
name = "host"
model = "host"
host = "openai-compatible"
upstream_model = "fake:chunks=3,delay_ms=5"
base_url = "{base_url}"
private_address = true
credential = "env:REPLAY_KEY"
[endpoint.price]
currency = "EUR"
since = 2026-01-01
input_per_million = 1000000
output_per_million = 1000000
fixed_input_tokens = 1
[[route]]
name = "host"
endpoints = ["host"]
[[limit]]
name = "edge"
project = "edge"
money = {money}
currency = "EUR"
per = "total"
"""


class Edge(NamedTuple):
    """What was found with so many workers."""

    workers: int
    clients: int
    budget: int
    asked: int
    answered: int
    spent: Decimal
    overspent: Decimal
    refused: int
    refused_while_held: int
    refused_falsely: int
    left_at_last: Decimal
    waits: int
    wait_ms: float


def measure(workers: int, *, clients: int, requests: int) -> Edge:
    """Run clients into a budget that is enough for half of their requests."""
    budget = requests // 2 * COST
    with ReplayHost() as host, tempfile.TemporaryDirectory() as directory:
        toml = _TOML.format(workers=workers, base_url=host.base_url, money=budget)
        hortus = Hortus(Path(directory), toml=toml, environment={"REPLAY_KEY": "sk-replay"})
        hortus.start()
        try:
            key = hortus.new_key("edge")
            answers = ask_all(hortus.door, key, clients=clients, requests=requests)
            refusals = [answer for answer in answers if answer.status_code == 429]
            last = left_of(ask(hortus.door, key, max_tokens=budget * 2))
            spent = wait_for(lambda: settled(hortus, len(answers) - len(refusals)), what="receipts")
            waited = dict(_WAITS.findall(httpx2.get(f"{hortus.admin.removesuffix('/admin/v1')}/metrics").text))
        finally:
            hortus.close()
    counted = float(waited.get("count", 0)) or 1.0
    return Edge(
        workers,
        clients,
        budget,
        asked=len(answers),
        answered=len(answers) - len(refusals),
        spent=spent,
        overspent=max(spent - budget, Decimal(0)),
        refused=len(refusals),
        refused_while_held=sum("running requests hold" in answer.text for answer in refusals),
        refused_falsely=sum(is_false(answer) for answer in refusals),
        left_at_last=last,
        waits=int(counted),
        wait_ms=float(waited.get("sum", 0)) / counted * 1000,
    )


def ask_all(door: str, key: str, *, clients: int, requests: int) -> list[httpx2.Response]:
    """Send all requests, so many at a time."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda _: ask(door, key), range(requests)))


def ask(door: str, key: str, *, max_tokens: int = 20) -> httpx2.Response:
    """Send one request."""
    body = {"model": "host", "max_tokens": max_tokens, "messages": [{"role": "user", "content": "hello"}]}
    return httpx2.post(
        f"{door.removesuffix('/v1')}/v1/chat/completions",
        json=body,
        headers={"authorization": f"Bearer {key}"},
        timeout=60,
    )


def settled(hortus: Hortus, answered: int) -> Decimal | None:
    """Return what receipts say was spent, once all are there."""
    usage = hortus.cli_json("usage", "--by", "status", "--project", "edge")
    total = usage["total"]
    done = sum(group["requests"] for group in usage["groups"] if group["names"]["status"] == "completed")
    return Decimal(total["costs"][0]["cost"]) if done >= answered else None


def is_false(answer: httpx2.Response) -> bool:
    """Tell whether a refusal says itself that there was room."""
    found = _WORDS.search(answer.text)
    assert found is not None, answer.text
    return Decimal(found["left"]) >= Decimal(found["need"])


def left_of(answer: httpx2.Response) -> Decimal:
    """Return what a refusal says is left."""
    found = _WORDS.search(answer.text)
    assert found is not None, answer.text
    return Decimal(found["left"])


def show(edges: list[Edge]) -> None:
    """Print a table, a column for each number of workers."""
    table = Table("", *(f"{edge.workers} workers" for edge in edges))
    for name in Edge._fields[1:]:
        values = [getattr(edge, name) for edge in edges]
        table.add_row(
            name.replace("_", " "), *(f"{value:.2f}" if isinstance(value, float) else str(value) for value in values)
        )
    Console().print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", default="2,4")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    edges = [measure(int(one), clients=asked.clients, requests=asked.requests) for one in asked.workers.split(",")]
    show(edges)
    if asked.json:
        asked.json.write_bytes(msgspec.json.encode([edge._asdict() for edge in edges]))


if __name__ == "__main__":
    main()
