"""Forms on their way: only the model's name changes, every other byte goes out as it came."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from core import CoreExchange

from framing.forms import BOUNDARY, CONTENT_TYPE, SPEECH, field, file, form
from hortus.canon.errors import InvalidRequest, TooLarge, UnsupportedMediaType
from hortus.content.spool import Spool, files_in
from hortus.framing.multipart import MultipartReader
from hortus.gateway.spelling import refuse_other_names
from hortus.gateway.uploads import Edit, Spliced, Upload, name_model, receive_form
from hortus.receipts.digests import ContentDigest, digest_content

SALT = b"s" * 16
SOUND = random.Random(3).randbytes(1_000_000)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(files_in(tmp_path), spared_bytes=0)
    yield made
    made.close()


async def received(
    body: bytes, spool: Spool, *, content_type: bytes = CONTENT_TYPE, limit_bytes: int = 1 << 24
) -> tuple[Upload, str]:
    digest = ContentDigest(SALT)
    exchange = CoreExchange("/v1/audio/transcriptions", body)
    upload = await receive_form(exchange, content_type, spool=spool, limit_bytes=limit_bytes, digest=digest)
    return upload, digest.result()


async def named(body: bytes, model: str, spool: Spool) -> bytes:
    upload, _ = await received(body, spool)
    out = name_model(upload, model)
    whole = await out.read(0, 1 << 30)
    assert len(whole) == out.size_bytes
    return whole


async def test_only_the_value_of_the_model_changes(spool: Spool) -> None:
    before = form(file("file", SOUND), field("model", b"my-route"), field("language", b"de"))
    after = form(file("file", SOUND), field("model", b"whisper-large-v3"), field("language", b"de"))

    assert await named(before, "whisper-large-v3", spool) == after


async def test_a_form_that_names_the_hosts_model_goes_out_as_it_came(spool: Spool) -> None:
    assert await named(SPEECH, "r", spool) == SPEECH


async def test_a_model_that_stands_in_the_path_only_is_put_first(spool: Spool) -> None:
    body = b"\r\n" + form(file("file", b"x"))

    assert await named(body, "up", spool) == b"\r\n" + form(field("model", b"up"), file("file", b"x"))


async def test_a_head_that_tells_a_length_is_written_anew(spool: Spool) -> None:
    body = form(b'Content-Disposition: form-data; name="model"\r\nContent-Length: 1\r\n\r\nr', file("file", b"x"))

    assert await named(body, "up", spool) == form(field("model", b"up"), file("file", b"x"))


async def test_refuses_a_model_that_could_end_its_part(spool: Spool) -> None:
    upload, _ = await received(SPEECH, spool)

    with pytest.raises(InvalidRequest):
        name_model(upload, "up\r\n--" + BOUNDARY.decode())


async def test_the_digest_is_that_of_the_body_as_it_came(spool: Spool) -> None:
    body = form(field("model", b"r"), file("file", SOUND))

    _, digest = await received(body, spool)

    assert digest == digest_content(body, SALT)


async def test_refuses_a_form_that_is_too_long(spool: Spool) -> None:
    with pytest.raises(TooLarge, match="500000 bytes"):
        await received(form(field("model", b"r"), file("file", SOUND)), spool, limit_bytes=500_000)


async def test_refuses_what_is_not_declared_as_a_form(spool: Spool) -> None:
    with pytest.raises(UnsupportedMediaType):
        await received(SPEECH, spool, content_type=b"audio/wav")


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_an_edited_body_reads_the_same_in_any_pieces(spool: Spool, size: int) -> None:
    await spool.write(b"0123456789" * 10)
    edits = (Edit(0, 0, b"<first>"), Edit(10, 20, b""), Edit(50, 51, b"<fifty>"), Edit(100, 100, b"<last>"))
    spliced = Spliced(spool, edits)

    parts = [await spliced.read(start, size) for start in range(0, spliced.size_bytes, size)]

    text = b"0123456789" * 10
    assert b"".join(parts) == b"<first>" + text[:10] + text[20:50] + b"<fifty>" + text[51:] + b"<last>"


@pytest.mark.parametrize(
    "parts",
    [
        (field("model", b"cheap"), field("model", b"dear")),
        (field("model", b"cheap"), field("Model", b"dear")),
        (field("model", b"cheap"), field("model[]", b"dear")),
        (field("model[0]", b"dear"),),
        (file("model", b"dear"),),
        (field("MODEL", b"dear"),),
        (field("n", b"1"), field("n", b"10")),
        (field("stream", b"true"), field("stream", b"false")),
    ],
)
def test_refuses_what_is_judged_where_it_stands_there_in_two_ways(parts: tuple[bytes, ...]) -> None:
    reader = MultipartReader(BOUNDARY)
    reader.feed(form(*parts))

    with pytest.raises(InvalidRequest):
        refuse_other_names(reader.close())


def test_lists_that_nobody_judges_may_be_sent() -> None:
    reader = MultipartReader(BOUNDARY)
    reader.feed(form(field("model", b"r"), file("image[]", b"x"), file("image[]", b"y"), field("include[]", b"a")))

    refuse_other_names(reader.close())


class Text:
    """A long body in memory."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.size_bytes = len(data)

    async def read(self, start: int, size: int) -> bytes:
        return self.data[start : start + size]


async def test_edits_are_read_the_same_from_any_place() -> None:
    draw = random.Random(11)
    for _ in range(300):
        before = draw.randbytes(draw.randrange(40))
        cuts = sorted(draw.randrange(len(before) + 1) for _ in range(2 * draw.randrange(6)))
        edits = [Edit(*pair, draw.randbytes(draw.randrange(6))) for pair in zip(cuts[::2], cuts[1::2], strict=True)]
        after, at = b"", 0
        for edit in edits:
            after += before[at : edit.start] + edit.data
            at = edit.end
        after += before[at:]
        spliced = Spliced(Text(before), edits)
        assert spliced.size_bytes == len(after)
        for start in range(len(after) + 1):
            size = draw.randrange(len(after) + 3)
            assert await spliced.read(start, size) == after[start : start + size]
