"""Policies as an admin meets them: from file to verdict, from verdict to receipt, from receipts to a better policy."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from garden import Hortus, wait_for
from hortus.testkit.replay_host import ReplayHost

pytestmark = pytest.mark.slow

EUROPE = '[[policy]]\nname = "europe"\ncompute_in = ["EU"]\n'


def _endpoint(name: str, base_url: str, *, country: str) -> str:
    terms = f'terms = {{ source = "contract", as_of = 2026-11-01, compute = "{country}" }}\n'
    lines = (f'name = "{name}"', 'model = "fake"', 'upstream_model = "fake"', 'host = "openai-compatible"')
    rest = (f'base_url = "{base_url}"', "private_address = true", 'credential = "env:REPLAY_KEY"', terms)
    return "\n".join(("[[endpoint]]", *lines, *rest))


def _toml(base_url: str, *, policies: str = EUROPE, policy: str = "europe") -> str:
    return (
        "[settings]\nseedling = false\nworkers = 2\n"
        + policies
        + f'[[project]]\nname = "library"\nroutes = ["mixed", "abroad"]\npolicy = "{policy}"\n'
        + '[[project]]\nname = "free"\nroutes = ["*"]\nshadow_policy = "eu-operated"\n'
        + '[[project]]\nname = "rehearsed"\nroutes = ["*"]\n'
        + _endpoint("near", base_url, country="DE")
        + _endpoint("far", base_url, country="US")
        + '[[route]]\nname = "mixed"\nendpoints = ["far", "near"]\n'
        + '[[route]]\nname = "abroad"\nendpoints = ["far"]\n'
    )


@pytest.fixture(scope="module")
def garden(start_hortus: Any, replay_host: ReplayHost) -> Hortus:
    return start_hortus(toml=_toml(replay_host.base_url), environment={"REPLAY_KEY": "sk-replay"})


@pytest.fixture(scope="module")
def keys(garden: Hortus) -> dict[str, str]:
    return {project: garden.new_key(project) for project in ("library", "free", "rehearsed")}


def ask(garden: Hortus, key: str, route: str) -> httpx2.Response:
    body = {"model": route, "messages": [{"role": "user", "content": "hello"}]}
    return httpx2.post(
        f"{garden.door}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}, timeout=30
    )


def receipts(garden: Hortus, project: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = garden.cli_json("receipts", "--project", project)
    return found


def test_what_is_explained_is_what_happens_and_what_the_receipt_says(garden: Hortus, keys: dict[str, str]) -> None:
    said = garden.cli_json("policy", "explain", "--project", "library", "--route", "mixed")
    allowed = [one["endpoint"] for one in said["endpoints"] if one["is_allowed"]]
    assert (allowed, said["policy"]) == (["near"], "europe")
    assert ask(garden, keys["library"], "mixed").status_code == 200
    receipt = wait_for(lambda: [one for one in receipts(garden, "library") if one["route"] == "mixed"])[0]
    assert receipt["endpoint"] == "near"
    assert receipt["policy"] == said["mark"]


def test_a_route_that_the_policy_closes_is_refused_as_it_was_explained(garden: Hortus, keys: dict[str, str]) -> None:
    said = garden.cli_json("policy", "explain", "--project", "library", "--route", "abroad")
    assert said["is_allowed"] is False
    answer = ask(garden, keys["library"], "abroad")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "refused_by_policy")
    assert said["endpoints"][0]["rulings"][0]["reason"] in answer.json()["error"]["message"]


def test_the_doctor_names_the_closed_route(garden: Hortus) -> None:
    done = garden.cli("doctor", check=False)
    assert "abroad" in done.stdout
    assert "compute_in" in done.stdout


def test_a_rehearsal_tells_what_a_draft_would_have_changed(garden: Hortus, keys: dict[str, str]) -> None:
    assert ask(garden, keys["rehearsed"], "mixed").status_code == 200
    assert ask(garden, keys["rehearsed"], "abroad").status_code == 200
    wait_for(lambda: len(receipts(garden, "rehearsed")) == 2, what="the receipts")
    found = garden.cli_json("policy", "rehearse", "--project", "rehearsed", "--policy", "europe")
    changes = {(one["route"], one["endpoint"]): one["outcome"] for one in found["changes"]}
    assert changes == {("mixed", "far"): "moved", ("abroad", "far"): "refused"}
    assert (found["requests"], found["unchanged"], found["stranded"]) == (2, 0, ["abroad"])
    same = garden.cli_json("policy", "rehearse", "--project", "rehearsed", "--policy", "anywhere", "--days", "1")
    assert (same["requests"], same["changes"]) == (2, [])


def test_a_shadow_is_written_down_and_refuses_nothing(garden: Hortus, keys: dict[str, str]) -> None:
    assert ask(garden, keys["free"], "abroad").status_code == 200
    receipt = wait_for(lambda: [one for one in receipts(garden, "free") if one["route"] == "abroad"])[0]
    assert any(one.startswith("eu-operated:far:compute_in") for one in receipt["shadow"])


def test_a_draft_by_command_is_explained_given_to_a_project_and_back(garden: Hortus) -> None:
    made = garden.cli_json("policy", "create", "strict", "--like", "europe", "--no-tools", "--loss", "strict")
    assert (made["rules"]["compute_in"], made["rules"]["tools"]) == (["EU"], [])
    shown = garden.cli("policy", "show", "strict").stdout
    assert "Requests may bring no tools." in shown
    said = garden.cli_json("policy", "explain", "--project", "free", "--route", "abroad", "--draft", "strict")
    assert (said["is_allowed"], said["is_draft"]) == (False, True)
    garden.cli("projects", "create", "trial", "--policy", "strict", "--keep-content-days", "3")
    assert garden.cli("policy", "retire", "strict", check=False).returncode == 1
    changed = garden.cli_json("projects", "set", "trial", "--policy", "anywhere", "--shadow-policy", "strict")
    assert (changed["policy"], changed["shadow_policy"], changed["keep_content_days"]) == ("anywhere", "strict", 3)
    garden.cli("projects", "set", "trial", "--no-shadow")
    assert garden.cli_json("policy", "retire", "strict")["retired_at_ms"]
    assert "strict" not in garden.cli("policy").stdout


def test_a_policy_that_comes_with_the_project_that_names_it_never_leaves_the_door_without_it(
    garden: Hortus, keys: dict[str, str], replay_host: ReplayHost
) -> None:
    statuses: set[int] = set()
    named = EUROPE + '[[policy]]\nname = "both"\ncompute_in = ["EU", "US"]\n'
    file = garden.directory / "hortus.toml"

    def answers(status: int) -> bool:
        statuses.add(ask(garden, keys["library"], "abroad").status_code)
        return status in statuses

    file.write_text(_toml(replay_host.base_url, policies=named, policy="both"))
    wait_for(lambda: answers(200), what="the new policy")
    assert statuses <= {200, 403}
    statuses.clear()
    file.write_text(_toml(replay_host.base_url))
    wait_for(lambda: answers(403), what="the old policy")
    assert statuses <= {200, 403}


def test_status_and_projects_say_which_policies_hold(garden: Hortus) -> None:
    status = garden.cli("status")
    assert "requests of project default may go anywhere" in " ".join(status.stdout.split())
    assert "eu-operated" in garden.cli("projects").stdout
