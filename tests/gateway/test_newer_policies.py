"""A key may be granted a policy a moment before the worker has looked for the snapshot that holds it."""

from __future__ import annotations

import msgspec
import pytest

from gateway.core import Core, staged
from hortus.policy.rules import Policy
from hortus.snapshot.grants import Grant


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
