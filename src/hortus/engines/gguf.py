"""What does the header of a GGUF file say, and is the file whole? Reads metadata only, never weights, never code.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, read 2026-11.
"""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from hortus.engines.errors import ModelFileError
from hortus.engines.gguf_tables import BLOCKS, FILE_TYPES, FOREIGN_FORMATS, SCALARS

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"GGUF"
VERSIONS = (2, 3)
"""Version 1 had 32-bit lengths and is no longer loaded by llama.cpp."""

_STRING, _ARRAY, _BOOL = 8, 9, 7
_DEFAULT_ALIGNMENT = 32
_MOST_ENTRIES = 1_000_000
_MOST_DIMENSIONS = 8
_LONGEST_STRING = 64 * 1024 * 1024
_SHORT_ARRAY = 1024
"""Longer arrays (vocabularies) are counted, not kept."""

Value = int | float | bool | str | list["Value"] | None


class Array(msgspec.Struct, frozen=True):
    """A long array of which only the length is kept."""

    length: int


Metadata = dict[str, Value | Array]


class GgufHeader(msgspec.Struct, frozen=True):
    """What a model file says of itself.

    Attributes:
        quantisation: Name of the file's main number format, such as `Q4_K_M`; `unknown` where it does not say.
        context_tokens: Longest context that the model was trained for, 0 where it does not say.
        file_bytes: Size of the file, which is about what its weights take in memory.
    """

    version: int
    architecture: str
    name: str
    quantisation: str
    context_tokens: int
    vocabulary: int
    layers: int
    width: int
    feed_forward: int
    heads: int
    kv_heads: int
    key_length: int
    value_length: int
    has_chat_template: bool
    is_embedding_model: bool
    file_bytes: int

    @property
    def kv_bytes_per_token(self) -> int:
        """Memory of one token of context (16-bit keys and values), an upper bound for sliding windows."""
        return 2 * self.layers * self.kv_heads * (self.key_length + self.value_length)


class GgufAdapter(msgspec.Struct, frozen=True):
    """What the file of an adapter says of itself."""

    architecture: str
    file_bytes: int


def read_header(path: Path) -> GgufHeader:
    """Read and check the header of a model file.

    Raises:
        ModelFileError: Missing, unreadable, not GGUF, truncated, split, or not a language model.
    """
    metadata, version, size = _open(path)
    return _describe(metadata, version=version, size=size, path=path)


def read_adapter(path: Path) -> GgufAdapter:
    """Read and check the header of an adapter's file.

    Raises:
        ModelFileError: Missing, unreadable, not GGUF, truncated, or no LoRA adapter.
    """
    metadata, _, size = _open(path)
    if (_text(metadata, "general.type"), _text(metadata, "adapter.type")) != ("adapter", "lora"):
        raise ModelFileError(
            "this GGUF file is no LoRA adapter.",
            path=str(path),
            hint="Convert the adapter with the base it was made on.",
        )
    return GgufAdapter(_text(metadata, "general.architecture"), file_bytes=size)


def _open(path: Path) -> tuple[Metadata, int, int]:
    """Return the metadata of a whole file, its version and its size."""
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            return *_read(file, size, path=path), size
    except OSError as error:
        reason = "is a directory" if path.is_dir() else (error.strerror or "cannot be read").lower()
        raise ModelFileError(
            f"the model file cannot be read: {reason}.", path=str(path), hint="Name one GGUF file that exists."
        ) from error


def _read(file: BinaryIO, size: int, *, path: Path) -> tuple[Metadata, int]:
    _check_magic(file.read(16), path)
    file.seek(len(MAGIC))
    cursor = _Cursor(file, size, path=path)
    version = cursor.unpack("<I")
    if version not in VERSIONS:
        raise ModelFileError(
            f"GGUF version {version} is not known (2 and 3 are).", path=str(path), hint="Convert the model again."
        )
    tensor_count, entry_count = cursor.unpack("<Q"), cursor.unpack("<Q")
    if max(tensor_count, entry_count) > _MOST_ENTRIES:
        raise cursor.damaged("its header counts more entries than any model has")
    metadata = {cursor.string(): cursor.value() for _ in range(entry_count)}
    end = _end_of_tensors(cursor, tensor_count, alignment=_number(metadata, "general.alignment", _DEFAULT_ALIGNMENT))
    if end > size:
        raise cursor.damaged(f"it should have {end:,} bytes and has {size:,}")
    return metadata, version


def _check_magic(start: bytes, path: Path) -> None:
    if start.startswith(MAGIC):
        return
    for matches, kind, hint in FOREIGN_FORMATS:
        if matches(start, path.suffix.lower()):
            raise ModelFileError(f"this is {kind}, not a GGUF model.", path=str(path), hint=hint)
    raise ModelFileError(
        "this is not a GGUF model (its first bytes are not `GGUF`).",
        path=str(path),
        hint="Fetch the model again, or name the .gguf file of the repository.",
    )


