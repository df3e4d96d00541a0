"""What the table of engines and the llama.cpp driver decide, without a process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from tiny_model import CONTEXT, write_tiny_model

from hortus.engines.drivers import DRIVERS, driver_of
from hortus.engines.drivers.llamacpp import check, explain
from hortus.engines.errors import EngineMissingError, ModelFileError
from hortus.engines.sources import SEEDLING_FILE, model_file, stamp_of, with_defaults
from hortus.snapshot.model import Deployment

if TYPE_CHECKING:
    from pathlib import Path

DEPLOYMENT = Deployment(name="a", engine="llamacpp", model_path="/a.gguf", context_tokens=CONTEXT)


def test_every_row_of_the_table_is_found_by_its_name() -> None:
    assert all(driver_of(name).name == name for name in DRIVERS)
    with pytest.raises(EngineMissingError, match="Known engines: llamacpp"):
        driver_of("other")


def test_the_seedling_is_greedy_unless_the_deployment_says_otherwise() -> None:
    seedling = msgspec.structs.replace(DEPLOYMENT, model_path="seedling")
    assert model_file(seedling) == SEEDLING_FILE
    assert with_defaults(seedling).temperature == 0
    assert with_defaults(msgspec.structs.replace(seedling, temperature=0.7)).temperature == 0.7
    assert with_defaults(DEPLOYMENT).temperature is None


def test_a_longer_context_than_the_model_knows_is_cut_and_said(tiny_model: Path) -> None:
    plain = check(DEPLOYMENT, tiny_model)
    cut = check(msgspec.structs.replace(DEPLOYMENT, context_tokens=CONTEXT * 9), tiny_model)
    assert plain.notes == ()
    assert cut.notes == (f"context cut from {CONTEXT * 9} to the {CONTEXT} tokens the model knows",)
    assert cut.memory_bytes == plain.memory_bytes


def test_a_missing_chat_template_is_said(tmp_path: Path) -> None:
    (note,) = check(DEPLOYMENT, write_tiny_model(tmp_path / "plain.gguf", template=None)).notes
    assert "no chat template" in note


@pytest.mark.parametrize("wrong", [{"slots": 0}, {"context_tokens": 0}])
def test_no_slots_or_no_context_is_refused(tiny_model: Path, wrong: dict[str, int]) -> None:
    with pytest.raises(ModelFileError, match="must be 1 or more"):
        check(msgspec.structs.replace(DEPLOYMENT, **wrong), tiny_model)


@pytest.mark.parametrize(
    ("log", "reason", "is_fatal"),
    [
        ("E llama_model_load: error loading model: tensor 'x' is corrupted", "tensor 'x' is corrupted", True),
        ("E ggml: failed to allocate CPU buffer of size 9", "CPU buffer of size 9", False),
        ("E srv start: couldn't bind HTTP server socket, port: 1", "couldn't bind HTTP server socket, port: 1", False),
    ],
)
def test_the_log_names_the_cause(log: str, reason: str, *, is_fatal: bool) -> None:
    cause = explain(f"W something else\n{log}\nW more")
    assert cause
    assert (cause.reason, cause.is_fatal) == (reason, is_fatal)


def test_a_log_without_a_cause_explains_nothing() -> None:
    assert explain("W all is well") is None


def test_a_file_that_is_replaced_has_another_stamp(tmp_path: Path) -> None:
    file = tmp_path / "a.gguf"
    assert stamp_of(file) is None
    file.write_bytes(b"one")
    first = stamp_of(file)
    aside = tmp_path / "b"
    aside.write_bytes(b"two")
    aside.replace(file)
    assert first not in {None, stamp_of(file)}
