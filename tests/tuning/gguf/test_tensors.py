"""Do the numbers in a GGUF file equal the ones that were trained?"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from hortus.jobs.errors import StepError
from hortus.jobs.weightfiles import read_header
from hortus.tuning.gguf.models import write_model
from hortus.tuning.gguf.tensors import NumberFormat, floats, neighbours, written
from tiny_models import write_folder

NEAR = {NumberFormat.F32: 0.0, NumberFormat.F16: 2**-11, NumberFormat.BF16: 2**-8, NumberFormat.Q8_0: 1 / 127}
"""Largest error, in shares of the largest number."""


def read(path: Path) -> dict[str, np.ndarray]:
    found = gguf.GGUFReader(path).tensors
    return {each.name: gguf.quants.dequantize(each.data, each.tensor_type) for each in found}


@pytest.mark.parametrize("wish", list(NumberFormat))
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_number_is_kept_as_well_as_its_format_can(wish: NumberFormat, dtype: torch.dtype, tmp_path: Path) -> None:
    torch.manual_seed(1)
    values = torch.randn(6, 64).to(dtype)
    save_file({"x": values}, tmp_path / "model.safetensors")

    made = written("x", read_header(tmp_path / "model.safetensors")["x"], wish=wish)
    back = gguf.quants.dequantize(made.make(), made.kind).reshape(made.shape)

    highest = float(values.float().abs().max())
    assert float(np.abs(back - values.float().numpy()).max()) <= NEAR[wish] * highest


def test_large_tensors_are_converted_slice_by_slice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = torch.arange(40 * 32, dtype=torch.float32).reshape(40, 32)
    save_file({"x": values}, tmp_path / "model.safetensors")
    monkeypatch.setattr("hortus.tuning.gguf.tensors._SLICE_BYTES", 7 * 32 * 4)

    made = written("x", read_header(tmp_path / "model.safetensors")["x"], wish=NumberFormat.Q8_0)

    whole = gguf.quants.quantize(values.numpy(), gguf.GGMLQuantizationType.Q8_0)
    assert made.make().tobytes() == whole.tobytes()


def test_rows_that_do_not_fill_a_block_stay_16_bit(tmp_path: Path) -> None:
    save_file({"x": torch.ones(4, 20)}, tmp_path / "model.safetensors")

    made = written("x", read_header(tmp_path / "model.safetensors")["x"], wish=NumberFormat.Q8_0)

    assert made.kind == gguf.GGMLQuantizationType.F16


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused(value: float, tmp_path: Path) -> None:
    save_file({"x": torch.full((2, 32), value)}, tmp_path / "model.safetensors")
    made = written("x", read_header(tmp_path / "model.safetensors")["x"], wish=NumberFormat.F16)

    with pytest.raises(StepError, match="NaN or infinite") as caught:
        made.make()

    assert caught.value.reason == "not_a_number"


def test_a_number_beyond_16_bits_is_refused_rather_than_made_infinite(tmp_path: Path) -> None:
    save_file({"x": torch.full((2, 32), 1e6)}, tmp_path / "model.safetensors")
    made = written("x", read_header(tmp_path / "model.safetensors")["x"], wish=NumberFormat.F16)

    with pytest.raises(StepError, match="too large for F16"):
        made.make()


def test_bf16_is_widened_exactly() -> None:
    values = torch.tensor([1.0, -0.15625, 3e38], dtype=torch.bfloat16)

    assert floats(values.view(torch.uint16).numpy(), "BF16").tolist() == values.float().tolist()


def test_halves_of_a_head_become_neighbours() -> None:
    assert neighbours(8, 2).tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


def test_a_model_is_written_with_the_same_bytes_again(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model")
    write_model(folder, tmp_path / "one.gguf", name="tiny")
    write_model(folder, tmp_path / "two.gguf", name="tiny")

    assert (tmp_path / "one.gguf").read_bytes() == (tmp_path / "two.gguf").read_bytes()


@pytest.mark.parametrize(
    ("dtype", "factor", "wanted"),
    [
        (torch.float32, 1.0, gguf.GGMLQuantizationType.F32),
        (torch.float16, 1.0, gguf.GGMLQuantizationType.F16),
        (torch.bfloat16, 1.0, gguf.GGMLQuantizationType.F16),
        (torch.bfloat16, 1e6, gguf.GGMLQuantizationType.BF16),
    ],
)
def test_nothing_is_rounded_that_training_had_not_rounded(
    dtype: torch.dtype, factor: float, wanted: gguf.GGMLQuantizationType, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    save_file({name: (each.float() * factor).to(dtype) for name, each in weights.items()}, folder / "model.safetensors")

    write_model(folder, tmp_path / "model.gguf", name="tiny")

    written_as = {each.name: each.tensor_type for each in gguf.GGUFReader(tmp_path / "model.gguf").tensors}
    assert written_as["token_embd.weight"] == wanted
    back = read(tmp_path / "model.gguf")["token_embd.weight"]
    assert np.array_equal(back, (weights["model.embed_tokens.weight"].float() * factor).to(dtype).float().numpy())


def test_a_tied_head_is_not_written_twice(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model", tie_word_embeddings=True)
    write_model(folder, tmp_path / "model.gguf", name="tiny")

    assert "output.weight" not in read(tmp_path / "model.gguf")


def test_nothing_lies_under_the_name_of_a_file_that_could_not_be_finished(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "model")
    tensors = {"model.norm.weight": torch.full((64,), float("nan"))}
    whole = {
        name: torch.zeros(each.shape, dtype=torch.float16)
        for name, each in read_header(folder / "model.safetensors").items()
    }
    save_file(whole | tensors, folder / "model.safetensors")

    with pytest.raises(StepError):
        write_model(folder, tmp_path / "model.gguf", name="tiny")

    assert [path.name for path in tmp_path.iterdir()] == ["model"]
