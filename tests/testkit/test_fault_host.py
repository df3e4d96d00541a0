"""The fault host: well-behaved it is a host that clients can read, and its book outlives it."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import pytest

from faults.run.judging import judge
from hortus.testkit.fault_host import FaultHost
from hortus.testkit.faults.acts import ACTS, act_for, mark_in
from hortus.testkit.faults.book import Book, read_book, sent_bytes
from hortus.testkit.faults.steps import Finish, Forever, Send, Task, steps_for

DIALECTS = ("openai_chat", "anthropic_messages", "gemini")
BODY = b'{"model":"m","stream":%b,"stream_options":{"include_usage":true},"max_tokens":9,"p":"hx:000007 fault:%b"}'
PATHS = {
    "openai_chat": b"/one/v1/chat/completions",
    "anthropic_messages": b"/one/v1/messages",
    "gemini": b"/one/v1beta/models/m:%b",
}


async def talk(book: Path, dialect: str, act: bytes, *, is_stream: bool) -> bytes:
    written = Book(book)
    host = FaultHost(written, seed=1)
    port = await host.start(0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        path = PATHS[dialect]
        if dialect == "gemini":
            path %= b"streamGenerateContent" if is_stream else b"generateContent"
        body = BODY % (b"true" if is_stream else b"false", act)
        writer.write(b"POST %b HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (path, len(body), body))
        async with asyncio.timeout(20):
            return await reader.read()
    finally:
        writer.transport.abort()
        await host.stop()
        written.close()


def body_of(answer: bytes) -> bytes:
    head, _, body = answer.partition(b"\r\n\r\n")
    if b"chunked" not in head:
        return body
    found = b""
    while (size := int(body.partition(b"\r\n")[0], 16)) > 0:
        body = body.partition(b"\r\n")[2]
        found, body = found + body[:size], body[size + 2 :]
    return found


@pytest.mark.parametrize("is_stream", [True, False])
@pytest.mark.parametrize("act", [b"well", b"torn-utf8", b"slow-drip", b"usage-twice"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_it_says_well_can_be_read_and_is_what_it_counts(
    tmp_path: Path, dialect: str, act: bytes, *, is_stream: bool
) -> None:
    steps = steps_for(Task(dialect, is_stream, "m", 11), act.decode(), draw=random.Random(1))
    sent = b"".join(step.data for step in steps if isinstance(step, Send))
    verdict = judge(dialect, 200, body_of(sent), is_stream=is_stream)
    assert verdict.kind == "success"
    assert verdict.usage == (11, sum(step.tokens for step in steps if isinstance(step, Send)))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("act", ACTS)
def test_every_act_has_an_end(act: str, dialect: str) -> None:
    for is_stream in (True, False):
        last = steps_for(Task(dialect, is_stream, "m", 11), act, draw=random.Random(2))[-1]
        assert isinstance(last, Finish | Forever)


async def test_its_book_says_what_it_saw_and_made(tmp_path: Path) -> None:
    book = tmp_path / "book"
    with pytest.raises(ConnectionResetError):
        await talk(book, "openai_chat", b"reset-before-head/well", is_stream=True)
    with book.open("ab") as file:
        file.write(b'{"k":"made","n":1,"tok')
    [account] = read_book(book)
    assert (account.seen.mark, account.seen.act, account.seen.endpoint) == ("000007", "reset-before-head", "one")
    assert (account.how, account.seen.output_limit) == ("act", 9)
    assert sent_bytes(book) == account.sent_bytes == 0


def test_a_prompt_names_its_acts_in_order() -> None:
    prompt = b"hx:000012 fault:429/well"
    assert mark_in(prompt) == "000012"
    assert [act_for(prompt, nth=nth, draw=random.Random(1)) for nth in (1, 2, 3)] == ["429", "well", "well"]
    assert act_for(b"hx:1", nth=1, draw=random.Random(1)) in ACTS
    with pytest.raises(KeyError, match="no act"):
        act_for(b"fault:made-up", nth=1, draw=random.Random(1))
