"""What a host has tuned is promoted only where it is better than its base, both asked through the door."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec
import openai
import pytest
from hosted_jobs import CHATS, FILES, JOBS, as_usual, asked, at_host, begin, bring, chats, ended, kill_step, words
from keeper import ONE_WORKER, keeper_toml

from garden import Hortus, wait_for
from hortus.testkit.keeping_host import KeepingHost

pytestmark = pytest.mark.slow

TOML = """
[[policy]]
name = "at-home"
compute_in = ["EU"]
"""
ROUTES = ("--route", "hosted", "--route", "workshop", "--route", "ft:*")


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
def key(garden: Hortus) -> str:
    garden.cli("projects", "create", "library", *ROUTES)
    return garden.new_key("library")


@pytest.fixture
def client(garden: Hortus, key: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{garden.door}/v1", api_key=key, max_retries=0) as one:
        yield one


def asked_of(host: KeepingHost, model: str) -> list[int]:
    """Return how often a model was asked each question that it was asked."""
    found = [msgspec.json.decode(one.body) for one in asked(host, "POST", CHATS)]
    return list(Counter(one["messages"][-1]["content"] for one in found if one["model"] == model).values())


def tuned(host: KeepingHost) -> str:
    """Return what the host calls, or will call, the model of its newest job."""
    return f"ft:up:org::{at_host(host)['id']}"


def verdict(garden: Hortus, job_id: str) -> Any:
    return garden.cli_json("jobs", "verdict", job_id)["verdict"]


def wait_for_the_host(client: openai.OpenAI, job_id: str) -> None:
    wait_for(lambda: "The host's own job is" in words(client, job_id), within_s=60, what="the host's job")


def hold_while_the_product_is_asked(client: openai.OpenAI, host: KeepingHost, *, models: set[str]) -> Any:
    """Begin a job whose tuned model is one of the host's `models`; return it once that model has been asked."""
    host.tuning_jobs.is_holding = True
    job = begin(client)
    wait_for_the_host(client, job.id)
    models.add(tuned(host))
    host.tuning_jobs.is_holding = False
    wait_for(lambda: asked_of(host, tuned(host)), within_s=60, what="a question to the tuned model")
    return job


def is_judged_next(client: openai.OpenAI, job_id: str) -> bool:
    return client.fine_tuning.jobs.retrieve(job_id).hortus["phase"] == "evaluate"


def test_a_better_model_passes_and_the_verdict_says_what_was_compared(
    garden: Hortus, client: openai.OpenAI, host: KeepingHost
) -> None:
    done = ended(client, begin(client).id)
    assert done.status == "succeeded", done.error
    found = verdict(garden, done.id)
    assert [(one["name"], one["passed"]) for one in found["checks"]] == [("gain", True)]
    assert "No answers of a trainer were compared" in found["sentence"]
    figures = found["suites"][0]
    assert (figures["base"]["value"], figures["product"]["value"]) == (0.0, 1.0)
    assert done.hortus["verdict"]["passed"] is True
    assert asked_of(host, "up") == asked_of(host, tuned(host)) == [1] * figures["items"]

    def receipts() -> int:
        found = garden.cli_json("receipts", "--last", "1000", "--project", "library")
        chats = [(one["caller"]["key_id"], one["model"]) for one in found if one["operation"] == "chat"]
        keys = {key for key, model in chats if model == tuned(host)}  # the gate's own, of this job
        return sum(key in keys for key, _ in chats)

    wait_for(lambda: receipts() == 2 * figures["items"], what="a receipt of each question")


def test_a_model_that_is_as_good_as_its_base_is_barred_and_gets_no_route(
    garden: Hortus, client: openai.OpenAI, host: KeepingHost
) -> None:
    host.tuning_jobs.is_learning = False
    done = ended(client, begin(client).id)
    assert (done.status, done.error.code, done.fine_tuned_model) == ("failed", "barred_by_gate", None)
    assert f"Its host has it as {tuned(host)}." in done.error.message
    assert verdict(garden, done.id)["passed"] is False
    assert not [one.id for one in client.models.list() if one.id.endswith(done.id[-8:])]


def test_as_many_questions_are_asked_as_the_gate_says(client: openai.OpenAI, host: KeepingHost) -> None:
    asks = {"gate": {"most_items": 20, "margin": 0.1}, "held_out_share": 0.5}
    done = ended(client, begin(client, training_file=bring(client, chats(80)), extra_body={"hortus": asks}).id)
    assert done.status == "succeeded", done.error
    assert (len(asked_of(host, "up")), len(asked_of(host, tuned(host)))) == (20, 20)


