"""The process of one step of a job: `python -m hortus.app.step`. Checks, trains or evaluates, and says how it went.

It reads its work from standard input, writes reports into the job's folder and nothing anywhere else, and dies with the
supervisor. It goes on where an earlier one was killed.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import logging
import os
import resource
import sys
from pathlib import Path
from typing import Protocol, cast

import msgspec

from hortus.app.clock import SystemClock
from hortus.engines.parent_death import die_with_parent
from hortus.jobs.errors import StepError
from hortus.jobs.folders import JobFolder
from hortus.jobs.reporting import Reporter
from hortus.jobs.reports import Done, Failed
from hortus.jobs.steps import StepWork, step_of

_NICENESS = 10
"""The door goes first."""

_WORKERS = {
    "check": "hortus.app.steps.check",
    "train": "hortus.app.steps.train",
    "evaluate": "hortus.app.steps.evaluate",
    "host": "hortus.app.steps.host",
}
"""Each loads its own libraries: only training needs those that take seconds to load."""

_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))

_log = logging.getLogger("hortus.step")


class Worker(Protocol):
    """A module of `app.steps`."""

    def run(self, work: StepWork, reporter: Reporter) -> object:
        """Do the step and return its result, a Struct.

        Raises:
            StepError: It cannot be done.
        """
        ...


def main(arguments: list[str]) -> int:
    """Do one step; the exit status is 0 where it has said `done` or `failed`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--name", required=True)  # read by people in `ps`
    asked = parser.parse_args(arguments)
    die_with_parent(asked.parent)
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would hold examples, and the job's key
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    work = msgspec.json.decode(sys.stdin.buffer.read(), type=StepWork)
    step = step_of(work)
    reporter = Reporter(JobFolder(Path(work.folder)).reports(step), clock=SystemClock())
    try:
        worker = cast("Worker", importlib.import_module(_WORKERS[step]))
        result = worker.run(work, reporter)
    except StepError as error:
        reporter.say(Failed(error.reason, error.message, hint=error.hint or "", path=error.path))
    except ImportError as error:
        reporter.say(
            Failed(
                "not_installed",
                f"The packages that train are not here: {error}.",
                hint="Install them: `tools/setup.sh tuning` in a checkout, else `pip install torch` first, then"
                " `pip install 'hortus[tuning]'`.",
            )
        )
    except OSError as error:
        if error.errno not in _FULL:
            raise
        hint = "Make room below HORTUS_HOME, then create the job again."
        reporter.say(Failed("disk_full", "The disk has no room for what the job writes.", hint=hint))
    except MemoryError:
        reporter.say(Failed("out_of_memory", "Memory ran out.", hint="Halve batch_size, or max_tokens."))
    else:
        reporter.say(Done(msgspec.Raw(msgspec.json.encode(result))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
