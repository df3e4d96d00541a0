"""The options by which a policy is written on the command line: one for each of its members."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
import typer

Listed = list[str] | None


class Treated(StrEnum):
    """What happens to what a guard finds."""

    ALLOW = "allow"
    PSEUDONYMISE = "pseudonymise"
    REFUSE = "refuse"


class Passes(StrEnum):
    """Whether something passes."""

    ALLOW = "allow"
    REFUSE = "refuse"


class Known(StrEnum):
    """How well a fact is known."""

    STATED = "stated"
    REPORTED = "reported"
    RECALLED = "recalled"


class LossRule(StrEnum):
    """Which losses refuse a request."""

    STANDARD = "standard"
    STRICT = "strict"
    LENIENT = "lenient"


class Rules(msgspec.Struct, frozen=True):
    """Options of `policy create` and `policy replace`; a list is given by repeating its option."""

    name: Annotated[str, typer.Argument(help="What it is called.")]
    like: Annotated[str | None, typer.Option(help="Begin with the rules of this policy.")] = None
    description: Annotated[str | None, typer.Option(help="For people.")] = None
    compute_in: Annotated[Listed, typer.Option(help="Computed within: DE, EU, EEA, ADEQUATE.")] = None
    store_in: Annotated[Listed, typer.Option(help="What the host keeps lies within.")] = None
    operators_from: Annotated[Listed, typer.Option(help="Whose law binds the operator.")] = None
    out_of_reach_of: Annotated[Listed, typer.Option(help="Countries whose authorities must not reach it.")] = None
    longest_retention_days: Annotated[int | None, typer.Option(min=0, help="The host keeps it no longer.")] = None
    no_training: Annotated[bool | None, typer.Option("--no-training/--training", help="Not trained on.")] = None
    stateless: Annotated[bool | None, typer.Option("--stateless/--stateful", help="Nothing kept for later.")] = None
    own_machines: Annotated[bool | None, typer.Option("--own-machines/--any-machines", help="Only one's own.")] = None
    makers: Annotated[Listed, typer.Option("--maker", help="Only models of this maker.")] = None
    without_makers: Annotated[Listed, typer.Option("--without-maker", help="No models of this maker.")] = None
    hosts: Annotated[Listed, typer.Option("--host", help="Only this host.")] = None
    licences: Annotated[Listed, typer.Option("--licence", help="Only models under this licence.")] = None
    open_weights: Annotated[bool | None, typer.Option("--open-weights/--any-weights", help="Only open ones.")] = None
    states: Annotated[Listed, typer.Option("--state", help="Only models in this state of their life.")] = None
    least_confidence: Annotated[Known | None, typer.Option(help="Facts are known at least so well.")] = None
    stale_facts: Annotated[Passes | None, typer.Option(help="Facts that are over their review period.")] = None
    personal_data: Annotated[Treated | None, typer.Option(help="What happens to personal data.")] = None
    personal_kinds: Annotated[Listed, typer.Option("--personal-kind", help="Look only for this kind.")] = None
    secrets: Annotated[Treated | None, typer.Option(help="What happens to keys and passwords.")] = None
    blocked_words: Annotated[Listed, typer.Option("--blocked-word", help="A request with it is refused.")] = None
    unseen_content: Annotated[Passes | None, typer.Option(help="Images, sound, files where a guard is on.")] = None
    loss: Annotated[LossRule | None, typer.Option(help="Which losses refuse a request.")] = None
    largest_request_kib: Annotated[int | None, typer.Option(min=1, help="Longest request.")] = None
    tools: Annotated[Listed, typer.Option("--tool", help="Only this kind of tools.")] = None
    no_tools: Annotated[bool, typer.Option("--no-tools", help="No tools at all.")] = False
    keeps_content: Annotated[
        bool | None, typer.Option("--keeps-content/--keeps-no-content", help="Whether Hortus may keep content.")
    ] = None
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False


def rules_of(options: Rules) -> dict[str, object]:
    """Return the members of a policy that were given."""
    given = {name: value for name, value in msgspec.structs.asdict(options).items() if value is not None}
    members = {name: value for name, value in given.items() if name not in {"name", "like", "json", "no_tools"}}
    return members | ({"tools": []} if options.no_tools else {})
