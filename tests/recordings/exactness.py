"""What one recorded exchange proves: each check returns what is wrong, nothing where the dialect is exact."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from itertools import pairwise

import msgspec

from exchanges import Exchange
from hortus.canon.collect import collect
from hortus.canon.errors import (
    BY_CODE,
    CallerFault,
    ContentRefused,
    ContextTooLong,
    HostFault,
    HostNotFound,
    HostOverloaded,
    HostQuotaExhausted,
    HostRateLimited,
    HostRefused,
    HostRejected,
    HostTimedOut,
    HostTooLarge,
    RequestError,
)
from hortus.canon.events import Event, Failed, Grammar
from hortus.canon.request import Request
from hortus.canon.translation import Asking, Chat, Target, Translation, Written
from proof_of_dialects import TRANSLATIONS, differences

SMALL_BYTES = 4096
"""Streams up to this size are also fed byte by byte."""

ANSWER_ID, NOW_S = "0001", 1_790_000_000

CLASSES: dict[int, type[RequestError]] = {
    400: HostRejected,
    401: HostRefused,
    403: HostRefused,
    404: HostNotFound,
    408: HostTimedOut,
    413: HostTooLarge,
    422: HostRejected,
    429: HostRateLimited,
    500: HostFault,
    502: HostFault,
    503: HostOverloaded,
    504: HostTimedOut,
    529: HostOverloaded,
}
SAID_OTHERWISE: tuple[tuple[bytes, type[RequestError]], ...] = (
    (rb"API_KEY_INVALID|API key not valid|Incorrect API key", HostRefused),
    (rb"context_length_exceeded|maximum context length|prompt is too long|exceed_context_size", ContextTooLong),
    (rb"\"content_filter\"|content management policy", ContentRefused),
    (rb"\"insufficient_quota\"", HostQuotaExhausted),
)
"""Words of bodies that say more than the status does."""


def faults_of(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Run every check that the exchange is fit for; yield the check's name and what is wrong."""
    for check in _checks(exchange):
        name = check.__name__.strip("_")
        try:
            for fault in check(exchange):
                yield name, fault
        except RequestError as error:
            yield name, f"{type(error).__name__}: {error}"


def checks_of(exchange: Exchange) -> tuple[str, ...]:
    """Return the names of the checks that the exchange is fit for."""
    return tuple(check.__name__.strip("_") for check in _checks(exchange))


Check = Callable[[Exchange], Iterator[str]]


def _checks(exchange: Exchange) -> Iterator[Check]:
    if exchange.request is not None:
        yield _request
    if exchange.status >= 400:
        yield _error
    elif not exchange.is_framed:
        yield _answer
    else:
        yield from (_splits, _grammar, _stream_again)
        if exchange.dialect == "openai_responses":
            yield _own_summary


def _translation(exchange: Exchange) -> Translation:
    return TRANSLATIONS[exchange.dialect]


def _is_wrong(exchange: Exchange, error: CallerFault) -> bool:
    """Tell whether the host, too, refused the request as wrong."""
    return 400 <= exchange.status < 500 and bool(error.path)


def _request(exchange: Exchange) -> Iterator[str]:
    body = exchange.request or b""
    translation = _translation(exchange)
    target = Target(model=exchange.model, source=translation.vocabulary)
    try:
        written = _request_again(translation, exchange, target=target)
    except CallerFault as error:
        if not _is_wrong(exchange, error):
            raise
        return
    yield from differences(body, written.body)
    yield from (f"loss of {loss.path}: {loss.reason}" for loss in written.losses)
    yield from (f"adapted: {name}" for name in written.adaptations)


def _request_again(translation: Translation, exchange: Exchange, *, target: Target) -> Written:
    body = exchange.request or b""
    match exchange.operation:
        case "embeddings":
            assert translation.embeddings is not None
            vectors = translation.embeddings
            return vectors.write_request(vectors.read_request(body, exchange.call), target)
        case "token_count":
            assert translation.token_count is not None
            count = translation.token_count
            return count.write_request(count.read_request(body, exchange.call), target)
        case _:
            chat = translation.chat
            return chat.write_request(chat.read_request(body, exchange.call), target)


def asking(exchange: Exchange) -> Asking:
    """Return for whom the answer of an exchange is written."""
    translation = _translation(exchange)
    if exchange.request is None:
        request = Request(model=exchange.model, messages=())
    else:
        request = translation.chat.read_request(exchange.request, exchange.call)
    request = msgspec.structs.replace(request, wants_usage=True)  # as where the gateway asks for it
    source = translation.vocabulary
    return Asking(request=request, answer_id=ANSWER_ID, now_s=NOW_S, call=exchange.call, source=source)


