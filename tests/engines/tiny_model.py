"""Writes a Llama-architecture GGUF with random weights and a byte vocabulary: small, real, no package needed."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

WIDTH = 64
LAYERS = 2
HEADS = 4
CONTEXT = 512
RANK = 8
ALIGNMENT = 32


class Shape(NamedTuple):
    """How large a model is."""

    width: int
    layers: int
    heads: int


TINY = Shape(WIDTH, LAYERS, HEADS)
TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
F32, F16 = 0, 1
_MOST_DRAWN = 1 << 16
"""Weights of a larger tensor repeat: drawing is slow, and what they are does not matter."""


def write_tiny_model(
    path: Path, *, name: str = "tiny", context: int = CONTEXT, template: str | None = TEMPLATE, shape: Shape = TINY
) -> Path:
    """Write the model and return its path; the same arguments give the same bytes."""
    tokens = ["<bos>", "<eos>", *_byte_alphabet()]
    metadata = _metadata(name, context=context, tokens=tokens, shape=shape)
    if template is not None:
        metadata.append(("tokenizer.chat_template", _text(template)))
    return _write(path, metadata, _tensors(len(tokens), shape))


def write_tiny_adapter(path: Path, *, seed: str, architecture: str = "llama") -> Path:
    """Write a LoRA adapter over the tiny model, strong enough to change what it says."""
    metadata = [
        ("general.architecture", _text(architecture)),
        ("general.type", _text("adapter")),
        ("adapter.type", _text("lora")),
        ("adapter.lora.alpha", struct.pack("<If", 6, 64.0)),
    ]
    tensors = [
        (f"blk.{layer}.attn_{part}.weight.lora_{side}", shape, F16)
        for layer in range(LAYERS)
        for part in ("q", "v", "output")
        for side, shape in (("a", (WIDTH, RANK)), ("b", (RANK, WIDTH)))
    ]
    return _write(path, metadata, tensors, seed=seed)


def _write(
    path: Path, metadata: list[tuple[str, bytes]], tensors: list[tuple[str, tuple[int, ...], int]], *, seed: str = ""
) -> Path:
    out = bytearray(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)))
    for key, value in metadata:
        out += _string(key) + value
    body = bytearray()
    for tensor, shape, kind in tensors:
        out += _string(tensor) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        out += struct.pack("<IQ", kind, len(body))
        body += _weights(f"{seed}{tensor}", shape=shape, kind=kind)
        body += bytes(-len(body) % ALIGNMENT)
    out += bytes(-len(out) % ALIGNMENT)
    path.write_bytes(bytes(out + body))
    return path


def _byte_alphabet() -> list[str]:
    """One printable character for each byte, as byte-level tokenizers of the GPT-2 kind have it."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {byte: chr(byte) for byte in shown}
    hidden = (byte for byte in range(256) if byte not in letters)
    letters |= {byte: chr(256 + place) for place, byte in enumerate(hidden)}
    return [letters[byte] for byte in range(256)]


def _metadata(name: str, *, context: int, tokens: list[str], shape: Shape) -> list[tuple[str, bytes]]:
    strings = b"".join(map(_string, tokens))
    kinds = struct.pack(f"<{len(tokens)}i", 3, 3, *[1] * (len(tokens) - 2))
    return [
        ("general.architecture", _text("llama")),
        ("general.name", _text(name)),
        ("general.file_type", _u32(1)),
        ("llama.context_length", _u32(context)),
        ("llama.embedding_length", _u32(shape.width)),
        ("llama.block_count", _u32(shape.layers)),
        ("llama.feed_forward_length", _u32(shape.width * 2)),
        ("llama.attention.head_count", _u32(shape.heads)),
        ("llama.attention.head_count_kv", _u32(shape.heads)),
        ("llama.rope.dimension_count", _u32(shape.width // shape.heads)),
        ("llama.attention.layer_norm_rms_epsilon", struct.pack("<If", 6, 1e-5)),
        ("llama.vocab_size", _u32(len(tokens))),
        ("tokenizer.ggml.model", _text("gpt2")),
        ("tokenizer.ggml.pre", _text("gpt-2")),
        ("tokenizer.ggml.tokens", struct.pack("<IIQ", 9, 8, len(tokens)) + strings),
        ("tokenizer.ggml.token_type", struct.pack("<IIQ", 9, 5, len(tokens)) + kinds),
        ("tokenizer.ggml.merges", struct.pack("<IIQ", 9, 8, 1) + _string("a b")),
        ("tokenizer.ggml.bos_token_id", _u32(0)),
        ("tokenizer.ggml.eos_token_id", _u32(1)),
        ("tokenizer.ggml.add_bos_token", struct.pack("<IB", 7, 0)),
    ]


def _tensors(vocabulary: int, shape: Shape) -> list[tuple[str, tuple[int, ...], int]]:
    width = shape.width
    square, wide = (width, width), (width, width * 2)
    listed: list[tuple[str, tuple[int, ...], int]] = [
        ("token_embd.weight", (width, vocabulary), F16),
        ("output_norm.weight", (width,), F32),
    ]
    for layer in range(shape.layers):
        listed += [(f"blk.{layer}.{part}.weight", (width,), F32) for part in ("attn_norm", "ffn_norm")]
        listed += [(f"blk.{layer}.attn_{part}.weight", square, F16) for part in ("q", "k", "v", "output")]
        listed += [(f"blk.{layer}.ffn_{part}.weight", wide, F16) for part in ("gate", "up")]
        listed += [(f"blk.{layer}.ffn_down.weight", (width * 2, width), F16)]
    return listed


def _weights(name: str, *, shape: tuple[int, ...], kind: int) -> bytes:
    if len(shape) == 1:
        return struct.pack(f"<{shape[0]}f", *[1.0] * shape[0])
    assert kind == F16
    count = shape[0] * shape[1]
    dice = random.Random(name)
    drawn = min(count, _MOST_DRAWN)
    tile = struct.pack(f"<{drawn}e", *[dice.gauss(0, 0.1) for _ in range(drawn)])
    return (tile * -(-count // drawn))[: count * 2]


def _string(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def _text(text: str) -> bytes:
    return struct.pack("<I", 8) + _string(text)


def _u32(value: int) -> bytes:
    return struct.pack("<II", 4, value)
