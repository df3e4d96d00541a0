"""The configuration of a host that keeps files and tunes models, as tests at a whole Hortus write it."""

from __future__ import annotations

import msgspec

from hortus.testkit.keeping_host import KeepingHost

CREDENTIAL = {"KEEPER_KEY": "sk-keeper"}
"""What the host's endpoint reads from the environment."""

ONE_WORKER = {**CREDENTIAL, "HORTUS_WORKERS": "1"}
"""The same for tests that kill: one worker has one view of what is back, two may differ for a moment."""


def keeper_toml(host: KeepingHost, *, route: str, operations: tuple[str, ...] = ("files", "fine_tuning")) -> str:
    """Return the host's endpoint, and a route of it."""
    dialects = ["openai_chat", *(f"openai_{one}" for one in operations)]
    return f"""
[[endpoint]]
name = "keeper"
model = "fake"
host = "any"
dialects = {_listed(dialects)}
base_url = "{host.base_url}"
private_address = true
upstream_model = "up"
credential = "env:KEEPER_KEY"
operations = {_listed(["chat", *operations])}

[[route]]
name = "{route}"
endpoints = ["keeper"]
"""


def _listed(names: list[str]) -> str:
    return msgspec.json.encode(names).decode()
