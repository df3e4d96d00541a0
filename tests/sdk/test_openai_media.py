"""The official openai SDK against a running Hortus: sound and pictures, to a host that reads forms in its own way."""

from __future__ import annotations

import io
import socket
import wave
from collections.abc import Iterator
from pathlib import Path

import httpx2
import openai
import pytest

from framing.forms import CONTENT_TYPE, field, file, form
from garden import Hortus, wait_for
from sdk.wire_host import Wire, WireHost, declared, streamed

pytestmark = pytest.mark.slow

SOUND = bytes(range(256)) * 4000
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8ffff3f0005fe02fe0def46b80000000049454e44ae426082"
)
USAGE = b'"usage":{"type":"tokens","input_tokens":14,"output_tokens":3,"total_tokens":17}'
SAID = b'"text":"The lamp is dark."'
TRANSCRIBED = b"{" + SAID + b"," + USAGE + b"}"
PICTURE = (
    b'{"created":1,"data":[{"b64_json":"aGk="}],"usage":{"input_tokens":9,"output_tokens":4000,"total_tokens":4009,'
    b'"input_tokens_details":{"text_tokens":9,"image_tokens":0}}}'
)
ANSWERS = {
    "voice": Wire(SOUND, kind="audio/mpeg"),
    "voice-breaks": Wire(SOUND, kind="audio/mpeg", missing_bytes=1),
    "voice-events": streamed(
        b'data: {"type":"speech.audio.delta","audio":"UklG"}',
        b'data: {"type":"speech.audio.done","usage":{"input_tokens":3,"output_tokens":40,"total_tokens":43}}',
    ),
    "writes": Wire(TRANSCRIBED),
    "writes-text": Wire(b"The lamp is dark.\n", kind="text/plain; charset=utf-8"),
    "writes-verbose": Wire(b'{"task":"transcribe","language":"english","duration":2.5,' + SAID + b"}"),
    "writes-events": streamed(
        b'data: {"type":"transcript.text.delta","delta":"The lamp"}',
        b'data: {"type":"transcript.text.done",' + SAID + b"," + USAGE + b"}",
    ),
    "paints": Wire(PICTURE),
    "paints-events": streamed(
        b'event: image_generation.partial_image\ndata: {"type":"image_generation.partial_image","b64_json":"aA==",'
        b'"partial_image_index":0}',
        b'event: image_generation.completed\ndata: {"type":"image_generation.completed","b64_json":"aGk=","usage":'
        b'{"input_tokens":9,"output_tokens":4000,"total_tokens":4009}}',
    ),
    "says-400": Wire(b'{"error":{"message":"No.","type":"invalid_request_error","code":null}}', status=400),
    "says-429": Wire(b'{"error":{"message":"Later.","type":"rate_limit_error"}}', status=429),
}
OPERATIONS = ("speech", "transcriptions", "images")


@pytest.fixture(scope="module")
def host() -> Iterator[WireHost]:
    with WireHost(ANSWERS) as one:
        yield one


@pytest.fixture(scope="module")
def garden(start_hortus, host: WireHost) -> Hortus:
    text = '[settings]\nupload_limit_mib = 4\n[[project]]\nname = "default"\nroutes = ["*"]\n'
    for name in ANSWERS:
        dialect = "openai_images" if name.startswith("paints") else "openai_audio"
        text += declared(name, dialect, base_url=host.base_url("/v1"), model=name, operations=OPERATIONS)
    return start_hortus(toml=text, environment={"REPLAY_KEY": "sk-replay"})


@pytest.fixture(scope="module")
def key(garden: Hortus) -> str:
    return garden.new_key()


@pytest.fixture(scope="module")
def client(garden: Hortus, key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key=key, base_url=f"{garden.door}/v1", max_retries=0) as one:
        yield one


def spoken() -> io.BytesIO:
    """Return half a second of silence as a WAV file."""
    made = io.BytesIO()
    with wave.open(made, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16000)
        sound.writeframes(bytes(16000))
    made.seek(0)
    made.name = "süß.wav"
    return made


def test_speech_is_streamed_into_a_file(client: openai.OpenAI, tmp_path: Path) -> None:
    asked = {"model": "voice", "voice": "alloy", "input": "The lamp is dark."}
    with client.audio.speech.with_streaming_response.create(**asked) as answer:
        answer.stream_to_file(tmp_path / "said.mp3")

    assert (tmp_path / "said.mp3").read_bytes() == SOUND


def test_speech_comes_in_events(client: openai.OpenAI) -> None:
    asked = {"model": "voice-events", "voice": "alloy", "input": "Hi", "stream_format": "sse"}
    with client.audio.speech.with_streaming_response.create(**asked) as answer:
        assert b"".join(answer.iter_bytes()) == ANSWERS["voice-events"].body


def test_a_file_of_sound_is_written_down(client: openai.OpenAI, host: WireHost) -> None:
    sound = spoken()
    said = client.audio.transcriptions.create(
        model="writes", file=sound, language="en", timestamp_granularities=["word", "segment"], include=["logprobs"]
    )

    assert (said.text, said.usage.input_tokens) == ("The lamp is dark.", 14)
    assert host.asked[-1].files == (("file", "süß.wav", sound.getvalue()),)
    assert host.asked[-1].json["model"] == "writes"


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # by OpenAI; its SDK still has it
def test_a_translation_is_relayed_too(client: openai.OpenAI, host: WireHost) -> None:
    assert client.audio.translations.create(model="writes", file=spoken()).text == "The lamp is dark."
    assert host.asked[-1].path == "/v1/audio/translations"


