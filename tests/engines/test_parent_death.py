"""A child never outlives its parent, not even one that dies before the child has asked for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from engine_bench import bare_environment, is_alive, until

CHILD = "from hortus.app.parent_death import die_with_parent; import sys, time; "
PARENT = """
import subprocess, sys, os, time
child = subprocess.Popen([sys.executable, "-c", {code!r}, str(os.getpid())])
print(child.pid, flush=True)
time.sleep({stays})
"""


def _start_parent(code: str, *, stays: float) -> tuple[subprocess.Popen[str], int]:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(code=code, stays=stays)],
        env=bare_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    with parent.stdout as output:
        return parent, int(output.readline())


def test_a_child_dies_when_its_parent_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "told"
    code = f"{CHILD} die_with_parent(int(sys.argv[1])); open({str(told)!r}, 'w').close(); time.sleep(100)"
    parent, child = _start_parent(code, stays=100)
    until(told.exists, "the child has asked")
    parent.kill()
    parent.wait()
    until(lambda: not is_alive(child), "the child is gone")


def test_a_child_whose_parent_is_gone_already_ends_itself(tmp_path: Path) -> None:
    go, survived = tmp_path / "go", tmp_path / "survived"
    code = (
        f"{CHILD} from pathlib import Path\n"
        f"while not Path({str(go)!r}).exists(): time.sleep(0.01)\n"
        f"die_with_parent(int(sys.argv[1])); Path({str(survived)!r}).touch(); time.sleep(100)"
    )
    parent, child = _start_parent(code, stays=0)
    parent.wait()
    go.touch()
    until(lambda: not is_alive(child), "the child is gone")
    assert not survived.exists()


def test_a_child_of_a_living_parent_lives(tmp_path: Path) -> None:
    told = tmp_path / "told"
    done = subprocess.run(
        [sys.executable, "-c", f"{CHILD} die_with_parent({os.getpid()}); open({str(told)!r}, 'w').close()"],
        env=bare_environment(),
        check=True,
        timeout=60,
    )
    assert done.returncode == 0
    assert told.exists()