def test_a_hundred_are_asked_where_nobody_says_how_many(client: openai.OpenAI, host: KeepingHost) -> None:
    many = bring(client, chats(300))
    job = begin(client, training_file=many, extra_body={"hortus": {"held_out_share": 0.5}})
    assert (job.hortus["gate"]["most_items"], job.hortus["gate"]["references"]) == (100, 0)
    assert ended(client, job.id).status == "succeeded"
    assert (len(asked_of(host, "up")), len(asked_of(host, tuned(host)))) == (100, 100)


def test_a_suite_in_which_it_got_worse_bars_it(
    garden: Hortus, client: openai.OpenAI, host: KeepingHost, tmp_path: Any
) -> None:
    lines = [
        {"messages": [{"role": "user", "content": f"Lamp {one} is dark."}, {"role": "assistant", "content": "Yes."}]}
        for one in range(10)
    ]
    path = tmp_path / "yes.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in lines))
    garden.cli("suites", "add", "yes", str(path))
    done = ended(client, begin(client, extra_body={"hortus": {"gate": {"suites": ["yes"]}}}).id)
    assert (done.status, done.error.code) == ("failed", "barred_by_gate")
    checks = {one["name"]: one["passed"] for one in verdict(garden, done.id)["checks"]}
    assert checks == {"gain": True, "suite:yes": False}


def test_a_killed_evaluation_asks_nothing_twice_that_was_answered(client: openai.OpenAI, host: KeepingHost) -> None:
    job = hold_while_the_product_is_asked(client, host, models=host.silent_models)
    kill_step(job.id, "evaluate")
    host.silent_models.clear()
    done = ended(client, job.id)
    assert done.status == "succeeded", done.error
    assert set(asked_of(host, "up")) == {1}


def test_a_model_that_its_host_does_not_know_at_once_is_asked_again(client: openai.OpenAI, host: KeepingHost) -> None:
    job = hold_while_the_product_is_asked(client, host, models=host.unknown_models)
    host.unknown_models.clear()
    done = ended(client, job.id)
    assert done.status == "succeeded", done.error


@pytest.mark.parametrize("role", ["control", "supervisor"])
def test_whoever_is_killed_while_the_gate_asks_the_end_is_the_same(
    garden: Hortus, client: openai.OpenAI, host: KeepingHost, role: str
) -> None:
    job = hold_while_the_product_is_asked(client, host, models=host.silent_models)
    os.kill(garden.children()[role], signal.SIGKILL)
    host.silent_models.clear()
    done = ended(client, job.id)
    assert done.status == "succeeded", done.error
    assert set(asked_of(host, "up")) == {1}
    assert (len(asked(host, "POST", FILES)), len(asked(host, "POST", JOBS))) == (2, 1)


@pytest.mark.parametrize(
    ("named", "command"),
    [
        ("at-home", ("projects", "set", "{project}", "--policy", "at-home")),
        (
            "price",
            (
                *("limits", "set", "{project}", "--project", "{project}"),
                *("--money", "5", "--currency", "USD", "--per", "total", "--hard"),
            ),
        ),
    ],
    ids=["policy", "budget"],
)
def test_questions_that_policy_or_budget_refuse_end_the_job_and_are_not_asked(
    garden: Hortus, host: KeepingHost, named: str, command: tuple[str, ...]
) -> None:
    project = f"late-{named}"
    garden.cli("projects", "create", project, *ROUTES)
    with openai.OpenAI(base_url=f"{garden.door}/v1", api_key=garden.new_key(project), max_retries=0) as client:
        host.tuning_jobs.is_holding = True
        job = begin(client)
        wait_for_the_host(client, job.id)
        supervisor = garden.children()["supervisor"]
        os.kill(supervisor, signal.SIGSTOP)  # the evaluation does not begin before the rule is there
        try:
            host.tuning_jobs.is_holding = False
            wait_for(lambda: is_judged_next(client, job.id), within_s=60, what="the turn of the gate")
            garden.cli(*(one.format(project=project) for one in command))
        finally:
            os.kill(supervisor, signal.SIGCONT)
        done = ended(client, job.id)
    assert (done.status, done.error.code, done.fine_tuned_model) == ("failed", "route_refused", None)
    assert named in done.error.message
    assert f"Its host has it as {tuned(host)}." in done.error.message
    assert asked(host, "POST", CHATS) == []


def test_when_everything_is_killed_while_the_gate_asks_the_next_start_goes_on(
    garden: Hortus, key: str, client: openai.OpenAI, host: KeepingHost
) -> None:
    job = hold_while_the_product_is_asked(client, host, models=host.silent_models)
    garden.kill_everything()
    host.silent_models.clear()
    garden.start()
    with openai.OpenAI(base_url=f"{garden.door}/v1", api_key=key, max_retries=0) as again:
        done = ended(again, job.id)
    assert done.status == "succeeded", done.error
    assert set(asked_of(host, "up")) == {1}
