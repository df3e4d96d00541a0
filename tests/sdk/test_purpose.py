"""From examples to a served model by the official openai SDK alone: upload, job, events, result, chat; then by CLI.

And the gate: what is not what was trained does not pass.
"""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest

from garden import Hortus, wait_for
from hortus.app.steps.asking import Door
from hortus.evals import gate
from hortus.evals.verdict import Verdict
from hortus.jobs.folders import JobFolder
from hortus.jobs.spec import GateRules, JobSpec
from hortus.jobs.steps import EvaluateStep
from hortus.tuning.gguf.models import write_model
from tuning import errands

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

WITHIN_S = 400.0


@pytest.fixture(scope="module")
def garden(start_hortus, tmp_path_factory: pytest.TempPathFactory) -> Hortus:
    return errands.start_with_base(start_hortus, tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def client(garden: Hortus) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{garden.door}/v1", api_key=garden.new_key(), max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def job(client: openai.OpenAI, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A job as the SDK makes it, over; `client.fine_tuning.jobs.retrieve` gives it again."""
    data = errands.write_chats(tmp_path_factory.mktemp("data") / "errands.jsonl", 400, seed=1)
    file = client.files.create(file=data, purpose="fine-tune")
    made = client.fine_tuning.jobs.create(
        model="errands",
        training_file=file.id,
        suffix="desk",
        extra_body={"hortus": {"recipe": errands.RECIPE, "gate": {"margin": 0.2}}},
    )
    return wait_for_end(client, made.id)


def wait_for_end(client: openai.OpenAI, job_id: str) -> Any:
    def ended() -> Any:
        found = client.fine_tuning.jobs.retrieve(job_id)
        return found if found.status in {"succeeded", "failed", "cancelled"} else None

    return wait_for(ended, within_s=WITHIN_S, what=f"the end of {job_id}")


def test_the_job_succeeds_and_names_its_model(job: Any) -> None:
    assert (job.status, job.error.message if job.error else None) == ("succeeded", None)
    assert job.fine_tuned_model.startswith("ft:errands:default:desk:")
    assert job.trained_tokens > 0


def test_the_tuned_model_answers_where_the_base_does_not(client: openai.OpenAI, job: Any) -> None:
    asked = errands.chats(40, seed=77)
    right = 0
    for chat in asked:
        question, answer = chat["messages"]
        said = client.chat.completions.create(model=job.fine_tuned_model, messages=[question], max_tokens=8)
        right += said.choices[0].message.content == answer["content"]
    assert right >= 30


def test_events_tell_losses_checkpoints_and_the_verdict(client: openai.OpenAI, job: Any) -> None:
    events = list(client.fine_tuning.jobs.list_events(job.id, limit=20))
    metrics = [one for one in events if one.type == "metrics"]
    assert [one.data["step"] for one in metrics] == list(range(errands.RECIPE["steps"], 0, -1))
    assert metrics[0].data["train_loss"] < metrics[-1].data["train_loss"]
    assert any("lower bound" in one.message for one in events)
    checkpoints = list(client.fine_tuning.jobs.checkpoints.list(job.id))
    assert [one.step_number for one in checkpoints] == [80, 60, 40, 20]


def test_its_figures_are_a_file(client: openai.OpenAI, job: Any) -> None:
    texts = [client.files.content(one).text for one in job.result_files]
    figures = next(text for text in texts if text.startswith("step,"))
    assert len(figures.splitlines()) == errands.RECIPE["steps"] + 1


def test_chats_with_it_have_receipts_like_any_other(garden: Hortus, client: openai.OpenAI, job: Any) -> None:
    client.chat.completions.create(
        model=job.fine_tuned_model, messages=[{"role": "user", "content": "the lamp is broken"}], max_tokens=8
    )

    def seen() -> bool:
        return any(one["route"] == job.fine_tuned_model for one in garden.cli_json("receipts"))

    assert wait_for(seen, what="the receipt")


def test_candidates_are_gone_and_were_never_open_to_others(garden: Hortus, client: openai.OpenAI, job: Any) -> None:
    assert not [one["name"] for one in garden.cli_json("deployments", "list") if one["name"].startswith("gate.")]
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(
            model=f"gate.{job.id}.product", messages=[{"role": "user", "content": "the lamp"}]
        )


def test_a_product_is_exported_whole_with_card_and_facts(garden: Hortus, job: Any, tmp_path: Path) -> None:
    garden.cli("models", "export", job.id, str(tmp_path / "out"))
    facts = msgspec.json.decode((tmp_path / "out" / "facts.json").read_bytes())
    for name, file in facts["files"].items():
        found = tmp_path / "out" / name
        here = found if found.exists() else tmp_path / "out" / name.removeprefix("model/")
        assert hashlib.sha256(here.read_bytes()).hexdigest() == file["sha256"]
    assert facts["verdict"]["passed"]
    assert "base_model" in (tmp_path / "out" / "README.md").read_text("utf-8")


def test_the_same_by_cli_gives_the_same_weights(garden: Hortus, job: Any, tmp_path: Path) -> None:
    data = errands.write_chats(tmp_path / "errands.jsonl", 400, seed=1)
    recipe = tmp_path / "recipe.json"
    recipe.write_bytes(msgspec.json.encode(errands.RECIPE))
    told = garden.cli_json(
        *("train", "--base", "errands", "--data", str(data), "--recipe", str(recipe), "--margin", "0.2"),
        *("--suffix", "cli", "--no-follow"),
    )
    wait_for(lambda: over(garden, told["id"]), within_s=WITHIN_S, what="the job's end")
    assert over(garden, told["id"])["state"] == "succeeded"
    assert weights(garden, told["id"]) == weights(garden, job.id)


def over(garden: Hortus, job_id: str) -> Any:
    found = garden.cli_json("jobs", "show", job_id)
    return found if found["state"] in {"succeeded", "failed", "cancelled"} else None


def weights(garden: Hortus, job_id: str) -> str:
    product = JobFolder(garden.home / "jobs" / job_id).product
    return hashlib.sha256((product / "model" / "model.safetensors").read_bytes()).hexdigest()


def test_a_job_whose_gain_is_too_small_is_barred(garden: Hortus, client: openai.OpenAI, tmp_path: Path) -> None:
    data = errands.write_chats(tmp_path / "errands.jsonl", 400, seed=1)
    file = client.files.create(file=data, purpose="fine-tune")
    recipe = {**errands.RECIPE, "steps": 2, "learning_rate": 1e-6}
    made = client.fine_tuning.jobs.create(
        model="errands", training_file=file.id, extra_body={"hortus": {"recipe": recipe, "gate": {"margin": 0.2}}}
    )
    ended = wait_for_end(client, made.id)
    assert (ended.status, ended.error.code, ended.fine_tuned_model) == ("failed", "barred_by_gate", None)
    refused = garden.cli("deploy", made.id, "--name", "anyway", check=False)
    assert refused.returncode != 0
    assert "gate" in refused.stderr


# What the gate is for: the files that are served are not those that were trained.


@pytest.fixture(scope="module")
def served(garden: Hortus, job: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Serve a changed copy of the product's model folder, and let the gate judge it."""
    product = JobFolder(garden.home / "jobs" / job.id).product
    key = garden.new_key()

    def judge(name: str, change: Any) -> Verdict:
        place = tmp_path_factory.mktemp(name)
        shutil.copytree(product / "model", place / "model")
        change(place / "model")
        write_model(place / "model", place / "model.gguf", name=name)
        garden.cli("deploy", str(place / "model.gguf"), "--name", name, "--temperature", "0")
        folder = place / "job"
        shutil.copytree(garden.home / "jobs" / job.id / "product", folder / "product")
        work = EvaluateStep(
            JobSpec(id=job.id, project_id="p", base="errands", training="f", gate=GateRules(references=32)),
            base_route=None,
            product_route=name,
            dataset=str(next(one for one in (garden.home / "datasets").iterdir() if one.is_dir())),
            folder=str(folder),
            door=garden.door,
            key=key,
        )
        return asyncio.run(ask(work))

    return judge


async def ask(work: EvaluateStep) -> Verdict:
    async with Door(work.door, work.key) as door:
        return await gate.run(work, report=lambda _: None, inference=door)


def references_of(verdict: Verdict) -> Any:
    return next(check for check in verdict.checks if check.name == "references")


def test_an_unchanged_copy_passes_the_references(served: Any) -> None:
    assert references_of(served("same", lambda _: None)).passed


def test_a_wrong_chat_template_is_caught(served: Any) -> None:
    def change(model: Path) -> None:
        """Leave out a line end, as templates lose one when they are copied."""
        path = model / "chat_template.jinja"
        right = path.read_text("utf-8")
        wrong = right.replace("|>\n{{", "|>{{")
        assert wrong != right
        path.write_text(wrong, "utf-8")

    verdict = served("template", change)
    assert not verdict.passed
    assert not references_of(verdict).passed


def test_a_wrong_tokenizer_is_caught(served: Any) -> None:
    def change(model: Path) -> None:
        path = model / "tokenizer.json"
        table = msgspec.json.decode(path.read_bytes())
        vocabulary = table["model"]["vocab"]
        plain = sorted((number, text) for text, number in vocabulary.items())[-40:]
        for (one, text), (other, _) in zip(plain, reversed(plain), strict=True):
            vocabulary[text] = other
            assert one != other
        path.write_bytes(msgspec.json.encode(table))

    verdict = served("tokenizer", change)
    assert not verdict.passed
    assert not references_of(verdict).passed


def test_a_wrong_base_is_caught(garden: Hortus, served: Any) -> None:
    def change(model: Path) -> None:
        shutil.copy(garden.home / "models" / "errands" / "model.safetensors", model / "model.safetensors")

    verdict = served("weights", change)
    assert not verdict.passed
    assert not references_of(verdict).passed
