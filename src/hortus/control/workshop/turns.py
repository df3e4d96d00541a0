"""Which job trains next? Pure: projects take turns, so that one with many jobs does not keep the others waiting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hortus.jobs.records import JobRecord


def next_in_turn(unfinished: Sequence[JobRecord], *, began_ms: Mapping[str, int], at_once: int) -> str | None:
    """Return the id of the job that may begin to train, None while as many train as may.

    Args:
        unfinished: All jobs that are not over, oldest first.
        began_ms: When the latest training of a project began; a project without one goes first.
        at_once: So many train; jobs at hosts take nothing of this machine and do not count.
    """
    here = [job for job in unfinished if job.base.route is None]
    if sum(job.state == "running" for job in here) >= at_once:
        return None
    waiting = (job for job in here if job.state == "queued" and job.wish == "run")
    chosen = min(waiting, key=lambda job: began_ms.get(job.spec.project_id, 0), default=None)
    return None if chosen is None else chosen.id


def latest_beginnings(unfinished: Iterable[JobRecord], known: Mapping[str, int]) -> dict[str, int]:
    """Return when the latest training of each project began; `known` has those whose jobs are over."""
    began = dict(known)
    for job in unfinished:
        project = job.spec.project_id
        began[project] = max(began.get(project, 0), job.started_at_ms or 0)
    return began
