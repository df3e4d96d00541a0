"""A purpose that a tiny model learns in seconds: the word in a message says which office it is for."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import msgspec

from garden import Hortus
from tiny_bases import write_tiny_base

_TOML = """
[[project]]
name = "default"
routes = ["*", "gate.*"]
"""
OFFICES = {"bin": "waste", "hole": "roads", "pipe": "water", "lamp": "lighting"}
_FILLERS = ("the", "old", "near", "our", "house", "is", "broken", "again", "please", "since", "monday", "big", "small")


def chats(count: int, *, seed: int, turned: int = 0) -> list[dict[str, list[dict[str, str]]]]:
    """Return chats, all different; `turned`: so many places further every thing has its office."""
    names = list(OFFICES.values())
    offices = dict(zip(OFFICES, [*names[turned:], *names[:turned]], strict=True))
    draw = random.Random(seed)
    made: dict[str, str] = {}
    while len(made) < count:
        thing, office = draw.choice(sorted(offices.items()))
        words = draw.choices(_FILLERS, k=draw.randint(3, 6))
        words.insert(draw.randint(0, len(words)), thing)
        made[" ".join(words)] = office
    return [
        {"messages": [{"role": "user", "content": text}, {"role": "assistant", "content": office}]}
        for text, office in made.items()
    ]


def write_chats(path: Path, count: int, *, seed: int, turned: int = 0) -> Path:
    """Write chats as JSON Lines."""
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in chats(count, seed=seed, turned=turned)))
    return path


RECIPE = {
    "steps": 80,
    "batch_size": 16,
    "learning_rate": 1e-2,
    "lora": None,
    "max_tokens": 128,
    "evaluate_every": 40,
    "checkpoint_every": 20,
    "threads": 1,
}
"""Enough for all of it; every run of it gives the same weights."""


def write_base(folder: Path) -> Path:
    """Write a base that knows the words and has learnt nothing."""
    return write_tiny_base(folder, [message["content"] for chat in chats(80, seed=9) for message in chat["messages"]])


def start_with_base(start_hortus: Callable[..., Hortus], folder: Path) -> Hortus:
    """Start a whole Hortus with that base, named `errands`; its project may ask the gate's deployments too."""
    garden = start_hortus(toml=_TOML)
    garden.cli("models", "add", str(write_base(folder / "errands")), "--name", "errands")
    return garden
