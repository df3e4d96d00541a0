"""The process that serves one model with llama.cpp: `python -m hortus.engines.drivers.llamacpp_child`.

Reads an `Opening` from standard input, writes one `Report` line to the descriptor `--reporting`, then serves until it
is ended. SIGTERM ends it at once: an engine has nothing to save. It never starts processes of its own.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from hortus.engines.cgroups import processors
from hortus.engines.driver import Broken, Opening, Ready, Report
from hortus.engines.drivers.llamacpp import PACKAGE, context_of, prompt_cache_mib
from hortus.engines.errors import EngineError
from hortus.engines.gguf import GgufHeader, read_header
from hortus.engines.parent_death import die_with_parent

_HTTP_THREADS_BESIDE_SLOTS = 64
"""Each waiting request holds one of the server's threads; with too few, even /health would have to queue."""

_QUIET = 2
"""llama.cpp's verbosity: warnings and errors. Higher ones would log prompts."""


def main(arguments: list[str]) -> int:
    """Serve until ended; return the exit status of a failed start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--reporting", type=int, required=True)
    parser.add_argument("--name", required=True)  # read by people in `ps`
    asked = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(asked.parent)
    os.set_inheritable(asked.reporting, False)  # noqa: FBT003 - positional by its signature
    opening = msgspec.json.decode(sys.stdin.buffer.read(), type=Opening)
    started_s = time.monotonic()
    try:
        server = _serve(opening)
    except EngineError as error:
        return _give_up(asked.reporting, Broken(str(error), is_fatal=error.is_fatal))
    except ImportError as error:
        return _give_up(asked.reporting, Broken(f"xllamacpp cannot be loaded: {error}", is_fatal=True))
    except MemoryError:
        return _give_up(asked.reporting, Broken("memory ran out while the model was loaded", is_fatal=False))
    except RuntimeError as error:  # the one class that xllamacpp raises; the log says more, and decides whether fatal
        return _give_up(asked.reporting, Broken(str(error), is_fatal=False))
    port = urlsplit(server.listening_address).port or 0
    _report(asked.reporting, Ready(port=port, load_s=round(time.monotonic() - started_s, 3)))
    threading.Event().wait()
    return 0


def _serve(opening: Opening) -> Any:
    engine = importlib.import_module(PACKAGE)  # an extra: the message for its absence is ours
    return engine.Server(_parameters(engine, opening, header=read_header(Path(opening.model_path))))


def _parameters(engine: Any, opening: Opening, *, header: GgufHeader) -> Any:
    deployment = opening.deployment
    wished = engine.CommonParams()
    wished.model.path = opening.model_path
    wished.model_alias = {deployment.name}
    wished.hostnames = ["127.0.0.1"]
    wished.port = _free_or_any(opening.port)
    wished.api_keys = [opening.key]
    wished.ui = False
    wished.endpoint_metrics = True
    wished.endpoint_props = False
    wished.endpoint_slots = False  # it shows prompts
    wished.n_threads_http = deployment.slots + _HTTP_THREADS_BESIDE_SLOTS
    wished.cache_ram_mib = prompt_cache_mib(deployment)
    wished.fit_params = False  # contexts are what the deployment says, not what the engine finds fitting
    wished.n_parallel = deployment.slots
    wished.n_ctx = context_of(deployment, trained_tokens=header.context_tokens) * deployment.slots
    wished.use_jinja = True
    wished.verbosity = _QUIET
    threads = deployment.threads or processors()
    wished.cpuparams.n_threads = threads
    wished.cpuparams_batch.n_threads = threads
    if deployment.adapters:  # off unless a request says otherwise
        wished.lora_adapters = [engine.CommonAdapterLoraInfo(one.path, 0.0) for one in deployment.adapters]
    if deployment.temperature is not None:
        wished.sampling.temp = deployment.temperature
    if deployment.offers_embeddings:
        wished.embedding = True
        if not header.is_embedding_model:  # such a model names its own way of pooling
            wished.pooling_type = engine.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    return wished


def _free_or_any(port: int) -> int:
    """Return the port if it can be had, else 0: the engine takes a free one."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return 0
    return port


def _report(descriptor: int, report: Report) -> None:
    os.write(descriptor, msgspec.json.encode(report) + b"\n")


def _give_up(descriptor: int, report: Broken) -> int:
    _report(descriptor, report)
    return 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
