"""Commands against a running Hortus, as a user runs them."""

from __future__ import annotations

import asyncio
import copy
import os
import pty
import select
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import openai
import pytest
import trustme

from engines.fake_hub import FakeHub
from garden import Hortus, wait_for
from hortus.engines.sources import SEEDLING_FILE

pytestmark = pytest.mark.slow


def receipts(hortus: Hortus, receipt_id: str) -> list[dict]:
    return [one for one in hortus.cli_json("receipts", "--last", "100") if one["receipt_id"] == receipt_id]


def settled(hortus: Hortus, receipt_id: str) -> dict:
    return wait_for(
        lambda: next((one for one in receipts(hortus, receipt_id) if one["settled_at_ms"]), None), what=receipt_id
    )


def test_status_names_door_home_and_models(hortus: Hortus) -> None:
    status = hortus.cli_json("status")
    assert status["door"] == hortus.door
    assert status["home"] == str(hortus.home)
    assert status["configuration_error"] is None
    assert "seedling" in hortus.cli("status").stdout


def test_doctor_finds_nothing_wrong(hortus: Hortus) -> None:
    wait_for(lambda: hortus.cli_json("deployments")[0]["state"] == "ready", what="the seedling")
    done = hortus.cli("doctor", "--json", check=False)
    assert done.returncode == 0, done.stdout


def test_models_lists_routes_and_where_they_lead(hortus: Hortus) -> None:
    routes = {route["name"]: route for route in hortus.cli_json("models")}
    assert routes["replay"]["endpoints"] == ["replay"]
    assert routes["replay"]["where"].startswith("hortus.toml:") or "hortus.toml" in routes["replay"]["where"]
    assert "seedling" in routes


def test_ask_streams_an_answer_with_a_key_of_its_own(hortus: Hortus) -> None:
    done = hortus.cli("ask", "--route", "replay", "hello")
    assert done.stdout.strip()
    kept = hortus.home / "cli-key"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    first = kept.read_text()
    hortus.cli("ask", "--route", "replay", "again")
    assert kept.read_text() == first
    assert first not in done.stdout + done.stderr


def test_ask_makes_a_new_key_when_its_own_was_revoked(hortus: Hortus) -> None:
    hortus.cli("ask", "--route", "replay", "hello")
    before = (hortus.home / "cli-key").read_text()
    for key in hortus.cli_json("keys", "list", "--project", "cli"):
        hortus.cli("keys", "revoke", key["id"])
    wait_for(
        lambda: (hortus.cli("ask", "--route", "replay", "hello"), (hortus.home / "cli-key").read_text())[1] != before,
        what="a new key",
    )


def test_ask_leaves_a_receipt_with_tokens_and_attempts(hortus: Hortus) -> None:
    heard = hortus.cli_json("ask", "--route", "seedling", "The bin was not emptied.")
    receipt = settled(hortus, heard["receipt_id"])
    assert receipt["status"] == "completed"
    assert receipt["usage"]["output_tokens"] == heard["usage"]["completion_tokens"]
    assert Decimal(receipt["cost"]) == 0
    assert [attempt["endpoint"] for attempt in receipt["attempts"]] == ["seedling"]
    shown = hortus.cli("receipts", heard["receipt_id"]).stdout
    assert "price row" in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_receipts_are_listed_by_day_and_fit_80_columns(hortus: Hortus) -> None:
    heard = hortus.cli_json("ask", "--route", "seedling", "Where do I pay the dog tax?")
    settled(hortus, heard["receipt_id"])
    done = hortus.cli("receipts")
    assert heard["receipt_id"] in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_last_alone_shows_the_newest_receipt_in_full(hortus: Hortus) -> None:
    heard = hortus.cli_json("ask", "--route", "seedling", "My passport has expired.")
    settled(hortus, heard["receipt_id"])
    assert heard["receipt_id"] in hortus.cli("receipts", "--last").stdout
    assert [one["receipt_id"] for one in hortus.cli_json("receipts", "--last")] == [heard["receipt_id"]]


def test_receipts_of_one_project_only(hortus: Hortus) -> None:
    hortus.new_key("empty-handed")
    assert hortus.cli_json("receipts", "--project", "empty-handed") == []


