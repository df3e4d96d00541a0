"""`hortus train`, `jobs`, `datasets`, `suites` and `models` against a running Hortus, as a user runs them."""

from __future__ import annotations

import os
import pty
import random
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from garden import Hortus, wait_for

pytestmark = pytest.mark.slow

SAID = {
    "bins": ("empty the bin", "the rubbish bin", "a full bin"),
    "books": ("borrow a book", "the reading room", "a late book"),
}
RECIPE = """
batch_size = 16
steps = 150
learning_rate = 0.003
evaluate_every = 50
checkpoint_every = 75
max_tokens = 64

[shape]
hidden = 64
layers = 2
heads = 2
inner = 128
vocabulary = 400
context_tokens = 128
"""
ABOUT = """
maker = "City of Somewhere"
intended_purpose = "Sorting letters."
limits = ["It knows two offices."]
data_description = "Made-up letters."
data_licence = "CC0-1.0"
"""
FROM_NOTHING = ("--base", "scratch", "--method", "scratch")
SECONDS = 180.0


def chat(question: str, answer: str) -> bytes:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return msgspec.json.encode({"messages": messages}) + b"\n"


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Examples that a tiny model learns in seconds, with a recipe for it and a suite beside them."""
    drawn = random.Random(7)
    folder = tmp_path_factory.mktemp("examples")
    labels = [drawn.choice(("bins", "books")) for _ in range(240)]
    lines = [chat(f"{drawn.choice(SAID[label])} {drawn.randint(0, 999)}", label) for label in labels]
    (folder / "desk.jsonl").write_bytes(b"".join(lines))
    (folder / "bad.jsonl").write_bytes(b"{oops\n" + b"".join(lines[:20]) + chat("what?", ""))
    (folder / "suite.jsonl").write_bytes(b"".join(lines[:10]))
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "about.toml").write_text(ABOUT)
    return folder


@pytest.fixture(scope="module")
def trained(hortus: Hortus, examples: Path) -> dict[str, Any]:
    """A job that has gone all the way, by the command line alone."""
    files = {"--data": "desk.jsonl", "--recipe": "recipe.toml", "--about": "about.toml"}
    arguments = [word for option, name in files.items() for word in (option, str(examples / name))]
    begun = hortus.cli_json("train", *arguments, *FROM_NOTHING, "--full", "--suffix", "desk", "--no-follow")
    return wait_for(lambda: _over(hortus, begun["id"]), within_s=SECONDS, what="the end of the training")


def _over(hortus: Hortus, job_id: str) -> dict[str, Any] | None:
    job = hortus.cli_json("jobs", "show", job_id)
    return job if job["state"] in {"succeeded", "failed", "cancelled"} else None


def test_a_model_is_trained_judged_and_answers_under_its_own_name(hortus: Hortus, trained: dict[str, Any]) -> None:
    assert trained["error"] is None
    assert (trained["state"], trained["passed"]) == ("succeeded", True)
    said = hortus.cli("ask", "--route", trained["product"], "empty the bin 12").stdout
    assert said.strip() == "bins"


def test_the_verdict_is_a_table_of_what_was_checked(hortus: Hortus, trained: dict[str, Any]) -> None:
    told = hortus.cli("jobs", "verdict", trained["id"]).stdout
    assert "references" in told
    assert "passed" in told
    assert "barred" not in told


def test_following_a_job_that_is_over_tells_its_route(hortus: Hortus, trained: dict[str, Any]) -> None:
    done = hortus.cli("jobs", "follow", trained["id"])
    assert f"hortus ask --route {trained['product']}" in done.stderr


def test_the_loss_is_drawn_on_the_terminal_and_as_a_file(hortus: Hortus, trained: dict[str, Any]) -> None:
    assert "└" in hortus.cli("jobs", "plot", trained["id"]).stdout
    hortus.cli("jobs", "plot", trained["id"], "--svg", "loss.svg")
    assert (hortus.directory / "loss.svg").read_text().startswith("<svg")


def test_a_product_is_served_under_a_name_of_ones_own(hortus: Hortus, trained: dict[str, Any]) -> None:
    ready = hortus.cli_json("deploy", trained["id"], "--name", "desk")
    assert (ready["name"], ready["state"]) == ("desk", "ready")
    assert hortus.cli("ask", "--route", "desk", "a late book 5").stdout.strip() == "books"


def test_a_product_is_taken_away_as_a_folder_with_its_papers(hortus: Hortus, trained: dict[str, Any]) -> None:
    exported = hortus.cli_json("models", "export", trained["id"], "desk-model")
    names = {path.name for path in Path(exported["folder"]).iterdir()}
    assert {"README.md", "facts.json", "config.json", "model.safetensors", "tokenizer.json"} <= names


def test_what_people_said_of_a_product_stands_in_its_papers(hortus: Hortus, trained: dict[str, Any]) -> None:
    folder = Path(hortus.cli_json("models", "export", trained["id"], "with-words")["folder"])
    facts = msgspec.json.decode((folder / "facts.json").read_bytes())
    assert (facts["maker"], facts["intended_purpose"]) == ("City of Somewhere", "Sorting letters.")
    assert (facts["data"]["description"], facts["data"]["licence"]) == ("Made-up letters.", "CC0-1.0")
    assert facts["limits"][0] == "It knows two offices."
    assert not [one for one in facts["open_questions"] if "maker of this model" in one or "licence" in one]
    assert "## Intended purpose\n\nSorting letters.\n" in (folder / "README.md").read_text()


def test_an_exported_product_is_a_base_again(hortus: Hortus, trained: dict[str, Any]) -> None:
    folder = hortus.cli_json("models", "export", trained["id"], "to-be-a-base")["folder"]
    added = hortus.cli_json("models", "add", folder, "--name", "desk-base")
    assert (added["name"], added["architecture"]) == ("desk-base", "LlamaForCausalLM")
    assert "desk-base" in hortus.cli("models", "bases").stdout


def test_the_dataset_that_was_learnt_from_is_listed(hortus: Hortus, trained: dict[str, Any]) -> None:
    assert trained["dataset"][:12] in hortus.cli("datasets").stdout
    shown = hortus.cli("datasets", "show", trained["dataset"][:12]).stdout
    assert "bins" in shown
    assert "tokens" in shown


def test_every_bad_line_is_named_and_nothing_is_left(hortus: Hortus, examples: Path) -> None:
    done = hortus.cli("datasets", "check", str(examples / "bad.jsonl"), *FROM_NOTHING, check=False)
    assert done.returncode == 1
    assert "not valid JSON" in done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert [row[1] for row in rows if row[:1] == ["training"]] == ["1", "22"]
    assert "Traceback" not in done.stderr


def test_a_check_as_json_is_a_document_alone(hortus: Hortus, examples: Path) -> None:
    found = hortus.cli_json("datasets", "check", str(examples / "desk.jsonl"), *FROM_NOTHING)
    assert found["result"]["facts"]["examples"] == 240
    assert found["job"]["check_only"] is True


def test_a_job_that_is_refused_leaves_no_file_behind(hortus: Hortus, examples: Path) -> None:
    refused = hortus.cli("train", "--data", str(examples / "desk.jsonl"), "--base", "nope", check=False)
    assert refused.returncode == 1
    assert "no base that can be tuned" in refused.stderr
    kept = {path.name for path in (hortus.home / "files").iterdir()}
    assert kept == {job["training"] for job in hortus.cli_json("jobs")}


def test_a_check_leaves_no_job_behind(hortus: Hortus, examples: Path) -> None:
    before = hortus.cli_json("jobs")
    hortus.cli("datasets", "check", str(examples / "desk.jsonl"), *FROM_NOTHING)
    assert hortus.cli_json("jobs") == before


def test_a_cancelled_job_ends_and_cannot_be_served(hortus: Hortus, examples: Path) -> None:
    job = hortus.cli_json("train", "--data", str(examples / "desk.jsonl"), *FROM_NOTHING, "--full", "--no-follow")
    hortus.cli("jobs", "cancel", job["id"])
    ended = wait_for(lambda: _over(hortus, job["id"]), what="the end of the job")
    assert ended["state"] == "cancelled"
    refused = hortus.cli("deploy", job["id"], check=False)
    assert refused.returncode == 1
    assert "nothing to serve" in refused.stderr


def _measured(hortus: Hortus, job_id: str) -> dict[str, Any] | None:
    job = hortus.cli_json("jobs", "show", job_id)
    return job if job["held_bytes"] is not None else None


def test_what_a_cancelled_job_has_left_is_removed_and_a_served_product_is_not(
    hortus: Hortus, examples: Path, trained: dict[str, Any]
) -> None:
    job = hortus.cli_json("train", "--data", str(examples / "desk.jsonl"), *FROM_NOTHING, "--full", "--no-follow")
    hortus.cli("jobs", "cancel", job["id"])
    wait_for(lambda: _measured(hortus, job["id"]), within_s=SECONDS, what="what the job has left")
    assert "holds nothing" in hortus.cli("jobs", "remove", job["id"]).stderr
    assert not (hortus.home / "jobs" / job["id"]).exists()
    assert "removed" in hortus.cli("jobs", "show", job["id"]).stdout
    held = wait_for(lambda: _measured(hortus, trained["id"]), within_s=SECONDS, what="what the product holds")
    assert held["held_bytes"] > 0
    refused = hortus.cli("jobs", "remove", trained["id"], check=False)
    assert refused.returncode == 1
    assert "hortus deployments retire" in refused.stderr
    assert hortus.cli("ask", "--route", trained["product"], "empty the bin 12").stdout.strip() == "bins"


def test_a_suite_is_brought_listed_and_removed(hortus: Hortus, examples: Path) -> None:
    assert hortus.cli_json("suites", "add", "desk", str(examples / "suite.jsonl"))["items"] == 10
    assert "desk" in hortus.cli("suites").stdout
    hortus.cli("suites", "remove", "desk")
    assert hortus.cli_json("suites") == []


def test_ctrl_c_leaves_the_job_running_and_says_how_to_come_back(hortus: Hortus, examples: Path) -> None:
    arguments = ("train", "--data", str(examples / "desk.jsonl"), *FROM_NOTHING, "--full")
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "hortus.cli", *arguments],
        cwd=hortus.directory,
        env={**hortus.environment, "TERM": "xterm", "COLUMNS": "200"},
        stdin=slave,
        stdout=slave,
        stderr=slave,
    )
    os.close(slave)
    said = _read(master, until="Created fine-tuning job")
    process.send_signal(signal.SIGINT)
    said += _read(master, until="jobs cancel")
    assert process.wait(timeout=30) == 130
    os.close(master)
    assert "The job goes on" in said
    job = hortus.cli_json("jobs")[0]
    assert job["state"] not in {"cancelled", "failed"}
    hortus.cli("jobs", "cancel", job["id"])
    wait_for(lambda: _over(hortus, job["id"]), what="the end of the job")


def _read(master: int, *, until: str) -> str:
    """Return what a terminal shows, until it shows some words."""
    said = ""

    def shows() -> bool:
        nonlocal said
        ready, _, _ = select.select([master], [], [], 0.1)
        if ready:
            try:
                said += os.read(master, 65_536).decode(errors="replace")
            except OSError:  # the other end is closed, and all is read
                pytest.fail(f"the command ended before it showed {until!r}; it showed {said!r}")
        return until in said

    wait_for(shows, within_s=60.0, what=repr(until))
    return said
