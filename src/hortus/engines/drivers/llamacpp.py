"""The driver of llama.cpp (through the package xllamacpp): what a model needs, and what its log says of a failure."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from hortus.engines.driver import Broken, Driver, Needs
from hortus.engines.errors import EngineMissingError, ModelFileError
from hortus.engines.gguf import read_header
from hortus.engines.memory import MIB, estimate_need_bytes
from hortus.snapshot.model import Deployment

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
    need = estimate_need_bytes(
        header, context_tokens=context_tokens, slots=deployment.slots, prompt_cache_bytes=PROMPT_CACHE_MIB * MIB
    )
    return Needs(memory_bytes=need, notes=tuple(notes))


def context_of(deployment: Deployment, *, trained_tokens: int) -> int:
    """Return the context of each slot: what is wished, at most what the model was trained for."""
    return min(deployment.context_tokens, trained_tokens or deployment.context_tokens)


_CAUSES: tuple[tuple[re.Pattern[str], bool], ...] = (
    (re.compile(r"(?:unable|failed) to allocate (?P<what>.{1,120})"), False),
    (re.compile(r"error loading model: (?P<what>[^\n]{1,300})"), True),
    (re.compile(r"failed to (?:parse|apply) (?P<what>chat template[^\n]{0,200})"), True),
    (re.compile(r"(?P<what>couldn't bind HTTP server socket[^\n]{0,80})"), False),
)
"""How llama.cpp words what went wrong, and whether trying again is useless."""


def explain(log_tail: str) -> Broken | None:
    """Return the cause that the end of the log names."""
    for pattern, is_fatal in _CAUSES:
        found = pattern.search(log_tail)
        if found:
            return Broken(reason=found["what"].strip(), is_fatal=is_fatal)
    return None


LLAMACPP = Driver(
    name="llamacpp",
    child_module="hortus.engines.drivers.llamacpp_child",
    check=check,
    explain=explain,
    running=("llamacpp:requests_processing", "llamacpp:requests_deferred"),
)
