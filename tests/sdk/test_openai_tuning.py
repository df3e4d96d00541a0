"""The official openai SDK at a running Hortus that keeps files and tunes models itself: all but the training."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest
from keeper import ONE_WORKER, keeper_toml

from garden import Hortus, wait_for
from hortus.testkit.keeping_host import KeepingHost

pytestmark = pytest.mark.slow

TOML = """
[[project]]
name = "default"
routes = ["*"]

[[project]]
name = "other"
routes = ["*"]

[[project]]
name = "talkers"
routes = ["seedling"]
"""

PAGE = (Path(__file__).parents[2] / "docs/how-to/train-a-model.md").read_text("utf-8")

BAD = b'{"messages": []}\nno json\n{"messages": [{"role": "nobody", "content": 1}]}\n'


@pytest.fixture(scope="module")
def host() -> Iterator[KeepingHost]:
    with KeepingHost() as host:
        yield host


@pytest.fixture(scope="module")
def garden(start_hortus, host: KeepingHost) -> Hortus:
    return start_hortus(toml=TOML + keeper_toml(host, route="hosted"), environment=ONE_WORKER)


def at(garden: Hortus, key: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{garden.door}/v1", api_key=key, max_retries=0)


@pytest.fixture(scope="module")
def client(garden: Hortus) -> Iterator[openai.OpenAI]:
    with at(garden, garden.new_key()) as client:
        yield client


@pytest.fixture(scope="module")
def stranger(garden: Hortus) -> Iterator[openai.OpenAI]:
    """A client of another project."""
    with at(garden, garden.new_key("other")) as client:
        yield client


def bring(client: openai.OpenAI, content: bytes = BAD) -> str:
    return client.files.create(file=("bad.jsonl", content), purpose="fine-tune").id


def good(count: int) -> bytes:
    """Return chat examples that can be learnt."""
    chats = (
        [{"role": "user", "content": f"Who mends lamp {one}?"}, {"role": "assistant", "content": "lighting"}]
        for one in range(count)
    )
    return b"".join(msgspec.json.encode({"messages": one}) + b"\n" for one in chats)


def over(client: openai.OpenAI, job_id: str) -> object:
    """Wait until a job has ended, and return it."""

    def ended() -> object:
        job = client.fine_tuning.jobs.retrieve(job_id)
        return job if job.status in {"succeeded", "failed", "cancelled"} else None

    return wait_for(ended, within_s=90, what=f"the end of {job_id}")


def test_examples_stay_here_though_a_host_keeps_files_too(client: openai.OpenAI, host: KeepingHost) -> None:
    before = len(host.seen)
    made = client.files.create(file=("bad.jsonl", BAD), purpose="fine-tune")
    assert (made.bytes, made.filename, made.purpose) == (len(BAD), "bad.jsonl", "fine-tune")
    assert len(host.seen) == before


def test_a_file_comes_back_byte_for_byte_and_goes(client: openai.OpenAI) -> None:
    content = bytes(range(256)) * 20_000
    file_id = bring(client, content)
    assert client.files.content(file_id).read() == content
    assert client.files.delete(file_id).deleted
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve(file_id)


def test_files_of_hosts_and_of_the_workshop_are_one_list(client: openai.OpenAI) -> None:
    here = bring(client)
    there = client.files.create(file=("words.txt", b"words"), purpose="user_data").id
    assert {here, there} <= {one.id for one in client.files.list()}
    tuning = [one.id for one in client.files.list(purpose="fine-tune", limit=2)]
    assert here in tuning
    assert there not in tuning


def test_other_purposes_are_refused_by_the_workshop(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="user_data") as refused:
        client.files.create(
            file=("words.txt", b"words"), purpose="user_data", extra_headers={"hortus-model": "workshop"}
        )
    assert refused.value.param == "purpose"


def test_an_upload_comes_in_parts(client: openai.OpenAI) -> None:
    upload = client.uploads.create(bytes=6, filename="words.jsonl", mime_type="text/jsonl", purpose="fine-tune")
    parts = [client.uploads.parts.create(upload.id, data=one).id for one in (b"abc", b"def")]
    done = client.uploads.complete(
        upload.id, part_ids=parts[::-1], md5=hashlib.md5(b"defabc", usedforsecurity=False).hexdigest()
    )
    assert done.status == "completed"
    assert client.files.content(done.file.id).read() == b"defabc"


def test_a_part_that_is_too_long_is_refused(client: openai.OpenAI) -> None:
    upload = client.uploads.create(bytes=3, filename="words.jsonl", mime_type="text/jsonl", purpose="fine-tune")
    with pytest.raises(openai.APIStatusError) as refused:
        client.uploads.parts.create(upload.id, data=b"abcd")
    assert refused.value.status_code == 413
    assert client.uploads.cancel(upload.id).status == "cancelled"


def test_a_bad_file_fails_the_job_with_every_error(client: openai.OpenAI) -> None:
    job = client.fine_tuning.jobs.create(model="seedling", training_file=bring(client), suffix="desk")
    ended = over(client, job.id)
    assert (ended.status, ended.fine_tuned_model) == ("failed", None)
    assert ended.error.code
    messages = "\n".join(one.message for one in client.fine_tuning.jobs.list_events(job.id, limit=100))
    assert "line 2" in messages
    assert "line 3" in messages
    listed = msgspec.json.decode(client.files.content(ended.result_files[0]).read())
    assert listed["errors"] >= 3


def test_a_job_says_what_it_was_asked_for(client: openai.OpenAI) -> None:
    job = client.fine_tuning.jobs.create(
        model="seedling",
        training_file=bring(client),
        seed=7,
        method={"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 2, "batch_size": "auto", "beta": 0.3}}},
        metadata={"desk": "north"},
        extra_body={"hortus": {"recipe": {"max_tokens": 256}, "gate": {"margin": 0.2}, "form": "adapter"}},
    )
    assert (job.seed, job.hyperparameters.n_epochs, job.metadata) == (7, 2, {"desk": "north"})
    assert job.method.dpo.hyperparameters.beta == 0.3
    assert (job.hortus["recipe"]["max_tokens"], job.hortus["gate"]["margin"]) == (256, 0.2)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"extra_body": {"hortus": {"recipe": {"lora": {"rnk": 3}}}}}, "hortus.recipe.lora.rnk"),
        ({"extra_body": {"hortus": {"recipe": {"epochs": 0}}}}, "hortus.recipe.epochs"),
        ({"extra_body": {"colour": "red"}}, "colour"),
        ({"seed": 1, "extra_body": {"hortus": {"recipe": {"seed": 2}}}}, "seed"),
        ({"method": {"type": "reinforcement", "reinforcement": {}}}, "method.type"),
        ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]}, "integrations"),
        ({"suffix": "with spaces"}, "suffix"),
        ({"model": "no-such-base"}, "model"),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(client: openai.OpenAI, asked: dict, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.fine_tuning.jobs.create(**{"model": "seedling", "training_file": bring(client), **asked})
    assert refused.value.param == param


def test_a_job_is_cancelled(client: openai.OpenAI) -> None:
    job = client.fine_tuning.jobs.create(model="seedling", training_file=bring(client))
    client.fine_tuning.jobs.cancel(job.id)
    assert over(client, job.id).status in {"cancelled", "failed"}
    with pytest.raises(openai.BadRequestError):
        client.fine_tuning.jobs.cancel(job.id)


def test_events_come_page_by_page(client: openai.OpenAI) -> None:
    job = client.fine_tuning.jobs.create(model="seedling", training_file=bring(client))
    over(client, job.id)
    whole = [one.id for one in client.fine_tuning.jobs.list_events(job.id, limit=100).data]
    assert len(whole) >= 3
    assert [one.id for one in client.fine_tuning.jobs.list_events(job.id, limit=1)] == whole
    assert client.fine_tuning.jobs.checkpoints.list(job.id).data == []


def test_jobs_are_listed_newest_first(client: openai.OpenAI) -> None:
    file_id = bring(client)
    mine = [client.fine_tuning.jobs.create(model="seedling", training_file=file_id).id for _ in range(3)]
    listed = [one.id for one in client.fine_tuning.jobs.list(limit=2)]
    assert [one for one in listed if one in mine] == mine[::-1]


def test_what_is_anothers_is_not_there(client: openai.OpenAI, stranger: openai.OpenAI) -> None:
    file_id = bring(client)
    job = client.fine_tuning.jobs.create(model="seedling", training_file=file_id)
    attacks = [
        lambda: stranger.files.retrieve(file_id),
        lambda: stranger.files.content(file_id),
        lambda: stranger.files.delete(file_id),
        lambda: stranger.fine_tuning.jobs.create(model="seedling", training_file=file_id),
        lambda: stranger.fine_tuning.jobs.create(
            model="seedling", training_file=bring(stranger), validation_file=file_id
        ),
        lambda: stranger.fine_tuning.jobs.retrieve(job.id),
        lambda: stranger.fine_tuning.jobs.cancel(job.id),
        lambda: stranger.fine_tuning.jobs.pause(job.id),
        lambda: stranger.fine_tuning.jobs.list_events(job.id),
        lambda: stranger.fine_tuning.jobs.checkpoints.list(job.id),
    ]
    for attack in attacks:
        with pytest.raises(openai.NotFoundError):
            attack()
    assert file_id not in [one.id for one in stranger.files.list()]
    assert job.id not in [one.id for one in stranger.fine_tuning.jobs.list()]
    with pytest.raises(openai.BadRequestError):
        stranger.fine_tuning.jobs.create(model=job.id, training_file=bring(stranger))


def test_a_project_that_may_not_use_the_workshop_cannot(garden: Hortus) -> None:
    with at(garden, garden.new_key("talkers")) as talker:
        with pytest.raises(openai.BadRequestError, match="No model of this key offers files"):
            bring(talker)
        with pytest.raises(openai.NotFoundError):
            talker.files.create(file=("x.jsonl", BAD), purpose="fine-tune", extra_headers={"hortus-model": "workshop"})


def test_the_workshop_is_no_model(client: openai.OpenAI) -> None:
    assert "workshop" not in [one.id for one in client.models.list()]
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="workshop", messages=[{"role": "user", "content": "hello"}])


def test_examples_that_are_named_for_a_host_go_there(client: openai.OpenAI, host: KeepingHost) -> None:
    made = client.files.create(file=("x.jsonl", BAD), purpose="fine-tune", extra_headers={"hortus-model": "hosted"})
    assert host.files[made.id] == BAD
    job = client.fine_tuning.jobs.create(model="hosted", training_file=made.id)
    assert not job.id.startswith("ftjob-0") or job.id in host.objects


def test_the_seedling_can_learn_what_the_page_shows(garden: Hortus, monkeypatch: pytest.MonkeyPatch) -> None:
    shown, _, end = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0].rpartition("\n\n")
    assert end.strip() == "client.fine_tuning.jobs.cancel(job.id)"
    monkeypatch.setenv("HORTUS_KEY", garden.new_key())
    said: dict[str, Any] = {}
    exec(shown.replace("http://127.0.0.1:8000", garden.door), said)  # noqa: S102 - a page of our own
    client, job = said["client"], said["job"]
    with client:
        events = client.fine_tuning.jobs.list_events
        wait_for(lambda: any("Files validated" in one.message for one in events(job.id)), what="the check")
        client.fine_tuning.jobs.cancel(job.id)
        assert over(client, job.id).status == "cancelled"


def test_a_job_waits_and_goes_on(garden: Hortus, client: openai.OpenAI) -> None:
    supervisor = garden.children()["supervisor"]
    os.kill(supervisor, signal.SIGSTOP)  # its check would end the job before it is paused
    try:
        job = client.fine_tuning.jobs.create(model="seedling", training_file=bring(client, good(40)))
        client.fine_tuning.jobs.pause(job.id)
        wait_for(lambda: client.fine_tuning.jobs.retrieve(job.id).status == "paused", what="the pause")
        client.fine_tuning.jobs.resume(job.id)
        wait_for(lambda: client.fine_tuning.jobs.retrieve(job.id).status != "paused", what="the end of the pause")
        client.fine_tuning.jobs.cancel(job.id)
        assert over(client, job.id).status == "cancelled"
    finally:
        os.kill(supervisor, signal.SIGCONT)
    with pytest.raises(openai.BadRequestError):
        client.fine_tuning.jobs.resume(job.id)


@pytest.mark.parametrize("role", ["control", "supervisor"])
def test_it_comes_back_after_a_kill(garden: Hortus, client: openai.OpenAI, role: str) -> None:
    file_id = bring(client)
    killed = garden.children()[role]
    os.kill(killed, signal.SIGKILL)
    wait_for(lambda: garden.children().get(role) not in {None, killed}, what=f"another {role}")

    def is_back() -> bool:
        try:
            return client.files.content(file_id).read() == BAD and bool(bring(client))
        except openai.APIStatusError:  # nobody answers for a moment
            return False

    wait_for(is_back, within_s=60, what="the workshop")


# The whole way, from the file to a chat with what was tuned, is `test_purpose.py`'s.
