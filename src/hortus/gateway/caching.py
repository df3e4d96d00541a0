"""Which answers may be given again, to which requests, and where do they lie? In this worker's memory, for a while.

Exact: a request finds an answer only where every byte of it that a host could see is the same, and project, policy and
route too. What else a host or the world could make different is never kept: see `may_cache`.
"""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

import msgspec

from hortus.canon.loss import Strictness
from hortus.gateway.judging import Judged
from hortus.gateway.passage import Inquiry, Outgoing
from hortus.gateway.visit import Pairs
from hortus.snapshot.model import Endpoint

_OPERATIONS = frozenset({"chat", "embeddings", "batch_embeddings"})
_OWN_TOOLS = frozenset({"function"})
"""Tools that the client runs itself: what the host runs looks at a world that goes on."""

_OVERHEAD_BYTES = 1024
"""Of an answer beside its body, roughly."""

_LARGEST_PART = 8
"""No answer fills more than this part of the room."""


class CacheBounds(msgspec.Struct, frozen=True):
    """How much is kept at most, in each worker; no bytes: nothing."""

    limit_bytes: int = 0
    most: int = 10_000

    @property
    def largest_bytes(self) -> int:
        """Longest body that is kept."""
        return self.limit_bytes // _LARGEST_PART - _OVERHEAD_BYTES


class CachedAnswer(msgspec.Struct, frozen=True):
    """An answer that was paid for.

    Attributes:
        receipt_id: Under which.
        endpoint: Which gave it, as it was declared then.
        stored_s: When, on the clock that only grows.
        headers: Those of its own: content type, losses.
        outgoing: What the host was asked, without the words.
    """

    receipt_id: str
    endpoint: Endpoint
    stored_s: float
    body: bytes
    headers: Pairs
    is_stream: bool
    outgoing: Outgoing


def may_cache(judged: Judged, inquiry: Inquiry) -> bool:
    """Tell whether a request could be answered from what was kept, and its answer be kept.

    Not where the policy keeps no content or looks into it; where the request names what a host keeps, or goes on from
    what Hortus keeps; or brings tools that the host runs.
    """
    policy, asked = judged.policy, inquiry.asked
    if not policy.keeps_content or policy.looks_at_content or inquiry.operation.name not in _OPERATIONS:
        return False
    if asked.host_ids or inquiry.continues is not None or inquiry.is_kept:
        return False
    units = inquiry.dialect.weigh(inquiry.operation, asked, inquiry.body)
    return not (units.kept or units.searches or units.server_tools) and _OWN_TOOLS.issuperset(units.tools)


class ResponseCache:
    """The answers of one worker; the one that was used longest ago makes room.

    Args:
        bounds: How much.
        key: Keys the digests by which requests are known again; random, for nobody else needs it.
    """

    def __init__(self, bounds: CacheBounds, *, key: bytes) -> None:
        self.bounds = bounds
        self._key = key
        self._answers: OrderedDict[bytes, CachedAnswer] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._answers)

    def digest(self, judged: Judged, inquiry: Inquiry, *, strictness: Strictness) -> bytes:
        """Return what a request is known by: every part has its length before it, so that none runs into the next."""
        call = inquiry.call
        state = blake2b(key=self._key, digest_size=32)
        for part in (
            *(inquiry.project_id, judged.mark, judged.route.route.name, inquiry.dialect.name, inquiry.operation.name),
            *(str(inquiry.asked.is_stream), strictness, call.route or ""),
            *(f"{name}={value}" for name, value in sorted(call.query.items())),
            "",
            *(f"{name}={value}" for name, value in sorted(call.headers.items())),
        ):
            data = part.encode("utf-8", "surrogatepass")
            state.update(b"%d:" % len(data))
            state.update(data)
        state.update(inquiry.body)
        return state.digest()

    def find(self, digest: bytes, *, now_s: float, longest_s: float) -> CachedAnswer | None:
        """Return an answer that is no older than the route allows today."""
        found = self._answers.get(digest)
        if found is None:
            return None
        if now_s - found.stored_s >= longest_s:
            self.drop(digest)
            return None
        self._answers.move_to_end(digest)
        return found

    def keep(self, digest: bytes, answer: CachedAnswer) -> None:
        """Keep an answer, where it is not too large."""
        self.drop(digest)
        if len(answer.body) > self.bounds.largest_bytes:
            return
        self._answers[digest] = answer
        self.size_bytes += _size_of(answer)
        while self.size_bytes > self.bounds.limit_bytes or len(self._answers) > self.bounds.most:
            self.drop(next(iter(self._answers)))

    def drop(self, digest: bytes) -> None:
        """Keep an answer no longer."""
        gone = self._answers.pop(digest, None)
        if gone is not None:
            self.size_bytes -= _size_of(gone)


def _size_of(answer: CachedAnswer) -> int:
    return len(answer.body) + _OVERHEAD_BYTES
