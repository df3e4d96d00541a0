"""Which answer does a scene give to a request? One small function a scene, the same for every dialect."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from hortus.testkit.scenes.values import Behaviour, Call, Fault, Play, Spent, Told, compact

LAMP = Call(
    "find_lamp",
    {"street": "Grüne Straße 7", "note": "dark since Monday 🌳", "radius_m": 250, "tags": ["lamp", "é"]},
    (
        '{"str',
        'eet":"Gr\\u00',
        "fcne Straße 7",
        '","note":"dark since',
        ' Monday 🌳","radius',
        '_m":250,"ta',
        'gs":["lamp","é"]}',
    ),
)
HOURS = Call("office_hours", {}, ("{}",))
"""A call without arguments: models send `{}`, or nothing at all."""

REPORT = {"city": "Zürich", "lamps": 3, "is_open": True}
_ECHOED = 5
"""Letters in one piece of an echo."""

REASON = ("The person asks about a lamp. ", "Someone has to look it up, ", "so say that.")
WORDS = ("The lamp ", "in front of “Haus 7” ", "is dark. 🌳\n", "We will send someone.")


def text(_told: Told, _behaviour: Behaviour) -> Play:
    """Say a few words."""
    return Play(text=WORDS)


def plain(told: Told, behaviour: Behaviour) -> Play:
    """Answer without a scene: `chunks` times the answer's word in a stream, else once."""
    spent = Spent(given=behaviour.prompt_tokens, made=behaviour.chunks)
    if behaviour.echo:
        return Play(text=(told.turns[-1][1],), spent=spent)
    if not told.is_stream:
        return Play(text=(behaviour.answer,), spent=spent)
    pieces = tuple(f"{behaviour.answer}{number} " for number in range(behaviour.chunks))
    return Play(text=pieces, spent=spent, breaks_after=behaviour.error_after)


def quirk(name: str) -> Callable[[Told, Behaviour], Play]:
    """Say a few words in an odd but legal way."""
    return lambda _told, _behaviour: Play(text=WORDS, quirks=frozenset({name}))


def tools(*calls: Call) -> Callable[[Told, Behaviour], Play | Fault]:
    """Call these tools, if the request offers them."""

    def play(told: Told, _behaviour: Behaviour) -> Play | Fault:
        if missing := {call.name for call in calls} - set(told.tools):
            return Fault(400, f"tools not offered: {sorted(missing)}")
        return Play(calls=calls, stop="tools")

    return play


def tool_results(told: Told, _behaviour: Behaviour) -> Play | Fault:
    """Read the results of tools out, each with its tool's name."""
    if not told.results:
        return Fault(400, "no tool result in the request")
    return _wrong_results(told) or Play(text=_read_out(told))


def tool_loop(*calls: Call) -> Callable[[Told, Behaviour], Play | Fault]:
    """First call tools, under seal; then demand the seal back and read out the results."""

    def play(told: Told, behaviour: Behaviour) -> Play | Fault:
        if not told.results:
            opened = tools(*calls)(told, behaviour)
            if isinstance(opened, Fault):
                return opened
            return msgspec.structs.replace(opened, reasoning=REASON, text=("I will look that up.",), is_sealed=True)
        if told.seal_fault:
            return Fault(400, told.seal_fault)
        return _wrong_results(told) or Play(text=_read_out(told))

    return play


def _wrong_results(told: Told) -> Fault | None:
    """Judge whether each result belongs to a call of the history, with what the call was."""
    known = {(call.id, call.name) for call in told.calls}
    for result in told.results:
        if (result.id, result.name) not in known:
            return Fault(400, f"result of {result.name!r} without its call {result.id!r}")
    if len(told.results) != len(told.calls):
        return Fault(400, f"{len(told.calls)} calls, {len(told.results)} results")
    wanted = {call.name: call.arguments for call in (LAMP, HOURS)}
    for call in told.calls:
        if call.arguments != wanted.get(call.name):
            return Fault(400, f"call of {call.name!r} came back with other arguments: {compact(call.arguments)}")
    return None


def _read_out(told: Told) -> tuple[str, ...]:
    return tuple(f"{result.name}: {result.text}; " for result in told.results)


def image(told: Told, _behaviour: Behaviour) -> Play | Fault:
    """Say which picture was seen."""
    if not told.pictures:
        return Fault(400, "no picture in the request")
    return Play(text=tuple(describe(one.media_type, one.data, url=one.url) for one in told.pictures))


