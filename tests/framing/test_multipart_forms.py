"""Forms: any splitting reads the same, places are exact, and what two readers could read differently is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from framing.forms import BOUNDARY, SPEECH, field, file, form
from hortus.canon.dialect import Operation
from hortus.canon.errors import InvalidRequest, UnsupportedMediaType
from hortus.canon.form import Form
from hortus.framing.forms import read_form
from hortus.framing.multipart import FIELDS_LIMIT_BYTES, HEAD_LIMIT_BYTES, MOST_PARTS, MultipartReader
from hortus.framing.multipart_heads import read_boundary

FIELD_HEAD = b'Content-Disposition: form-data; name="model"'
FILE_HEAD = b'Content-Disposition: form-data; name="file"; filename="a.wav"'


def read(body: bytes, *, step: int = 1 << 30, boundary: bytes = BOUNDARY) -> Form:
    reader = MultipartReader(boundary)
    for start in range(0, len(body), step):
        reader.feed(body[start : start + step])
    return reader.close()


@pytest.mark.parametrize("step", [1, 2, 3, 5, 7, 16, 64, 1 << 20])
def test_any_splitting_gives_the_same_form(step: int) -> None:
    body = form(
        field("model", b"r"), file("file", b"\r\n--\r\n--" + BOUNDARY[:-1] + b"\n\r-"), field("stream", b"true")
    )

    assert read(body, step=step) == read(body)


def test_the_places_of_contents_are_exact() -> None:
    body = form(field("model", b"r"), file("file", b"RIFF\x00\xff"))

    contents = [body[part.start : part.end] for part in read(body).parts]

    assert contents == [b"r", b"RIFF\x00\xff"]


def test_a_field_has_its_value_and_a_file_has_none() -> None:
    parts = read(form(field("model", "é".encode()), file("file", b"x"))).parts

    assert [(part.name, part.value, part.filename) for part in parts] == [("model", "é", None), ("file", None, "a.wav")]


def test_an_empty_content_is_read() -> None:
    assert [part.value for part in read(form(field("prompt", b""))).parts] == [""]


def test_a_form_without_parts_is_read() -> None:
    assert read(b"--" + BOUNDARY + b"--\r\n").parts == ()


def test_a_line_end_before_the_first_delimiter_is_taken() -> None:
    read_one = read(b"\r\n" + form(field("model", b"r")), step=1)

    assert (read_one.start, read_one.parts[0].value) == (2, "r")


def test_the_last_line_end_may_be_missing() -> None:
    assert read(form(field("model", b"r")).removesuffix(b"\r\n")).size_bytes == len(form(field("model", b"r"))) - 2


def test_the_length_that_a_head_tells_is_noted() -> None:
    body = form(FIELD_HEAD + b"\r\nContent-Length: 1\r\n\r\nr")

    assert read(body).parts[0].tells_length


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Disposition: form-data; name=model",  # .NET
        b"content-disposition:form-data;name=model",
        b'Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain; charset=utf-8',
        b'Content-Disposition: form-data; name="model"\r\nContent-Type: text/plain;charset="UTF-8"',
        b'Content-Disposition: form-data; name="model"\r\nContent-Transfer-Encoding: 8bit',
    ],
)
def test_a_field_is_known_however_clients_write_its_head(head: bytes) -> None:
    assert read(form(head + b"\r\n\r\nr")).parts[0].value == "r"


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"Content-Disposition: form-data; name=file; filename=a.wav; filename*=utf-8''a.wav", "a.wav"),
        (b"Content-Disposition: form-data; name=file; filename*=utf-8''%C3%A9.wav", "utf-8''%C3%A9.wav"),
        (b'Content-Disposition: form-data; name="file"; filename="\xc3\xa9; name=x.wav"', "é; name=x.wav"),
        (b'Content-Disposition: form-data; name="file"; filename="C:\\dir\\a.wav"', "C:\\dir\\a.wav"),
        (b'Content-Disposition: form-data; name="file"; filename=""', ""),
    ],
)
def test_a_file_is_known_however_clients_write_its_name(head: bytes, name: str) -> None:
    part = read(form(head + b"\r\n\r\nx")).parts[0]

    assert (part.value, part.filename) == (None, name)


HOSTILE = {
    "other boundary": b"--other\r\n\r\n\r\n--other--\r\n",
    "preamble": b"Hello\r\n" + SPEECH,
    "epilogue": SPEECH + b"--" + BOUNDARY,
    "second form": SPEECH + SPEECH,
    "cut": SPEECH[: -len(BOUNDARY)],
    "cut after a carriage return": SPEECH[:-1],
    "nothing": b"",
    "no closing delimiter": SPEECH.removesuffix(b"--\r\n") + b"\r\n",
    "longer delimiter": form(b"x").replace(b"--" + BOUNDARY + b"--", b"--" + BOUNDARY + b"x--"),
    "padded delimiter": SPEECH.replace(b"--" + BOUNDARY + b"\r\n", b"--" + BOUNDARY + b" \r\n"),
    "bare line feeds": SPEECH.replace(b"\r\n", b"\n"),
    "delimiter after a bare line feed": form(field("file", b"x\n--" + BOUNDARY + b"\r\n" + FIELD_HEAD + b"\r\n\r\ny")),
    "delimiter after a bare return": form(field("file", b"x\r--" + BOUNDARY + b"\r\n" + FIELD_HEAD + b"\r\n\r\ny")),
    "delimiter as first line": form(FILE_HEAD + b"\r\n\r\n--" + BOUNDARY + b"\r\n\r\n" + FIELD_HEAD + b"\r\n\r\ny"),
    "no head": form(b"\r\nr"),
    "head without end": b"--" + BOUNDARY + b"\r\n" + FIELD_HEAD + b"\r\n",
    "head too long": form(b"X: " + b"y" * HEAD_LIMIT_BYTES + b"\r\n\r\nr"),
    "too many lines": form(b"".join(b"X%d: y\r\n" % number for number in range(20)) + FIELD_HEAD + b"\r\n\r\nr"),
    "too many parts": form(*[field("a", b"1")] * (MOST_PARTS + 1)),
    "no name": form(b"Content-Disposition: form-data\r\n\r\nr"),
    "no disposition": form(b"Content-Type: text/plain\r\n\r\nr"),
    "another disposition": form(b'Content-Disposition: attachment; name="model"\r\n\r\nr'),
    "two names": form(b'Content-Disposition: form-data; name="a"; name="model"\r\n\r\nr'),
    "two dispositions": form(FIELD_HEAD + b"\r\n" + FILE_HEAD + b"\r\n\r\nr"),
    "another parameter": form(FIELD_HEAD + b"; name*=utf-8''model\r\n\r\nr"),
    "escaped name": form(b'Content-Disposition: form-data; name="mod\\el"\r\n\r\nr'),
    "escaped quote": form(b'Content-Disposition: form-data; name="a"; filename="x\\"; name=\\"model"\r\n\r\nr'),
    "open quote": form(b'Content-Disposition: form-data; name="model\r\n\r\nr'),
    "line end in a file name": form(b'Content-Disposition: form-data; name="a"; filename="x\r\nX: y"\r\n\r\nr'),
    "bare line feed in a head": form(FIELD_HEAD + b"\nX: y\r\n\r\nr"),
    "bare return in a file name": form(b'Content-Disposition: form-data; name="a"; filename="x\ry"\r\n\r\nr'),
    "zero in a head": form(FIELD_HEAD + b"\r\nX: \x00\r\n\r\nr"),
    "folded head": form(b'Content-Disposition: form-data;\r\n name="model"\r\n\r\nr'),
    "space before a colon": form(b'Content-Disposition : form-data; name="model"\r\n\r\nr'),
    "form in a form": form(FIELD_HEAD + b"\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\nr"),
    "base64": form(FIELD_HEAD + b"\r\nContent-Transfer-Encoding: base64\r\n\r\ncg=="),
    "another charset": form(FIELD_HEAD + b"\r\nContent-Type: text/plain; charset=utf-16\r\n\r\nr"),
    "wrong length": form(FIELD_HEAD + b"\r\nContent-Length: 2\r\n\r\nr"),
    "no number as length": form(FIELD_HEAD + b"\r\nContent-Length: +1\r\n\r\nr"),
    "not UTF-8": form(field("model", b"\xff")),
    "fields too long": form(field("prompt", b"x" * (FIELDS_LIMIT_BYTES + 1))),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("step", [1 << 30, 4096, 3])
def test_refuses_what_two_readers_could_read_differently(body: bytes, step: int) -> None:
    with pytest.raises(InvalidRequest):
        read(body, step=step)


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        (b"multipart/form-data; boundary=abc", b"abc"),
        (b'Multipart/Form-Data;boundary="a b/c"', b"a b/c"),
        (b"multipart/form-data; charset=utf-8; boundary=----WebKit", b"----WebKit"),
    ],
)
def test_the_boundary_is_found_in_the_content_type(content_type: bytes, boundary: bytes) -> None:
    assert read_boundary(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b'multipart/form-data; boundary=""',
        b'multipart/form-data; boundary="a "',
        b"multipart/form-data; boundary=" + b"a" * 71,
        b"multipart/form-data; boundary=a; boundary=b",
        b"multipart/form-data; boundary=a; boundary*=utf-8''b",
        b"multipart/form-data; boundary=a; charset=utf-16",
        b"multipart/form-data; boundary=a\xe9",
        b"multipart/form-data; boundary=a, multipart/form-data; boundary=b",
    ],
)
def test_refuses_a_content_type_without_one_clear_boundary(content_type: bytes) -> None:
    with pytest.raises(InvalidRequest):
        read_boundary(content_type)


@pytest.mark.parametrize("content_type", [b"", b"application/json", b"multipart/mixed; boundary=a"])
def test_refuses_another_content_type(content_type: bytes) -> None:
    with pytest.raises(UnsupportedMediaType):
        read_boundary(content_type)


CONTENTS = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", BOUNDARY[:5], b"--" + BOUNDARY[:-1], b"a", b"\x00\xff"])
    | st.binary(max_size=20),
    max_size=12,
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(contents=st.lists(CONTENTS, max_size=4), cuts=st.lists(st.integers(1, 60), min_size=1, max_size=40))
def test_whatever_the_contents_they_come_back_exactly(contents: list[bytes], cuts: list[int]) -> None:
    body = form(*(file(f"f{number}", content) for number, content in enumerate(contents)))
    reader, start = MultipartReader(BOUNDARY), 0
    for cut in cuts:
        reader.feed(body[start : start + cut])
        start += cut
    reader.feed(body[start:])

    read_one = reader.close()

    assert [body[part.start : part.end] for part in read_one.parts] == contents
    assert read_one.size_bytes == len(body)


@settings(max_examples=300, deadline=None)
@given(noise=st.binary(max_size=40), at=st.integers(0, len(SPEECH)), gone=st.integers(0, 40), step=st.integers(1, 50))
def test_damaged_forms_are_read_or_refused_the_same_however_split(noise: bytes, at: int, gone: int, step: int) -> None:
    body = SPEECH[:at] + noise + SPEECH[at + gone :]

    def outcome(size: int) -> Form | str:
        try:
            return read(body, step=size)
        except InvalidRequest as error:
            return error.message

    assert outcome(step) == outcome(1 << 30)


def test_the_bytes_of_files_are_not_held() -> None:
    reader = MultipartReader(BOUNDARY)
    reader.feed(form(file("file", b""))[: -len(BOUNDARY) - 8])
    for _ in range(10):
        reader.feed(bytes(100_000))

        assert len(reader._held) < 2 * len(BOUNDARY)


def test_a_form_names_its_route_and_whether_it_wants_a_stream() -> None:
    asked = read_form(_operation(), read(form(field("model", b"r"), field("stream", b"True"))), None)

    assert (asked.route, asked.is_stream) == ("r", True)


def test_the_path_names_the_route_before_the_form_does() -> None:
    asked = read_form(_operation(), read(form(field("model", b"r"))), "other")

    assert (asked.route, asked.adaptations) == ("other", ("path>model",))


def test_refuses_a_form_without_a_route() -> None:
    with pytest.raises(InvalidRequest, match="missing"):
        read_form(_operation(), read(form(file("file", b"x"))), None)


def test_refuses_a_flag_that_is_none() -> None:
    with pytest.raises(InvalidRequest, match="true or false"):
        read_form(_operation(), read(form(field("model", b"r"), field("stream", b"maybe"))), None)


def _operation() -> Operation:
    return Operation("transcriptions", "POST", "/t", "/t", can_stream=True, body="multipart")
