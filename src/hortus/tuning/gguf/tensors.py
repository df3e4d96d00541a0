"""How do a safetensors tensor's bytes become llama.cpp's, a slice of rows at a time?

The most that is in memory at once is one tensor as it is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

import gguf
import msgspec
import numpy as np

from hortus.jobs.errors import StepError
from hortus.jobs.weightfiles import StoredTensor
from hortus.tuning.gguf.refusals import refusal

_STORED = {"F32": "<f4", "F16": "<f2", "BF16": "<u2"}
_SLICE_BYTES = 16 * 1024 * 1024
_Q8_BLOCK = 32
_LARGEST_F16 = 65504.0

Values = Any
"""An array of numpy, whose types are not followed."""


class NumberFormat(StrEnum):
    """How weights are written; vectors (norms, biases) are always F32."""

    F16 = "f16"
    BF16 = "bf16"
    F32 = "f32"
    Q8_0 = "q8_0"


class BeyondF16(StepError):  # noqa: N818 -- it says what is wrong
    """A number would become infinite."""


class Written(msgspec.Struct, frozen=True):
    """One tensor of a GGUF file: its name there, its type, and what makes its bytes."""

    name: str
    kind: Any
    shape: tuple[int, ...]
    make: Callable[[], Values]

    @property
    def byte_shape(self) -> tuple[int, ...]:
        """Its shape in bytes."""
        return tuple(gguf.quant_shape_to_byte_shape(self.shape, self.kind))


def written(name: str, stored: StoredTensor, *, wish: NumberFormat, heads: int = 0, added: float = 0.0) -> Written:
    """Plan one tensor.

    Args:
        heads: Above 0, the rows of each head are reordered from halves to neighbours.
        added: To each of its numbers.
    """
    kind = _kind(stored, wish)
    return Written(name, kind, stored.shape, lambda: _bytes(stored, kind, heads=heads, added=added))


def _kind(stored: StoredTensor, wish: NumberFormat) -> Any:
    if len(stored.shape) == 1:
        return gguf.GGMLQuantizationType.F32
    if wish is NumberFormat.Q8_0 and stored.shape[-1] % _Q8_BLOCK:
        return gguf.GGMLQuantizationType.F16
    return gguf.GGMLQuantizationType[wish.name]


def _bytes(stored: StoredTensor, kind: Any, *, heads: int, added: float) -> Values:
    rows = stored.shape[0]
    raw: Values = np.memmap(stored.file, dtype=_dtype(stored), mode="r", offset=stored.start, shape=stored.shape)
    order = neighbours(rows, heads) if heads else None
    out = np.empty(gguf.quant_shape_to_byte_shape(stored.shape, kind), dtype=np.uint8)
    step = max(1, _SLICE_BYTES // (4 * max(1, stored.elements // max(1, rows))))
    for begin in range(0, rows, step):
        rows_here = slice(begin, begin + step)
        part = floats(raw[rows_here if order is None else order[rows_here]], stored.dtype) + np.float32(added)
        _check_range(part, kind, stored)
        out[begin * out.shape[0] // rows : (begin + len(part)) * out.shape[0] // rows] = _coded(part, kind)
    return out


def _coded(part: Values, kind: Any) -> Values:
    coded = np.ascontiguousarray(gguf.quants.quantize(part, kind))
    return coded.view(np.uint8).reshape(gguf.quant_shape_to_byte_shape(part.shape, kind))


def _check_range(part: Values, kind: Any, stored: StoredTensor) -> None:
    highest = float(max(np.max(part, initial=0.0), -np.min(part, initial=0.0)))  # NaN goes through both
    if not np.isfinite(highest):
        raise StepError(
            f"tensor {stored.name!r} holds numbers that are none (NaN or infinite).",
            reason="not_a_number",
            path=str(stored.file),
            hint="Train again with a lower learning rate.",
        )
    if kind in {gguf.GGMLQuantizationType.F16, gguf.GGMLQuantizationType.Q8_0} and highest > _LARGEST_F16:
        raise BeyondF16(
            f"tensor {stored.name!r} holds numbers too large for F16.",
            reason="no_gguf",
            path=str(stored.file),
            hint="Write it as BF16 or F32.",
        )


def _dtype(stored: StoredTensor) -> str:
    try:
        return _STORED[stored.dtype]
    except KeyError:
        raise refusal(f"tensor {stored.name!r} has the type {stored.dtype}, no plain one.", stored.file) from None


def floats(raw: Values, dtype: str) -> Values:
    """Return stored numbers as 32-bit floats; numpy has no BF16: its bits are the upper half."""
    if dtype == "BF16":
        return (raw.astype(np.uint32) << 16).view(np.float32)
    return raw.astype(np.float32)


def neighbours(rows: int, heads: int) -> Values:
    """Return the order of rows that llama.cpp rotates: transformers rotates (first half, second half) of a head."""
    return np.arange(rows).reshape(heads, 2, rows // heads // 2).swapaxes(1, 2).reshape(-1)


def write_whole(writer: Any, tensors: list[Written], *, target: Path) -> None:
    """Write a GGUF file aside, tensor by tensor, and give it its name when it is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.new")
    for each in tensors:
        shape = each.byte_shape
        writer.add_tensor_info(each.name, shape, np.dtype(np.uint8), int(np.prod(shape)), raw_dtype=each.kind)
    try:
        writer.write_header_to_file(aside)
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for each in tensors:
            writer.write_tensor_data(each.make())
        writer.close()
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(target)
    finally:
        writer.close()
        aside.unlink(missing_ok=True)
