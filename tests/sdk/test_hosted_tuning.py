"""Jobs whose base is a model of a host: brought here with OpenAI's SDK, tuned there through the door, used like any."""

from __future__ import annotations

import os
import signal
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest
from hosted_jobs import (
    FILES,
    JOBS,
    OVER,
    as_usual,
    asked,
    at_host,
    begin,
    bring,
    chats,
    ended,
    kill_step,
    step_process,
    wait_asked,
    words,
)
from keeper import ONE_WORKER, keeper_toml

from garden import Hortus, wait_for
from hortus.app.clock import SystemClock
from hortus.app.devtls import ensure_certificate
from hortus.app.home import Home
from hortus.testkit.keeping_host import KeepingHost, read_form

pytestmark = pytest.mark.slow

TOML = """
[[project]]
name = "library"
routes = ["hosted", "workshop", "ft:*"]

[[project]]
name = "strict"
routes = ["hosted", "workshop"]
policy = "at-home"

[[project]]
name = "thrifty"
routes = ["hosted", "workshop"]

[[project]]
name = "shelf"
routes = ["hosted", "workshop"]

[[project]]
name = "chatting"
routes = ["hosted"]

[[project]]
name = "training"
routes = ["workshop"]

[[policy]]
name = "at-home"
compute_in = ["EU"]

[[limit]]
name = "thrifty-money"
project = "thrifty"
money = 20
currency = "USD"
per = "total"
kind = "hard"
"""


@pytest.fixture(scope="module")
def house() -> Iterator[KeepingHost]:
    with KeepingHost() as host:
        yield host


@pytest.fixture
def host(house: KeepingHost) -> Iterator[KeepingHost]:
    with as_usual(house) as host:
        yield host


@pytest.fixture(scope="module")
def garden(start_hortus, house: KeepingHost) -> Hortus:
    environment = ONE_WORKER | {"HORTUS_TUNING_POLL_S": "0.1", "HORTUS_COUNTRY": "DE"}
    return start_hortus(toml=TOML + keeper_toml(house, route="hosted"), environment=environment)


@pytest.fixture(scope="module")
def key_of(garden: Hortus) -> Callable[[str], str]:
    made: dict[str, str] = {}

    def find(project: str) -> str:
        if project not in made:
            made[project] = garden.new_key(project)
        return made[project]

    return find


@pytest.fixture
def at(garden: Hortus, key_of: Callable[[str], str]) -> Iterator[Callable[[str], openai.OpenAI]]:
    """Return a client of a project; doors change when everything is started again."""
    opened: list[openai.OpenAI] = []

    def open_(project: str) -> openai.OpenAI:
        opened.append(openai.OpenAI(base_url=f"{garden.door}/v1", api_key=key_of(project), max_retries=0))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def client(at: Callable[[str], openai.OpenAI]) -> openai.OpenAI:
    return at("library")


def test_from_examples_here_to_a_chat_with_the_model_that_the_host_has_tuned(
    garden: Hortus, client: openai.OpenAI, host: KeepingHost
) -> None:
    host.tuning_jobs.losses = (2.5, 1.25)
    job = begin(client, suffix="desk", seed=7, metadata={"desk": "north"})
    done = ended(client, job.id)
    assert (done.status, done.trained_tokens) == ("succeeded", 4321), done.error
    assert done.fine_tuned_model == f"ft:hosted:library:desk:{job.id[-8:]}"

    brought = [read_form(one)["file"] for one in asked(host, "POST", FILES)]
    assert [name for name, _ in brought] == [f"{job.id}-training.jsonl", f"{job.id}-validation.jsonl"]
    lines = [msgspec.json.decode(one) for _, content in brought for one in content.splitlines()]
    assert sorted(map(repr, lines)) == sorted(map(repr, chats()))
    told = msgspec.json.decode(asked(host, "POST", JOBS)[0].body)
    assert (told["model"], told["suffix"], told["seed"]) == ("up", "desk", 7)
    assert told["metadata"] == {"hortus_job": job.id}
    assert told["method"] == {"type": "supervised", "supervised": {"hyperparameters": {}}}

    assert "Host: Begun." in words(client, job.id)
    figures = [one.data for one in client.fine_tuning.jobs.list_events(job.id) if one.type == "metrics"]
    assert [one["train_loss"] for one in figures] == [1.25, 2.5]

    answer = client.chat.completions.create(
        model=done.fine_tuned_model, messages=[{"role": "user", "content": "Lamp 7 is dark."}]
    )
    assert answer.choices[0].message.content == "lighting 1"
    talk = asked(host, "POST", "/v1/chat/completions")[-1]
    assert msgspec.json.decode(talk.body)["model"] == at_host(host)["fine_tuned_model"]

    def kinds() -> set[str]:
        return {one["operation"] for one in garden.cli_json("receipts", "--last", "100", "--project", "library")}

    wanted = {"create_file", "create_tuning_job", "get_tuning_job", "list_tuning_events", "chat"}
    wait_for(lambda: wanted <= kinds(), what="the receipts of all that was asked")


