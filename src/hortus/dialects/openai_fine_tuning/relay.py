"""What the gateway must know of tuning jobs: model and files that one is made of, models and files that come out."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from hortus.canon.dialect import Answer, Asked, HostId, Operation, Rewritten
from hortus.canon.usage import Usage
from hortus.framing.asking import read_route
from hortus.framing.counting import UNREADABLE
from hortus.framing.openai_keeping import Named, given_ids, nothing_used, read_body
from hortus.framing.shallow import write_members

NAME = "openai_fine_tuning"

_NAMED: Named = {"training_file": "file", "validation_file": "file"}
_NOTHING: Named = {}
_GIVEN: Named = {"id": "tuning_job", "fine_tuned_model": "tuned_model", "result_files": "file"}
_CHECKPOINT: Named = {"fine_tuned_model_checkpoint": "tuned_model"}

_ENCODE = msgspec.json.Encoder().encode


class _Listed(msgspec.Struct):
    data: tuple[msgspec.Raw, ...] = ()


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read a request.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: A model is to be tuned, and none is named.
    """
    del route  # the gateway's: it is the id in the path
    if operation.name != "create_tuning_job":
        return read_body(body, _NOTHING)
    asked = read_body(body, _NAMED)
    return msgspec.structs.replace(asked, route=read_route(asked.members))


def write_request(asked: Asked, upstream_model: str) -> Rewritten:
    """Return the body for a host that calls the model `upstream_model`."""
    if not asked.members:
        return Rewritten(body=b"", adaptations=())
    if "model" not in asked.members or upstream_model == asked.route:
        return Rewritten(body=write_members(asked.members), adaptations=())
    model = msgspec.Raw(_ENCODE(upstream_model))
    return Rewritten(body=write_members(asked.members | {"model": model}), adaptations=("model",))


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return what a job gives out, or its checkpoints."""
    del input_bytes
    if operation.name == "list_tuning_checkpoints":
        return Answer(usage=Usage(), served_model=None, given_ids=tuple(_checkpoints(body)))
    return nothing_used(body, _NOTHING if operation.name == "list_tuning_events" else _GIVEN)


def _checkpoints(body: bytes) -> Iterator[HostId]:
    try:
        listed = msgspec.json.decode(body, type=_Listed)
    except UNREADABLE:
        return
    for one in listed.data:
        yield from given_ids(one, _CHECKPOINT)
