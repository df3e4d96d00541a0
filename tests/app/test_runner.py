"""What the process of a step gets to know: its work over standard input, and nothing that others could read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from hortus.app.clock import SystemClock
from hortus.app.runner import Runner
from hortus.jobs.orders import write_order
from hortus.jobs.spec import JobSpec
from hortus.jobs.steps import EvaluateStep, Order

SPEC = JobSpec(id="ftjob-1", project_id="prj_1", base="seedling", training="file-1")
KEY = "hortus-key-of-the-step"
OURS = {"HORTUS_ADMIN_TOKEN": "token-of-the-admin", "OPENAI_API_KEY": "key-of-a-host", "TZ": "UTC"}


async def test_a_step_keeps_to_this_machine_and_shows_no_secret_in_arguments_environment_or_files(
    tmp_path: Path,
) -> None:
    orders, folder = tmp_path / "orders", tmp_path / "ftjob-1"
    work = EvaluateStep(
        SPEC, base_route=None, product_route="gate.x", dataset="d", folder=str(folder), door="http://[::1]:9", key=KEY
    )
    write_order(orders, SPEC.id, Order(1, "run", work))
    runner = Runner(orders, clock=SystemClock(), environment=OURS)
    runner.follow()
    try:
        process = next(_children())
        environment = (process / "environ").read_bytes().split(b"\0")
        arguments = (process / "cmdline").read_bytes()
    finally:
        await runner.stop_all()
    assert {b"HF_HUB_OFFLINE=1", b"TRANSFORMERS_OFFLINE=1", b"HF_DATASETS_OFFLINE=1", b"TZ=UTC"} <= set(environment)
    shown = b"".join([*environment, arguments])
    assert not any(secret.encode() in shown for secret in (KEY, "token-of-the-admin", "key-of-a-host"))
    assert {oct(path.stat().st_mode & 0o077) for path in orders.iterdir()} == {"0o0"}
    assert not any(KEY.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def _children() -> Iterator[Path]:
    """Yield the processes of steps that this one has started."""
    for entry in Path("/proc").iterdir():
        try:
            status, arguments = (entry / "stat").read_text(), (entry / "cmdline").read_bytes()
        except OSError:
            continue  # no process, or it has just ended
        if status.rsplit(")", 1)[1].split()[1] == str(os.getpid()) and b"hortus.app.step" in arguments:
            yield entry
