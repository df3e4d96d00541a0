"""What is in a folder of safetensors, and may an engine load it? Reads JSON and headers only, never weights or code.

Formats: https://huggingface.co/docs/safetensors/index, recalled 2026-11.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import msgspec

from hortus.engines.errors import ModelFileError

_LENGTH = struct.Struct("<Q")
_LONGEST_HEADER = 100_000_000
_LONGEST_TEXT = 64 * 1024 * 1024
_ASKS_FOR_CODE = ("auto_map", "trust_remote_code", "custom_generate")
_KERNELS = ("attn_implementation", "_attn_implementation", "experts_implementation")
"""A `/` in their value has transformers fetch a kernel, which is code."""
_JSON_FILES = ("config.json", "tokenizer_config.json", "generation_config.json")


_NOTHING = msgspec.Raw(b"null")


class _Entry(msgspec.Struct, frozen=True):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


class _Config(msgspec.Struct, frozen=True):
    """What sizes need; architectures with pictures keep it in `text_config`."""

    architectures: tuple[str, ...] = ()
    num_hidden_layers: int = 0
    hidden_size: int = 0
    num_attention_heads: int = 1
    num_key_value_heads: int | None = None
    head_dim: int | None = None
    vocab_size: int = 0
    max_position_embeddings: int = 0
    text_config: msgspec.Raw = _NOTHING


class ModelFolder(msgspec.Struct, frozen=True):
    """What a model's folder says of itself.

    Attributes:
        weight_bytes: Of all tensors, as they are stored.
        context_tokens: Longest context that the model was trained for, 0 where it does not say.
        kv_bytes_per_token: Memory of one token of context, with 16-bit keys and values.
    """

    architecture: str
    weight_bytes: int
    context_tokens: int
    kv_bytes_per_token: int
    vocabulary: int
    has_chat_template: bool


def is_model_folder(path: Path) -> bool:
    """Tell whether this is a folder with weights in safetensors."""
    return path.is_dir() and any(path.glob("*.safetensors"))


def folder_files(path: Path) -> list[Path]:
    """Return the files that decide what a folder's model answers, by name."""
    return sorted(
        each for each in path.iterdir() if each.suffix in {".safetensors", ".json", ".jinja", ".model", ".txt"}
    )


def read_folder(path: Path) -> ModelFolder:
    """Read and check a model's folder.

    Raises:
        ModelFileError: It is none, its weights are not safetensors or not whole, or loading it would run code.
    """
    if not is_model_folder(path):
        raise ModelFileError(
            "this is no folder with weights in safetensors; formats that can run code when loaded are refused.",
            path=str(path),
            hint="Save the model with `save_pretrained(…, safe_serialization=True)`.",
        )
    try:
        tables = {name: _read_table(path / name) for name in _JSON_FILES if (path / name).exists()}
        for name, table in tables.items():
            _refuse_code(table, path / name)
        if "config.json" not in tables:
            raise ModelFileError("the model's folder has no config.json.", path=str(path), hint="Save the model again.")
        weight_bytes = sum(map(_read_weights, sorted(path.glob("*.safetensors"))))
        return _describe(path, tables, weight_bytes=weight_bytes)
    except OSError as error:
        raise ModelFileError(
            f"the model's folder cannot be read: {(error.strerror or 'unknown').lower()}.", path=str(path)
        ) from error
    except msgspec.MsgspecError as error:
        raise ModelFileError(f"the model's configuration cannot be read: {error}.", path=str(path)) from error


def _read_table(file: Path) -> dict[str, msgspec.Raw]:
    if file.stat().st_size > _LONGEST_TEXT:
        raise ModelFileError("this file is longer than any of its kind.", path=str(file))
    return msgspec.json.decode(file.read_bytes(), type=dict[str, msgspec.Raw])


def _refuse_code(table: dict[str, msgspec.Raw], file: Path) -> None:
    for name, value in _members(table):
        asks = name in _ASKS_FOR_CODE and bytes(value) not in {b"null", b"false", b"{}"}
        if asks or (name in _KERNELS and b"/" in bytes(value)):
            raise ModelFileError(
                f"this model asks to run code of its own when it is loaded (`{name}`), which is refused.",
                path=str(file),
                hint="Take a model of an architecture that transformers itself has.",
            )


def _members(table: dict[str, msgspec.Raw]) -> Iterator[tuple[str, msgspec.Raw]]:
    """Return all members, those of the tables within too."""
    for name, value in table.items():
        yield name, value
        if bytes(value).startswith(b"{"):
            yield from _members(msgspec.json.decode(value, type=dict[str, msgspec.Raw]))


def _read_weights(file: Path) -> int:
    """Return how many bytes of tensors a file has."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(_LENGTH.size)
        length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else _LONGEST_HEADER + 1
        raw = stream.read(length) if length <= min(_LONGEST_HEADER, size) else b""
    try:
        header = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        entries = [msgspec.json.decode(one, type=_Entry) for name, one in header.items() if name != "__metadata__"]
    except msgspec.MsgspecError as error:
        raise ModelFileError(
            "this is no safetensors file, or it is cut off.", path=str(file), hint="Fetch it again."
        ) from error
    end = max((entry.data_offsets[1] for entry in entries), default=0)
    if _LENGTH.size + length + end > size:
        raise ModelFileError(
            f"the weights are cut off: {size:,} bytes of {_LENGTH.size + length + end:,}.",
            path=str(file),
            hint="Fetch the file again.",
        )
    return end


def _describe(path: Path, tables: dict[str, dict[str, msgspec.Raw]], *, weight_bytes: int) -> ModelFolder:
    outer = msgspec.json.decode(msgspec.json.encode(tables["config.json"]), type=_Config, strict=False)
    has_inner = bytes(outer.text_config) != bytes(_NOTHING)
    inner = msgspec.json.decode(outer.text_config, type=_Config, strict=False) if has_inner else outer
    heads = max(inner.num_attention_heads, 1)
    head_length = inner.head_dim or inner.hidden_size // heads
    kv_heads = inner.num_key_value_heads or heads
    has_template = (path / "chat_template.jinja").exists() or "chat_template" in tables.get("tokenizer_config.json", {})
    return ModelFolder(
        architecture=next(iter(outer.architectures), "unknown"),
        weight_bytes=weight_bytes,
        context_tokens=inner.max_position_embeddings,
        kv_bytes_per_token=2 * 2 * inner.num_hidden_layers * kv_heads * head_length,
        vocabulary=inner.vocab_size,
        has_chat_template=has_template,
    )
