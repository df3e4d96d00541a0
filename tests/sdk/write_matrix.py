"""Runs the whole matrix and writes its page: `make matrix`. Ends with 1, and names the cells, where one failed."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack, closing
from importlib.metadata import version
from pathlib import Path

from garden import Hortus
from hortus.testkit.replay_host import ReplayHost
from sdk.matrix import CLIENTS, HOSTS, PAGE, Matrix, declared, written


def main() -> int:
    with ExitStack() as stack:
        host = stack.enter_context(ReplayHost())
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        environment = {"REPLAY_KEY": "sk-replay"}
        garden = stack.enter_context(closing(Hortus(home, toml=declared(host), environment=environment)))
        garden.start("--workers", "2")
        matrix = Matrix(garden, host, stack)
        PAGE.write_text(written(matrix, versions=version), "utf-8")
        failed = 0
        for client in CLIENTS:
            for row, cells in matrix.cells(client):
                for host_name, cell in zip(HOSTS, cells, strict=True):
                    if cell.state == "failed":
                        failed += 1
                        sys.stdout.write(f"{client} -> {host_name}, {row.name}: {' '.join(cell.detail)}\n")
    sys.stdout.write(f"{PAGE}: {failed} cells failed\n")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
