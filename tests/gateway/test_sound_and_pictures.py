"""Sound and pictures through the whole gateway: what the host gets, what the client gets, what the receipt says."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Literal

import msgspec
import pytest
from core import Core, CoreExchange, Stage, staged

from framing.forms import CONTENT_TYPE, SPEECH, field, file, form
from hortus.canon.usage import Usage
from hortus.gateway.exchange import ClientGone
from hortus.policy.rules import Policy
from hortus.receipts.digests import is_content
from hortus.receipts.records import Receipt
from hortus.snapshot.grants import Grant
from hortus.snapshot.model import Endpoint

SOUND = random.Random(9).randbytes(900_000)
TRANSCRIPTIONS = "/v1/audio/transcriptions"
OPERATIONS = ("images", "speech", "transcriptions")


def endpoint(core: Core, name: str, dialect: str) -> Endpoint:
    return msgspec.structs.replace(core.endpoint(name, dialect=dialect), operations=OPERATIONS)


def configured(core: Core, dialect: str, policies: Sequence[Policy] = ()) -> list[Stage]:
    core.configure([endpoint(core, name, dialect) for name in core.stages], policies=policies)
    return list(core.stages.values())


def ruled(core: Core, kind: str, policy: Policy) -> list[Stage]:
    core.grants.grant = Grant("key_1", "k", "prj_1", "default", ("*",), policy=policy.name)
    return configured(core, f"openai_{kind}", [policy])


async def send(core: Core, path: str, body: bytes, *, content_type: bytes = CONTENT_TYPE) -> CoreExchange:
    exchange = CoreExchange(path, body, headers=[(b"content-type", content_type)])
    await core.gateway.serve(exchange)
    return exchange


def receipt_of(core: Core, exchange: CoreExchange) -> Receipt:
    receipt = core.journal.receipt(exchange.receipt_id)
    assert receipt is not None
    return receipt


def usage_of(core: Core, exchange: CoreExchange) -> Usage | None:
    return receipt_of(core, exchange).attempts[-1].usage


async def test_of_a_form_the_host_gets_every_byte_but_the_model_s_name() -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_audio")
        host.answer = b'{"text":"Yes.","usage":{"type":"duration","seconds":7}}'
        sent = form(file("file", SOUND), field("model", b"r"), field("language", b"de"))
        exchange = await send(core, TRANSCRIPTIONS, sent)

        assert (exchange.status, exchange.body) == (200, host.answer)
        assert host.bodies == [form(file("file", SOUND), field("model", b"up"), field("language", b"de"))]
        assert b"\r\ncontent-type: " + CONTENT_TYPE + b"\r\n" in host.heads[0]
        assert usage_of(core, exchange) == Usage(seconds=7)


async def test_the_receipt_has_the_digest_of_the_form_as_it_came() -> None:
    async with staged("a") as core:
        configured(core, "openai_audio")
        sent = form(file("file", SOUND), field("model", b"r"))
        exchange = await send(core, TRANSCRIPTIONS, sent)

        digest = receipt_of(core, exchange).request_digest
        assert digest is not None
        assert is_content([sent], digest)


async def test_a_form_goes_to_the_second_host_where_the_first_one_fails() -> None:
    async with staged("a", "b") as core:
        first, second = configured(core, "openai_audio")
        first.acts.append("503")
        second.answer = b'{"text":"Yes."}'
        exchange = await send(core, TRANSCRIPTIONS, form(file("file", SOUND), field("model", b"r")))

        assert exchange.body == second.answer
        assert first.bodies == second.bodies == [form(file("file", SOUND), field("model", b"up"))]


@pytest.mark.parametrize(
    ("content_type", "answer", "seconds"),
    [
        (b"text/plain; charset=utf-8", b"Yes.\n", 1),
        (b"text/plain", b"1\n00:00:00,000 --> 01:02:03,500\nYes.\n", 3724),
        (b"text/vtt", b"WEBVTT\n\n00:00.000 --> 00:04.000\nYes.\n", 5),
    ],
)
async def test_text_and_subtitles_pass_as_they_are_and_their_length_is_estimated(
    content_type: bytes, answer: bytes, seconds: int
) -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_audio")
        host.content_type, host.answer = content_type, answer
        exchange = await send(core, TRANSCRIPTIONS, SPEECH)

        assert (exchange.answered[b"content-type"], exchange.body) == (content_type, answer)
        usage = usage_of(core, exchange)
        assert usage is not None
        assert (usage.seconds, usage.is_estimated) == (seconds, True)


async def test_the_duration_of_a_verbose_answer_is_what_was_used() -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_audio")
        host.answer = b'{"task":"transcribe","language":"german","duration":8.47,"text":"Ja."}'

        assert usage_of(core, await send(core, TRANSCRIPTIONS, SPEECH)) == Usage(seconds=9)


async def test_a_transcription_comes_in_events_and_their_usage_is_counted() -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_audio")
        host.content_type = b"text/event-stream"
        host.answer = (
            b'data: {"type":"transcript.text.delta","delta":"Y"}\n\n'
            b'data: {"type":"transcript.text.done","text":"Y","usage":{"type":"tokens","input_tokens":14,'
            b'"input_token_details":{"text_tokens":0,"audio_tokens":14},"output_tokens":2,"total_tokens":16}}\n\n'
        )
        exchange = await send(core, TRANSCRIPTIONS, form(field("model", b"r"), field("stream", b"true")))

        assert exchange.body == host.answer
        assert b"accept: text/event-stream" in host.heads[0]
        assert usage_of(core, exchange) == Usage(input_tokens=14, output_tokens=2, input_audio_tokens=14)


async def test_a_transcription_that_is_cut_ends_with_an_error() -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_audio")
        host.content_type = b"text/event-stream"
        host.answer = b'data: {"type":"transcript.text.delta","delta":"Yes"}\n\n'
        exchange = await send(core, TRANSCRIPTIONS, form(field("model", b"r"), field("stream", b"true")))

        assert b'"error"' in exchange.body.removeprefix(host.answer)
        assert receipt_of(core, exchange).attempts[0].status == "failed"


async def test_sound_passes_in_parts_and_the_text_that_was_spoken_is_counted() -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_audio")
        host.content_type, host.answer = b"audio/mpeg", SOUND
        exchange = await core.ask({"model": "r", "voice": "alloy", "input": "Grüß Gott!"}, path="/v1/audio/speech")

        assert (exchange.answered[b"content-type"], exchange.body) == (b"audio/mpeg", SOUND)
        assert msgspec.json.decode(host.bodies[0])["model"] == "up"
        assert b"accept: */*" in host.heads[0]
        usage = usage_of(core, exchange)
        assert usage is not None
        assert (usage.characters, usage.is_estimated) == (10, True)
        assert receipt_of(core, exchange).attempts[0].status == "completed"


async def test_sound_that_breaks_off_is_cut_so_that_the_client_sees_it() -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_audio")
        host.content_type, host.answer = b"audio/mpeg", SOUND
        host.acts.append("half")
        exchange = await core.ask({"model": "r", "voice": "alloy", "input": "Hello"}, path="/v1/audio/speech")

        assert exchange.is_cut
        assert exchange.body == SOUND[: len(SOUND) // 2]
        assert receipt_of(core, exchange).attempts[0].status == "failed"


async def test_sound_that_never_began_is_asked_of_the_next_host() -> None:
    async with staged("a", "b") as core:
        first, second = configured(core, "openai_audio")
        first.acts.append("500")
        second.content_type, second.answer = b"audio/mpeg", SOUND
        exchange = await core.ask({"model": "r", "voice": "alloy", "input": "Hello"}, path="/v1/audio/speech")

        assert exchange.body == SOUND


async def test_speech_in_events_reports_its_tokens() -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_audio")
        host.content_type = b"text/event-stream"
        host.answer = (
            b'data: {"type":"speech.audio.delta","audio":"UklG"}\n\n'
            b'data: {"type":"speech.audio.done","usage":{"input_tokens":3,"output_tokens":40,"total_tokens":43}}\n\n'
        )
        asked = {"model": "r", "voice": "alloy", "input": "Hello", "stream_format": "sse"}
        exchange = await core.ask(asked, path="/v1/audio/speech")

        assert exchange.body == host.answer
        assert usage_of(core, exchange) == Usage(input_tokens=3, output_tokens=40)


async def test_pictures_are_counted_and_their_tokens_too() -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_images")
        host.answer = msgspec.json.encode(
            {
                "created": 1,
                "data": [{"b64_json": "aGk="}, {"b64_json": "aGk="}],
                "usage": {
                    "input_tokens": 9,
                    "output_tokens": 4000,
                    "total_tokens": 4009,
                    "input_tokens_details": {"text_tokens": 9, "image_tokens": 0},
                    "output_tokens_details": {"text_tokens": 0, "image_tokens": 4000},
                },
            }
        )
        exchange = await core.ask({"model": "r", "prompt": "A garden", "n": 2}, path="/v1/images/generations")

        assert exchange.body == host.answer
        assert usage_of(core, exchange) == Usage(input_tokens=9, output_tokens=4000, output_image_tokens=4000, images=2)


async def test_partial_pictures_come_in_events() -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_images")
        host.content_type = b"text/event-stream"
        host.answer = (
            b"event: image_generation.partial_image\n"
            b'data: {"type":"image_generation.partial_image","b64_json":"aA"}\n\n'
            b'event: image_generation.completed\ndata: {"type":"image_generation.completed","b64_json":"aGk=",'
            b'"usage":{"input_tokens":9,"output_tokens":4000,"total_tokens":4009}}\n\n'
        )
        exchange = await core.ask({"model": "r", "prompt": "A garden", "stream": True}, path="/v1/images/generations")

        assert exchange.body == host.answer
        assert usage_of(core, exchange) == Usage(input_tokens=9, output_tokens=4000, images=1)


async def test_several_pictures_are_edited_at_once() -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_images")
        host.answer = b'{"created":1,"data":[{"b64_json":"aGk="}]}'
        parts = [file("image[]", SOUND[:1000], filename="a.png"), file("image[]", SOUND[1000:3000], filename="b.png")]
        exchange = await send(core, "/v1/images/edits", form(*parts, field("prompt", b"Join"), field("model", b"r")))

        assert exchange.status == 200
        assert host.bodies == [form(*parts, field("prompt", b"Join"), field("model", b"up"))]
        assert usage_of(core, exchange) == Usage(images=1)


async def test_an_edit_may_be_json_too() -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_images")
        asked = {"model": "r", "prompt": "Join", "images": [{"image_url": "data:image/png;base64,aGk="}]}
        await core.ask(asked, path="/v1/images/edits")

        assert msgspec.json.decode(host.bodies[0]) == asked | {"model": "up"}


async def test_a_picture_that_no_host_keeps_for_this_project_is_not_asked_for() -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_images")
        asked = {"model": "r", "prompt": "Join", "images": [{"file_id": "file-1"}]}
        exchange = await core.ask(asked, path="/v1/images/edits")

        assert (exchange.status, host.bodies) == (404, [])


@pytest.mark.parametrize("base", ["/openai", "/azure/openai", "/azure"])
async def test_the_path_of_a_deployment_names_the_route_of_a_form(base: str) -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_audio")
        await send(core, base + "/deployments/r/audio/transcriptions", form(file("file", b"RIFF")))

        assert host.bodies == [form(field("model", b"up"), file("file", b"RIFF"))]


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        (CONTENT_TYPE, form(field("model", b"r"), field("model", b"dear"), file("file", b"x")), 400),
        (CONTENT_TYPE, form(field("model", b"r"), field("Model", b"dear"), file("file", b"x")), 400),
        (CONTENT_TYPE, SPEECH[:-10], 400),
        (CONTENT_TYPE, form(file("file", b"x")), 400),
        (CONTENT_TYPE, form(field("model", b"unknown")), 404),
        (CONTENT_TYPE, form(field("model", b"r"), file("file", bytes((1 << 23) + 1))), 413),
        (b"application/json", b'{"model":"r"}', 415),
        (b"multipart/form-data", SPEECH, 400),
    ],
)
async def test_what_is_wrong_with_a_form_is_said_and_nothing_is_sent(
    content_type: bytes, body: bytes, status: int
) -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_audio")
        exchange = await send(core, TRANSCRIPTIONS, body, content_type=content_type)

        assert (exchange.status, host.connections) == (status, 0)
        assert b'"error"' in exchange.body


async def test_a_route_without_the_operation_is_named_and_nothing_is_sent() -> None:
    async with staged("a") as core:
        core.configure([core.endpoint("a", dialect="openai_audio")])
        exchange = await send(core, TRANSCRIPTIONS, SPEECH)

        assert exchange.status == 400
        assert b"does not offer transcriptions" in exchange.body


class Leaving(CoreExchange):
    """A client that leaves in the middle of its form."""

    async def read_part(self) -> bytes:
        raise ClientGone


async def test_of_a_client_that_leaves_in_its_form_nothing_is_sent() -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_audio")
        await core.gateway.serve(Leaving(TRANSCRIPTIONS, SPEECH, headers=[(b"content-type", CONTENT_TYPE)]))

        assert host.connections == 0


async def test_a_full_disk_is_said_in_the_dialect_s_words_and_nothing_is_sent() -> None:
    async with staged("a") as core:
        (host,) = configured(core, "openai_audio")
        core.spare_bytes = 1 << 62
        exchange = await send(core, TRANSCRIPTIONS, form(file("file", SOUND), field("model", b"r")))

        assert (exchange.status, host.connections) == (503, 0)
        assert msgspec.json.decode(exchange.body)["error"]["code"] == "storage_full"


async def test_a_form_is_let_go_when_its_answer_is_given() -> None:
    async with staged("a") as core:
        configured(core, "openai_audio")
        await send(core, TRANSCRIPTIONS, form(file("file", SOUND), field("model", b"r")))

        assert [spool.is_closed for spool in core.spools] == [True]


IBAN = "DE89 3704 0044 0532 0130 00"


@pytest.mark.parametrize("treatment", ["refuse", "pseudonymise"])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/audio/speech", {"model": "r", "voice": "alloy", "input": f"Pay to {IBAN}."}),
        ("/v1/images/generations", {"model": "r", "prompt": f"A letter that says {IBAN}"}),
    ],
)
async def test_what_is_to_be_spoken_or_painted_is_looked_at(
    path: str, body: dict[str, object], treatment: Literal["refuse", "pseudonymise"]
) -> None:
    async with staged("a") as core:
        (host,) = ruled(core, "audio" if "audio" in path else "images", Policy("looks", personal_data=treatment))
        exchange = await core.ask(body, path=path)

        assert (exchange.status, host.connections) == (403, 0)
        assert receipt_of(core, exchange).findings == ("iban:1",)
        assert IBAN.encode() not in exchange.body


async def test_a_harmless_prompt_leaves_as_it_is() -> None:
    async with staged("a") as core:
        (host,) = ruled(core, "images", Policy("looks", personal_data="refuse"))
        exchange = await core.ask({"model": "r", "prompt": "A garden"}, path="/v1/images/generations")

        assert exchange.status == 200
        assert host.bodies == [b'{"model":"up","prompt":"A garden"}']


@pytest.mark.parametrize("url", ["data:image/png;base64,aGk=", "https://pictures.example/1.png"])
async def test_a_picture_within_a_prompt_is_nothing_that_can_be_looked_at(url: str) -> None:
    async with staged("a") as core:
        (host,) = ruled(core, "images", Policy("looks", personal_data="refuse"))
        asked = {"model": "r", "prompt": "Join", "images": [{"image_url": url}]}
        exchange = await core.ask(asked, path="/v1/images/edits")

        assert (exchange.status, host.connections) == (403, 0)


@pytest.mark.parametrize(("prompt", "status"), [(b"A garden", 200), (IBAN.encode(), 403)])
async def test_files_pass_unseen_where_the_policy_lets_them_and_fields_are_looked_at(
    prompt: bytes, status: int
) -> None:
    async with staged("a") as core:
        ruled(core, "images", Policy("looks", personal_data="refuse", unseen_content="allow"))
        body = form(field("model", b"r"), field("prompt", prompt), file("image", SOUND))
        exchange = await send(core, "/v1/images/edits", body)

        assert exchange.status == status


async def test_the_name_of_a_file_is_looked_at() -> None:
    async with staged("a") as core:
        ruled(core, "images", Policy("looks", personal_data="refuse", unseen_content="allow"))
        body = form(field("model", b"r"), file("image", SOUND, filename=f"{IBAN}.png"))
        exchange = await send(core, "/v1/images/edits", body)

        assert exchange.status == 403


@pytest.mark.parametrize("path", [TRANSCRIPTIONS, "/v1/images/variations"])
async def test_a_policy_that_has_requests_looked_at_lets_no_form_leave(path: str) -> None:
    async with staged("a") as core:
        (host,) = ruled(core, "audio" if "audio" in path else "images", Policy("looks", personal_data="refuse"))
        exchange = await send(core, path, SPEECH)

        assert (exchange.status, host.connections) == (403, 0)


async def test_a_policy_s_countries_hold_for_sound_too() -> None:
    async with staged("a") as core:
        (host,) = ruled(core, "audio", Policy("placed", compute_in=("DE",)))
        exchange = await send(core, TRANSCRIPTIONS, SPEECH)

        assert (exchange.status, host.connections) == (403, 0)
