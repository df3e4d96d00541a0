"""The official openai SDK at a running Hortus: files, uploads, batches and tuning jobs, each with its owner."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator

import msgspec
import openai
import pytest
from keeper import CREDENTIAL, keeper_toml

from garden import Hortus
from hortus.testkit.keeping_host import KeepingHost

pytestmark = pytest.mark.slow

MIB = 1024 * 1024
AT_HOST = {"hortus-model": "worker"}
"""Examples stay here unless somebody says otherwise."""
VERSION = "2025-03-01-preview"
TOML = """
[[project]]
name = "default"
routes = ["*"]

[[project]]
name = "other"
routes = ["*"]
"""


@pytest.fixture(scope="module")
def host() -> Iterator[KeepingHost]:
    with KeepingHost() as host:
        yield host


@pytest.fixture(scope="module")
def garden(start_hortus, host: KeepingHost) -> Hortus:
    return start_hortus(
        toml=TOML + keeper_toml(host, route="worker", operations=("files", "batches", "fine_tuning")),
        environment=CREDENTIAL,
    )


@pytest.fixture(scope="module")
def key(garden: Hortus) -> str:
    return garden.new_key()


@pytest.fixture(scope="module")
def others_key(garden: Hortus) -> str:
    return garden.new_key("other")


@pytest.fixture
def client(garden: Hortus, key: str) -> Iterator[openai.OpenAI]:
    with at(garden, key) as client:
        yield client


@pytest.fixture
def stranger(garden: Hortus, others_key: str) -> Iterator[openai.OpenAI]:
    """A client of another project."""
    with at(garden, others_key) as client:
        yield client


def at(garden: Hortus, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{garden.door}/v1", api_key=key, max_retries=0)


def lines(*numbers: int, model: str = "worker") -> io.BytesIO:
    body = {"model": model, "messages": [{"role": "user", "content": "Is the lamp lit?"}], "max_tokens": 20}
    asked = {"method": "POST", "url": "/v1/chat/completions", "body": body}
    made = io.BytesIO(b"".join(msgspec.json.encode({"custom_id": f"c{one}", **asked}) + b"\n" for one in numbers))
    made.name = "requests.jsonl"
    return made


def a_file(client: openai.OpenAI, content: bytes = b"some words") -> str:
    return client.files.create(file=("words.txt", content), purpose="user_data").id


def test_a_file_is_made_found_read_and_deleted(client: openai.OpenAI) -> None:
    made = client.files.create(
        file=("words.txt", b"some words"), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
    )
    assert client.files.retrieve(made.id).bytes == len(b"some words")
    assert client.files.content(made.id).read() == b"some words"
    assert client.files.delete(made.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(made.id)


def test_files_are_listed_page_by_page(client: openai.OpenAI) -> None:
    mine = [a_file(client) for _ in range(5)]
    listed = [one.id for one in client.files.list(limit=2, purpose="user_data")]
    assert [one for one in listed if one in mine] == mine[::-1]


def test_a_long_file_comes_back_byte_for_byte(client: openai.OpenAI, host: KeepingHost) -> None:
    content = random.Random(6).randbytes(30 * MIB)
    file_id = a_file(client, content)
    assert host.files[file_id] == content
    with client.files.with_streaming_response.content(file_id) as answer:
        assert b"".join(answer.iter_bytes(MIB)) == content


def test_a_batch_runs_from_its_file_to_its_output(client: openai.OpenAI, host: KeepingHost) -> None:
    asked = client.files.create(file=lines(1, 2), purpose="batch")
    assert b'"model":"up"' in host.files[asked.id]
    batch = client.batches.create(input_file_id=asked.id, endpoint="/v1/chat/completions", completion_window="24h")
    while batch.status != "completed":
        batch = client.batches.retrieve(batch.id)
    answers = [msgspec.json.decode(one) for one in client.files.content(batch.output_file_id).iter_lines()]
    assert [one["custom_id"] for one in answers] == ["c1", "c2"]
    assert batch.id in [one.id for one in client.batches.list()]


def test_a_batch_can_be_cancelled(client: openai.OpenAI) -> None:
    asked = client.files.create(file=lines(1), purpose="batch")
    batch = client.batches.create(input_file_id=asked.id, endpoint="/v1/chat/completions", completion_window="24h")
    assert client.batches.cancel(batch.id).status == "cancelling"


def test_a_line_that_cannot_go_is_named(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"Line 2 of the file: An earlier line has this `custom_id`"):
        client.files.create(file=lines(1, 1), purpose="batch")


def test_a_model_that_is_none_is_unknown_in_lines_too(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="nowhere"):
        client.files.create(file=lines(1, model="nowhere"), purpose="batch")


def test_an_upload_comes_in_parts(client: openai.OpenAI) -> None:
    upload = client.uploads.create(bytes=6, filename="words.txt", mime_type="text/plain", purpose="user_data")
    parts = [client.uploads.parts.create(upload.id, data=one).id for one in (b"abc", b"def")]
    done = client.uploads.complete(upload.id, part_ids=parts)
    assert client.files.content(done.file.id).read() == b"abcdef"


def test_the_sdk_itself_brings_a_file_in_parts(client: openai.OpenAI) -> None:
    done = client.uploads.upload_file_chunked(
        file=b"x" * (2 * MIB),
        filename="words.txt",
        bytes=2 * MIB,
        mime_type="text/plain",
        purpose="user_data",
        part_size=MIB,
    )
    assert client.files.content(done.file.id).read() == b"x" * (2 * MIB)


def test_a_tuning_job_runs_and_its_model_answers(client: openai.OpenAI) -> None:
    examples = client.files.create(file=("examples.jsonl", b"{}\n"), purpose="fine-tune", extra_headers=AT_HOST)
    job = client.fine_tuning.jobs.create(model="worker", training_file=examples.id)
    assert job.id in [one.id for one in client.fine_tuning.jobs.list()]
    assert [one.message for one in client.fine_tuning.jobs.list_events(job.id).data] == ["Begun."]
    while job.status != "succeeded":
        job = client.fine_tuning.jobs.retrieve(job.id)
    answer = client.chat.completions.create(
        model=job.fine_tuned_model, messages=[{"role": "user", "content": "Is the lamp lit?"}]
    )
    assert answer.model == job.fine_tuned_model


def test_a_tuning_job_can_be_cancelled(client: openai.OpenAI) -> None:
    examples = client.files.create(file=("examples.jsonl", b"{}\n"), purpose="fine-tune", extra_headers=AT_HOST)
    job = client.fine_tuning.jobs.create(model="worker", training_file=examples.id)
    assert client.fine_tuning.jobs.cancel(job.id).status == "cancelled"


def test_what_one_project_has_made_is_not_there_for_another(client: openai.OpenAI, stranger: openai.OpenAI) -> None:
    file_id = a_file(client)
    asked = client.files.create(file=lines(1), purpose="batch")
    batch = client.batches.create(input_file_id=asked.id, endpoint="/v1/chat/completions", completion_window="24h")
    for attempt in (
        lambda: stranger.files.retrieve(file_id),
        lambda: stranger.files.content(file_id),
        lambda: stranger.files.delete(file_id),
        lambda: stranger.batches.retrieve(batch.id),
        lambda: stranger.batches.cancel(batch.id),
        lambda: stranger.batches.create(
            input_file_id=asked.id, endpoint="/v1/chat/completions", completion_window="24h"
        ),
        lambda: stranger.fine_tuning.jobs.create(model="worker", training_file=file_id),
    ):
        with pytest.raises(openai.NotFoundError):
            attempt()
    assert (stranger.files.list().data, stranger.batches.list().data) == ([], [])


def test_a_wrong_key_is_refused(garden: Hortus) -> None:
    with at(garden, "hortus_sk_wrong") as client, pytest.raises(openai.AuthenticationError):
        client.files.list()


def test_azures_client_has_the_same_files(garden: Hortus, key: str, client: openai.OpenAI) -> None:
    with openai.AzureOpenAI(azure_endpoint=garden.door, api_version=VERSION, api_key=key, max_retries=0) as azure:
        made = azure.files.create(file=lines(1), purpose="batch")
        batch = azure.batches.create(input_file_id=made.id, endpoint="/chat/completions", completion_window="24h")
        assert azure.batches.retrieve(batch.id).id == batch.id
        assert azure.files.content(made.id).read() == client.files.content(made.id).read()
        assert azure.files.delete(made.id).deleted


async def test_the_async_client_brings_and_reads_files_too(garden: Hortus, key: str) -> None:
    async with openai.AsyncOpenAI(base_url=f"{garden.door}/v1", api_key=key, max_retries=0) as client:
        made = await client.files.create(file=("words.txt", b"some words"), purpose="user_data")
        assert (await client.files.content(made.id)).content == b"some words"
        assert made.id in [one.id async for one in client.files.list()]


def test_a_restart_forgets_no_owner(garden: Hortus, client: openai.OpenAI, key: str, others_key: str) -> None:
    file_id = a_file(client)
    garden.stop()
    garden.start()
    with at(garden, key) as mine, at(garden, others_key) as theirs:
        assert mine.files.retrieve(file_id).id == file_id
        with pytest.raises(openai.NotFoundError):
            theirs.files.retrieve(file_id)
