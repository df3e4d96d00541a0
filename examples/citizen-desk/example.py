"""How does a base become the citizen desk? One run of the whole loop, with the commands that anybody would type.

It starts a Hortus of its own below `.work`, or uses the running one whose home `HORTUS_HOME` names, and tells how long
each phase took.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
HORTUS = Path(sys.executable).parent / "hortus"
BASE = "citizen-desk-base"
STARTED_WITHIN_S = 120.0
MS_PER_MINUTE = 60_000
QUICK_CHATS, QUICK_STEPS = ["--most", "3000"], ["--steps", "150"]
JOB_PHASES = (  # of a job: how its first event begins
    ("examples checked again", "Created"),
    ("tuned, written", "Fine-tuning job started"),
    ("base evaluated", "Base and product are served"),
    ("product judged", "Base, "),
    ("deployed", "Gate, "),
)
QUESTIONS = (
    "The bins in our road were not emptied this week.",
    "Vor der Schule ist ein tiefes Schlagloch.",
    "L'eau du robinet est brune depuis hier.",
    "¿Dónde renuevo el pasaporte?",
    "Il lampione davanti a casa è spento da giorni.",
    "Mijn hond is dood, moet ik nog hondenbelasting betalen?",
    "Na placu zabaw jest złamana huśtawka.",
)


class Phase(msgspec.Struct, frozen=True):
    """What was done, and how long it took."""

    name: str
    minutes: float


class Run:
    """One run of the example: phases, and the commands of each."""

    def __init__(self, environment: dict[str, str], console: Console) -> None:
        """Keep where the commands find their Hortus."""
        self._environment, self._console = environment, console
        self.phases: list[Phase] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Head what follows, and take its time."""
        self._console.rule(name)
        began = time.monotonic()
        yield
        self.phases.append(Phase(name, (time.monotonic() - began) / 60))
        self._console.print(f"[dim]{name}: {self.phases[-1].minutes:.1f} min[/dim]")

    def hortus(self, *words: str) -> None:
        """Run a command of Hortus as a person would, in sight.

        Raises:
            subprocess.CalledProcessError: it failed; it has said why.
        """
        self._console.print(f"[bold]$ hortus {' '.join(words)}[/bold]", highlight=False)
        subprocess.run([str(HORTUS), *words], env=self._environment, check=True)  # noqa: S603 - our own program

    def answer(self, *words: str) -> bytes:
        """Run a command of Hortus and return what it printed. Raises subprocess.CalledProcessError."""
        done = subprocess.run(  # noqa: S603 - our own program
            [str(HORTUS), *words], env=self._environment, check=True, stdout=subprocess.PIPE
        )
        return done.stdout

    def split(self, events: list[dict[str, Any]]) -> None:
        """Put the phases of a job, as its events tell them, in the place of the last phase."""
        whole = self.phases.pop()
        starts = [next(one["at_ms"] for one in events if one["message"].startswith(by)) for _, by in JOB_PHASES]
        ends = [*starts[1:], starts[0] + whole.minutes * MS_PER_MINUTE]
        self.phases += [
            Phase(name, (end - start) / MS_PER_MINUTE)
            for (name, _), start, end in zip(JOB_PHASES, starts, ends, strict=True)
        ]

    def summary(self) -> Table:
        """Return all phases with their minutes."""
        table = Table("phase", "minutes")
        for one in self.phases:
            table.add_row(one.name, f"{one.minutes:.1f}")
        table.add_row("all", f"{sum(one.minutes for one in self.phases):.1f}")
        return table


@contextmanager
def own_hortus(home: Path) -> Iterator[dict[str, str]]:
    """Run a Hortus of the example's own while the block runs; give the environment in which commands find it.

    Raises:
        TimeoutError: it did not start.
    """
    environment = {**os.environ, "HORTUS_HOME": str(home)}  # noqa: TID251 - an example, not the product
    log = home.parent / "hortus.log"
    with log.open("wb") as written:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [str(HORTUS), "up", "--no-question", "--port", "0", "--admin-port", "0", "--workers", "1"],
            env=environment, stdout=written, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        _wait(process, environment, log=log)
        yield environment
    finally:
        process.terminate()
        process.wait(timeout=60)


def _wait(process: subprocess.Popen[bytes], environment: dict[str, str], *, log: Path) -> None:
    end = time.monotonic() + STARTED_WITHIN_S
    while subprocess.run([str(HORTUS), "status"], env=environment, capture_output=True, check=False).returncode:  # noqa: S603 - ours
        if process.poll() is not None or time.monotonic() > end:
            raise TimeoutError(f"Hortus did not start; it wrote {log}")
        time.sleep(1)


@contextmanager
def some_hortus(work: Path) -> Iterator[dict[str, str]]:
    """Use the running Hortus that HORTUS_HOME names, else one of the example's own."""
    named = os.environ.get("HORTUS_HOME")  # noqa: TID251 - an example, not the product
    if named:
        yield dict(os.environ)  # noqa: TID251 - as above
        return
    home = work / "home"
    shutil.rmtree(home, ignore_errors=True)
    with own_hortus(home) as environment:
        yield environment


def loop(run: Run, work: Path, *, seed: int, quick: bool) -> None:
    """Data check, training, gate, deployment, questions, papers."""
    data = work / "data"
    files = ["--validation", str(data / "validation.jsonl")]
    recipe = ["--recipe", str(HERE / "recipe.json"), "--seed", str(seed), *(QUICK_STEPS if quick else [])]
    with run.phase("data made and checked"):
        made = [sys.executable, str(HERE / "dataset.py"), str(data), *(QUICK_CHATS if quick else [])]
        subprocess.run(made, check=True)  # noqa: S603 - our own program
        if BASE.encode() not in run.answer("models", "bases", "--json"):
            run.hortus("models", "add", str(HERE / "base"), "--name", BASE)
        run.hortus("datasets", "check", str(data / "training.jsonl"), *files, "--base", BASE, *recipe)
    with run.phase("tuned, base evaluated, judged, deployed"):
        run.hortus(
            "train", "--data", str(data / "training.jsonl"), *files, "--base", BASE, "--suffix", f"desk{seed}",
            "--about", str(HERE / "about.toml"), "--margin", "0.2", *recipe,
        )  # fmt: skip
    jobs = msgspec.json.decode(run.answer("jobs", "list", "--json"))
    newest = jobs[0] if isinstance(jobs, list) else jobs["items"][0]
    run.split(msgspec.json.decode(run.answer("jobs", "events", newest["id"], "--json")))
    with run.phase("asked"):
        run.hortus("jobs", "verdict", newest["id"])
        for question in QUESTIONS:
            run.hortus("ask", "--route", newest["product"], question)
    with run.phase("papers written"):
        out = work / "product"
        shutil.rmtree(out, ignore_errors=True)
        run.hortus("models", "export", newest["id"], str(out.absolute()))


def main() -> None:
    """Read the command line and run the loop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--quick", action="store_true", help="few chats, few steps: to see every phase, not the figures"
    )
    parser.add_argument("--work", type=Path, default=HERE / ".work")
    arguments = parser.parse_args()
    work: Path = arguments.work.absolute()
    work.mkdir(parents=True, exist_ok=True)
    console = Console()
    with some_hortus(work) as environment:
        run = Run(environment, console)
        loop(run, work, seed=arguments.seed, quick=arguments.quick)
    console.print(run.summary())
    console.print(f"The product's folder: {work / 'product'}")


if __name__ == "__main__":
    main()