def test_preferences_are_written_in_the_host_s_words(client: openai.OpenAI, host: KeepingHost) -> None:
    def answer(text: str) -> list[dict[str, str]]:
        return [{"role": "assistant", "content": text}]

    lines = [
        {
            "input": {"messages": [{"role": "user", "content": f"Lamp {one} is dark."}]},
            "preferred_output": answer(f"lighting {one % 3}"),
            "non_preferred_output": answer("no idea"),
        }
        for one in range(30)
    ]
    method = {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.3, "n_epochs": 3, "batch_size": "auto"}}}
    job = begin(client, training_file=bring(client, lines), method=method)
    assert job.method.dpo.hyperparameters.n_epochs == 3
    assert job.method.dpo.hyperparameters.batch_size == "auto"
    assert ended(client, job.id).status == "succeeded"
    brought = [read_form(one)["file"][1] for one in asked(host, "POST", FILES)]
    sent = [msgspec.json.decode(one) for content in brought for one in content.splitlines()]
    assert sorted(map(repr, sent)) == sorted(map(repr, lines))
    told = msgspec.json.decode(asked(host, "POST", JOBS)[0].body)
    assert told["method"] == {"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 3, "beta": 0.3}}}


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"recipe": {"lora": {"rank": 8}}}, "recipe.lora"),
        ({"recipe": {"lora": None}}, "recipe.lora"),
        ({"recipe": {"clip": 1.0}}, "recipe.clip"),
        ({"recipe": {"schedule": "cosine"}}, "recipe.schedule"),
        ({"recipe": {"shape": {"hidden": 80}}}, "recipe.shape"),
        ({"recipe": {"epochs": 1.5}}, "recipe.epochs"),
        ({"recipe": {"beta": 0.2}}, "recipe.beta"),
        ({"gate": {"references": 8}}, "gate.references"),
        ({"form": "adapter"}, "form"),
        ({"engine": "vllm"}, "engine"),
    ],
)
def test_what_a_host_cannot_be_told_is_refused_at_once(
    client: openai.OpenAI, host: KeepingHost, more: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        begin(client, extra_body={"hortus": more})
    assert (refused.value.param, host.seen) == (f"hortus.{param}", [])


def test_what_the_policy_forbids_the_project_it_forbids_the_job(
    at: Callable[[str], openai.OpenAI], host: KeepingHost
) -> None:
    client = at("strict")
    job = begin(client)
    done = ended(client, job.id)
    assert (done.status, done.error.code) == ("failed", "refused_by_host")
    assert "the door answered 403" in done.error.message
    assert "at-home" in done.error.message
    assert host.seen == []


def test_a_hard_budget_refuses_what_has_no_price(at: Callable[[str], openai.OpenAI], host: KeepingHost) -> None:
    client = at("thrifty")
    job = begin(client)
    done = ended(client, job.id)
    assert done.status == "failed"
    assert "Nobody knows what tuning a model costs before it is done" in done.error.message
    assert asked(host, "POST", JOBS) == []


def test_a_job_that_fails_there_fails_here_with_the_host_s_words(client: openai.OpenAI, host: KeepingHost) -> None:
    host.tuning_jobs.failure = {"code": "invalid_training_file", "message": "Line 3 is unsafe.", "param": None}
    done = ended(client, begin(client).id)
    assert (done.status, done.error.code, done.fine_tuned_model) == ("failed", "invalid_training_file", None)
    assert "Line 3 is unsafe." in done.error.message


def test_it_is_cancelled_at_the_host_once_and_cannot_be_paused(client: openai.OpenAI, host: KeepingHost) -> None:
    host.tuning_jobs.is_holding = True
    job = begin(client)
    with pytest.raises(openai.BadRequestError, match="cannot be paused"):
        client.fine_tuning.jobs.pause(job.id)
    wait_for(lambda: "The host's own job is" in words(client, job.id), within_s=60, what="the host's job")
    client.fine_tuning.jobs.cancel(job.id)
    assert ended(client, job.id).status == "cancelled"
    assert at_host(host)["status"] == "cancelled"
    assert len(asked(host, "POST", f"{JOBS}/{at_host(host)['id']}/cancel")) == 1
    assert "which is cancelled" in words(client, job.id)
    wait_for(lambda: step_process(job.id) is None, what="the end of the step")


def test_a_job_whose_creation_is_under_way_is_cancelled_at_the_host_too(
    client: openai.OpenAI, host: KeepingHost
) -> None:
    host.tuning_jobs.is_holding = True
    host.silent_on.add(("POST", JOBS))
    job = begin(client)
    wait_asked(host, "POST", JOBS)
    client.fine_tuning.jobs.cancel(job.id)
    host.silent_on.clear()
    assert ended(client, job.id).status == "cancelled"
    assert at_host(host)["status"] == "cancelled"
    assert len(asked(host, "POST", JOBS)) == 1


def test_a_step_killed_between_upload_and_job_brings_nothing_again(client: openai.OpenAI, host: KeepingHost) -> None:
    host.silent_on.add(("POST", JOBS))
    job = begin(client)
    wait_asked(host, "POST", JOBS)
    kill_step(job.id)
    host.silent_on.clear()
    assert ended(client, job.id).status == "succeeded"
    assert (len(asked(host, "POST", FILES)), len(asked(host, "POST", JOBS))) == (2, 1)


def test_a_step_killed_while_it_uploads_finds_what_it_has_brought(client: openai.OpenAI, host: KeepingHost) -> None:
    host.silent_on.add(("POST", FILES))
    job = begin(client)
    wait_asked(host, "POST", FILES)
    kill_step(job.id)
    host.silent_on.clear()
    assert ended(client, job.id).status == "succeeded"
    assert (len(asked(host, "POST", FILES)), len(asked(host, "POST", JOBS))) == (2, 1)


@pytest.mark.parametrize("role", ["control", "supervisor"])
def test_whoever_is_killed_while_the_host_works_nothing_is_asked_twice(
    garden: Hortus, client: openai.OpenAI, host: KeepingHost, role: str
) -> None:
    host.tuning_jobs.is_holding = True
    job = begin(client)
    wait_for(lambda: "The host's own job is" in words(client, job.id), within_s=60, what="the host's job")
    os.kill(garden.children()[role], signal.SIGKILL)
    host.tuning_jobs.is_holding = False
    assert ended(client, job.id).status == "succeeded"
    assert (len(asked(host, "POST", FILES)), len(asked(host, "POST", JOBS))) == (2, 1)


def test_others_can_neither_use_the_model_nor_make_the_job(
    at: Callable[[str], openai.OpenAI], client: openai.OpenAI, host: KeepingHost
) -> None:
    model = ended(client, begin(client).id).fine_tuned_model
    for name in (model, at_host(host)["fine_tuned_model"]):
        with pytest.raises(openai.NotFoundError):
            at("chatting").chat.completions.create(model=name, messages=[{"role": "user", "content": "Hello."}])
    with pytest.raises(openai.NotFoundError):
        begin(at("training"))
    assert len(asked(host, "POST", JOBS)) == 1


def test_a_project_in_the_file_is_told_that_the_file_must_allow_its_model(
    at: Callable[[str], openai.OpenAI], host: KeepingHost
) -> None:
    client = at("shelf")
    job = begin(client)
    done = ended(client, job.id)
    assert done.status == "succeeded"
    warned = [one.message for one in client.fine_tuning.jobs.list_events(job.id) if one.level == "warn"]
    assert len(warned) == 1
    assert f"may not use {done.fine_tuned_model} yet" in warned[0]
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model=done.fine_tuned_model, messages=[{"role": "user", "content": "Hello."}])