class _Cursor:
    """Reads little-endian values and notices the file's end."""

    def __init__(self, file: BinaryIO, size: int, *, path: Path) -> None:
        self._file = file
        self._size = size
        self._path = path

    def damaged(self, reason: str) -> ModelFileError:
        return ModelFileError(
            f"the model file is damaged or truncated: {reason}.", path=str(self._path), hint="Fetch it again."
        )

    @property
    def position(self) -> int:
        return self._file.tell()

    def take(self, count: int) -> bytes:
        raw = self._file.read(count) if count <= _LONGEST_STRING else b""
        if len(raw) != count:
            raise self.damaged("it ends within its header")
        return raw

    def skip(self, count: int) -> None:
        if self.position + count > self._size:
            raise self.damaged("it ends within its header")
        self._file.seek(count, os.SEEK_CUR)

    def unpack(self, form: str) -> int:
        (number,) = struct.unpack(form, self.take(struct.calcsize(form)))
        return int(number)

    def string(self) -> str:
        return self.take(self.unpack("<Q")).decode("utf-8", "replace")

    def value(self) -> Value | Array:
        return self._of_kind(self.unpack("<I"))

    def _of_kind(self, kind: int) -> Value | Array:
        if kind == _STRING:
            return self.string()
        if kind == _ARRAY:
            return self._array()
        form = SCALARS.get(kind)
        if form is None:
            raise self.damaged(f"its header has a value of the unknown type {kind}")
        (value,) = struct.unpack(form, self.take(struct.calcsize(form)))
        plain: int | float = value
        return bool(plain) if kind == _BOOL else plain

    def _array(self) -> Value | Array:
        kind, length = self.unpack("<I"), self.unpack("<Q")
        if kind == _ARRAY:
            raise self.damaged("its header has an array of arrays")
        if kind != _STRING and kind not in SCALARS:
            raise self.damaged(f"its header has an array of the unknown type {kind}")
        if length <= _SHORT_ARRAY:
            return [value for _ in range(length) if not isinstance(value := self._of_kind(kind), Array)]
        if kind == _STRING:
            for _ in range(length):
                self.skip(self.unpack("<Q"))
        else:
            self.skip(length * struct.calcsize(SCALARS[kind]))
        return Array(length)


def _end_of_tensors(cursor: _Cursor, count: int, *, alignment: int) -> int:
    """Return how many bytes the file must have; tensors of unknown types count with their offset only."""
    last = 0
    for _ in range(count):
        cursor.string()
        dimensions = cursor.unpack("<I")
        if dimensions > _MOST_DIMENSIONS:
            raise cursor.damaged(f"one of its tensors has {dimensions} dimensions")
        elements = 1
        for _ in range(dimensions):
            elements *= cursor.unpack("<Q")
        block, block_bytes = BLOCKS.get(cursor.unpack("<I"), (1, 0))
        last = max(last, cursor.unpack("<Q") + elements // block * block_bytes)
    start = cursor.position
    alignment = max(alignment, 1)
    return start + (-start % alignment) + last if count else start


def _describe(metadata: Metadata, *, version: int, size: int, path: Path) -> GgufHeader:
    architecture = _text(metadata, "general.architecture")
    if not architecture or _text(metadata, "general.type") in {"adapter", "mmproj"}:
        raise ModelFileError(
            "this GGUF file holds no language model (an adapter or a part of one).",
            path=str(path),
            hint="Name the file of the model itself.",
        )
    if _number(metadata, "split.count", 0) > 1:
        raise ModelFileError(
            "this model is split into several files, which is not supported yet.",
            path=str(path),
            hint="Join them with `llama-gguf-split --merge`, or take a smaller quantisation in one file.",
        )

    def own(key: str, default: int = 0) -> int:
        return _number(metadata, f"{architecture}.{key}", default)

    width, heads = own("embedding_length"), own("attention.head_count", 1)
    head_length = width // max(heads, 1)
    tokens = metadata.get("tokenizer.ggml.tokens")
    listed = tokens.length if isinstance(tokens, Array) else len(tokens) if isinstance(tokens, list) else 0
    return GgufHeader(
        version=version,
        architecture=architecture,
        name=_text(metadata, "general.name"),
        quantisation=FILE_TYPES.get(_number(metadata, "general.file_type", -1), "unknown"),
        context_tokens=own("context_length"),
        vocabulary=own("vocab_size") or listed,
        layers=own("block_count"),
        width=width,
        feed_forward=own("feed_forward_length", width * 4),
        heads=heads,
        kv_heads=own("attention.head_count_kv", heads),
        key_length=own("attention.key_length", head_length),
        value_length=own("attention.value_length", head_length),
        has_chat_template=bool(_text(metadata, "tokenizer.chat_template")),
        is_embedding_model=f"{architecture}.pooling_type" in metadata,
        file_bytes=size,
    )


def _text(metadata: Metadata, key: str) -> str:
    value = metadata.get(key)
    return value if isinstance(value, str) else ""


def _number(metadata: Metadata, key: str, default: int) -> int:
    """Return a whole number; the largest of an array (some architectures give one number for each layer)."""
    value = metadata.get(key)
    if isinstance(value, list):
        return max((int(each) for each in value if isinstance(each, int | float)), default=default)
    return int(value) if isinstance(value, int | float) else default
