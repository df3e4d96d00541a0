from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from control_ground import Control, running_control

FILE = """\
[[project]]
name = "library"
routes = ["own"]

[[endpoint]]
name = "own"
model = "thing"
host = "openai-compatible"
base_url = "http://127.0.0.1:9/v1"
private_address = true

[[route]]
name = "own"
endpoints = ["own"]

[[deployment]]
name = "desk"
source = "models/desk.gguf"
"""


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def refusing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Control]:
    """A control that only refuses, so that one serves every case."""
    async with running_control(tmp_path_factory.mktemp("control"), toml=FILE) as control:
        yield control


MOON = (
    '[[endpoint]]\nname = "moon"\nmodel = "m"\nhost = "openai-compatible"\n'
    'base_url = "http://127.0.0.1:9/v1"\nprivate_address = true\n'
)


async def state(control: Control) -> str:
    status = await control.ask("GET", "/status")
    return str(status["file"]["state"])


async def test_what_the_file_declares_is_there_with_its_place(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        endpoint = await control.ask("GET", "/endpoints/own")
        assert (endpoint["origin"], endpoint["where"]) == ("file", "hortus.toml:6")
        assert (await control.ask("GET", "/projects/library"))["origin"] == "file"
        assert set(control.snapshot().routes) == {"own", "desk", "seedling", "workshop"}
        assert await state(control) == "applied"


async def test_a_relative_path_starts_at_the_file(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        assert control.snapshot().deployments["desk"].model_path == str(tmp_path / "models" / "desk.gguf")


CHANGES = {
    "endpoint replaced": (
        "PUT",
        "/endpoints/own",
        {"model": "m", "host": "openai-compatible", "base_url": "http://x/v1"},
        6,
    ),
    "endpoint retired": ("DELETE", "/endpoints/own", None, 6),
    "endpoint made": (
        "POST",
        "/endpoints",
        {"name": "own", "model": "m", "host": "openai-compatible", "base_url": "http://x/v1"},
        6,
    ),
    "route replaced": ("PUT", "/routes/own", {"endpoints": ["seedling"]}, 13),
    "route retired": ("DELETE", "/routes/own", None, 13),
    "deployment retired": ("DELETE", "/deployments/desk", None, 17),
    "project's routes set": ("PUT", "/projects/library/routes", {"routes": ["*"]}, 2),
    "project's loss set": ("PUT", "/projects/library/loss", {"loss": "strict"}, 2),
    "project retired": ("DELETE", "/projects/library", None, 2),
}


@pytest.mark.parametrize("case", CHANGES)
async def test_the_api_may_not_change_what_the_file_declares(refusing: Control, case: str) -> None:
    method, path, body, line = CHANGES[case]
    version = refusing.snapshot().version
    status, error = await refusing.fail(method, path, body)
    assert (status, error["code"], error["path"]) == (409, "declared_in_file", f"hortus.toml:{line}")
    assert f"hortus.toml:{line}" in error["message"]
    assert refusing.snapshot().version == version


async def test_keys_can_be_made_for_a_project_of_the_file(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        assert (await control.ask("POST", "/keys", {"project": "library"}))["routes"] == ["own"]


async def test_a_saved_change_is_applied_without_a_restart(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        control.write_file(FILE.replace("127.0.0.1:9", "127.0.0.1:10"))
        assert control.snapshot().endpoints["own"].address == "http://127.0.0.1:10/v1"


async def test_what_is_gone_from_the_file_is_retired_and_comes_back_with_it(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        control.write_file("")
        assert set(control.snapshot().routes) == {"seedling", "workshop"}
        assert (await control.ask("GET", "/endpoints/own"))["retired_at_ms"]
        assert (await control.ask("GET", "/projects/library"))["retired_at_ms"]
        control.write_file(FILE)
        assert set(control.snapshot().routes) == {"own", "desk", "seedling", "workshop"}
        assert (await control.ask("GET", "/projects/library")).get("retired_at_ms") is None


async def test_a_file_that_is_empty_for_a_moment_retires_nothing(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        before = control.snapshot()
        (control.home.root / "hortus.toml").write_text("", "utf-8")  # as editors leave it while they write it anew
        control.plane.look()
        assert control.snapshot() == before
        control.write_file(FILE)
        assert control.snapshot().routes == before.routes


@pytest.mark.parametrize("damage", ["[[endpoint]", FILE + '[[endpoint]]\nname = "x"\n', "colour = 1\n", "\x00"])
async def test_a_bad_file_keeps_the_old_configuration_and_says_so(tmp_path: Path, damage: str) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        before = control.snapshot()
        control.write_file(damage)
        assert control.snapshot() == before
        shown = (await control.ask("GET", "/status"))["file"]
        assert shown["state"] == "refused"
        assert "hortus.toml" in shown["error"]
        assert not (await control.ask("GET", "/doctor"))["is_fine"]
        assert b"hortus_config_file_refused 1.0" in (await control.send("GET", "/metrics")).body
        control.write_file(FILE)
        assert await state(control) == "applied"


async def test_a_file_that_vanishes_keeps_the_old_configuration(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        (tmp_path / "hortus.toml").unlink()
        control.plane.look()
        assert "own" in control.snapshot().routes
        assert await state(control) == "refused"


async def test_a_bad_file_at_the_start_leaves_what_was_applied_before(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE):
        pass
    async with running_control(tmp_path, toml="[[endpoint]") as control:
        assert "own" in control.snapshot().routes
        assert await state(control) == "refused"
        status, error = await control.fail("DELETE", "/endpoints/own")
        assert (status, error["path"]) == (409, "hortus.toml:6")


async def test_a_name_in_both_is_an_error_that_names_both(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        body = {
            "name": "moon",
            "model": "m",
            "host": "openai-compatible",
            "base_url": "http://127.0.0.1:8/v1",
            "private_address": True,
        }
        await control.ask("POST", "/endpoints", body)
        control.write_file(MOON)
        shown = (await control.ask("GET", "/status"))["file"]
        assert shown["state"] == "refused"
        assert shown["error"].startswith("hortus.toml:2 endpoint[0].name: ")
        assert "made through the API on" in shown["error"]
        assert control.snapshot().endpoints["moon"].address == "http://127.0.0.1:8/v1"
        await control.ask("DELETE", "/endpoints/moon")
        control.write_file(MOON + "\n")
        assert control.snapshot().endpoints["moon"].address == "http://127.0.0.1:9/v1"


async def test_a_projects_name_in_both_is_an_error_too(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/projects", {"name": "library"})
        control.write_file('[[project]]\nname = "library"\n')
        error = (await control.ask("GET", "/status"))["file"]["error"]
        assert "hortus.toml:2 project[0].name" in error
        assert "made through the API" in error


async def test_a_deployments_name_clashes_with_a_route_of_the_api(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/routes", {"name": "desk", "endpoints": ["seedling"]})
        control.write_file('[[deployment]]\nname = "desk"\nsource = "/m.gguf"\n')
        error = (await control.ask("GET", "/status"))["file"]["error"]
        assert "hortus.toml:2 deployment[0].name" in error
        assert "the route was made through the API" in error


async def test_the_file_may_take_over_the_project_of_the_first_start(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml='[[project]]\nname = "default"\nroutes = ["*"]\n') as control:
        project = await control.ask("GET", "/projects/default")
        assert (project["origin"], project["routes"]) == ("file", ["*"])
        assert project.get("retired_at_ms") is None


async def test_a_route_of_the_file_to_no_endpoint_is_refused_with_its_line(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml='[[route]]\nname = "r"\nendpoints = [\n"nowhere"]\n') as control:
        error = (await control.ask("GET", "/status"))["file"]["error"]
        assert error.startswith("hortus.toml:3 route[0].endpoints[0]: There is no endpoint `nowhere`.")


async def test_a_route_of_the_file_may_lead_to_an_endpoint_of_the_api(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        body = {
            "name": "moon",
            "model": "m",
            "host": "openai-compatible",
            "base_url": "http://127.0.0.1:8/v1",
            "private_address": True,
        }
        await control.ask("POST", "/endpoints", body)
        control.write_file('[[route]]\nname = "r"\nendpoints = ["moon", "seedling"]\n')
        assert [one.endpoint for one in control.snapshot().routes["r"].candidates] == ["moon", "seedling"]


async def test_lines_that_moved_are_kept_up_to_date_without_a_new_snapshot(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        version = control.snapshot().version
        control.write_file("# a comment\n" + FILE)
        assert (await control.ask("GET", "/endpoints/own"))["where"] == "hortus.toml:7"
        assert control.snapshot().version == version


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[settings]\n\nprot = 1\n", "hortus.toml:3 settings.prot: `prot` is no setting. Did you mean `port`?"),
        ("[settings]\nport = 70000\n", "hortus.toml:2 settings.port"),
    ],
)
async def test_a_wrong_setting_is_refused_with_its_line(tmp_path: Path, text: str, words: str) -> None:
    async with running_control(tmp_path) as control:
        control.write_file(text)
        assert words in (await control.ask("GET", "/status"))["file"]["error"]


async def test_a_changed_setting_says_that_it_needs_a_restart(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml="[settings]\nport = 8000\n") as control:
        control.write_file("[settings]\nport = 8100\n")
        assert (await control.ask("GET", "/status"))["file"]["needs_restart"]


async def test_config_show_names_each_origin(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        shown = await control.ask("GET", "/config")
        assert {(one["kind"], one["name"], one["origin"], one["where"]) for one in shown["objects"]} == {
            ("project", "default", "built-in", None),
            ("project", "library", "file", "hortus.toml:2"),
            ("endpoint", "own", "file", "hortus.toml:6"),
            ("route", "own", "file", "hortus.toml:13"),
            ("deployment", "desk", "file", "hortus.toml:17"),
        }
        assert shown["settings"] == [{"name": "port", "value": "8000", "origin": "default"}]


async def test_a_dry_run_says_what_would_change_and_changes_nothing(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        version = control.snapshot().version
        text = FILE.replace("127.0.0.1:9", "127.0.0.1:10").replace('"library"', '"museum"') + MOON
        planned = await control.ask("POST", "/config/apply", {"toml": text, "dry_run": True})
        assert {(one["action"], one["kind"], one["name"]) for one in planned["changes"]} == {
            ("replace", "endpoint", "own"),
            ("create", "endpoint", "moon"),
            ("create", "project", "museum"),
            ("retire", "project", "library"),
        }
        assert next(one for one in planned["changes"] if one["name"] == "own")["fields"] == ["base_url"]
        assert control.snapshot().version == version
        assert (await control.ask("POST", "/config/apply", {}))["changes"] == []


async def test_a_projects_loss_in_the_file_is_applied_and_named_as_what_differs(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        assert (await control.ask("GET", "/projects/library"))["loss"] == "standard"
        text = FILE.replace('name = "library"\n', 'name = "library"\nloss = "lenient"\n')
        assert text != FILE
        planned = await control.ask("POST", "/config/apply", {"toml": text, "dry_run": True})
        assert next(one for one in planned["changes"] if one["kind"] == "project")["fields"] == ["loss"]
        control.write_file(text)
        await control.ask("POST", "/config/apply", {})
        assert (await control.ask("GET", "/projects/library"))["loss"] == "lenient"


async def test_a_node_with_a_file_takes_no_other_one(tmp_path: Path) -> None:
    async with running_control(tmp_path, toml=FILE) as control:
        status, error = await control.fail("POST", "/config/apply", {"toml": MOON, "dry_run": False})
        assert (status, error["path"]) == (409, "toml")


async def test_a_node_without_a_file_is_given_one_over_the_api(tmp_path: Path) -> None:
    async with running_control(tmp_path, has_file=False) as control:
        assert await state(control) == "absent"
        status, _ = await control.fail("POST", "/config/apply", {})
        assert status == 404
        sent = {"toml": MOON, "file": "site.toml", "dry_run": False}
        (change,) = (await control.ask("POST", "/config/apply", sent))["changes"]
        assert (change["action"], change["where"]) == ("create", "site.toml:2")
        assert "moon" in control.snapshot().endpoints
        status, error = await control.fail("DELETE", "/endpoints/moon")
        assert (status, error["path"]) == (409, "site.toml:2")
    async with running_control(tmp_path, has_file=False) as control:
        assert "moon" in control.snapshot().endpoints


async def test_a_wrong_configuration_over_the_api_is_refused_with_line_and_path(tmp_path: Path) -> None:
    async with running_control(tmp_path, has_file=False) as control:
        sent = {"toml": MOON + "hots = 1\n", "file": "site.toml", "dry_run": False}
        status, error = await control.fail("POST", "/config/apply", sent)
        assert (status, error["path"]) == (400, "site.toml:7 endpoint[0].hots")
        assert error["hint"] == "Did you mean `host`?"