def test_control_is_killed_between_the_host_s_success_and_the_promotion(
    garden: Hortus, client: openai.OpenAI, host: KeepingHost
) -> None:
    host.tuning_jobs.is_holding = True
    job = begin(client)
    wait_for(lambda: "The host's own job is" in words(client, job.id), within_s=60, what="the host's job")
    pid = garden.children()["control"]
    os.kill(pid, signal.SIGSTOP)  # the step says that it is done, and nobody hears it
    host.tuning_jobs.is_holding = False
    reports = garden.home / "jobs" / job.id / "host" / "reports.jsonl"
    wait_for(lambda: b'"done"' in reports.read_bytes(), within_s=60, what="the end of the step")
    os.kill(pid, signal.SIGKILL)
    done = ended(client, job.id)
    assert done.status == "succeeded"
    assert [one.id for one in client.models.list()].count(done.fine_tuned_model) == 1
    client.chat.completions.create(model=done.fine_tuned_model, messages=[{"role": "user", "content": "Hello."}])


def test_a_model_that_is_not_to_be_served_gets_no_route(client: openai.OpenAI, host: KeepingHost) -> None:
    done = ended(client, begin(client, extra_body={"hortus": {"deploy": False}}).id)
    assert (done.status, done.fine_tuned_model) == ("succeeded", None)


