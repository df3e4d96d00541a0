"""What the door costs: CPU per request and per streamed event, as a ratio to nginx in the same run.

The gateway under test runs on core 0, load and upstream on core 1 (on one core: everything shares it, and the
figures say so). CPU is user and system time: of the door (Hortus' workers; all of nginx), and of the whole process tree
with ledger, control and supervisor. Loopback only, bounded in time.

Usage: bench.py --nginx PATH [--seconds 2] [--rounds 3] [--json FILE]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from rich.progress import track
from rich.table import Table

HERE = Path(__file__).resolve().parent
TICKS = os.sysconf("SC_CLK_TCK")
CORES = sorted(os.sched_getaffinity(0))
GATEWAY_CORE, LOAD_CORE = str(CORES[0]), str(CORES[-1])
EVENTS, PACE_MS = 100, 10
QUESTION = "Which office mends the street lamp in front of number twelve? " * 6


class Phase(NamedTuple):
    """One kind of load; its figures are per request, or per event of a stream."""

    name: str
    upstream: str
    is_stream: bool
    connections: int


PHASES = (
    Phase("plain request", "plain", is_stream=False, connections=32),
    Phase("event, burst", "plain", is_stream=True, connections=16),
    Phase("event, 100 streams, paced", "paced", is_stream=True, connections=100),
)


class Gateway(NamedTuple):
    """Something to measure: its process, and where each upstream is reached."""

    name: str
    pid: int
    port: int
    key: str
    paths: dict[str, str]
    models: dict[str, str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(pid: int) -> list[int]:
    """Return the process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found


class Cpu(NamedTuple):
    """User and system time in seconds: of the door's processes, and of the whole tree."""

    door_s: float
    tree_s: float


def cpu_of(pid: int) -> Cpu:
    """Return what a process tree has used; where none of it is a worker, all of it is the door."""
    used, workers = 0, 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split()
            ticks = int(fields[11]) + int(fields[12])
            used += ticks
            if b"\0hortus.app\0worker\0" in Path(f"/proc/{one}/cmdline").read_bytes():
                workers += ticks
    return Cpu((workers or used) / TICKS, used / TICKS)


