"""Which headers cross between client and host: closed lists both ways, so that no secret and no cookie ever does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime

from hortus.gateway.visit import Pairs, Visit

_TO_CLIENT = frozenset(
    (
        b"content-type",
        b"retry-after",
        b"retry-after-ms",
        b"x-should-retry",
        b"openai-model",
        b"openai-processing-ms",
        b"openai-version",
        b"x-amzn-errortype",  # by which boto3 tells errors apart
    )
)
_TO_CLIENT_PREFIXES = (b"x-ratelimit-", b"ratelimit", b"x-amzn-bedrock-")
"""Limits of the host's account, and what Bedrock says of an answer, as SDKs read them.

(`openai-organization` and the like stay here.)
"""

PROJECT, KEY = b"hortus-project", b"hortus-key"
"""Who asks, by ids: for the workshop alone, which believes it because of its own key."""

_LONGEST_NUMBER = 9
"""Digits: a number in a header may be as long as its sender likes."""

_NONE: Mapping[str, str] = {}
_JSON = (b"content-type", b"application/json")
_ACCEPT = {"json": (b"accept", b"application/json"), "bytes": (b"accept", b"*/*")}
_AMAZONS = (b"accept", b"application/vnd.amazon.eventstream")
_ACCEPT_STREAM: Mapping[str, tuple[bytes, bytes]] = {"bedrock_converse": _AMAZONS, "bedrock_invoke": _AMAZONS}
"""Dialect to what its streams are; all others are `text/event-stream`."""

_ACCEPT_EVENTS = (b"accept", b"text/event-stream")
JSON_ANSWER: Pairs = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
"""Of whole answers that Hortus itself gives."""

_STREAM: Pairs = ((b"x-accel-buffering", b"no"), (b"cache-control", b"no-store"))


def for_target(
    opening: Pairs,
    *,
    dialect: str,
    is_stream: bool,
    own: Mapping[str, str] = _NONE,
    is_json: bool = True,
    wants: str = "json",
) -> Pairs:
    """Return the headers of every call to a target.

    Args:
        opening: The endpoint's own credential and fixed headers.
        dialect: What the host is spoken to in.
        is_stream: Whether a stream is asked for.
        own: Headers of the client that belong to the dialect, where the host speaks it; they replace fixed ones.
        is_json: Whether the request's body is JSON; any other has its type among the headers of the one call.
        wants: What the answer's body is, where it is no stream: `json` or `bytes`.
    """
    accept = _ACCEPT_STREAM.get(dialect, _ACCEPT_EVENTS) if is_stream else _ACCEPT[wants]
    types = (_JSON, accept) if is_json else (accept,)
    if not own:
        return (*opening, *types)
    passed = {name.encode(): value.encode("latin-1") for name, value in own.items()}
    return (*(pair for pair in opening if pair[0] not in passed), *passed.items(), *types)


def for_host(visit: Visit, *, is_workshop: bool = False) -> Pairs:
    """Return the headers of this one call to a host; this installation's own workshop is told who asks."""
    sent: Pairs = ((b"x-request-id", visit.request_id.encode()),)
    if visit.traceparent is not None:
        sent = (*sent, (b"traceparent", visit.traceparent.encode()))
    if is_workshop:
        caller = visit.caller
        sent = (*sent, (PROJECT, (caller.project_id or "").encode()), (KEY, (caller.key_id or "").encode()))
    return sent


def for_client(
    headers: Sequence[tuple[bytes, bytes]], *, is_stream: bool = False, content_type: str | None = None
) -> Pairs:
    """Return what a client gets of a host's headers; `content_type` stands in place of the host's."""
    kept = [pair for pair in headers if pair[0] in _TO_CLIENT or pair[0].startswith(_TO_CLIENT_PREFIXES)]
    if content_type is not None:
        kept = [pair for pair in kept if pair[0] != b"content-type"]
        kept.append((b"content-type", content_type.encode()))
    return (*kept, *_STREAM) if is_stream else tuple(kept)


def retry_after_s(headers: Sequence[tuple[bytes, bytes]], *, now_s: int) -> int | None:
    """Return after how many seconds a host says that it may be asked again: in seconds, as a date, in milliseconds.

    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3; the last is what OpenAI's hosts and SDKs say, read 2026-11.
    Azure says both, and the milliseconds may be 0: the longer one holds.
    """
    said = find(headers, b"retry-after")
    waits = [] if said is None else [_wait_s(said, now_s=now_s)]
    milliseconds = find(headers, b"retry-after-ms")
    if milliseconds is not None and milliseconds.isdigit():
        waits.append(-(-int(milliseconds[:_LONGEST_NUMBER]) // 1000))
    return max((wait for wait in waits if wait is not None), default=None)


def _wait_s(said: bytes, *, now_s: int) -> int | None:
    if said.isdigit():
        return int(said[:_LONGEST_NUMBER])
    try:
        return max(1, int(parsedate_to_datetime(said.decode("latin-1")).timestamp()) - now_s)
    except ValueError:
        return None


def as_text(headers: Sequence[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """Return headers by name, of several of a name the last one."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}


def find(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> bytes | None:
    """Return the first header of a name, None where there is none."""
    for key, value in headers:
        if key == name:
            return value
    return None
