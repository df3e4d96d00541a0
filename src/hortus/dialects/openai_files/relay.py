"""What the gateway must know of files and uploads: which ids are given out, what belongs to a list, what is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from hortus.canon.dialect import Answer, Asked, Operation
from hortus.canon.errors import InvalidRequest
from hortus.canon.form import Form
from hortus.canon.usage import Usage
from hortus.framing import openai_keeping as keeping
from hortus.framing.counting import UNREADABLE
from hortus.framing.forms import members_of
from hortus.framing.openai_keeping import Named, nothing_used, read_body, text_in
from hortus.framing.passed_bytes import PassedBytes

NAME = "openai_files"
CREATE = "create_file"
ADD_PART = "add_upload_part"

_GIVEN: Mapping[str, Named] = {"create_upload": {"id": "upload"}, ADD_PART: {}}
_FILE_OF: Mapping[str, str] = {CREATE: "file", ADD_PART: "data"}
_PURPOSE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
"""A purpose that nobody reads in two ways: whether a file holds requests hangs on it."""

_FILE: Named = {"id": "file"}
_NOTHING: Named = {}
_BATCH = "batch"

_OF_LINES: Mapping[str, tuple[str, str]] = {
    "/chat/completions": ("openai_chat", "chat"),
    "/responses": ("openai_responses", "chat"),
    "/embeddings": ("openai_chat", "embeddings"),
}
_SERVED = {base + path: named for path, named in _OF_LINES.items() for base in ("/v1", "")}
"""What lines may ask for, by their `url`; Azure leaves `/v1` out, recalled 2026-11.

https://github.com/openai/openai-python (`types/batch_create_params.py`), read 2026-11.
"""


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


def read_form(operation: Operation, form: Form, in_path: str | None) -> Asked:
    """Read a request that brings a file, or a part of one.

    Raises:
        InvalidRequest: It brings none, or several, or its purpose is none.
    """
    del in_path  # the gateway's: it is the id of the upload
    name = _FILE_OF[operation.name]
    if [part.name for part in form.files] != [name]:
        raise InvalidRequest(
            f"The form must have one file, `{name}`.", path=name, hint="Send it with a file name, as the SDKs do."
        )
    members = members_of(form)
    if operation.name == CREATE:
        _check_purpose(form)
    route = text_in(members, keeping.NAME) or ""
    members.pop(keeping.NAME, None)
    return Asked(route=route, is_stream=False, wants_usage=False, output_limit=0, members=members, form=form)


def _check_purpose(form: Form) -> None:
    """Refuse what could be another word for `batch`: nobody would look at the lines. Raises InvalidRequest."""
    field = form.field("purpose")
    purpose = (field.value if field is not None else None) or ""
    if not _PURPOSE.fullmatch(purpose):
        raise InvalidRequest("`purpose` is missing, or none.", path="purpose", hint="Such as `batch` or `user_data`.")
    if purpose.startswith(_BATCH) and purpose != _BATCH:
        raise InvalidRequest(
            "Some hosts could take this purpose for `batch`, and nobody would look at the requests.",
            path="purpose",
            hint="Say `batch`.",
        )


def requests_in(operation: Operation, asked: Asked) -> Mapping[str, tuple[str, str]]:
    """Return which requests the lines of a file may hold; none where it is for something else."""
    is_batch = operation.name == CREATE and text_in(asked.members, "purpose") == _BATCH
    return _SERVED if is_batch else {}


def open_content(asked: Asked) -> PassedBytes:
    """Return a reader of a file's content, which costs nothing."""
    del asked
    return PassedBytes(Usage())


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