def test_a_job_of_a_project_that_is_retired_meanwhile_fails(garden: Hortus, host: KeepingHost) -> None:
    garden.cli("projects", "create", "passing", "--route", "hosted", "--route", "workshop")
    with openai.OpenAI(base_url=f"{garden.door}/v1", api_key=garden.new_key("passing"), max_retries=0) as client:
        supervisor = garden.children()["supervisor"]
        os.kill(supervisor, signal.SIGSTOP)  # the job stays before its first step
        try:
            job = begin(client)
            garden.cli("projects", "retire", "passing")
        finally:
            os.kill(supervisor, signal.SIGCONT)
    found = wait_for(
        lambda: next(
            (one for one in garden.cli_json("jobs", "list") if one["id"] == job.id and one["state"] in OVER), None
        ),
        within_s=60,
        what="the end of the job",
    )
    assert (found["state"], found["error"]["code"], host.seen) == ("failed", "project_retired", [])


def nothing_is_left(garden: Hortus) -> bool:
    """Tell whether neither keys that open anything nor orders are left of jobs."""
    orders = [one.name for one in (garden.home / "run").rglob("ftjob-*.json")]
    keys = [one for one in garden.cli_json("keys", "list") if one["name"].startswith("job ")]
    return not orders and all(one["revoked_at_ms"] is not None for one in keys)


def test_jobs_that_are_over_leave_neither_keys_nor_orders(
    garden: Hortus, client: openai.OpenAI, host: KeepingHost
) -> None:
    ended(client, begin(client).id)
    wait_for(lambda: nothing_is_left(garden), within_s=60, what="the end of keys and orders")


def test_when_everything_is_killed_the_next_start_goes_on(
    garden: Hortus, at: Callable[[str], openai.OpenAI], host: KeepingHost
) -> None:
    """The door's address changes: also the job's step has to learn the new one."""
    host.tuning_jobs.is_holding = True
    client = at("library")
    job = begin(client)
    wait_for(lambda: "The host's own job is" in words(client, job.id), within_s=60, what="the host's job")
    garden.kill_everything()
    host.tuning_jobs.is_holding = False
    garden.start()
    done = ended(at("library"), job.id)
    assert done.status == "succeeded", done.error
    assert (len(asked(host, "POST", FILES)), len(asked(host, "POST", JOBS))) == (2, 1)
    wait_for(lambda: nothing_is_left(garden), within_s=60, what="the end of keys and orders")


def test_a_job_whose_creation_nobody_lived_to_see_is_not_created_again(
    garden: Hortus, at: Callable[[str], openai.OpenAI], host: KeepingHost
) -> None:
    host.silent_on.add(("POST", JOBS))
    job = begin(at("library"))
    wait_asked(host, "POST", JOBS)
    garden.kill_everything()
    host.silent_on.clear()
    garden.start()
    done = ended(at("library"), job.id)
    assert (done.status, done.error.code) == ("failed", "lost_at_host")
    assert "Look at the host" in done.error.message
    assert (len(asked(host, "POST", FILES)), len(asked(host, "POST", JOBS))) == (2, 1)


def test_behind_tls_the_step_knows_the_door_s_own_certificate(
    start_hortus, tmp_path_factory: pytest.TempPathFactory, host: KeepingHost
) -> None:
    made = ensure_certificate(Home(tmp_path_factory.mktemp("certificate")), days=30, clock=SystemClock())
    environment = ONE_WORKER | {
        "HORTUS_TUNING_POLL_S": "0.1",
        "HORTUS_TLS_CERT": str(made.files.chain),
        "HORTUS_TLS_KEY": str(made.files.key),
    }
    garden = start_hortus(toml=TOML + keeper_toml(host, route="hosted"), environment=environment)
    trusted = openai.DefaultHttpxClient(verify=ssl.create_default_context(cafile=str(made.files.authority)))
    address, key = f"{garden.door}/v1", garden.new_key("library")
    with openai.OpenAI(base_url=address, api_key=key, max_retries=0, http_client=trusted) as client:
        done = ended(client, begin(client).id)
    assert done.status == "succeeded", done.error


def test_the_command_line_does_the_same(garden: Hortus, host: KeepingHost, tmp_path: Path) -> None:
    data = tmp_path / "lamps.jsonl"
    data.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in chats()))
    done = garden.cli("train", "--base", "hosted", "--data", str(data), "--project", "library", "--suffix", "cli")
    assert "ft:hosted:library:cli:" in done.stdout + done.stderr
    refused = garden.cli(
        *("train", "--base", "hosted", "--data", str(data), "--project", "library", "--rank", "4"), check=False
    )
    assert refused.returncode == 1
    assert "recipe.lora" in refused.stderr
    job = garden.cli_json("jobs", "list")[0]
    refused = garden.cli("deploy", job["id"], check=False)
    assert f"Ask for it as `{job['product']}`" in refused.stderr