def test_a_key_and_its_project_are_made_in_one_command(hortus: Hortus) -> None:
    made = hortus.cli_json("keys", "create", "--project", "timed", "--days", "2")
    with openai.OpenAI(base_url=made["base_url"], api_key=made["key"], max_retries=0) as client:
        assert [model.id for model in client.models.list()] == ["seedling"]
    listed = next(key for key in hortus.cli_json("keys", "list", "--project", "timed"))
    assert listed["expires_at_ms"] > listed["created_at_ms"]
    assert made["key"] not in hortus.cli("keys", "list").stdout


def test_the_key_alone_is_on_standard_output(hortus: Hortus) -> None:
    done = hortus.cli("keys", "create", "--project", "fresh")
    assert done.stdout.startswith("hortus_sk_")
    assert done.stdout.count("\n") == 1
    assert done.stdout.strip() not in done.stderr


def test_projects_are_made_allowed_narrowed_and_retired(hortus: Hortus) -> None:
    assert hortus.cli_json("projects", "create", "lab")["routes"] == ["seedling"]
    assert hortus.cli_json("projects", "allow", "lab", "replay", "eu/*")["routes"] == ["seedling", "replay", "eu/*"]
    assert hortus.cli_json("projects", "disallow", "lab", "seedling")["routes"] == ["replay", "eu/*"]
    assert hortus.cli_json("projects", "set", "lab", "--loss", "strict")["loss"] == "strict"
    assert hortus.cli_json("projects", "create", "loose", "--loss", "lenient")["loss"] == "lenient"
    hortus.cli("projects", "retire", "lab")
    assert "lab" not in {project["name"] for project in hortus.cli_json("projects", "list")}
    assert "lab" in {project["name"] for project in hortus.cli_json("projects", "list", "--all")}


