"""A host on loopback that keeps files, uploads, batches and tuning jobs, as OpenAI's interfaces do, all in memory.

Each look at a batch or a job takes it one step on; who owns an account's things it neither knows nor asks.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import threading
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hortus.testkit.batch_jobs import BatchJobs
from hortus.testkit.listening import Incoming, Listener, read_request
from hortus.testkit.message_batches import MessageBatches
from hortus.testkit.tuning_jobs import TuningJobs

_BATCH_STEPS = ("in_progress", "finalizing", "completed")
_SILENCE_S = 0.02
_CREATED_S = 1_795_000_000
_FIELD = re.compile(rb'name="([^"]+)"')
_FILENAME = re.compile(rb'filename="([^"]*)"')
_USED = {
    "input_tokens": 40,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 10,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 50,
}

Object = dict[str, Any]
_encode = msgspec.json.encode


class KeepingHost:
    """The host in a thread of its own; use it as a context manager.

    Attributes:
        seen: Every request, in order.
        files: What lies in each file, by its id.
        failing: Ids at which the host fails.
        message_batches: What it keeps in Anthropic's words.
        batch_jobs: And in Mistral's.
        refusing: Files of which it makes no batch.
        tuning_jobs: What it tunes.
        silent_on: Methods and paths on which it does what it is asked, and keeps its answer until they are taken out.
        silent_models: The same for chats with these models.
        unknown_models: Models that it has not everywhere yet: asked for them it answers 404.
    """

    def __init__(self) -> None:
        self.seen: list[Incoming] = []
        self.objects: dict[str, Object] = {}
        self.files: dict[str, bytes] = {}
        self.failing: set[str] = set()
        self.refusing: set[str] = set()
        self.silent_on: set[tuple[str, str]] = set()
        self.silent_models: set[str] = set()
        self.unknown_models: set[str] = set()
        self.port = 0
        self.message_batches = MessageBatches()
        self.batch_jobs = BatchJobs()
        self._numbers = itertools.count(1)
        self.tuning_jobs = TuningJobs(
            self._make, keep=lambda content: self.put_file(content, purpose="fine-tune-results", name="r.csv")
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="keeping host", daemon=True)
        self._listener = Listener(self._talk, ends=_Over)

    @property
    def base_url(self) -> str:
        """Base address for an endpoint."""
        return f"http://127.0.0.1:{self.port}/v1"

    def __enter__(self) -> KeepingHost:  # noqa: PYI034 -- not meant to be derived from
        self._thread.start()
        self._call(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._listener.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def put_file(self, content: bytes, *, purpose: str = "batch", name: str = "lines.jsonl") -> Object:
        """Keep a file that somebody brought in another way."""
        made = self._make("file", "file", bytes=len(content), filename=name, purpose=purpose, status="processed")
        self.files[made["id"]] = content
        return made

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _start(self) -> None:
        self.port = await self._listener.start(self.port)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (asked := await read_request(reader)) is not None:
            self.seen.append(asked)
            status, kind, body = self._answer(asked)
            while self._is_silent(asked):  # noqa: ASYNC110 -- another thread changes it
                await asyncio.sleep(_SILENCE_S)
            head = f"HTTP/1.1 {status} Said\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()

    def _is_silent(self, asked: Incoming) -> bool:
        path = urlsplit(asked.path).path
        if self.silent_models and path.endswith("/chat/completions"):
            return msgspec.json.decode(asked.body)["model"] in self.silent_models
        return (asked.method, path) in self.silent_on

    def _answer(self, asked: Incoming) -> tuple[int, str, bytes]:
        parts = urlsplit(asked.path).path.removeprefix("/v1").strip("/").split("/")
        if self.failing.intersection(parts):
            return 500, "application/json", _encode({"error": {"message": "It broke.", "type": "server_error"}})
        match parts:
            case ["messages", "batches", *rest]:
                found = self.message_batches.serve(asked, rest)
            case ["batch", "jobs", *rest]:
                found = self.batch_jobs.serve(asked, rest)
            case _:
                found = self._serve(asked, parts)
        if found is None:
            return 404, "application/json", _encode({"error": {"message": "No such object.", "type": "invalid"}})
        if isinstance(found, bytes):
            return 200, "application/octet-stream", found
        return 200, "application/json", _encode(found)

    def _serve(self, asked: Incoming, parts: list[str]) -> Object | bytes | None:
        match (asked.method, *parts):
            case ("POST", "files"):
                fields = read_form(asked)
                return self.put_file(
                    fields["file"][1], purpose=fields["purpose"][1].decode(), name=fields["file"][0] or ""
                )
            case ("GET", "files", file_id, "content"):
                return self.files.get(file_id)
            case (_, "files", file_id):
                return self._file(asked.method, file_id)
            case ("POST", "chat", "completions"):
                return self._talk_to(msgspec.json.decode(asked.body))
            case (method, "uploads", *rest):
                return self._upload(asked, method, rest)
            case (method, "batches", *rest):
                return self._batch(asked, method, rest)
            case (_, "fine_tuning", "jobs", *rest):
                return self.tuning_jobs.serve(asked, rest)
            case _:
                return None

    def _talk_to(self, said: Object) -> Object | None:
        if said["model"] in self.unknown_models:
            return None
        return _chat(said, self.tuning_jobs.answer(said, self.files))

    def _file(self, method: str, file_id: str) -> Object | None:
        if method == "DELETE":
            self.files.pop(file_id, None)
            gone = self.objects.pop(file_id, None)
            return gone and {"id": file_id, "object": "file", "deleted": True}
        return self.objects.get(file_id)

    def _upload(self, asked: Incoming, method: str, rest: list[str]) -> Object | None:
        if not rest:
            return self._make("upload", "upload", status="pending", **msgspec.json.decode(asked.body))
        upload = self.objects.get(rest[0])
        if upload is None or method != "POST":
            return None
        match rest[1:]:
            case ["parts"]:
                made = self._make("part", "upload.part", upload_id=rest[0])
                self.files[made["id"]] = read_form(asked)["data"][1]
                return made
            case ["complete"]:
                content = b"".join(self.files[one] for one in msgspec.json.decode(asked.body)["part_ids"])
                upload["file"] = self.put_file(content, purpose=upload["purpose"], name=upload["filename"])
                upload["status"] = "completed"
            case ["cancel"]:
                upload["status"] = "cancelled"
            case _:
                return None
        return upload

    def _batch(self, asked: Incoming, method: str, rest: list[str]) -> Object | None:
        if not rest:
            said = msgspec.json.decode(asked.body)
            if said["input_file_id"] in self.refusing:
                return None
            return self._make("batch", "batch", **said, status="validating", output_file_id=None, usage=None)
        batch = self.objects.get(rest[0])
        if batch is not None and rest[1:] == ["cancel"]:
            batch["status"] = "cancelling"
        elif batch is not None and method == "GET" and batch["status"] != "cancelling":
            self._step(batch, _BATCH_STEPS, self._complete)
        return batch

    def _complete(self, batch: Object) -> None:
        lines = self.files.get(batch["input_file_id"], b"").splitlines()
        answered = [_answered(msgspec.json.decode(line)) for line in lines]
        batch["output_file_id"] = self.put_file(b"".join(answered), purpose="batch_output", name="out.jsonl")["id"]
        batch["usage"] = _USED

    def _step(self, one: Object, steps: tuple[str, ...], end: Callable[[Object], None]) -> None:
        if one["status"] in {steps[-1], "cancelled", "failed"}:
            return
        nth = steps.index(one["status"]) + 1 if one["status"] in steps else 0
        one["status"] = steps[nth]
        if one["status"] == steps[-1]:
            end(one)

    def _make(self, prefix: str, kind: str, **members: object) -> Object:
        own_id = f"{prefix}-{self.port}-{next(self._numbers)}"
        made: Object = {"id": own_id, "object": kind, "created_at": _CREATED_S, **members}
        self.objects[own_id] = made
        return made


class _Over(Exception):  # noqa: N818 -- nothing ends a connection here but the client
    """Never raised."""


def read_form(asked: Incoming) -> dict[str, tuple[str | None, bytes]]:
    """Return the parts of a form by name: file name, where there is one, and content."""
    boundary = asked.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    found: dict[str, tuple[str | None, bytes]] = {}
    for part in asked.body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name, filename = _FIELD.search(head), _FILENAME.search(head)
        if name is not None:
            found[name[1].decode()] = (filename[1].decode() if filename else None, content.removesuffix(b"\r\n"))
    return found


def _chat(asked: Object, text: str | None = None) -> Object:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": _CREATED_S,
        "model": asked["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text or "Yes."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
    }


def _answered(line: Object) -> bytes:
    response = {"status_code": 200, "request_id": "r", "body": _chat(line["body"])}
    return _encode({"id": "x", "custom_id": line["custom_id"], "response": response, "error": None}) + b"\n"