def describe(media_type: str, data: bytes, *, url: str = "") -> str:
    """Name a picture as scene `image` does."""
    if url:
        return f"a picture at {url}"
    return f"a picture: {media_type}, {len(data)} bytes, {hashlib.sha256(data).hexdigest()[:12]}"


def structured(told: Told, _behaviour: Behaviour) -> Play | Fault:
    """Answer JSON, if a schema that it fits arrived."""
    wanted = (told.schema or {}).get("properties")
    if not isinstance(wanted, dict) or set(wanted) != set(REPORT):
        return Fault(400, f"no schema for {sorted(REPORT)} in the request, but {compact(told.schema)}")
    whole = compact(REPORT)
    return Play(text=(whole[:9], whole[9:25], whole[25:]))


def reasoning(_told: Told, _behaviour: Behaviour) -> Play:
    """Reason, then answer."""
    return Play(reasoning=REASON, text=WORDS, is_sealed=True, spent=Spent(made=30, reasoning=24))


def stop_length(_told: Told, _behaviour: Behaviour) -> Play:
    """Stop in the middle of a word at the output limit."""
    return Play(text=("The lamp in fro",), stop="length")  # codespell:ignore fro


def stop_sequence(told: Told, _behaviour: Behaviour) -> Play:
    """Count to three, or to a stop sequence."""
    words = ("one ", "two ", "three")
    for sequence in told.parameters.get("stop", ()):
        if (place := "".join(words).find(sequence)) >= 0:
            return Play(text=("".join(words)[:place],), stop="sequence", stop_sequence=sequence)
    return Play(text=words)


def refusal(_told: Told, _behaviour: Behaviour) -> Play:
    """Decline to answer."""
    return Play(refusal="I cannot help with that.", stop="refusal")


def content_filter(_told: Told, _behaviour: Behaviour) -> Play:
    """Be stopped by the maker's filter after some words."""
    return Play(text=WORDS[:1], stop="filter")


def cached_usage(_told: Told, _behaviour: Behaviour) -> Play:
    """Report every kind of token."""
    return Play(text=WORDS, spent=Spent(given=1000, made=60, cached=700, cache_write=200, reasoning=40))


def echo_params(told: Told, _behaviour: Behaviour) -> Play:
    """Name the sampling parameters that arrived."""
    return Play(text=(compact(told.parameters),))


def echo_turns(told: Told, _behaviour: Behaviour) -> Play:
    """Name what was said so far, the instructions first."""
    said: dict[str, Any] = {"system": told.system, "turns": told.turns, "tools": told.tools}
    return Play(text=(compact(said),))


def echo(told: Told, _behaviour: Behaviour) -> Play:
    """Say the last message again, a few letters at a time."""
    said = told.turns[-1][1]
    return Play(text=tuple(said[at : at + _ECHOED] for at in range(0, len(said), _ECHOED)))


def error(_told: Told, behaviour: Behaviour) -> Fault:
    """Answer with the status that the behaviour names."""
    return Fault(behaviour.status, retry_after_s=behaviour.retry_after)


def mislabelled_error(_told: Told, behaviour: Behaviour) -> Fault:
    """Answer an error as JSON that calls itself a stream."""
    return Fault(404 if behaviour.status == 200 else behaviour.status, is_mislabelled=True)  # noqa: PLR2004 -- HTTP's OK


def error_in_stream(told: Told, _behaviour: Behaviour) -> Play | Fault:
    """Fail after two pieces; where nothing is streamed, with a status."""
    return Play(text=WORDS, breaks_after=2) if told.is_stream else Fault(503)


PLOTS: dict[str, Callable[[Told, Behaviour], Play | Fault]] = {
    "": plain,
    "text": text,
    "tools-single": tools(LAMP),
    "tools-parallel": tools(LAMP, HOURS),
    "tool-results": tool_results,
    "tool-loop": tool_loop(LAMP),
    "tool-loop-parallel": tool_loop(LAMP, HOURS),
    "image": image,
    "structured": structured,
    "reasoning": reasoning,
    "stop-length": stop_length,
    "stop-sequence": stop_sequence,
    "refusal": refusal,
    "content-filter": content_filter,
    "cached-usage": cached_usage,
    "echo": echo,
    "echo-params": echo_params,
    "echo-turns": echo_turns,
    "error": error,
    "mislabelled-error": mislabelled_error,
    "error-in-stream": error_in_stream,
    "cuts-later": text,
    "wrong-content-type": quirk("mislabelled"),
    "no-done": quirk("no-done"),
    "empty-choices": quirk("empty-choices"),
    "comments": quirk("comments"),
    "obfuscation": quirk("obfuscation"),
}
