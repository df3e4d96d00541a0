"""What is read from a model file, and which files are refused with which words."""

from __future__ import annotations

import contextlib
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_model import CONTEXT, HEADS, LAYERS, WIDTH, write_tiny_model

from hortus.engines.errors import ModelFileError
from hortus.engines.gguf import read_header


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def _gguf(*entries: tuple[str, bytes], tensors: int = 0, version: int = 3) -> bytes:
    start = b"GGUF" + struct.pack("<IQQ", version, tensors, len(entries))
    return start + b"".join(_text(key) + value for key, value in entries)


def _string_entry(key: str, value: str) -> tuple[str, bytes]:
    return key, struct.pack("<I", 8) + _text(value)


ARCHITECTURE = _string_entry("general.architecture", "llama")


def _refusal(path: Path) -> ModelFileError:
    with pytest.raises(ModelFileError) as caught:
        read_header(path)
    assert caught.value.is_fatal
    assert caught.value.path == str(path)
    assert caught.value.hint
    return caught.value


def test_reads_what_a_model_says_of_itself(tiny_model: Path) -> None:
    header = read_header(tiny_model)
    assert (header.version, header.architecture, header.name, header.quantisation) == (3, "llama", "tiny", "F16")
    assert (header.context_tokens, header.layers, header.width, header.heads) == (CONTEXT, LAYERS, WIDTH, HEADS)
    assert header.vocabulary == 258
    assert header.has_chat_template
    assert not header.is_embedding_model
    assert header.file_bytes == tiny_model.stat().st_size
    assert header.kv_bytes_per_token == 2 * LAYERS * WIDTH * 2


def test_sees_a_missing_chat_template(tmp_path: Path) -> None:
    assert not read_header(write_tiny_model(tmp_path / "plain.gguf", template=None)).has_chat_template


def test_long_vocabularies_are_counted_not_kept(tmp_path: Path) -> None:
    tokens = struct.pack("<IIQ", 9, 8, 5000) + _text("t") * 5000
    numbers = struct.pack("<IIQ", 9, 5, 5000) + bytes(4 * 5000)
    path = tmp_path / "long.gguf"
    path.write_bytes(_gguf(ARCHITECTURE, ("tokenizer.ggml.tokens", tokens), ("tokenizer.ggml.token_type", numbers)))
    assert read_header(path).vocabulary == 5000


def test_takes_the_largest_of_numbers_given_for_each_layer(tmp_path: Path) -> None:
    each = struct.pack("<IIQ3i", 9, 5, 3, 2, 8, 4)
    path = tmp_path / "each.gguf"
    path.write_bytes(_gguf(ARCHITECTURE, ("llama.attention.head_count_kv", each)))
    assert read_header(path).kv_heads == 8


FOREIGN = [
    ("model.gguf", struct.pack("<Q", 300) + b'{"__metadata__":{}}', "a safetensors file"),
    ("model.safetensors", b"\0" * 64, "a safetensors file by its name"),
    ("model.gguf", b"\x80\x04\x95\0\0\0\0", "a pickle file"),
    ("pytorch_model.bin", b"PK\x03\x04" + bytes(30), "a PyTorch archive with a pickle in it"),
    ("model.pth", b"anything", "a pickle file by its name"),
    ("engine", b"\x7fELF\x02\x01\x01", "a program"),
    ("model.zip", b"PK\x03\x04" + bytes(30), "a zip archive"),
    ("model.gguf", b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer"),
    ("model.gguf", b"\n<!DOCTYPE html>", "a web page"),
    ("model.gguf", b"", "an empty file"),
    ("model.gguf", b"some other bytes", "not a GGUF model"),
]


@pytest.mark.parametrize(("name", "content", "kind"), FOREIGN, ids=[kind for _, _, kind in FOREIGN])
def test_says_what_a_foreign_file_is(tmp_path: Path, name: str, content: bytes, kind: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert kind in _refusal(path).message


def test_formats_that_run_code_are_refused_as_such(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(b"\x80\x02anything")
    assert "can run code" in str(_refusal(path))


def test_says_how_much_of_a_truncated_file_is_missing(tmp_path: Path, tiny_model: Path) -> None:
    whole = tiny_model.read_bytes()
    path = tmp_path / "half.gguf"
    path.write_bytes(whole[: len(whole) // 2])
    assert f"it should have {len(whole):,} bytes and has {len(whole) // 2:,}" in _refusal(path).message


BROKEN = [
    ("version 1", _gguf(version=1), "version 1"),
    ("endless counts", b"GGUF" + struct.pack("<IQQ", 3, 0, 1 << 60), "more entries"),
    ("unknown value type", _gguf(("a", struct.pack("<I", 77))), "unknown type 77"),
    ("array of arrays", _gguf(("a", struct.pack("<IIQ", 9, 9, 1))), "array of arrays"),
    ("unknown array type", _gguf(("a", struct.pack("<IIQ", 9, 77, 1))), "unknown type 77"),
    ("array beyond the end", _gguf(("a", struct.pack("<IIQ", 9, 10, 1 << 50))), "ends within its header"),
    ("string beyond the end", _gguf(("a", struct.pack("<IQ", 8, 1 << 60))), "ends within its header"),
    ("too many dimensions", _gguf(ARCHITECTURE, tensors=1) + _text("t") + struct.pack("<I", 99), "99 dimensions"),
    ("no architecture", _gguf(), "no language model"),
    ("an adapter", _gguf(ARCHITECTURE, _string_entry("general.type", "adapter")), "no language model"),
    ("one of several files", _gguf(ARCHITECTURE, ("split.count", struct.pack("<IH", 2, 3))), "split into several"),
]


@pytest.mark.parametrize(("content", "words"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_refuses_a_broken_header(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    assert words in _refusal(path).message


def test_a_missing_file_and_a_directory_have_their_own_words(tmp_path: Path) -> None:
    assert "no such file" in _refusal(tmp_path / "nowhere.gguf").message
    assert "is a directory" in _refusal(tmp_path).message


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_damage_to_a_header_is_read_or_refused_never_more(data: st.DataObject, tmp_path: Path) -> None:
    whole = bytearray(_gguf(ARCHITECTURE, ("llama.block_count", struct.pack("<II", 4, 2)), tensors=1))
    whole += _text("t") + struct.pack("<IQIQ", 1, 8, 0, 0) + bytes(64)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(4, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.gguf"
    path.write_bytes(whole[: data.draw(st.integers(4, len(whole)))])
    with contextlib.suppress(ModelFileError):
        read_header(path)
