"""What does a client ask, and how does it behave while it is answered? Drawn by a seed, request by request."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

import msgspec

from hortus.testkit.faults.acts import drawn

OUTPUT_LIMIT = 512
"""Above all that the host ever says, but for the endless streams."""

DIALECTS = ("openai_chat", "anthropic_messages", "gemini", "openai_responses")
ROUTES = ("openai", "anthropic", "google", "openai-first", "anthropic-first", "google-first")
"""Three with one endpoint each, three with one to fall back to."""

_BIG_NAMES = 245  # unknown members, each a loss in the record: together just below the most that it takes
_STAYS_LONG = frozenset({"endless", "endless-pings"})


class Question(NamedTuple):
    """One request.

    Attributes:
        acts: What the host is to do, for the first time that it sees this, the second …; empty: as the host likes.
        leaves_after: The client goes away after so many bytes of the answer.
        is_slow: The client reads in small bits.
        is_big: Its record in the journal is as large as one can be.
        is_edge: It is paid for by the project whose budget is used up in the course of the run.
    """

    number: int
    dialect: str
    route: str
    is_stream: bool
    acts: tuple[str, ...] = ("well",)
    leaves_after: int | None = None
    is_slow: bool = False
    is_big: bool = False
    is_edge: bool = False
    output_limit: int = OUTPUT_LIMIT

    @property
    def mark(self) -> str:
        """As the host's book and the receipt have it."""
        return f"{self.number:06d}"

    @property
    def prompt(self) -> str:
        """What the client says; the host reads its act in it."""
        return f"hx:{self.mark} fault:{'/'.join(self.acts)} Which office mends the lamp in front of number twelve?"


def draw_question(number: int, *, seed: int) -> Question:
    """Return the question with this number: always the same one for a seed."""
    draw = random.Random(f"{seed}:{number}")
    is_stream = draw.random() < 0.6
    act = drawn(draw, is_stream=is_stream)
    then = "well" if draw.random() < 0.8 else drawn(draw, is_stream=is_stream)
    leaves = draw.random() < (0.85 if act in _STAYS_LONG else 0.12)
    return Question(
        number,
        draw.choice(DIALECTS),
        draw.choice(ROUTES),
        is_stream,
        acts=(act, then),
        leaves_after=int(draw.choice((0, 1, 300, 1500)) * draw.random()) if leaves else None,
        is_slow=draw.random() < 0.05,
        is_edge=draw.random() < 0.15,
    )


def draw_big_question(number: int, *, seed: int) -> Question:
    """Return one that fills the journal: asked in one dialect, sent on in another, with many members lost."""
    draw = random.Random(f"{seed}:{number}")
    return Question(number, "openai_chat", draw.choice(("anthropic", "google")), draw.random() < 0.5, is_big=True)


class Wire(NamedTuple):
    """A request as it is sent."""

    path: str
    headers: dict[str, str]
    body: bytes


def write(question: Question, key: str) -> Wire:
    """Put a question into its dialect."""
    path, headers, body = _WRITERS[question.dialect](question, key)
    if question.is_big:
        body |= {f"member_that_no_host_of_another_dialect_knows_{number:04d}": 1 for number in range(_BIG_NAMES)}
    headers |= {"content-type": "application/json", "x-request-id": f"hx-{question.mark}"}
    return Wire(path, headers, msgspec.json.encode(body))


Written = tuple[str, dict[str, str], dict[str, Any]]


def _openai_chat(question: Question, key: str) -> Written:
    body: dict[str, Any] = {"model": question.route, "max_tokens": question.output_limit}
    body["messages"] = [{"role": "user", "content": question.prompt}]
    if question.is_stream:
        body |= {"stream": True, "stream_options": {"include_usage": question.number % 2 == 0}}
    return "/v1/chat/completions", {"authorization": f"Bearer {key}"}, body


def _openai_responses(question: Question, key: str) -> Written:
    body = {"model": question.route, "max_output_tokens": question.output_limit, "input": question.prompt}
    return "/v1/responses", {"authorization": f"Bearer {key}"}, body | {"stream": question.is_stream}


def _anthropic_messages(question: Question, key: str) -> Written:
    body: dict[str, Any] = {"model": question.route, "max_tokens": question.output_limit, "stream": question.is_stream}
    body["messages"] = [{"role": "user", "content": question.prompt}]
    return "/v1/messages", {"x-api-key": key, "anthropic-version": "2023-06-01"}, body


def _gemini(question: Question, key: str) -> Written:
    method = "streamGenerateContent?alt=sse" if question.is_stream else "generateContent"
    body: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": question.prompt}]}]}
    body["generationConfig"] = {"maxOutputTokens": question.output_limit}
    return f"/v1beta/models/{question.route}:{method}", {"x-goog-api-key": key}, body


_WRITERS = {
    "openai_chat": _openai_chat,
    "openai_responses": _openai_responses,
    "anthropic_messages": _anthropic_messages,
    "gemini": _gemini,
}
