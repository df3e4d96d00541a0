"""What can a host do wrong? The table of acts, how a prompt names them, and how a seed draws one.

A prompt says `hx:000123` (which request this is) and may say `fault:NAME/NAME`: the first name is for the first time
that the host sees this request, the second for the second time, the last one for all that follow.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec


class Act(msgspec.Struct, frozen=True):
    """One way to behave.

    Attributes:
        weight: How often a seed draws it, beside the others.
        is_for_streams: It makes no difference to a whole answer.
        bills: Whether the host counts what it made; an error in place of an answer costs nothing.
    """

    weight: int
    is_for_streams: bool = False
    bills: bool = True


ACTS: Mapping[str, Act] = MappingProxyType(
    {
        "well": Act(60),
        "slow-drip": Act(3),
        "reset-before-head": Act(3),
        "reset-after-head": Act(3),
        "reset-mid": Act(4),
        "stall-before-head": Act(1),
        "stall-mid": Act(2),
        "half-frame": Act(3, is_for_streams=True),
        "torn-utf8": Act(4),
        "length-short": Act(2),
        "length-long": Act(2),
        "429": Act(1, bills=False),
        "429-seconds": Act(1, bills=False),
        "429-date": Act(1, bills=False),
        "429-ms": Act(1, bills=False),
        "500-html": Act(2, bills=False),
        "502-empty": Act(1, bills=False),
        "503-json": Act(2, bills=False),
        "huge-frame": Act(1),
        "endless": Act(1, is_for_streams=True),
        "endless-pings": Act(1, is_for_streams=True),
        "error-inside": Act(3, is_for_streams=True),
        "usage-missing": Act(3),
        "usage-twice": Act(3, is_for_streams=True),
    }
)
"""Every act by name."""

_MARK = re.compile(rb"hx:(\d+)")
_NAMED = re.compile(rb"fault:([a-z0-9/-]+)")


def mark_in(body: bytes) -> str | None:
    """Return the number that the client has put into its prompt, as written there."""
    found = _MARK.search(body)
    return found.group(1).decode() if found else None


def act_for(body: bytes, *, nth: int, draw: random.Random) -> str:
    """Return the act for a request that is seen for the `nth` time (from 1).

    Raises:
        KeyError: The prompt names an act that there is not.
    """
    found = _NAMED.search(body)
    if found is None:
        return drawn(draw)
    names = found.group(1).decode().split("/")
    name = names[min(nth, len(names)) - 1]
    return name if name in ACTS else _unknown(name)


def drawn(draw: random.Random, *, is_stream: bool = True) -> str:
    """Draw an act by weight."""
    names = [name for name, act in ACTS.items() if is_stream or not act.is_for_streams]
    return draw.choices(names, [ACTS[name].weight for name in names])[0]


def _unknown(name: str) -> str:
    raise KeyError(f"there is no act {name}; `ACTS` lists them")
