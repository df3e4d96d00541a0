"""The process around one vLLM server: `python -m hortus.engines.drivers.vllm_child`.

Reads an `Opening` from standard input, starts `vllm serve`, writes one `Report` line when that answers, and ends when
it ends. The server, and what it starts, are in this process's group and die with it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from http import HTTPStatus

from hortus.engines.asking import ask
from hortus.engines.driver import Broken, Opening, Ready
from hortus.engines.drivers.child import free_or_any, give_up, hear_opening, report_to
from hortus.engines.drivers.vllm import KEY_VARIABLE, command
from hortus.engines.parent_death import die_with_parent

_LOOK_EVERY_S = 0.5
_ASK_S = 2.0

_PROGRAM = "from vllm.entrypoints.cli.main import main; main()"
"""What the console script `vllm` does."""


def main(arguments: list[str]) -> int:
    """Serve until ended; return the exit status of the server, or of a failed start."""
    opening, reporting = hear_opening(arguments, description=__doc__)
    started_s = time.monotonic()
    port = _port(opening.port)
    try:
        server = _start(opening, port=port)
    except OSError as error:
        return give_up(reporting, Broken(f"vLLM could not be started: {error}", is_fatal=False))
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    if not asyncio.run(_answers(server, port=port)):
        return give_up(reporting, Broken(f"vLLM ended with status {server.returncode}", is_fatal=False))
    report_to(reporting, Ready(port=port, load_s=round(time.monotonic() - started_s, 3)))
    return abs(server.wait())


def _start(opening: Opening, *, port: int) -> subprocess.Popen[bytes]:
    own = os.getpid()
    return subprocess.Popen(  # noqa: S603 - our own interpreter; names and paths are data after their options
        [sys.executable, "-P", "-c", _PROGRAM, *command(opening.deployment, model=opening.model_path, port=port)],
        env={**_inherited(), KEY_VARIABLE: opening.key},
        preexec_fn=lambda: die_with_parent(own),  # noqa: PLW1509 - this process has one thread
    )


def _inherited() -> dict[str, str]:
    """Return this process's own variables: the supervisor has chosen them."""
    return dict(os.environ)  # noqa: TID251 - passed on, not read


def _port(wished: int) -> int:
    """Return a port that is free now; vLLM takes no 0."""
    port = free_or_any(wished)
    if port:
        return port
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


async def _answers(server: subprocess.Popen[bytes], *, port: int) -> bool:
    """Wait until the server answers; False when it ended before."""
    while server.poll() is None:
        answer = await ask(port, "/health", timeout_s=_ASK_S, wants_body=False)
        if answer is not None and answer.status == HTTPStatus.OK:
            return True
        await asyncio.sleep(_LOOK_EVERY_S)
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
