"""The driver of transformers: serves any architecture that the library has, from a folder of safetensors."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from hortus.engines.driver import Broken, Causes, Driver, Needs, find_cause
from hortus.engines.errors import EngineMissingError, ModelFileError
from hortus.engines.memory import MIB
from hortus.engines.weights import ModelFolder, read_folder
from hortus.snapshot.model import Deployment

PACKAGES = ("torch", "transformers")

OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
"""Nothing is fetched when a model is loaded: its folder has everything, or it is refused."""

RUNNING = "hortus_engine_requests_running"

_PROCESS_BYTES = 640 * MIB
"""Interpreter, torch and transformers without a model: 400 to 600 MiB were measured."""
_BATCH_TOKENS = 512
_FLOAT_BYTES = 4


def check(deployment: Deployment, model: Path) -> Needs:
    """Read the folder's configuration and headers and say what the deployment takes.

    Raises:
        EngineMissingError: torch or transformers is not installed.
        ModelFileError: The folder holds no model that may be loaded, or adapters are asked for.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise EngineMissingError(
            f"the engine transformers needs {' and '.join(missing)}, not installed here.",
            path=f"deployment {deployment.name}",
            hint="Install it with `pip install 'hortus[tuning]'`, then restart Hortus.",
        )
    if deployment.adapters:
        raise ModelFileError(
            "the engine transformers serves no adapters by name.",
            path=f"deployment {deployment.name}",
            hint="Deploy the merged model, or use llama.cpp (GGUF) or vLLM.",
        )
    folder = read_folder(model)
    notes = [] if folder.has_chat_template else ["the model brings no chat template: every chat will be refused"]
    context_tokens = context_of(deployment, folder)
    if context_tokens != deployment.context_tokens:
        notes.append(f"context cut from {deployment.context_tokens} to the {context_tokens} tokens the model knows")
    return Needs(memory_bytes=_need_bytes(folder, context_tokens=context_tokens), notes=tuple(notes))


def context_of(deployment: Deployment, folder: ModelFolder) -> int:
    """Return the longest context: what is wished, at most what the model was trained for."""
    return min(deployment.context_tokens, folder.context_tokens or deployment.context_tokens)


def _need_bytes(folder: ModelFolder, *, context_tokens: int) -> int:
    """Return about how much memory it takes: one request runs at a time, its keys and values in full precision."""
    context = 2 * folder.kv_bytes_per_token * context_tokens
    logits = folder.vocabulary * _FLOAT_BYTES * min(context_tokens, _BATCH_TOKENS)
    return folder.weight_bytes + context + logits + _PROCESS_BYTES


_CAUSES: Causes = (
    (re.compile(r"(?P<what>CUDA out of memory[^\n]{0,200})"), False),
    (re.compile(r"(?P<what>DefaultCPUAllocator: can't allocate memory[^\n]{0,120})"), False),
    (re.compile(r"ValueError: (?P<what>[^\n]{1,300})"), True),
    (re.compile(r"(?P<what>SafetensorError[^\n]{0,200})"), True),
)
"""How torch and transformers word what went wrong, and whether trying again is useless."""


def explain(log_tail: str) -> Broken | None:
    """Return the cause that the end of the log names."""
    return find_cause(log_tail, _CAUSES)


TRANSFORMERS = Driver(
    name="transformers",
    child_module="hortus.engines.drivers.transformers_child",
    check=check,
    explain=explain,
    running=(RUNNING,),
    environment=OFFLINE | {"TOKENIZERS_PARALLELISM": "false"},
)
