"""Which tensors lie in a folder's safetensors files, do their headers tell the truth, and does a table ask for code?

Nothing but headers and small JSON files is read. Format: https://huggingface.co/docs/safetensors (recalled 2026-11).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import msgspec

from hortus.jobs.errors import StepError

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"

_LENGTH = struct.Struct("<Q")
_LONGEST_HEADER = 100_000_000
_MOST_DIMENSIONS = 8
_LARGEST_INDEX = 64 * 1024 * 1024
_BITS = {
    "C64": 64,
    "F64": 64,
    "F32": 32,
    "F16": 16,
    "BF16": 16,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "F4": 4,
    "I64": 64,
    "I32": 32,
    "I16": 16,
    "I8": 8,
    "U64": 64,
    "U32": 32,
    "U16": 16,
    "U8": 8,
    "BOOL": 8,
}
_ASKS_FOR_CODE = ("auto_map", "trust_remote_code", "custom_pipelines", "custom_generate")
_KERNELS = ("attn_implementation", "_attn_implementation", "_attn_implementation_internal", "experts_implementation")
"""Where a `/` in the value makes transformers fetch a kernel, which is code."""


class _Entry(msgspec.Struct, frozen=True):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


class _Index(msgspec.Struct, frozen=True):
    weight_map: dict[str, str]


class StoredTensor(msgspec.Struct, frozen=True):
    """One tensor: where its bytes lie.

    Attributes:
        dtype: In safetensors' words, such as `BF16`.
        start: Offset in the file.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    file: Path
    start: int
    size: int

    @property
    def elements(self) -> int:
        """How many numbers it has."""
        return math.prod(self.shape)


def unsafe(message: str, path: Path) -> StepError:
    """Return the error for weights that are not loaded."""
    return StepError(
        message,
        reason="unsafe_weights",
        path=str(path),
        hint="Use weights that were written as safetensors by their maker, and check their download.",
    )


def read_header(path: Path) -> dict[str, StoredTensor]:
    """Return the tensors of one file by name.

    Raises:
        StepError: It is no safetensors file, or its header does not fit the file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(_LENGTH.size)
            length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else 0
            if not 2 <= length <= min(_LONGEST_HEADER, size - _LENGTH.size):  # noqa: PLR2004 - `{}` is the shortest
                raise unsafe("is no safetensors file: the length of its header is impossible.", path)
            entries = _entries(file.read(length), path)
    except OSError as error:
        raise unsafe(f"cannot be read ({error.strerror}).", path) from None
    _check_cover(entries, path, data_bytes=size - _LENGTH.size - length)
    begin = _LENGTH.size + length
    return {
        name: StoredTensor(
            name=name,
            dtype=entry.dtype,
            shape=entry.shape,
            file=path,
            start=begin + entry.data_offsets[0],
            size=entry.data_offsets[1] - entry.data_offsets[0],
        )
        for name, entry in entries.items()
    }


def _entries(header: bytes, path: Path) -> dict[str, _Entry]:
    if not header.startswith(b"{"):
        raise unsafe("is no safetensors file: its header is no JSON object.", path)
    try:
        table = msgspec.json.decode(header, type=dict[str, msgspec.Raw])
        return {
            name: msgspec.json.decode(entry, type=_Entry) for name, entry in table.items() if name != "__metadata__"
        }
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise unsafe("is no safetensors file: its header cannot be read.", path) from None


def _check_cover(entries: dict[str, _Entry], path: Path, *, data_bytes: int) -> None:
    """The tensors must lie one after another, from the first byte of the data to the last."""
    for name, entry in entries.items():
        fault = _fault(entry, data_bytes)
        if fault:
            raise unsafe(f"the header lies: tensor {name[:80]!r} {fault}.", path)
    spans = sorted(entry.data_offsets for entry in entries.values())
    edges = [(0, 0), *spans, (data_bytes, data_bytes)]
    for (_, end), (begin, _) in pairwise(edges):
        if begin != end:
            what = "tensors overlap" if begin < end else "there are bytes that belong to no tensor"
            raise unsafe(f"the header lies: {what}.", path)


def _fault(entry: _Entry, data_bytes: int) -> str:
    begin, end = entry.data_offsets
    if entry.dtype not in _BITS:
        return f"has the unknown type {entry.dtype[:20]!r}"
    if len(entry.shape) > _MOST_DIMENSIONS or min(entry.shape, default=0) < 0:
        return "has an impossible shape"
    if not 0 <= begin <= end <= data_bytes:
        return "would lie beyond the end of the file"
    if (end - begin) * 8 != math.prod(entry.shape) * _BITS[entry.dtype]:
        return "has a size that does not fit its shape"
    return ""


def weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files of a model: those that its index names, or the only one.

    Raises:
        StepError: There are none, there is no telling which, or the index leads out of the folder.
    """
    index = folder / INDEX
    if index.exists():
        return sorted({folder / name for name in read_index(index).values()})
    if (folder / SINGLE).exists():
        return [folder / SINGLE]
    found = sorted(folder.glob("*.safetensors"))
    if len(found) != 1:
        raise unsafe("holds no safetensors weights." if not found else f"holds several files, but no {INDEX}.", folder)
    return found


def read_index(index: Path) -> dict[str, str]:
    """Return the file name of each tensor.

    Raises:
        StepError: The index cannot be read, or names anything but safetensors files beside it.
    """
    try:
        if index.stat().st_size > _LARGEST_INDEX:
            raise unsafe("is too large for an index.", index)
        named = msgspec.json.decode(index.read_bytes(), type=_Index).weight_map
    except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise unsafe("cannot be read as an index of tensors.", index) from None
    for name in set(named.values()):
        if not _is_plain_name(name) or not name.endswith(".safetensors"):
            raise unsafe(f"names {name[:80]!r}, which is no safetensors file beside it.", index)
    return named


def _is_plain_name(name: str) -> bool:
    return bool(name) and not set(name) & {"/", "\\", "\0"} and not name.startswith(".")


def read_folder(folder: Path) -> dict[str, StoredTensor]:
    """Return all tensors of a model's folder by name, in the order of their names.

    Raises:
        StepError: As `weight_files` and `read_header`, or a tensor of the index is missing or is there twice.
    """
    tensors: dict[str, StoredTensor] = {}
    for path in weight_files(folder):
        found = read_header(path)
        _refuse_doubles(set(tensors) & set(found), path)
        tensors |= found
    if (folder / INDEX).exists():
        for name, file in read_index(folder / INDEX).items():
            if name not in tensors or tensors[name].file.name != file:
                raise unsafe(f"promises the tensor {name[:80]!r} in {file}, where it is not.", folder / INDEX)
    return dict(sorted(tensors.items()))


def _refuse_doubles(names: Iterable[str], path: Path) -> None:
    for name in names:
        raise unsafe(f"holds the tensor {name[:80]!r}, which another file holds as well.", path)


def code_asked_for(table: object) -> str | None:
    """Return the member by which a model's table asks for code when it is loaded, at any depth; None: it does not."""
    for key, value in _members(table):
        if (key in _ASKS_FOR_CODE and value) or (key in _KERNELS and "/" in str(value)):
            return key
    return None


def _members(value: object) -> Iterator[tuple[str, object]]:
    waiting = [value]
    while waiting:
        match waiting.pop():
            case Mapping() as table:
                yield from table.items()
                waiting.extend(table.values())
            case list() as values:
                waiting.extend(values)
            case _:
                continue
