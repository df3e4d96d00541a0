"""Tuning jobs as OpenAI keeps them, all in memory: each look at one takes it one step on, unless it is held.

https://github.com/openai/openai-python (`types/fine_tuning/`), read 2026-11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import msgspec

from hortus.testkit.listening import Incoming

Object = dict[str, Any]
_STEPS = ("queued", "running", "succeeded")
_WORDS = {"cancel": "cancelled", "pause": "paused", "resume": "queued"}
_OVER = frozenset(("succeeded", "failed", "cancelled"))


class Make(Protocol):
    """Makes an object of an account."""

    def __call__(self, prefix: str, kind: str, **members: object) -> Object: ...  # noqa: D102 -- see the class


class TuningJobs:
    """What one account tunes.

    Attributes:
        jobs: The jobs by their ids, in the order in which they were made.
        is_holding: Whether jobs go no further than to `running`.
        failure: Why jobs fail, None where they succeed.
        losses: What each step's figures say, told once a job runs.
        is_learning: Whether tuned models answer as the examples that were sent for them, the held-out ones too.
    """

    def __init__(self, make: Make, *, keep: Callable[[bytes], Object]) -> None:
        self.jobs: dict[str, Object] = {}
        self.is_holding = False
        self.failure: Object | None = None
        self.losses: tuple[float, ...] = ()
        self.is_learning = True
        self._make = make
        self._keep = keep
        self._events: dict[str, list[Object]] = {}

    def serve(self, asked: Incoming, rest: list[str]) -> Object | None:
        """Return the answer to a request, None where there is no such job."""
        if not rest:
            return self._begin(msgspec.json.decode(asked.body)) if asked.method == "POST" else self._list(asked)
        job = self.jobs.get(rest[0])
        if job is None:
            return None
        match (asked.method, *rest[1:]):
            case ("GET", "events"):
                return _page(asked, self._events[rest[0]][::-1])
            case ("GET", "checkpoints"):
                return _page(asked, [self._checkpoint(job)])
            case ("POST", word):
                job["status"] = _WORDS[word]
            case _:
                self._step(job)
        return job

    def answer(self, said: Object, files: Mapping[str, bytes]) -> str | None:
        """Return what a tuned model says to a chat's last message, None where it has learnt nothing of that."""
        job = next((one for one in self.jobs.values() if one["fine_tuned_model"] == said["model"]), None)
        if job is None or not self.is_learning:
            return None
        names = [job[one] for one in ("training_file", "validation_file") if job.get(one)]
        known = dict(_learnt(b"\n".join(files.get(name, b"") for name in names)))
        return known.get(said["messages"][-1]["content"])

    def _begin(self, said: Object) -> Object:
        usual = {"hyperparameters": {}, "organization_id": "org", "seed": 1, "fine_tuned_model": None}
        job = self._make("ftjob", "fine_tuning.job", **{**usual, **said}, status="validating_files", result_files=[])
        self.jobs[job["id"]] = job
        self._events[job["id"]] = []
        self._tell(job, "Begun.")
        return job

    def _list(self, asked: Incoming) -> Object:
        return _page(asked, list(self.jobs.values())[::-1])

    def _checkpoint(self, job: Object) -> Object:
        own_id = job["id"]
        return self._make(
            *("ftckpt", "fine_tuning.job.checkpoint"),
            fine_tuned_model_checkpoint=f"ft:{job['model']}:org::{own_id}:ckpt-step-1",
            fine_tuning_job_id=own_id,
            metrics={},
            step_number=1,
        )

    def _step(self, job: Object) -> None:
        status = job["status"]
        if status in _OVER or status == "paused" or (self.is_holding and status == "running"):
            return
        job["status"] = _STEPS[_STEPS.index(status) + 1 if status in _STEPS else 0]
        if job["status"] == "running":
            self._tell_figures(job)
        elif job["status"] == "succeeded":
            self._end(job)

    def _end(self, job: Object) -> None:
        if self.failure is not None:
            job |= {"status": "failed", "error": self.failure}
            return
        job["fine_tuned_model"] = f"ft:{job['model']}:org::{job['id']}"
        job["trained_tokens"] = 4321
        job["result_files"] = [self._keep(b"step,loss\n1,0.5\n")["id"]]

    def _tell_figures(self, job: Object) -> None:
        for step, loss in enumerate(self.losses, 1):
            data = {"step": step, "total_steps": len(self.losses), "train_loss": loss, "valid_loss": None}
            self._tell(job, f"Step {step}", type="metrics", data=data)

    def _tell(self, job: Object, message: str, **more: object) -> None:
        event = self._make("ftevent", "fine_tuning.job.event", level="info", message=message, **more)
        self._events[job["id"]].append(event)


def _learnt(content: bytes) -> Iterator[tuple[str, str]]:
    for line in content.splitlines():
        example = msgspec.json.decode(line) if line else {}
        if "preferred_output" in example:
            yield example["input"]["messages"][-1]["content"], example["preferred_output"][0]["content"]
        elif "messages" in example:
            *_, question, answer = example["messages"]
            yield question["content"], answer["content"]


def _page(asked: Incoming, items: list[Object]) -> Object:
    """Return the part of a list, newest first, for which a request asks."""
    query = parse_qs(urlsplit(asked.path).query)
    after, limit = query.get("after", [""])[0], int(query.get("limit", ["20"])[0])
    ids = [one["id"] for one in items]
    start = ids.index(after) + 1 if after in ids else 0
    return {"object": "list", "data": items[start : start + limit], "has_more": len(items) > start + limit}
