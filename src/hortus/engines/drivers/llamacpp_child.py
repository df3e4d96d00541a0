"""The process that serves one model with llama.cpp: `python -m hortus.engines.drivers.llamacpp_child`.

Reads an `Opening` from standard input, writes one `Report` line to the descriptor `--reporting`, then serves until it
is ended. SIGTERM ends it at once: an engine has nothing to save. It never starts processes of its own.
"""

from __future__ import annotations

import importlib
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from hortus.engines.driver import Broken, Opening, Ready
from hortus.engines.drivers.child import free_or_any, give_up, hear_opening, report_to
from hortus.engines.drivers.llamacpp import PACKAGE, context_of, prompt_cache_mib
from hortus.engines.errors import EngineError
from hortus.engines.gguf import GgufHeader, read_header
from hortus.engines.threads import threads_of

_HTTP_THREADS_BESIDE_SLOTS = 64
"""Each waiting request holds one of the server's threads; with too few, even /health would have to queue."""

_QUIET = 2
"""llama.cpp's verbosity: warnings and errors. Higher ones would log prompts."""


def main(arguments: list[str]) -> int:
    """Serve until ended; return the exit status of a failed start."""
    opening, reporting = hear_opening(arguments, description=__doc__)
    started_s = time.monotonic()
    try:
        server = _serve(opening)
    except EngineError as error:
        return give_up(reporting, Broken(str(error), is_fatal=error.is_fatal))
    except ImportError as error:
        return give_up(reporting, Broken(f"xllamacpp cannot be loaded: {error}", is_fatal=True))
    except MemoryError:
        return give_up(reporting, Broken("memory ran out while the model was loaded", is_fatal=False))
    except RuntimeError as error:  # the one class that xllamacpp raises; the log says more, and decides whether fatal
        return give_up(reporting, Broken(str(error), is_fatal=False))
    port = urlsplit(server.listening_address).port or 0
    report_to(reporting, Ready(port=port, load_s=round(time.monotonic() - started_s, 3)))
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
    wished.port = free_or_any(opening.port)
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
    threads = threads_of(deployment, weights_bytes=header.file_bytes)
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
