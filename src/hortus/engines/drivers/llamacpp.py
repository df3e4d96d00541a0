"""The driver of llama.cpp (through the package xllamacpp): what a model needs, and what its log says of a failure."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import msgspec

from hortus.engines.driver import Broken, Causes, Driver, Members, Needs, find_cause
from hortus.engines.errors import EngineMissingError, ModelFileError
from hortus.engines.gguf import GgufHeader, read_adapter, read_header
from hortus.engines.memory import MIB, estimate_need_bytes
from hortus.snapshot.model import Adapter, Deployment

PROMPT_CACHE_MIB = 64
"""Bound of the engine's cache of earlier prompts; its own default is 8 GiB."""

PACKAGE = "xllamacpp"


def check(deployment: Deployment, model: Path) -> Needs:
    """Read the model's header and say what the deployment takes.

    Raises:
        EngineMissingError: xllamacpp is not installed.
        ModelFileError: The file is no model for llama.cpp.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise EngineMissingError(
            "the engine llama.cpp is not installed.",
            path=f"deployment {deployment.name}",
            hint="Install it with `pip install 'hortus[local]'`, then restart Hortus.",
        )
    header = read_header(model)
    notes = []
    context_tokens = context_of(deployment, trained_tokens=header.context_tokens)
    if context_tokens != deployment.context_tokens:
        notes.append(f"context cut from {deployment.context_tokens} to the {context_tokens} tokens the model knows")
    if not header.has_chat_template:
        notes.append("the model brings no chat template; the engine falls back to its own (ChatML)")
    if min(deployment.slots, deployment.context_tokens) < 1:
        raise ModelFileError(
            "slots and context_tokens must be 1 or more.",
            path=f"deployment {deployment.name}",
            hint="Change them in its declaration.",
        )
    cache_bytes = prompt_cache_mib(deployment) * MIB
    need = estimate_need_bytes(
        header, context_tokens=context_tokens, slots=deployment.slots, prompt_cache_bytes=cache_bytes
    )
    need += sum(_check_adapter(adapter, header) for adapter in deployment.adapters)
    return Needs(memory_bytes=need, notes=tuple(notes))


def prompt_cache_mib(deployment: Deployment) -> int:
    """Return the bound of the cache of earlier prompts.

    None beside adapters: what one of them computed would be found again by whoever asks another one the same.
    """
    return 0 if deployment.adapters else PROMPT_CACHE_MIB


def serves(deployment: Deployment) -> dict[str, Members]:
    """Return which adapters are on for each name: one, or none for the deployment's own."""
    if not deployment.adapters:
        return {deployment.name: {}}
    named = {deployment.name: None, **{one.name: index for index, one in enumerate(deployment.adapters)}}
    return {name: {"lora": _scales(len(deployment.adapters), chosen=index)} for name, index in named.items()}


def _scales(count: int, *, chosen: int | None) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode([{"id": id_, "scale": int(id_ == chosen)} for id_ in range(count)]))


def _check_adapter(adapter: Adapter, base: GgufHeader) -> int:
    """Return what an adapter takes.

    Raises:
        ModelFileError: It is none, or none of this model's.
    """
    found = read_adapter(Path(adapter.path))
    if found.architecture != base.architecture:
        raise ModelFileError(
            f"the adapter {adapter.name} was made for the architecture {found.architecture or 'unknown'}, "
            f"the model has {base.architecture}.",
            path=adapter.path,
            hint="Name the model that the adapter was trained on.",
        )
    return found.file_bytes


def context_of(deployment: Deployment, *, trained_tokens: int) -> int:
    """Return the context of each slot: what is wished, at most what the model was trained for."""
    return min(deployment.context_tokens, trained_tokens or deployment.context_tokens)


_CAUSES: Causes = (
    (re.compile(r"(?:unable|failed) to allocate (?P<what>.{1,120})"), False),
    (re.compile(r"error loading model: (?P<what>[^\n]{1,300})"), True),
    (re.compile(r"failed to (?:parse|apply) (?P<what>chat template[^\n]{0,200})"), True),
    (re.compile(r"(?P<what>couldn't bind HTTP server socket[^\n]{0,80})"), False),
)
"""How llama.cpp words what went wrong, and whether trying again is useless."""


def explain(log_tail: str) -> Broken | None:
    """Return the cause that the end of the log names."""
    return find_cause(log_tail, _CAUSES)


LLAMACPP = Driver(
    name="llamacpp",
    child_module="hortus.engines.drivers.llamacpp_child",
    check=check,
    explain=explain,
    serves=serves,
    running=("llamacpp:requests_processing", "llamacpp:requests_deferred"),
)
