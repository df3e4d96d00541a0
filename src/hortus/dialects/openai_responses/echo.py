"""What an answer tells the client of its own request, where the host speaks another dialect."""

from __future__ import annotations

from hortus.canon.manifest import Manifest
from hortus.canon.parts import Text
from hortus.canon.request import Request
from hortus.canon.translation import Asking
from hortus.dialects.openai_responses.pen import Object, Pen, is_own
from hortus.dialects.openai_responses.request_writer import write_options
from hortus.dialects.openai_responses.wire import NAME

_BESIDE = ("include", "stream_options", "stream")
"""Members of a request that answers do not repeat."""


def write_echo(asking: Asking) -> Object:
    """Return the members of an answer that repeat its request, with OpenAI's own values where it says nothing."""
    request = asking.request
    manifest = Manifest(request, NAME, source=asking.source)  # what cannot be repeated is no loss of the answer
    pen = Pen(manifest=manifest, is_own=is_own(request), is_answer=True)
    said: Object = {}
    write_options(request, pen, said)
    pen.close(request, said)
    for name in _BESIDE:
        said.pop(name, None)
    echo: Object = {
        "background": False,
        "instructions": _instructions(request),
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {},
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "safety_identifier": None,
        "service_tier": "default",
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "user": None,
    }
    echo |= {name: value for name, value in said.items() if name not in {"reasoning", "text"}}
    echo["reasoning"] = {"effort": None, "summary": None} | _object(said.get("reasoning"))
    echo["text"] = {"format": {"type": "text"}} | _object(said.get("text"))
    echo["store"] = asking.is_kept  # whoever translated it keeps it, or nobody does
    if asking.continues is not None:
        echo["previous_response_id"] = asking.continues
    return echo


def _instructions(request: Request) -> str | None:
    first = request.messages[0] if request.messages else None
    if first is None or first.at != "instructions":
        return None
    return "".join(part.text for part in first.parts if isinstance(part, Text))


def _object(value: object) -> Object:
    return value if isinstance(value, dict) else {}
