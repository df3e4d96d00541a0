"""What does a client ask of a model? One canonical chat for every dialect; None means that nothing was said."""

from __future__ import annotations

from typing import Literal

import msgspec

from hortus.canon.nodes import CacheHint, Node
from hortus.canon.parts import Part

Role = Literal["system", "developer", "user", "assistant"]


class Message(Node, frozen=True, tag="message"):
    """One turn, or a part of one: neighbours of the same role are one turn (`canon.turns`).

    Results of tools stand in messages of the user. What a dialect keeps apart as system prompt or instructions is a
    first message of the system.
    """

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None


class Tool(Node, frozen=True, tag="tool"):
    """A function of the client. `parameters` is its JSON Schema, byte for byte; None where none was given."""

    name: str
    description: str | None = None
    parameters: msgspec.Raw | None = None
    is_strict: bool | None = None
    cache: CacheHint | None = None


class HostTool(Node, frozen=True, tag="host_tool"):
    """A tool that the host runs, or of a kind that only its dialect knows; `raw` is the whole of it."""

    dialect: str
    kind: str
    raw: msgspec.Raw


class ToolChoice(Node, frozen=True, tag="tool_choice"):
    """Whether tools must be called: `auto` may, `none` must not, `required` must; `names` narrows to these."""

    mode: Literal["auto", "none", "required"]
    names: tuple[str, ...] = ()


class OutputFormat(Node, frozen=True, tag="output_format"):
    """How the answer is written: `text`, `json` (any object), or `schema` (JSON that fits `schema`, byte for byte)."""

    kind: Literal["text", "json", "schema"]
    schema: msgspec.Raw | None = None
    name: str | None = None
    description: str | None = None
    is_strict: bool | None = None


class ReasoningWish(Node, frozen=True, tag="reasoning_wish"):
    """How much to think before answering.

    Attributes:
        is_on: False switches it off, True on, None leaves it to effort and budget.
        effort: `none`, `minimal`, `low`, `medium`, `high`, `xhigh`, `max`.
        budget_tokens: Most tokens to think with; -1 lets the model decide.
        shows: Whether thoughts come with the answer: `none`, `auto`, `concise`, `detailed` (a summary), `full`.
    """

    is_on: bool | None = None
    effort: str | None = None
    budget_tokens: int | None = None
    shows: str | None = None


class Request(Node, frozen=True, tag="request"):
    """A chat.

    Attributes:
        model: The route's name, as the client wrote it.
        parallel_tools: Whether several tools may be called in one turn.
        choices: How many answers are wanted.
        top_logprobs: How many alternatives to each token are wanted with their probabilities.
        has_logprobs: Whether the probability of each token is wanted.
        logit_bias: As sent: token ids of one maker's tokenizer.
        verbosity: `low`, `medium`, `high`.
        user: Id of the person behind the request, for the maker's abuse checks.
        cache_key: Steers requests with a common beginning to the same cache.
        is_stored: Whether the host may keep the answer for later requests.
        continues: The host's id of an earlier answer that this one goes on from.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool | HostTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    output: OutputFormat | None = None
    max_output_tokens: int | None = None
    stop: tuple[str, ...] = ()
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    logit_bias: msgspec.Raw | None = None
    choices: int | None = None
    has_logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning: ReasoningWish | None = None
    verbosity: str | None = None
    user: str | None = None
    metadata: msgspec.Raw | None = None
    service_tier: str | None = None
    cache_key: str | None = None
    is_stored: bool | None = None
    continues: str | None = None
    is_stream: bool = False
    wants_usage: bool = False
