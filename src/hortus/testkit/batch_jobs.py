"""Batch jobs as Mistral keeps them, all in memory: each look at one takes it to its end.

https://github.com/mistralai/client-python (`models/batchjob.py`), read 2026-11.
"""

from __future__ import annotations

import itertools
from typing import Any

import msgspec

from hortus.testkit.listening import Incoming

Object = dict[str, Any]
_CREATED_S = 1_795_000_000


class BatchJobs:
    """What one account keeps.

    Attributes:
        asked: What each job was asked for, by its id.
    """

    def __init__(self) -> None:
        self.asked: dict[str, Object] = {}
        self._jobs: dict[str, Object] = {}
        self._numbers = itertools.count(1)

    def serve(self, asked: Incoming, rest: list[str]) -> Object | None:
        """Return the answer to a request, None where there is no such job."""
        if not rest:
            return self._make(msgspec.json.decode(asked.body))
        job = self._jobs.get(rest[0])
        if job is None:
            return None
        requests = self.asked[rest[0]]["requests"]
        match (asked.method, *rest[1:]):
            case ("POST", "cancel"):
                job["status"] = "CANCELLATION_REQUESTED"
            case ("DELETE",):
                del self._jobs[rest[0]]
                return {"id": rest[0], "object": "batch", "deleted": True}
            case _:
                done = len(requests)
                job |= {"status": "SUCCESS", "completed_requests": done, "succeeded_requests": done}
        return job | {"outputs": [_answered(one) for one in requests]} if "inline=true" in asked.path.lower() else job

    def _make(self, said: Object) -> Object:
        own_id = f"job-{next(self._numbers):04}"
        self.asked[own_id] = said
        made: Object = {
            "id": own_id,
            "object": "batch",
            "input_files": [],
            "endpoint": said["endpoint"],
            "model": said["model"],
            "errors": [],
            "status": "QUEUED",
            "created_at": _CREATED_S,
            "total_requests": len(said["requests"]),
            "completed_requests": 0,
            "succeeded_requests": 0,
            "failed_requests": 0,
        }
        self._jobs[own_id] = made
        return made


def _answered(request: Object) -> Object:
    body = {"object": "chat.completion", "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}}
    return {"custom_id": request["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}