def _answer(exchange: Exchange) -> Iterator[str]:
    translation = _translation(exchange)
    if exchange.operation == "token_count":
        count = translation.token_count
        assert count is not None
        number = count.read_response(exchange.answer)
        if number != _total_of(exchange.answer) or count.read_response(count.write_response(number)) != number:
            yield f"counted {number}"
        return
    if exchange.operation == "embeddings":
        vectors = translation.embeddings
        assert vectors is not None
        request = vectors.read_request(exchange.request or b"", exchange.call)
        written = vectors.write_response(vectors.read_response(exchange.answer), request)
    else:
        written = translation.chat.write_response(translation.chat.read_response(exchange.answer), asking(exchange))
    yield from differences(exchange.answer, written.body)
    yield from (f"loss of {loss.path}: {loss.reason}" for loss in written.losses)


def _total_of(answer: bytes) -> int:
    class Counted(msgspec.Struct):
        input_tokens: int = 0
        totalTokens: int = 0  # noqa: N815 -- the maker's name
        inputTokens: int = 0  # noqa: N815 -- the maker's name

    counted = msgspec.json.decode(answer, type=Counted)
    return counted.input_tokens or counted.totalTokens or counted.inputTokens


def _error(exchange: Exchange) -> Iterator[str]:
    error = _translation(exchange).read_error(exchange.status, exchange.answer)
    expected = next(
        (cls for words, cls in SAID_OTHERWISE if re.search(words, exchange.answer)), CLASSES[exchange.status]
    )
    is_right = isinstance(error, expected) if expected is HostRejected else type(error) is expected
    if not is_right:
        yield f"{type(error).__name__} where {expected.__name__} was expected for {exchange.status}"
    if not error.message or len(error.message) > 2100:
        yield f"message of {len(error.message)} characters"


def events_of(chat: Chat, parts: list[bytes]) -> list[Event]:
    """Read one stream that arrives in these parts."""
    reader = chat.open_reader()
    events = [event for part in parts for event in reader.feed(part)]
    return events + reader.close()


def splits_of(data: bytes, seed: str) -> Iterator[list[bytes]]:
    """Yield a few seeded ways in which the bytes may arrive."""
    dice = random.Random(seed)
    for count in (1, 7, len(data) // 40):
        marks = sorted({0, len(data), *(dice.randrange(len(data) + 1) for _ in range(count))})
        yield [data[start:end] for start, end in pairwise(marks)]
    if len(data) <= SMALL_BYTES:
        yield [data[i : i + 1] for i in range(len(data))]


def _splits(exchange: Exchange) -> Iterator[str]:
    chat = _translation(exchange).chat
    whole = events_of(chat, [exchange.answer])
    for number, parts in enumerate(splits_of(exchange.answer, exchange.id)):
        if events_of(chat, parts) != whole:
            yield f"split {number} gives other events"


def grammar_faults(events: list[Event]) -> Iterator[str]:
    """Yield what is out of order, and whether the end is missing."""
    grammar = Grammar()
    for number, event in enumerate(events):
        fault = grammar.fault(event)
        if fault is not None:
            yield f"event {number}: {fault}"
    if not grammar.is_over:
        yield "no end"


def _grammar(exchange: Exchange) -> Iterator[str]:
    events = events_of(_translation(exchange).chat, [exchange.answer])
    yield from grammar_faults(events)
    yield from (f"code {event.code}" for event in events if isinstance(event, Failed) and event.code not in BY_CODE)


def _stream_again(exchange: Exchange) -> Iterator[str]:
    chat = _translation(exchange).chat
    events = events_of(chat, [exchange.answer])
    writer = chat.open_writer(asking(exchange))
    again = events_of(chat, [writer.feed(event) for event in events])
    yield from (f"loss of {loss.path}: {loss.reason}" for loss in writer.losses)
    if again != events:
        number = next(
            (i for i, (one, other) in enumerate(zip(events, again, strict=False)) if one != other),
            min(len(events), len(again)),
        )
        yield f"event {number} of {len(events)}: {events[number : number + 1]} became {again[number : number + 1]}"[
            :600
        ]
    elif collect(again) != collect(events):
        yield "collected otherwise"


class _Completed(msgspec.Struct):
    type: str
    response: msgspec.Raw = msgspec.Raw(b"null")


def _own_summary(exchange: Exchange) -> Iterator[str]:
    """Compare as a client gets it: for the end of a stream, OpenAI seals the same reasoning anew."""
    chat = _translation(exchange).chat
    for line in exchange.answer.splitlines():
        if line.startswith(b"data: {"):
            event = msgspec.json.decode(line[6:], type=_Completed)
            if event.type in {"response.completed", "response.incomplete"}:
                written = chat.write_response(collect(events_of(chat, [exchange.answer])), asking(exchange))
                yield from (f"collected{one}" for one in differences(bytes(event.response), written.body))
                return  # one recording holds several streams, one after the other
