"""What a folder of safetensors says of itself, and which ones are refused."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import msgspec
import pytest

from hortus.engines.drivers import driver_for
from hortus.engines.errors import ModelFileError
from hortus.engines.sources import stamp_of
from hortus.engines.weights import read_folder
from hortus.snapshot.model import Deployment

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 10,
    "max_position_embeddings": 128,
}


def _weights(size: int = 8) -> bytes:
    header = msgspec.json.encode({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})
    return struct.pack("<Q", len(header)) + header + bytes(size)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.mkdir()
    (path / "config.json").write_bytes(msgspec.json.encode(CONFIG))
    (path / "model.safetensors").write_bytes(_weights())
    return path


def test_its_size_and_context_are_read_from_headers_alone(folder: Path) -> None:
    found = read_folder(folder)
    assert (found.architecture, found.weight_bytes, found.context_tokens) == ("LlamaForCausalLM", 8, 128)
    assert found.kv_bytes_per_token == 2 * 2 * 2 * 2 * 16
    assert not found.has_chat_template


def test_the_sizes_of_a_model_with_pictures_lie_one_table_deeper(folder: Path) -> None:
    outer = {"architectures": ["SomeForConditionalGeneration"], "text_config": CONFIG}
    (folder / "config.json").write_bytes(msgspec.json.encode(outer))
    assert read_folder(folder).context_tokens == 128


@pytest.mark.parametrize("file", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize(
    "table",
    [
        {"auto_map": {"AutoModel": "own.Model"}},
        {"trust_remote_code": True},
        {"text_config": {"auto_map": {"AutoConfig": "own.Config"}}},
        {"attn_implementation": "somebody/kernel"},
    ],
)
def test_a_model_that_asks_for_code_of_its_own_is_refused(folder: Path, file: str, table: dict[str, object]) -> None:
    (folder / file).write_bytes(msgspec.json.encode({**CONFIG, **table}))
    with pytest.raises(ModelFileError, match="asks to run code"):
        read_folder(folder)


def test_weights_that_are_no_safetensors_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelFileError, match="no folder with weights in safetensors"):
        read_folder(folder)


@pytest.mark.parametrize("content", [_weights(7), b"", b"\x80\x04pickle of some kind", struct.pack("<Q", 1 << 60)])
def test_weights_that_are_cut_off_or_something_else_are_refused(folder: Path, content: bytes) -> None:
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelFileError, match="cut off"):
        read_folder(folder)


def test_a_configuration_that_nests_without_end_is_refused(folder: Path) -> None:
    (folder / "config.json").write_bytes(b'{"x":' * 100_000)
    with pytest.raises(ModelFileError, match="configuration cannot be read"):
        read_folder(folder)


def test_a_folder_without_a_configuration_is_refused(folder: Path) -> None:
    (folder / "config.json").unlink()
    with pytest.raises(ModelFileError, match=r"no config\.json"):
        read_folder(folder)


def test_a_folder_is_another_one_when_one_of_its_files_is(folder: Path) -> None:
    before = stamp_of(folder)
    (folder / "notes.md").write_text("changes nothing")
    assert stamp_of(folder) == before
    (folder / "chat_template.jinja").write_text("{{ messages }}")
    assert stamp_of(folder) != before


def test_the_engine_follows_the_kind_of_file(folder: Path) -> None:
    deployment = Deployment(name="a", engine="auto", model_path=str(folder))
    assert driver_for(deployment).name in {"transformers", "vllm"}
    assert driver_for(msgspec.structs.replace(deployment, model_path="/a.gguf")).name == "llamacpp"
    assert driver_for(msgspec.structs.replace(deployment, model_path="seedling")).name == "llamacpp"