def test_a_project_of_the_file_is_changed_in_the_file_only(hortus: Hortus) -> None:
    done = hortus.cli("projects", "allow", "default", "x", check=False)
    assert done.returncode == 1
    assert "hortus.toml" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("projects", "allow", "nobody", "x"), "nobody"),
        (("keys", "revoke", "key_none"), "no key"),
        (("keys", "create", "--project", "not a name"), "name"),
        (("receipts", "rcp_none"), "rcp_none"),
        (("connect", "no-such-host"), "no-such-host"),
        (("connect", "mistral"), "MISTRAL_API_KEY"),
        (("connect", "mistral", "--key-stdin", "--credential", "env:X"), "--key-stdin"),
        (("deployments", "retire", "nothing"), "nothing"),
        (("ask", "--route", "nothing", "hello"), "nothing"),
        (("ask", "--key", "hortus_sk_wrong", "hello"), "key"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_1(hortus: Hortus, arguments: tuple[str, ...], expected: str) -> None:
    done = hortus.cli(*arguments, check=False)
    assert done.returncode == 1
    assert expected in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_wrong_admin_token_says_what_to_set(hortus: Hortus) -> None:
    environment = {**hortus.environment, "HORTUS_ADMIN_TOKEN": "guessed-token", "HORTUS_URL": hortus.door}
    done = subprocess.run(
        [sys.executable, "-m", "hortus.cli", "keys"],
        env={**environment, "HORTUS_ADMIN_URL": hortus.admin},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "HORTUS_ADMIN_TOKEN" in done.stderr
    assert "guessed-token" not in done.stderr


def test_connecting_a_host_says_first_what_would_leave(start_hortus: Callable[..., Hortus]) -> None:
    one = start_hortus(environment={"MISTRAL_API_KEY": "sk-of-the-host"})
    assert "mistral" in one.cli_json("status")["lit_hosts"]
    assert [route["name"] for route in one.cli_json("models")] == ["seedling"], "a credential alone routes nothing"
    plan = one.cli_json("connect", "mistral", "--model", "mistral-large-2512", "--from-catalog", "--dry-run")
    assert plan["leaves"]
    assert [route["name"] for route in one.cli_json("models")] == ["seedling"]
    made = one.cli_json("connect", "mistral", "--model", "mistral-large-2512", "--from-catalog")
    assert made["routes"] == plan["routes"]
    assert set(made["routes"]) < {route["name"] for route in one.cli_json("models")}
    assert "mistral" in one.cli_json("status")["connected_hosts"]
    everything = "".join(one.cli(*command).stdout for command in (["status"], ["models"], ["doctor"], ["config"]))
    assert "sk-of-the-host" not in everything


@pytest.mark.parametrize("command", [("status",), ("keys", "create", "--project", "steady")])
def test_a_kill_of_the_control_process_is_not_seen(hortus: Hortus, command: tuple[str, ...]) -> None:
    os.kill(hortus.children()["control"], signal.SIGKILL)
    hortus.cli(*command)


def test_a_project_that_is_not_there_is_said_before_a_host_is_connected(hortus: Hortus) -> None:
    before = hortus.cli_json("status")["routes"]
    done = hortus.cli("connect", "together", "--key-stdin", "--project", "nowhere", stdin="key\n", check=False)
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert hortus.cli_json("status")["routes"] == before
    assert not (hortus.home / "credentials" / "together").exists()


def test_a_dry_run_needs_no_credential_and_says_which_is_missing(hortus: Hortus) -> None:
    plan = hortus.cli_json("connect", "cohere", "--dry-run")
    assert plan["routes"]
    assert "COHERE_API_KEY" in " ".join(plan["notes"])


def test_a_hosts_key_through_a_pipe_lies_in_a_private_file(hortus: Hortus) -> None:
    done = hortus.cli("connect", "groq", "--key-stdin", "--from-catalog", stdin="gsk-secret\n", check=False)
    kept = hortus.home / "credentials" / "groq"
    assert kept.read_text() == "gsk-secret"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert "gsk-secret" not in done.stdout + done.stderr


def test_a_model_file_is_deployed_asked_and_retired(hortus: Hortus, tmp_path: Path) -> None:
    shutil.copy(SEEDLING_FILE, tmp_path / "model.gguf")
    ready = hortus.cli_json("deploy", str(tmp_path / "model.gguf"), "--name", "second", "--context-tokens", "512")
    assert ready["state"] == "ready"
    assert hortus.cli("ask", "--route", "second", "The bin was not emptied.").stdout.strip()
    assert ready["is_current"]
    again = hortus.cli_json("deploy", str(tmp_path / "model.gguf"), "--name", "second", "--slots", "3")
    assert again["pid"] != ready["pid"]
    assert "second" in hortus.cli("deployments").stdout
    hortus.cli("deployments", "retire", "second")
    assert hortus.cli("ask", "--route", "second", "hello", check=False).returncode == 1


async def test_a_model_of_a_hub_is_fetched_once_and_runs(hortus: Hortus) -> None:
    async with FakeHub({"model-Q4_K_M.gguf": SEEDLING_FILE.read_bytes()}) as hub:
        near = copy.copy(hortus)
        near.environment = {**hortus.environment, "HORTUS_HUB_URL": hub.url}
        words = ("deploy", "maker/model", "--name", "fetched", "--context-tokens", "512")
        await asyncio.to_thread(near.cli, *words)
        assert (await asyncio.to_thread(near.cli, "ask", "--route", "fetched", "The bin is full.")).stdout.strip()
        downloads = len(hub.stored)
        await asyncio.to_thread(near.cli, "deployments", "retire", "fetched")
        await asyncio.to_thread(near.cli, "deploy", "maker/model", "--name", "again", "--context-tokens", "512")
        assert len(hub.stored) == downloads
        unknown = await asyncio.to_thread(near.cli, "deploy", "maker/none", "--name", "none", check=False)
        assert unknown.returncode == 1
        assert "maker/none" in unknown.stderr


def test_a_project_may_use_a_deployment_from_its_start(hortus: Hortus) -> None:
    hortus.cli("projects", "create", "labelled")
    hortus.cli("deploy", "seedling", "--name", "shared", "--context-tokens", "512", "--project", "labelled")
    routes = {project["name"]: project["routes"] for project in hortus.cli_json("projects", "list")}
    assert "shared" in routes["labelled"]


def test_an_unknown_project_is_said_before_anything_is_deployed(hortus: Hortus) -> None:
    done = hortus.cli("deploy", "seedling", "--name", "unshared", "--project", "nobody", check=False)
    assert done.returncode == 1
    assert "nobody" in done.stderr
    assert "unshared" not in {one["name"] for one in hortus.cli_json("deployments")}


def test_a_file_that_is_no_model_is_refused_and_nothing_stays(hortus: Hortus, tmp_path: Path) -> None:
    (tmp_path / "text.gguf").write_text("not a model")
    done = hortus.cli("deploy", str(tmp_path / "text.gguf"), "--name", "text", check=False)
    assert done.returncode == 1
    assert "text.gguf" in done.stderr
    assert "text" not in {one["name"] for one in hortus.cli_json("deployments")}


def test_commands_reach_a_door_with_tls(start_hortus: Callable[..., Hortus], tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain = b"".join(blob.bytes() for blob in (*certificate.cert_chain_pems, authority.cert_pem))
    (tmp_path / "chain.pem").write_bytes(chain)
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    flags = ("--tls-cert", str(tmp_path / "chain.pem"), "--tls-key", str(tmp_path / "key.pem"), "--workers", "1")
    one = start_hortus(flags=flags)
    assert one.door.startswith("https://")
    assert one.cli("ask", "The bin was not emptied.").stdout.strip()
    assert one.cli_json("status")["door"] == one.door


def test_nothing_runs_after_a_stop_and_commands_say_so(start_hortus: Callable[..., Hortus]) -> None:
    one = start_hortus()
    assert one.stop() == 0
    done = one.cli("models", check=False)
    assert done.returncode == 1
    assert "hortus up" in done.stderr
    assert one.children() == {}


class TestUpOnce:
    """`hortus up --once`, from nothing to the first answer."""

    def run(self, directory: Path, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
        one = Hortus(directory, environment=environment)
        (directory / "hortus.toml").unlink()
        try:
            return one.cli("up", "--once", "--port", "0", "--workers", "1", *flags, check=False)
        finally:
            one.close()

    def test_it_shows_addresses_token_makers_and_the_first_answer(self, tmp_path: Path) -> None:
        done = self.run(tmp_path)
        assert done.returncode == 0, done.stderr
        token = (tmp_path / ".hortus" / "admin-token").read_text().strip()
        assert token in done.stdout
        assert "/v1" in done.stdout
        assert "MISTRAL_API_KEY" in done.stdout
        assert "seedling" in done.stdout
        assert "hortus_sk_" not in done.stdout + done.stderr
        assert "rcp_" in done.stdout
        assert "hortus deploy" in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 80 + len(str(tmp_path))

    def test_a_service_does_not_write_the_token_to_its_log(self, tmp_path: Path) -> None:
        done = self.run(tmp_path, "--no-question")
        assert done.returncode == 0
        assert (tmp_path / ".hortus" / "admin-token").read_text().strip() not in done.stdout + done.stderr
        assert "admin-token" in done.stdout

    def test_the_second_start_keeps_the_token_to_itself(self, tmp_path: Path) -> None:
        self.run(tmp_path)
        done = self.run(tmp_path)
        assert done.returncode == 0
        assert (tmp_path / ".hortus" / "admin-token").read_text().strip() not in done.stdout

    def test_a_lit_host_is_offered_but_never_connected_without_a_person(self, tmp_path: Path) -> None:
        done = self.run(tmp_path, MISTRAL_API_KEY="sk-of-the-host")
        assert done.returncode == 0
        assert "hortus connect mistral" in done.stdout
        assert "Connected makers and hosts: none yet" in done.stdout
        assert "sk-of-the-host" not in done.stdout + done.stderr

    def test_the_first_question_makes_no_further_key_at_the_next_start(self, tmp_path: Path) -> None:
        self.run(tmp_path)
        self.run(tmp_path)
        one = Hortus(tmp_path)
        one.start("--workers", "1")
        try:
            assert [key["name"] for key in one.cli_json("keys", "list")] == ["hortus ask"]
        finally:
            one.close()


def test_a_person_at_a_fresh_installation_may_connect_a_lit_host(tmp_path: Path) -> None:
    one = Hortus(tmp_path, environment={"GROQ_API_KEY": "gsk-x", "TERM": "dumb"})
    (tmp_path / "hortus.toml").unlink()
    command = [sys.executable, "-m", "hortus.cli", "up", "--once", "--port", "0", "--workers", "1"]
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command, cwd=tmp_path, env=one.environment, stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    seen = b""
    answered = False
    try:
        while select.select([leader], [], [], 60)[0]:
            try:
                seen += os.read(leader, 65536)
            except OSError:
                break
            if b"[y/N]" in seen and not answered:
                os.write(leader, b"y\n")
                answered = True
        assert process.wait(timeout=60) == 0, seen.decode()
    finally:
        process.kill()
        process.wait()
        os.close(leader)
        one.close()
    text = seen.decode()
    assert "would get" in text
    assert "Routes: " in text
    assert "gsk-x" not in text
