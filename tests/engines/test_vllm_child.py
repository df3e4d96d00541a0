"""The process around vLLM, with a stand-in for the package: it reports, hides the key, and nothing outlives it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from engine_bench import SOURCE, bare_environment, children_of, is_alive, until

from hortus.engines.driver import Broken, Opening, Ready, Report
from hortus.snapshot.model import Deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

KEY = "engine-key-of-this-test"

SERVES = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if os.environ["VLLM_API_KEY"] == "engine-key-of-this-test" else 500)
        self.send_header("content-length", "0")
        self.end_headers()

def main():
    words = sys.argv
    HTTPServer((words[words.index("--host") + 1], int(words[words.index("--port") + 1])), Health).serve_forever()
"""
ENDS = "def main():\n    raise SystemExit(7)\n"


class Child:
    """One run of the child module."""

    def __init__(self, folder: Path, main: str) -> None:
        package = folder / "vllm" / "entrypoints" / "cli"
        package.mkdir(parents=True)
        (package / "main.py").write_text(main)
        reading, writing = os.pipe()
        words = ["--parent", str(os.getpid()), "--reporting", str(writing), "--name", "large"]
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "hortus.engines.drivers.vllm_child", *words],
            stdin=subprocess.PIPE,
            pass_fds=(writing,),
            env={**bare_environment(), "PYTHONPATH": f"{SOURCE}{os.pathsep}{folder}"},
            process_group=0,
        )
        os.close(writing)
        opening = Opening(Deployment(name="large", engine="vllm", model_path="/m"), model_path="/m", port=0, key=KEY)
        assert self.process.stdin
        self.process.stdin.write(msgspec.json.encode(opening))
        self.process.stdin.close()
        with os.fdopen(reading, "rb") as reports:
            self.report = msgspec.json.decode(reports.readline(), type=Report)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Child]:
    child = Child(tmp_path, SERVES)
    yield child
    child.close()


def test_it_reports_when_the_server_answers_and_shows_the_key_to_nobody(serving: Child) -> None:
    assert isinstance(serving.report, Ready)
    assert serving.report.port > 0
    (server,) = children_of(serving.process.pid)
    for pid in (serving.process.pid, server):
        assert KEY.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_the_server_dies_with_it(serving: Child) -> None:
    (server,) = children_of(serving.process.pid)
    serving.process.kill()
    until(lambda: not is_alive(server), "the server is gone")


def test_a_server_that_ends_before_it_answers_is_reported(tmp_path: Path) -> None:
    child = Child(tmp_path, ENDS)
    assert isinstance(child.report, Broken)
    assert "status 7" in child.report.reason
    assert child.process.wait(20) == 3
