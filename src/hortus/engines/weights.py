"""What is in a folder of safetensors, and may an engine load it? Reads JSON and headers only, never weights or code."""

from __future__ import annotations

from pathlib import Path

import msgspec

from hortus.engines.errors import ModelFileError
from hortus.jobs.errors import StepError
from hortus.jobs.weightfiles import code_asked_for, read_header

_LONGEST_TEXT = 64 * 1024 * 1024
_JSON_FILES = ("config.json", "tokenizer_config.json", "generation_config.json")


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
    text_config: dict[str, object] | None = None


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
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ModelFileError(f"the model's configuration cannot be read: {error}.", path=str(path)) from error


def _read_table(file: Path) -> dict[str, object]:
    if file.stat().st_size > _LONGEST_TEXT:
        raise ModelFileError("this file is longer than any of its kind.", path=str(file))
    return msgspec.json.decode(file.read_bytes(), type=dict[str, object])


def _refuse_code(table: dict[str, object], file: Path) -> None:
    asked = code_asked_for(table)
    if asked is not None:
        raise ModelFileError(
            f"this model asks to run code of its own when it is loaded (`{asked}`), which is refused.",
            path=str(file),
            hint="Take a model of an architecture that transformers itself has.",
        )


def _read_weights(file: Path) -> int:
    """Return how many bytes of tensors a file has."""
    try:
        return sum(tensor.size for tensor in read_header(file).values())
    except StepError as error:
        raise ModelFileError(
            f"this is no safetensors file, or it is cut off: {error.message}", path=str(file), hint="Fetch it again."
        ) from error


def _describe(path: Path, tables: dict[str, dict[str, object]], *, weight_bytes: int) -> ModelFolder:
    outer = msgspec.convert(tables["config.json"], type=_Config, strict=False)
    inner = outer if outer.text_config is None else msgspec.convert(outer.text_config, type=_Config, strict=False)
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
