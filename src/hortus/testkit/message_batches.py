"""Batches as Anthropic's hosts keep them, all in memory: each look at one takes it to its end.

https://github.com/anthropics/anthropic-sdk-python (`types/messages/`), read 2026-11.
"""

from __future__ import annotations

import itertools
from typing import Any

import msgspec

from hortus.testkit.listening import Incoming

ELSEWHERE = "https://host.invalid/v1/messages/batches"
"""Where its answers say that the results lie: nobody answers there."""

Object = dict[str, Any]
_WHEN = "2026-11-23T12:00:00Z"
_COUNTS = {"processing": 0, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}


class MessageBatches:
    """What one account keeps.

    Attributes:
        asked: The requests of each batch, by its id.
    """

    def __init__(self) -> None:
        self.asked: dict[str, list[Object]] = {}
        self._batches: dict[str, Object] = {}
        self._numbers = itertools.count(1)

    def serve(self, asked: Incoming, rest: list[str]) -> Object | bytes | None:
        """Return the answer to a request, None where there is no such batch."""
        if not rest:
            return self._make(msgspec.json.decode(asked.body)["requests"])
        batch = self._batches.get(rest[0])
        if batch is None:
            return None
        match (asked.method, *rest[1:]):
            case ("POST", "cancel"):
                batch |= {"processing_status": "canceling", "cancel_initiated_at": _WHEN}
            case ("GET", "results"):
                return b"".join(map(_answered, self.asked[rest[0]]))
            case ("DELETE",):
                del self._batches[rest[0]]
                return {"id": rest[0], "type": "message_batch_deleted"}
            case _:
                ended = {
                    "processing_status": "ended",
                    "ended_at": _WHEN,
                    "results_url": f"{ELSEWHERE}/{rest[0]}/results",
                }
                batch |= ended | {"request_counts": _COUNTS | {"succeeded": len(self.asked[rest[0]])}}
        return batch

    def _make(self, requests: list[Object]) -> Object:
        own_id = f"msgbatch_{next(self._numbers):04}"
        self.asked[own_id] = requests
        made: Object = {
            "id": own_id,
            "type": "message_batch",
            "processing_status": "in_progress",
            "request_counts": _COUNTS | {"processing": len(requests)},
            "created_at": _WHEN,
            "expires_at": _WHEN,
            "ended_at": None,
            "archived_at": None,
            "cancel_initiated_at": None,
            "results_url": None,
        }
        self._batches[own_id] = made
        return made


def _answered(request: Object) -> bytes:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": request["params"]["model"],
        "content": [{"type": "text", "text": "Yes."}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 9, "output_tokens": 2},
    }
    line = {"custom_id": request["custom_id"], "result": {"type": "succeeded", "message": message}}
    return msgspec.json.encode(line) + b"\n"
