"""Jobs whose base is a model of a host, as tests at a whole Hortus begin them, look at them and kill their steps."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import openai

from garden import wait_for
from hortus.testkit.keeping_host import KeepingHost

JOBS, FILES = "/v1/fine_tuning/jobs", "/v1/files"
CHATS = "/v1/chat/completions"
OVER = {"succeeded", "failed", "cancelled"}


@contextmanager
def as_usual(house: KeepingHost) -> Iterator[KeepingHost]:
    """The host with nothing seen yet; whatever was asked of it is taken back after the test."""
    house.seen.clear()
    yield house
    for steered in (house.silent_on, house.silent_models, house.unknown_models):
        steered.clear()
    jobs = house.tuning_jobs
    jobs.is_holding, jobs.is_learning, jobs.failure, jobs.losses = False, True, None, ()


def bring(client: openai.OpenAI, lines: list[dict[str, Any]] | None = None) -> str:
    content = b"".join(msgspec.json.encode(one) + b"\n" for one in lines or chats())
    return client.files.create(file=("lamps.jsonl", content), purpose="fine-tune").id


def chats(count: int = 30) -> list[dict[str, Any]]:
    def chat(number: int) -> list[dict[str, str]]:
        return [
            {"role": "user", "content": f"Lamp {number} is dark."},
            {"role": "assistant", "content": f"lighting {number % 3}"},
        ]

    return [{"messages": chat(one)} for one in range(count)]


def begin(client: openai.OpenAI, **more: Any) -> Any:
    return client.fine_tuning.jobs.create(**{"model": "hosted", "training_file": bring(client), **more})


def ended(client: openai.OpenAI, job_id: str) -> Any:
    def look() -> Any:
        try:
            job = client.fine_tuning.jobs.retrieve(job_id)
        except openai.APIError:  # somebody was killed
            return None
        return job if job.status in OVER else None

    return wait_for(look, within_s=120, what=f"the end of {job_id}")


def words(client: openai.OpenAI, job_id: str) -> str:
    return "\n".join(one.message for one in client.fine_tuning.jobs.list_events(job_id, limit=100))


def asked(host: KeepingHost, method: str, path: str) -> list[Any]:
    return [one for one in list(host.seen) if one.method == method and one.path.partition("?")[0] == path]


def wait_asked(host: KeepingHost, method: str, path: str, *, times: int = 1) -> None:
    wait_for(lambda: len(asked(host, method, path)) >= times, within_s=60, what=f"{method} {path}")


def at_host(host: KeepingHost) -> dict[str, Any]:
    """Return the host's newest job."""
    return list(host.tuning_jobs.jobs.values())[-1]


def step_process(job_id: str, step: str = "host") -> int | None:
    for entry in Path("/proc").iterdir():
        try:
            said = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
        except OSError:
            continue
        if f"{job_id}:{step}".encode() in said:
            return int(entry.name)
    return None


def kill_step(job_id: str, step: str = "host") -> None:
    os.kill(wait_for(lambda: step_process(job_id, step), within_s=60, what="the step"), signal.SIGKILL)
