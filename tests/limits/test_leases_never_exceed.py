"""No order of requests, deaths, lost answers, clocks and changes exceeds a limit or leaks a part of one."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings

from limits.lease_world import InMemory, Step, World, histories, long_history

LAW = settings(
    max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)


def live_through(history: list[Step]) -> World:
    world = World(InMemory())
    for step in history:
        world.step(*step)
    world.calm_down()
    for name, pool in world.ledger.books().pools.items():
        assert pool.granted == pool.spent == world.charged(name)
    assert not any(world.ledger.books().leases.values())
    return world


@LAW
@given(histories(80))
def test_limits_hold_and_nothing_leaks(history: list[Step]) -> None:
    live_through(history)


def test_limits_hold_and_nothing_leaks_in_long_histories() -> None:
    worlds = [live_through(long_history(seed, 600)) for seed in range(60)]
    # Or it proves little
    assert sum(world.reserved for world in worlds) > 2500
    assert sum(world.refused for world in worlds) > 1000
    assert sum(len(world.set_right) for world in worlds) > 300
