"""Pictures as they pass: what requests may use, and what answers say was used."""

from __future__ import annotations

import msgspec
import pytest

from framing.forms import BOUNDARY, field, file, form
from hortus.canon.dialect import Asked, Operation
from hortus.canon.errors import InvalidRequest
from hortus.canon.units import Units
from hortus.canon.usage import Usage
from hortus.dialects.openai_images import DIALECT
from hortus.framing.multipart import MultipartReader

OPERATIONS: dict[str, Operation] = {one.name: one for one in reversed(DIALECT.operations)}

WANTS_USAGE = True


def asked_for(**members: object) -> Asked:
    return DIALECT.read_request(OPERATIONS["image_edits"], msgspec.json.encode({"model": "r", **members}), None)


def uploaded(*parts: bytes) -> Asked:
    assert DIALECT.read_form is not None
    reader = MultipartReader(BOUNDARY)
    reader.feed(form(field("model", b"r"), *parts))
    return DIALECT.read_form(OPERATIONS["image_edits"], reader.close(), None)


def weighed(asked: Asked) -> Units:
    return DIALECT.weigh(OPERATIONS["image_edits"], asked, b"")


def test_paths_are_openai_s_and_azure_s() -> None:
    assert [one.path for one in DIALECT.operations] == [
        *("/v1/images/generations", "/v1/images/edits", "/v1/images/variations"),
        *(f"/deployments/{{route}}/images/{name}" for name in ("generations", "edits", "variations")),
    ]


def test_pictures_that_are_wanted_and_brought_are_counted() -> None:
    pictures = [{"file_id": "file-1"}, {"image_url": "data:image/png;base64,aGk="}]
    asked = asked_for(n=3, images=pictures, mask={"file_id": "file-2"})

    assert weighed(asked) == Units(output_tokens=0, output_images=3, images=3)
    assert asked.host_ids == (("file", "file-1"), ("file", "file-2"))


def test_one_picture_is_made_where_nobody_says_how_many() -> None:
    assert weighed(asked_for()) == weighed(uploaded()) == Units(output_tokens=0, output_images=1)


def test_pictures_of_a_form_count_whatever_their_bytes() -> None:
    asked = uploaded(file("image[]", bytes(5000)), file("image[]", bytes(7000)), field("n", b"2"))

    assert weighed(asked) == Units(output_tokens=0, output_images=2, images=2, file_bytes=12_000)


@pytest.mark.parametrize("number", ["many", "1e3", "-1", "٣", "10000000000", ""])
def test_refuses_a_number_of_pictures_that_hosts_could_read_in_another_way(number: str) -> None:
    with pytest.raises(InvalidRequest, match="whole number"):
        uploaded(field("n", number.encode()))


@pytest.mark.parametrize("body", [{"stream": True}, {"stream": False}, {}])
def test_a_stream_is_one_where_the_request_says_so(body: dict[str, object]) -> None:
    assert asked_for(**body).is_stream is body.get("stream", False)


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        (b'{"created":1,"data":[{"url":"https://a.example/1.png"}]}', Usage(images=1)),
        (b'{"data":[{},{}],"usage":{"input_tokens":4,"output_tokens":9}}', Usage(4, 9, images=2)),
        (b'{"data":null}', Usage()),
        (b"no JSON", Usage(is_estimated=True)),
    ],
)
def test_an_answer_says_what_it_used(answer: bytes, usage: Usage) -> None:
    assert DIALECT.read_answer(OPERATIONS["images"], answer, 10).usage == usage


def test_streams_are_read_as_events() -> None:
    reader = DIALECT.open_stream(WANTS_USAGE)
    reader.feed(b'data: {"type":"image_edit.completed","b64_json":"aGk="}\n\n')

    assert (reader.is_finished, reader.usage) == (True, Usage(images=1))
