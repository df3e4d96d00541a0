"""The driver of vLLM: serves a folder of safetensors on a GPU, many requests at once, with adapters by name.

Written from its documentation; it was never run by us: no machine at hand has both vLLM and a GPU.
"""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path

import msgspec

from hortus.engines.driver import Broken, Causes, Driver, Needs, find_cause
from hortus.engines.drivers.transformers import OFFLINE
from hortus.engines.errors import EngineMissingError, ModelFileError
from hortus.engines.memory import MIB
from hortus.engines.weights import read_folder
from hortus.snapshot.model import Adapter, Deployment

PACKAGE = "vllm"

KEY_VARIABLE = "VLLM_API_KEY"  # https://docs.vllm.ai/en/latest/configuration/env_vars.html, recalled 2026-11

_HOST_BYTES = 4096 * MIB
"""Of the machine's own memory: its processes; weights and contexts lie on the GPU."""

_ADAPTER_FILE = "adapter_model.safetensors"
_ADAPTER_CONFIG = "adapter_config.json"
_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Values that `--max-lora-rank` takes (https://docs.vllm.ai/en/latest/features/lora.html, recalled 2026-11)."""


class _AdapterConfig(msgspec.Struct):
    r: int
    peft_type: str = "LORA"


def has_gpu(*, devices: Path = Path("/dev")) -> bool:
    """Tell whether this machine shows a GPU to us: Nvidia's, or AMD's."""
    return any(devices.glob("nvidia[0-9]*")) or (devices / "kfd").exists()


@cache
def is_installed() -> bool:
    """Tell whether vLLM can be run here."""
    return importlib.util.find_spec(PACKAGE) is not None


def check(deployment: Deployment, model: Path) -> Needs:
    """Read the folder's configuration and headers and say what the deployment takes.

    Raises:
        EngineMissingError: There is no vLLM, or no GPU.
        ModelFileError: The folder holds no model that may be loaded, or an adapter is none.
    """
    missing = [what for what, is_here in (("vllm", is_installed()), ("a GPU", has_gpu())) if not is_here]
    if missing:
        raise EngineMissingError(
            f"the engine vLLM needs {' and '.join(missing)}, which this machine does not have.",
            path=f"deployment {deployment.name}",
            hint="Use the engine transformers or llamacpp here, or install vLLM on a machine with a GPU.",
        )
    folder = read_folder(model)
    for adapter in deployment.adapters:
        read_rank(adapter)
    notes = [] if folder.has_chat_template else ["the model brings no chat template: every chat will be refused"]
    return Needs(memory_bytes=_HOST_BYTES, notes=tuple(notes))


def read_rank(adapter: Adapter) -> int:
    """Return the rank of an adapter.

    Raises:
        ModelFileError: The folder is no LoRA adapter as PEFT saves it.
    """
    folder = Path(adapter.path)
    try:
        config = msgspec.json.decode((folder / _ADAPTER_CONFIG).read_bytes(), type=_AdapterConfig)
    except (OSError, msgspec.DecodeError) as error:
        raise _no_adapter(adapter) from error
    if config.peft_type != "LORA" or config.r > _RANKS[-1] or not (folder / _ADAPTER_FILE).exists():
        raise _no_adapter(adapter)
    return config.r


def _no_adapter(adapter: Adapter) -> ModelFileError:
    return ModelFileError(
        f"the adapter {adapter.name} is no folder with a LoRA adapter of rank {_RANKS[-1]} or less.",
        path=adapter.path,
        hint=f"Name a folder with {_ADAPTER_CONFIG} and {_ADAPTER_FILE}, as PEFT saves them.",
    )


def command(deployment: Deployment, *, model: str, port: int) -> list[str]:
    """Return the program's arguments; the key is not among them: arguments are seen by everybody."""
    # https://docs.vllm.ai/en/latest/cli/serve.html, read 2026-11
    words = ["serve", model, "--host", "127.0.0.1", "--port", str(port), "--served-model-name", deployment.name]
    words += ["--max-model-len", str(deployment.context_tokens), "--max-num-seqs", str(deployment.slots)]
    words += ["--generation-config", "vllm", "--disable-uvicorn-access-log", "--no-trust-remote-code"]
    if deployment.adapters:
        needed = max(map(read_rank, deployment.adapters))
        rank = next(one for one in _RANKS if one >= needed)
        words += ["--enable-lora", "--max-loras", str(len(deployment.adapters)), "--max-lora-rank", str(rank)]
        words += ["--lora-modules", *(msgspec.json.encode(one).decode() for one in deployment.adapters)]
    return words


_CAUSES: Causes = (
    (re.compile(r"(?P<what>CUDA out of memory[^\n]{0,200})"), False),
    (re.compile(r"(?P<what>Free memory on device[^\n]{0,250})"), False),
    (re.compile(r"(?P<what>No available memory for the cache blocks[^\n]{0,200})"), True),
    (re.compile(r"(?P<what>User-specified max_model_len[^\n]{0,250})"), True),
    (re.compile(r"(?P<what>Model architectures \[[^\n]{0,200} are not supported[^\n]{0,80})"), True),
    (re.compile(r"(?P<what>address already in use[^\n]{0,80})"), False),
    (re.compile(r"ValueError: (?P<what>[^\n]{1,300})"), True),
)
"""How vLLM words what went wrong, recalled 2026-11, and whether trying again is useless."""


def explain(log_tail: str) -> Broken | None:
    """Return the cause that the end of the log names."""
    return find_cause(log_tail, _CAUSES)


VLLM = Driver(
    name="vllm",
    child_module="hortus.engines.drivers.vllm_child",
    check=check,
    explain=explain,
    running=("vllm:num_requests_running", "vllm:num_requests_waiting"),
    environment=OFFLINE | {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"},
    stands_alone=True,  # it takes nine tenths of the GPU's memory for itself
)