def pss_mib(pid: int) -> float:
    """Return the memory of a process tree, shared pages divided among their users."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


@contextlib.contextmanager
def running(
    command: list[str], *, core: str, directory: Path, environment: dict[str, str] | None = None
) -> Iterator[int]:
    """Run a command on one core and stop it at the end."""
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(
            ["taskset", "-c", core, *command],
            cwd=directory,
            env={**os.environ, **(environment or {})},
            stdout=log,
            stderr=log,
        )
    try:
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def nginx(binary: str, upstreams: dict[str, int], *, place: Path) -> Iterator[Gateway]:
    port, key = free_port(), "sk-bench"
    config = (HERE / "nginx.conf").read_text()
    for name, value in {"PLAIN": upstreams["plain"], "PACED": upstreams["paced"], "KEY": key, "PORT": port}.items():
        config = config.replace(f"@{name}@", str(value))
    (place / "nginx.conf").write_text(config)
    with running([binary, "-p", str(place), "-c", "nginx.conf"], core=GATEWAY_CORE, directory=place) as pid:
        wait_for_port(port)
        paths = {name: f"/{name}/v1/chat/completions" for name in upstreams}
        yield Gateway("nginx", pid, port, key, paths, dict.fromkeys(upstreams, "bench"))


HORTUS_TOML = """
[settings]
workers = 1
seedling = false
log_format = "json"
[[project]]
name = "default"
routes = ["*"]
"""

ENDPOINT_TOML = """
[[endpoint]]
name = "{name}"
model = "bench"
host = "openai-compatible"
base_url = "http://127.0.0.1:{port}/v1"
private_address = true
credential = "env:BENCH_KEY"
[[route]]
name = "{name}"
endpoints = ["{name}"]
"""


@contextlib.contextmanager
def hortus(upstreams: dict[str, int], *, place: Path) -> Iterator[Gateway]:
    port = free_port()
    text = HORTUS_TOML + "".join(ENDPOINT_TOML.format(name=name, port=at) for name, at in upstreams.items())
    (place / "hortus.toml").write_text(text)
    environment = {"HORTUS_HOME": str(place / "home"), "BENCH_KEY": "sk-host"}
    command = [sys.executable, "-m", "hortus.cli"]
    up = [*command, "up", "--no-question", "--port", str(port), "--admin-port", "0"]
    with running(up, core=GATEWAY_CORE, directory=place, environment=environment) as pid:
        wait_for_ready(place / "home" / "run" / "hortus.json")
        keys = [*command, "keys", "create", "--project", "default", "--json"]
        made = subprocess.run(keys, cwd=place, env={**os.environ, **environment}, capture_output=True, check=True)
        paths = dict.fromkeys(upstreams, "/v1/chat/completions")
        key = msgspec.json.decode(made.stdout)["key"]
        yield Gateway("hortus", pid, port, key, paths, {name: name for name in upstreams})


def wait_for_ready(file: Path) -> None:
    deadline = time.monotonic() + 60
    while not file.exists():
        if time.monotonic() > deadline:
            sys.exit(f"Hortus did not start; its log is {file.parents[2] / 'log'}")
        time.sleep(0.02)


def body_file(gateway: Gateway, phase: Phase, *, place: Path) -> Path:
    body: dict[str, Any] = {"model": gateway.models[phase.upstream], "temperature": 0.2, "max_tokens": 256}
    body["messages"] = [{"role": "user", "content": QUESTION}]
    if phase.is_stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    file = place / f"{gateway.name}-{phase.upstream}-{phase.is_stream}.json"
    file.write_bytes(msgspec.json.encode(body))
    return file


def measure(gateway: Gateway, phase: Phase, *, place: Path, seconds: float) -> dict[str, float]:
    """Run one phase once and return its figures; microseconds of CPU per unit among them."""
    body = body_file(gateway, phase, place=place)
    path = gateway.paths[phase.upstream]
    load = [str(place / "load"), str(gateway.port), path, gateway.key, str(body), str(phase.connections), str(seconds)]
    before = cpu_of(gateway.pid)
    done = subprocess.run(["taskset", "-c", LOAD_CORE, *load], capture_output=True, check=True)
    after = cpu_of(gateway.pid)
    figures: dict[str, float] = msgspec.json.decode(done.stdout)
    if figures["bad"]:
        sys.exit(f"{gateway.name}, {phase.name}: {figures['bad']:.0f} answers were not 200; see {place}")
    units = figures["events"] if phase.is_stream else figures["answers"]
    return {
        **figures,
        "door_us": (after.door_s - before.door_s) * 1e6 / units,
        "tree_us": (after.tree_s - before.tree_s) * 1e6 / units,
        "per_s": units / figures["seconds"],
    }


def build(place: Path) -> None:
    for name in ("load", "upstream"):
        subprocess.run(["cc", "-O2", "-o", str(place / name), str(HERE / f"{name}.c")], check=True)


def bench(arguments: argparse.Namespace, *, place: Path) -> dict[str, Any]:
    build(place)
    upstreams = {"plain": free_port(), "paced": free_port()}
    results: dict[str, Any] = {}
    with contextlib.ExitStack() as stack:
        for name, pace in (("plain", 0), ("paced", PACE_MS)):
            command = [str(place / "upstream"), str(upstreams[name]), str(pace), str(EVENTS)]
            stack.enter_context(running(command, core=LOAD_CORE, directory=place))
            wait_for_port(upstreams[name])
        for folder in ("nginx", "hortus"):
            (place / folder).mkdir()
        gateways = [
            stack.enter_context(nginx(arguments.nginx, upstreams, place=place / "nginx")),
            stack.enter_context(hortus(upstreams, place=place / "hortus")),
        ]
        for gateway in gateways:
            results[gateway.name] = {"memory_mib_idle": pss_mib(gateway.pid)}
            measure(gateway, PHASES[0], place=place, seconds=1.0)
        rounds = [(phase, number) for phase in PHASES for number in range(arguments.rounds)]
        for phase, _ in track(rounds, description="measuring", console=Console(stderr=True)):
            for gateway in gateways:
                figures = measure(gateway, phase, place=place, seconds=arguments.seconds)
                results[gateway.name].setdefault(phase.name, []).append(figures)
        for gateway in gateways:
            results[gateway.name]["memory_mib_loaded"] = pss_mib(gateway.pid)
    return results


_COLUMNS = ("load", "nginx µs", "door µs", "ratio", "all µs", "ratio", "nginx /s", "door /s", "p50 ms")
_WIDTH = 100


def show(results: dict[str, Any]) -> None:
    title = "CPU of the door (workers) and of all Hortus processes, beside nginx in the same run"
    table = Table(title=title, box=None, padding=(0, 2, 0, 0))
    for number, column in enumerate(_COLUMNS):
        table.add_column(column, justify="right" if number else "left", no_wrap=True)
    for phase in PHASES:
        middle = {
            name: {
                key: statistics.median(one[key] for one in results[name][phase.name])
                for key in ("door_us", "tree_us", "per_s", "p50_ms")
            }
            for name in ("nginx", "hortus")
        }
        ours, theirs = middle["hortus"], middle["nginx"]
        table.add_row(
            phase.name,
            f"{theirs['tree_us']:.1f}",
            f"{ours['door_us']:.1f}",
            f"{ours['door_us'] / theirs['tree_us']:.2f}",
            f"{ours['tree_us']:.1f}",
            f"{ours['tree_us'] / theirs['tree_us']:.2f}",
            f"{theirs['per_s']:,.0f}",
            f"{ours['per_s']:,.0f}",
            "-" if phase.is_stream else f"{ours['p50_ms']:.2f}",
        )
    console = Console(width=_WIDTH)
    console.print(table)
    memory = results["hortus"]
    console.print(
        f"memory of all Hortus processes (PSS): {memory['memory_mib_idle']:.0f} MiB idle, "
        f"{memory['memory_mib_loaded']:.0f} MiB after the load"
    )
    if GATEWAY_CORE == LOAD_CORE:
        console.print("One core only: load and gateway shared it; read the ratios, not the rates.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nginx", required=True)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="hortus-bench-"))
    results = bench(arguments, place=place)
    show(results)
    if arguments.json:
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1))
    shutil.rmtree(place)


if __name__ == "__main__":
    main()
