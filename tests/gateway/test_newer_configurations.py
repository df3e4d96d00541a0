"""What was declared or allowed a moment ago is found before the worker has looked for the snapshot that holds it."""

from __future__ import annotations

import msgspec
import pytest

from gateway.core import Core, staged
from hortus.policy.rules import Policy
from hortus.snapshot.grants import Grant
from hortus.snapshot.model import Candidate, Route


def _granted(core: Core, policy: str, shadow: str | None = None) -> None:
    core.grants.grant = Grant("key_1", "k", "prj_1", "default", ("*",), policy=policy, shadow_policy=shadow)


@pytest.mark.parametrize(("policy", "shadow"), [("fresh", None), ("anywhere", "fresh")])
async def test_a_policy_that_was_just_made_is_looked_for_before_a_request_is_refused(
    policy: str, shadow: str | None
) -> None:
    async with staged("one") as core:
        core.configure([core.endpoint("one")], policies=[Policy("fresh")])
        core.newer = core.ready
        core.configure([core.endpoint("one")])
        _granted(core, policy, shadow)
        assert (await core.ask()).status == 200
        assert core.ready is core.newer


async def test_a_policy_that_is_nowhere_lets_nothing_go() -> None:
    async with staged("one") as core:
        core.configure([core.endpoint("one")])
        _granted(core, "nowhere")
        assert (await core.ask()).status == 503
        assert core.stages["one"].bodies == []


async def test_a_configuration_that_has_the_policy_is_not_exchanged_in_the_middle() -> None:
    async with staged("one") as core:
        core.configure([core.endpoint("one")], policies=[Policy("fresh")])
        before = core.ready
        assert before is not None
        core.newer = msgspec.structs.replace(before, version=9)
        _granted(core, "fresh")
        assert (await core.ask()).status == 200
        assert core.ready is before


def _allowed(*routes: str) -> Grant:
    return Grant("key_1", "k", "prj_1", "default", routes, policy="anywhere")


def _declare_newer(core: Core, name: str) -> None:
    """Have a configuration lie ready, which has another route."""
    core.configure([core.endpoint("one")], route=Route(name, (Candidate("one"),)))
    core.newer = core.ready
    core.configure([core.endpoint("one")])


async def test_a_route_that_was_just_declared_is_found() -> None:
    async with staged("one") as core:
        _declare_newer(core, "fresh")
        assert (await core.ask(model="fresh")).status == 200


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/fresh"])
async def test_it_is_listed_and_described(path: str) -> None:
    async with staged("one") as core:
        _declare_newer(core, "fresh")
        answer = await core.look_at(path)
        assert (answer.status, b'"fresh"' in answer.body) == (200, True)


async def test_what_a_key_was_just_allowed_it_may_use() -> None:
    async with staged("one") as core:
        core.configure([core.endpoint("one")])
        core.grants.grant, core.grants.newer = _allowed(), _allowed("r")
        assert (await core.ask()).status == 200


async def test_what_is_nowhere_and_what_is_not_allowed_stays_unknown() -> None:
    async with staged("one") as core:
        _declare_newer(core, "fresh")
        assert (await core.ask(model="nowhere")).status == 404
        core.grants.grant = _allowed("other")
        assert (await core.ask(model="fresh")).status == 404
        assert core.stages["one"].bodies == []


async def test_a_key_that_was_revoked_meanwhile_is_told_so() -> None:
    async with staged("one") as core:
        core.configure([core.endpoint("one")])
        core.grants.is_revoked = True
        assert (await core.ask(model="nowhere")).status == 401
