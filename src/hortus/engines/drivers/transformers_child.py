"""The process that serves one model with transformers: `python -m hortus.engines.drivers.transformers_child`.

Reads an `Opening` from standard input, writes one `Report` line to the descriptor `--reporting`, then serves until it
is ended. SIGTERM ends it at once. It loads safetensors only, from the model's own folder, and no code with them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from hortus.engines.driver import Broken, Opening, Ready
from hortus.engines.drivers.chat_server import ChatServer
from hortus.engines.drivers.child import free_or_any, give_up, hear_opening, report_to
from hortus.engines.drivers.transformers import context_of
from hortus.engines.errors import EngineError
from hortus.engines.threads import threads_of
from hortus.engines.weights import read_folder

_ID_BYTES = 12


def main(arguments: list[str]) -> int:
    """Serve until ended; return the exit status of a failed start."""
    opening, reporting = hear_opening(arguments, description=__doc__)
    started_s = time.monotonic()
    try:
        server = _load(opening)
    except EngineError as error:
        return give_up(reporting, Broken(str(error), is_fatal=error.is_fatal))
    except ImportError as error:
        return give_up(reporting, Broken(f"transformers cannot be loaded: {error}", is_fatal=True))
    except MemoryError:
        return give_up(reporting, Broken("memory ran out while the model was loaded", is_fatal=False))
    except (RuntimeError, ValueError, OSError, KeyError) as error:  # what the library raises for a model it cannot load
        return give_up(reporting, Broken(f"{type(error).__name__}: {error}"[:500], is_fatal=not _is_memory(error)))
    listening = _listen(opening.port)
    ready = Ready(port=listening.getsockname()[1], load_s=round(time.monotonic() - started_s, 3))
    report_to(reporting, ready)
    config = uvicorn.Config(server, log_config=None, access_log=False, lifespan="off", ws="none", server_header=False)
    asyncio.run(_Server(config).serve(sockets=[listening]))
    return 0


class _Server(uvicorn.Server):
    """Ends at once when it is told to: whoever tells it has seen that nothing runs."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:  # type: ignore[explicit-override]  # override comes with Python 3.12
        """Leave signals as they are."""
        yield


def _is_memory(error: Exception) -> bool:
    return isinstance(error, RuntimeError) and "memory" in str(error).lower()


def _load(opening: Opening) -> ChatServer:
    import torch  # noqa: PLC0415 - an extra: the message for its absence is ours

    from hortus.engines.drivers.transformers_model import ChatModel  # noqa: PLC0415 - likewise

    deployment = opening.deployment
    folder = read_folder(Path(opening.model_path))
    torch.set_num_threads(threads_of(deployment, weights_bytes=folder.weight_bytes))
    model = ChatModel(
        opening.model_path,
        context_tokens=context_of(deployment, folder),
        temperature=deployment.temperature,
    )
    return ChatServer(
        model,
        name=deployment.name,
        key=opening.key,
        make_id=lambda: os.urandom(_ID_BYTES).hex(),
        now_s=lambda: time.time_ns() // 10**9,
    )


def _listen(port: int) -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", free_or_any(port)))
    listening.listen(1024)
    return listening


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
