from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from control_ground import SECRET, Control, running_control

from hortus.base.secrets import PairName, digest_key, looks_like_key, pair_secret, read_pair_name

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def refusing(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Control]:
    """A control that only refuses, so that one serves every case."""
    async with running_control(tmp_path_factory.mktemp("control")) as control:
        yield control


async def test_the_first_start_makes_organisation_and_default_project(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        (project,) = (await control.ask("GET", "/projects"))["projects"]
        assert (project["name"], project["routes"], project["origin"]) == (
            "default",
            ["seedling", "workshop"],
            "built-in",
        )
        assert (await control.ask("GET", "/organisation"))["id"].startswith("org_")


async def test_a_key_is_shown_once_and_stored_as_its_keyed_digest(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/keys", {"project": "library", "name": "catalogue search"})
        assert looks_like_key(made["key"])
        assert made["routes"] == ["seedling"]
        assert made["hint"] == made["key"][-4:]
        grant = control.plane.ports.access.grant(digest_key(made["key"], SECRET))  # type: ignore[attr-defined]
        assert (grant.project, grant.key_id) == ("library", made["id"])
        listed = await control.send("GET", "/admin/v1/keys")
        assert made["key"].encode() not in listed.body
        assert digest_key(made["key"], SECRET).encode() not in listed.body
        store = control.stored_bytes()
        assert made["key"].encode() not in store


async def test_a_key_makes_its_project_if_absent(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("POST", "/keys", {"project": "library"})
        project = await control.ask("GET", "/projects/library")
        assert (project["routes"], project["origin"]) == (["seedling"], "api")


async def test_two_keys_are_never_the_same(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        keys = {(await control.ask("POST", "/keys", {"project": "default"}))["key"] for _ in range(5)}
        assert len(keys) == 5


async def test_a_revoked_key_stays_in_the_list(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/keys", {"project": "default", "expires_in_days": 30})
        assert made["expires_at_ms"] - made["created_at_ms"] >= 30 * 86_400_000 - 1000
        assert (await control.ask("DELETE", f"/keys/{made['id']}"))["revoked_at_ms"]
        (listed,) = (await control.ask("GET", "/keys?project=default"))["keys"]
        assert listed["revoked_at_ms"]
        assert control.plane.ports.access.grant(digest_key(made["key"], SECRET)) is None  # type: ignore[attr-defined]


async def test_a_key_sent_in_place_of_its_id_is_not_repeated(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/keys", {"project": "default"})
        answer = await control.send("DELETE", f"/admin/v1/keys/{made['key']}")
        assert answer.status == 404
        assert made["key"].encode() not in answer.body


async def test_a_retired_projects_keys_stop_and_come_back_with_it(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/keys", {"project": "library"})
        digest = digest_key(made["key"], SECRET)
        await control.ask("DELETE", "/projects/library")
        assert control.plane.ports.access.grant(digest) is None  # type: ignore[attr-defined]
        status, error = await control.fail("POST", "/keys", {"project": "library"})
        assert (status, error["path"]) == (409, "project")
        await control.ask("POST", "/projects", {"name": "library", "routes": ["*"]})
        assert control.plane.ports.access.grant(digest).routes == ("*",)  # type: ignore[attr-defined]


async def test_the_default_projects_routes_can_be_set(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        made = await control.ask("POST", "/keys", {"project": "default"})
        project = await control.ask("PUT", "/projects/default/routes", {"routes": ["seedling", "eu/*"]})
        assert (project["routes"], project["origin"]) == (["seedling", "eu/*"], "api")
        grant = control.plane.ports.access.grant(digest_key(made["key"], SECRET))  # type: ignore[attr-defined]
        assert grant.routes == ("seedling", "eu/*")


async def test_a_projects_loss_reaches_its_grants_and_stays_when_routes_are_set(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        access = control.plane.ports.access
        made = await control.ask("POST", "/projects", {"name": "library", "loss": "strict"})
        assert made["loss"] == "strict"
        key = (await control.ask("POST", "/keys", {"project": "library"}))["key"]
        assert access.grant(digest_key(key, SECRET)).loss == "strict"  # type: ignore[attr-defined]
        version = access.access_version()  # type: ignore[attr-defined]
        changed = await control.ask("PUT", "/projects/library/loss", {"loss": "lenient"})
        assert (changed["loss"], changed["routes"]) == ("lenient", ["seedling"])
        assert access.access_version() > version  # type: ignore[attr-defined]
        changed = await control.ask("PUT", "/projects/library/routes", {"routes": ["*"]})
        assert (changed["loss"], changed["routes"]) == ("lenient", ["*"])
        assert access.grant(digest_key(key, SECRET)).loss == "lenient"  # type: ignore[attr-defined]


async def test_a_project_is_standard_unless_told_otherwise(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        assert [one["loss"] for one in (await control.ask("GET", "/projects"))["projects"]] == ["standard"]
        assert (await control.ask("POST", "/projects", {"name": "library"}))["loss"] == "standard"


async def test_a_new_organisation_name_reaches_the_snapshot(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        await control.ask("PUT", "/organisation", {"name": "City of Lund"})
        assert control.snapshot().organisation == "City of Lund"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "member"),
    [
        ("POST", "/projects", {"name": "a/b"}, 400, "name"),
        ("POST", "/projects", {"name": "default"}, 409, "name"),
        ("POST", "/projects", {"name": "x", "routes": "seedling"}, 400, "routes"),
        ("POST", "/projects", {"name": "x", "colour": "red"}, 400, "colour"),
        ("POST", "/projects", {"name": 3}, 400, "name"),
        ("POST", "/projects", [], 400, None),
        ("POST", "/keys", {}, 400, "project"),
        ("POST", "/keys", {"project": "default", "expires_in_days": 0}, 400, "expires_in_days"),
        ("POST", "/keys", {"project": "no such/name"}, 400, "name"),
        ("GET", "/projects/nobody", None, 404, "name"),
        ("PUT", "/projects/nobody/routes", {"routes": []}, 404, "name"),
        ("PUT", "/projects/nobody/loss", {"loss": "strict"}, 404, "name"),
        ("PUT", "/projects/default/loss", {"loss": "strickt"}, 400, "loss"),
        ("PUT", "/projects/default/loss", {}, 400, "loss"),
        ("POST", "/projects", {"name": "x", "loss": None}, 400, "loss"),
        ("DELETE", "/projects/nobody", None, 404, "name"),
        ("DELETE", "/keys/key_nobody", None, 404, "id"),
        ("GET", "/keys?project=nobody", None, 404, "name"),
        ("GET", "/keys?projekt=default", None, 400, "projekt"),
        ("POST", "/keys", b'{"project": ', 400, None),
        ("POST", "/keys", None, 400, None),
        ("GET", "/nothing", None, 404, None),
        ("PATCH", "/keys", None, 405, None),
        ("PUT", "/organisation", {"name": ""}, 400, "name"),
    ],
)
async def test_wrong_questions_are_refused_with_a_place_and_a_hint(
    refusing: Control, method: str, path: str, body: object, status: int, member: str | None
) -> None:
    got, error = await refusing.fail(method, path, body)
    assert got == status, error
    assert error["path"] == member
    assert error["message"]
    assert error["hint"]


async def test_a_body_without_a_length_or_far_too_long_is_refused(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        answer = await control.send("POST", "/admin/v1/keys", b" " * (8 * 1024 * 1024 + 1))
        assert answer.status == 413


async def test_the_pair_of_a_key_is_shown_again_and_again_and_each_look_is_an_act(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        key = await control.ask("POST", "/keys", {"project": "team", "name": "boto"})
        pair = await control.ask("POST", f"/keys/{key['id']}/pair")
        assert read_pair_name(pair["access_key_id"]) == PairName(key["id"], 1)
        assert pair["secret_access_key"] == pair_secret(key["id"], SECRET)
        assert await control.ask("POST", f"/keys/{key['id']}/pair") == pair
        acts = (await control.ask("GET", "/acts?kind=key%20pair"))["acts"]
        assert [(act["operation"], act["change"], act["name"]) for act in acts] == [
            ("keys.pair", "read", key["id"])
        ] * 2
        assert pair["secret_access_key"] not in str(acts)


async def test_a_revoked_key_has_no_pair_and_an_unknown_one_neither(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        key = await control.ask("POST", "/keys", {"project": "team", "name": "boto"})
        await control.ask("DELETE", f"/keys/{key['id']}")
        assert (await control.fail("POST", f"/keys/{key['id']}/pair"))[0] == 409
        assert (await control.fail("POST", "/keys/key_none/pair"))[0] == 404


async def test_a_key_whose_version_of_the_secret_is_gone_has_no_pair(tmp_path: Path) -> None:
    async with running_control(tmp_path) as control:
        control.plane.ports.access.add_key(
            project="default", name="old", digest="d", hint="....", secret_version=7, expires_at_ms=None
        )
        (key,) = (await control.ask("GET", "/keys"))["keys"]
        status, error = await control.fail("POST", f"/keys/{key['id']}/pair")
        assert (status, error["hint"]) == (404, "Make a new key.")
