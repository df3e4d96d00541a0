"""How does a client learn what was not carried? By the header `hortus-losses`: their number, then the first of them.

    hortus-losses: 3; tuning:top_k, advisory:metadata, advisory:messages%5B0%5D.content%5B1%5D.cache_control

A stream's header goes out before the answer is known, so it ends with `; response=see-receipt`.
"""

from __future__ import annotations

from urllib.parse import quote

from hortus.canon.errors import InvalidRequest
from hortus.canon.loss import Loss, Strictness, stricter

NAME = b"hortus-losses"
ASKED = b"hortus-loss"

_NAMED = 8
_LIMIT_BYTES = 1000
_REST = "; response=see-receipt"


def loss_header(losses: tuple[Loss, ...], *, is_stream: bool) -> tuple[tuple[bytes, bytes], ...]:
    """Return the header for what was lost; none where nothing was, unless a stream's answer is still to come."""
    if not losses and not is_stream:
        return ()
    value = str(len(losses))
    room = _LIMIT_BYTES - (len(_REST) if is_stream else 0)
    for number, loss in enumerate(losses[:_NAMED]):
        longer = f"{value}{', ' if number else '; '}{loss.weight}:{quote(loss.path, safe='._-')}"
        if len(longer) > room:
            break
        value = longer
    return ((NAME, (value + (_REST if is_stream else "")).encode()),)


def read_strictness(headers: dict[bytes, bytes], *, project: Strictness) -> Strictness:
    """Return which losses refuse a request: the project's setting, or what the client's header tightens it to.

    Raises:
        InvalidRequest: The header says something else than `strict`.
    """
    asked = headers.get(ASKED)
    if asked is None:
        return project
    if asked.strip().lower() != b"strict":
        raise InvalidRequest(
            "The header `hortus-loss` can only tighten.",
            path="hortus-loss",
            hint="Send `hortus-loss: strict`, or none.",
        )
    return stricter(project, "strict")
