"""Jobs whose products are served as adapters: one engine with the base, a route for each, the gate before each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from garden import Hortus, wait_for
from hortus.jobs.folders import JobFolder
from tuning import errands

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

LORA = {**errands.RECIPE, "lora": {"rank": 8, "alpha": 16.0}}
TOML = """
[[project]]
name = "default"
routes = ["*"]
"""


@pytest.fixture(scope="module")
def garden(start_hortus, tmp_path_factory: pytest.TempPathFactory) -> Hortus:
    garden = start_hortus(toml=TOML)
    base = errands.write_base(tmp_path_factory.mktemp("base") / "errands")
    garden.cli("models", "add", str(base), "--name", "errands")
    return garden


@pytest.fixture(scope="module")
def first(garden: Hortus, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The product that the others start from: it knows what each thing's office is."""
    return train(garden, tmp_path_factory.mktemp("first"), base="errands", recipe=errands.RECIPE, turned=0)


@pytest.fixture(scope="module")
def jobs(garden: Hortus, first: Any, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """Two jobs over that product; for each, every thing has another office."""
    folder = tmp_path_factory.mktemp("others")
    return [train(garden, folder, base=first["id"], recipe=LORA, turned=turned, form="adapter") for turned in (1, 2)]


def train(garden: Hortus, folder: Path, *, base: str, recipe: dict[str, Any], turned: int, form: str = "merged") -> Any:
    data = errands.write_chats(folder / f"{turned}.jsonl", 400, seed=1, turned=turned)
    settings = folder / "recipe.json"
    settings.write_bytes(msgspec.json.encode(recipe))
    flags = ("--recipe", str(settings), "--form", form, "--suffix", f"t{turned}", "--no-follow")
    made = garden.cli_json("train", "--base", base, "--data", str(data), *flags)

    def over() -> Any:
        found = garden.cli_json("jobs", "show", made["id"])
        return found if found["state"] in {"succeeded", "failed", "cancelled"} else None

    return wait_for(over, within_s=300, what=f"the end of {made['id']}")


def test_both_pass_their_gates(jobs: list[Any]) -> None:
    assert [(one["state"], one.get("error")) for one in jobs] == [("succeeded", None)] * 2


def test_one_engine_serves_both_over_the_base(garden: Hortus, jobs: list[Any]) -> None:
    (shared,) = [one for one in garden.cli_json("deployments", "list") if one["name"].startswith("adapters-of-")]
    names = {one["name"] for one in shared["adapters"]}
    assert names == {one["product"].replace(":", "-") for one in jobs}


def test_each_route_gives_its_own_trainer_s_answers(garden: Hortus, jobs: list[Any]) -> None:
    for job in jobs:
        lines = (JobFolder(garden.home / "jobs" / job["id"]).product / "references.jsonl").read_bytes().splitlines()
        for one in [msgspec.json.decode(line) for line in lines[:4]]:
            asked = garden.cli_json("ask", "--route", job["product"], one["messages"][-1]["content"])
            assert asked["text"] == one["answer"]


def test_the_same_question_gets_three_answers(garden: Hortus, first: Any, jobs: list[Any]) -> None:
    asked = [garden.cli_json("ask", "--route", one["product"], "the lamp is broken again") for one in (first, *jobs)]
    assert len({one["text"] for one in asked}) == 3