def test_plain_text_and_verbose_answers_are_what_the_sdk_expects(client: openai.OpenAI) -> None:
    plain = client.audio.transcriptions.create(model="writes-text", file=spoken(), response_format="text")
    verbose = client.audio.transcriptions.create(model="writes-verbose", file=spoken(), response_format="verbose_json")

    assert (plain, verbose.duration) == ("The lamp is dark.\n", 2.5)


def test_a_transcription_is_streamed(client: openai.OpenAI) -> None:
    events = list(client.audio.transcriptions.create(model="writes-events", file=spoken(), stream=True))

    assert [event.type for event in events] == ["transcript.text.delta", "transcript.text.done"]


def test_the_receipt_of_a_transcription_has_its_tokens(garden: Hortus, client: openai.OpenAI) -> None:
    answer = client.audio.transcriptions.with_raw_response.create(model="writes", file=spoken())
    wanted = answer.headers["hortus-receipt"]
    receipt = wait_for(
        lambda: next((one for one in garden.cli_json("receipts", "--last", "9") if one["receipt_id"] == wanted), None)
    )

    used = receipt["attempts"][0]["usage"]
    assert (used["input_tokens"], used["output_tokens"]) == (14, 3)
    assert receipt["operation"] == "transcriptions"


def test_pictures_are_made_and_edited(client: openai.OpenAI, host: WireHost) -> None:
    made = client.images.generate(model="paints", prompt="A garden", size="1024x1024")
    edited = client.images.edit(
        model="paints", prompt="Join", image=[("a.png", PNG), ("b.png", PNG)], mask=("mask.png", PNG)
    )

    assert (made.data[0].b64_json, edited.usage.output_tokens) == ("aGk=", 4000)
    assert [(name, content) for name, _, content in host.asked[-1].files] == [
        ("image[]", PNG),
        ("image[]", PNG),
        ("mask", PNG),
    ]


@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # as above
def test_a_picture_is_varied(client: openai.OpenAI, host: WireHost) -> None:
    assert client.images.create_variation(model="paints", image=("a.png", PNG)).data[0].b64_json == "aGk="
    assert host.asked[-1].path == "/v1/images/variations"


def test_partial_pictures_are_streamed(client: openai.OpenAI) -> None:
    events = list(client.images.generate(model="paints-events", prompt="A garden", stream=True, partial_images=1))

    assert [event.type for event in events] == ["image_generation.partial_image", "image_generation.completed"]


def test_errors_are_the_classes_that_programs_catch(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"No\."):
        client.audio.transcriptions.create(model="says-400", file=spoken())
    with pytest.raises(openai.RateLimitError):
        client.audio.speech.create(model="says-429", voice="alloy", input="Hi")
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.audio.transcriptions.create(model="nobody", file=spoken())
    with pytest.raises(openai.APIStatusError, match="upload_limit_mib") as caught:
        client.audio.transcriptions.create(model="writes", file=("long.wav", bytes(5 << 20)))
    assert caught.value.status_code == 413


def test_a_request_with_an_idempotency_key_runs_once(client: openai.OpenAI, host: WireHost) -> None:
    headers = {"Idempotency-Key": "once-and-for-all"}
    client.audio.transcriptions.create(model="writes", file=spoken(), extra_headers=headers)
    before = len(host.asked)
    with pytest.raises(openai.ConflictError):
        client.audio.transcriptions.create(model="writes", file=spoken(), extra_headers=headers)

    assert len(host.asked) == before


def test_azure_s_client_names_the_deployment_in_its_path(garden: Hortus, key: str, host: WireHost) -> None:
    with openai.AzureOpenAI(
        api_key=key, azure_endpoint=f"{garden.door}/azure", api_version="2025-04-01-preview", max_retries=0
    ) as azure:
        assert azure.audio.transcriptions.create(model="writes", file=spoken()).text == "The lamp is dark."
        assert azure.images.generate(model="paints", prompt="A garden").data[0].b64_json == "aGk="
    assert [one.path for one in host.asked[-2:]] == ["/v1/audio/transcriptions", "/v1/images/generations"]


def raw(garden: Hortus, key: str, head: bytes) -> socket.socket:
    address, _, port = garden.door.removeprefix("http://").rpartition(":")
    connection = socket.create_connection((address, int(port)), timeout=10)
    opening = b"POST /v1/audio/transcriptions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %b\r\ncontent-type: %b\r\n"
    connection.sendall(opening % (key.encode(), CONTENT_TYPE) + head + b"\r\n")
    return connection


BODY = form(field("model", b"writes"), file("file", SOUND))


def test_a_form_may_come_in_chunks(garden: Hortus, key: str, host: WireHost) -> None:
    with raw(garden, key, b"transfer-encoding: chunked\r\n") as connection:
        for start in range(0, len(BODY), 70_000):
            part = BODY[start : start + 70_000]
            connection.sendall(b"%x\r\n%b\r\n" % (len(part), part))
        connection.sendall(b"0\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert host.asked[-1].files == (("file", "a.wav", SOUND),)
    assert host.asked[-1].headers["content-length"] == str(len(BODY))


def test_a_client_that_waits_to_be_asked_for_its_form_is_asked(garden: Hortus, key: str, host: WireHost) -> None:
    with raw(garden, key, b"expect: 100-continue\r\ncontent-length: %d\r\n" % len(BODY)) as connection:
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(BODY)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert host.asked[-1].files == (("file", "a.wav", SOUND),)


def test_sound_that_breaks_off_does_not_look_whole(client: openai.OpenAI) -> None:
    asked = {"model": "voice-breaks", "voice": "alloy", "input": "Hi"}
    with (
        client.audio.speech.with_streaming_response.create(**asked) as answer,
        pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)),
    ):
        b"".join(answer.iter_bytes())
