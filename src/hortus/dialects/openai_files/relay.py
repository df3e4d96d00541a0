"""What the gateway must know of files and uploads: which ids are given out, what belongs to a list, what is refused."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from hortus.canon.dialect import Answer, Asked, Operation
from hortus.canon.errors import InvalidRequest
from hortus.framing.counting import UNREADABLE
from hortus.framing.openai_keeping import Named, nothing_used, read_body, text_in

NAME = "openai_files"

_GIVEN: Mapping[str, Named] = {"create_upload": {"id": "upload"}, "add_upload_part": {}}
_FILE: Named = {"id": "file"}
_NOTHING: Named = {}
_BATCH = "batch"


class _Completed(msgspec.Struct):
    id: str = ""
    file: msgspec.Raw = msgspec.Raw(b"null")


class _Described(msgspec.Struct):
    purpose: str = ""


def read_request(operation: Operation, body: bytes, route: str | None = None) -> Asked:
    """Read a request.

    Raises:
        NotJson: The body is not a JSON object.
        InvalidRequest: Requests for a batch are to come in parts: nobody could look at their lines.
    """
    del route  # the gateway's: it is the id in the path
    asked = read_body(body, _NOTHING)
    if operation.name == "create_upload" and text_in(asked.members, "purpose") == _BATCH:
        raise InvalidRequest(
            "A file of requests for a batch is not taken in parts: each of its lines is looked at as it comes.",
            path="purpose",
            hint="Send it whole to /v1/files.",
        )
    return asked


def read_answer(operation: Operation, body: bytes, input_bytes: int) -> Answer:
    """Return what an answer gives out."""
    del input_bytes
    if operation.name == "complete_upload":
        try:
            done = msgspec.json.decode(body, type=_Completed)
        except UNREADABLE:
            return nothing_used(b"", _NOTHING)
        return nothing_used(bytes(done.file), _FILE)
    return nothing_used(body, _GIVEN.get(operation.name, _FILE))


def is_wanted(query: Mapping[str, str], item: msgspec.Raw) -> bool:
    """Tell whether a file belongs to a list: its purpose may be asked for."""
    wanted = query.get("purpose")
    if wanted is None:
        return True
    try:
        return msgspec.json.decode(item, type=_Described).purpose == wanted
    except UNREADABLE:
        return False
