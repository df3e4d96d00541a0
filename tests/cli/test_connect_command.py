"""`hortus connect` as a user runs it, against clouds on loopback that check who asks."""

from __future__ import annotations

import asyncio
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from control.fake_clouds import KEY_ID, SECRET, Cloud, running_cloud
from garden import Hortus

pytestmark = pytest.mark.slow

BEDROCK = ("connect", "bedrock", "--set", "region=eu-central-1", "--private-address")


@contextmanager
def cloud_beside() -> Iterator[Cloud]:
    """Run a cloud in a thread of its own: commands block this one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="cloud", daemon=True)
    thread.start()
    running = running_cloud()
    cloud = asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result(timeout=10)
    try:
        yield cloud
    finally:
        asyncio.run_coroutine_threadsafe(running.__aexit__(None, None, None), loop).result(timeout=10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def foundation(name: str) -> dict[str, Any]:
    said = {"modelId": name, "outputModalities": ["TEXT"], "inferenceTypesSupported": ["ON_DEMAND"]}
    return {**said, "modelLifecycle": {"status": "ACTIVE"}}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with cloud_beside() as one:
        listed = [foundation("openai.gpt-oss-20b-1:0"), foundation("somebody.new-model-v1:0")]
        one.answers["/foundation-models"] = lambda asked: (
            (200, {"modelSummaries": listed}) if one.is_signed(asked) else (403, {"message": "no"})
        )
        one.answers["/inference-profiles"] = 200, {"inferenceProfileSummaries": []}
        one.answers["/v1/models"] = 200, {"data": [{"id": "our-own-model"}]}
        yield one


@pytest.fixture(scope="module")
def one(start_hortus: Callable[..., Hortus], tmp_path_factory: pytest.TempPathFactory) -> Hortus:
    garden = start_hortus()
    folder = tmp_path_factory.mktemp("person") / ".aws"
    folder.mkdir()
    (folder / "credentials").write_text(f"[ours]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")
    garden.environment["HOME"] = str(folder.parent)
    return garden


def keys_document(garden: Hortus) -> str:
    """Keep a key pair that says what requests to an address of one's own are signed for."""
    name = "aws-here"
    pair = f'"access_key_id": "{KEY_ID}", "secret_access_key": "{SECRET}"'
    text = f'{{"source": "keys", "region": "eu-central-1", "service": "bedrock", {pair}}}'
    (garden.home / "credentials").mkdir(exist_ok=True)
    (garden.home / "credentials" / name).write_text(text)
    return f"file:{name}"


def test_a_dry_run_shows_the_table_and_makes_nothing(one: Hortus, cloud: Cloud) -> None:
    credential = keys_document(one)
    before = one.cli_json("models")
    done = one.cli(*BEDROCK, "--credential", credential, "--list-url", cloud.url, "--dry-run")
    assert "openai.gpt-oss-20b-1:0" in done.stdout
    assert "DE" in done.stdout
    assert "1 further models" in done.stderr
    assert "Would make 1 route: gpt-oss-20b" in done.stderr
    assert one.cli_json("models") == before


def test_what_was_found_is_made_once_and_a_second_run_changes_nothing(one: Hortus, cloud: Cloud) -> None:
    command = (*BEDROCK, "--credential", keys_document(one), "--list-url", cloud.url)
    first = one.cli_json(*command)
    assert first["routes"] == ["gpt-oss-20b"]
    assert first["discovery"]["models"][0]["standing"] == "new"
    second = one.cli_json(*command)
    assert [model["standing"] for model in second["discovery"]["models"]] == ["there"]
    assert second["endpoints"] == first["endpoints"]


def test_a_refused_signature_ends_the_command_with_what_to_do(one: Hortus, cloud: Cloud) -> None:
    wrong = one.home / "credentials" / "aws-wrong"
    keys_document(one)
    wrong.write_text((one.home / "credentials" / "aws-here").read_text().replace(SECRET, "another-secret"))
    done = one.cli(*BEDROCK, "--credential", "file:aws-wrong", "--list-url", cloud.url, check=False)
    assert done.returncode == 1
    assert "Amazon Bedrock answered 403" in done.stderr
    assert "bedrock:ListFoundationModels" in done.stderr
    assert "another-secret" not in done.stdout + done.stderr


def test_a_secret_as_an_argument_is_refused(one: Hortus) -> None:
    given = ("--tenant", "t", "--client-id", "c", "--client-secret", "made-up-hunter2")
    done = one.cli("connect", "azure", "--set", "resource=ours", *given, check=False)
    assert done.returncode == 1
    assert "never a secret itself" in done.stderr
    assert "hunter2" not in done.stdout + done.stderr


def test_a_server_of_one_s_own_gets_a_route_for_all_that_it_lists(one: Hortus, cloud: Cloud) -> None:
    command = ("connect", "openai-compatible", "--base-url", f"{cloud.url}/v1", "--private-address")
    assert one.cli_json(*command)["routes"] == ["our-own-model"]


def test_a_person_is_asked_for_what_is_missing_sees_the_table_and_says_yes(
    one: Hortus, cloud: Cloud, tmp_path: Path
) -> None:
    """At a terminal: the region is asked for; nothing is made before the answer."""
    pty = pytest.importorskip("pty")
    command = [sys.executable, "-m", "hortus.cli", "connect", "bedrock", "--credential", keys_document(one)]
    command += ["--list-url", cloud.url, "--private-address", "--model", "somebody.new-model-v1:0"]
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        command, cwd=tmp_path, env=one.environment, stdin=follower, stdout=follower, stderr=follower
    )
    os.close(follower)
    answers = {b"Region of AWS": b"eu-central-1\n", b"[y/N]": b"y\n"}
    seen = b""
    try:
        while select.select([leader], [], [], 60)[0]:
            try:
                seen += os.read(leader, 65536)
            except OSError:
                break
            for question in [question for question in answers if question in seen]:
                os.write(leader, answers.pop(question))
        assert process.wait(timeout=60) == 0, seen.decode()
    finally:
        process.kill()
        process.wait()
        os.close(leader)
    assert not answers
    assert b"Made 1 route" in seen
    assert "somebody.new-model-v1:0" in {route["name"] for route in one.cli_json("models")}
