"""Headers of weights tell the truth, or the file is refused; nothing else of it is read."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import msgspec
import pytest

from hortus.jobs.errors import StepError
from hortus.jobs.weightfiles import SINGLE as WEIGHTS
from hortus.jobs.weightfiles import code_asked_for, read_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    path.mkdir()
    write_header(path / WEIGHTS, {"model.norm.weight": entry(0, 8)})
    return path


def refused(folder: Path) -> StepError:
    with pytest.raises(StepError) as caught:
        read_folder(folder)
    assert caught.value.reason == "unsafe_weights"
    return caught.value


def write_header(path: Path, table: object, *, data: bytes = b"\0" * 8, length: int | None = None) -> None:
    header = msgspec.json.encode(table)
    path.write_bytes(struct.pack("<Q", len(header) if length is None else length) + header + data)


def entry(begin: int, end: int, *, shape: tuple[int, ...] = (2,), dtype: str = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": (begin, end)}


LIES = {
    "beyond the end": {"x": entry(0, 4096, shape=(1024,))},
    "far beyond the end": {"x": entry(0, 2**62, shape=(2**60,))},
    "before the start": {"x": entry(-8, 0)},
    "backwards": {"x": entry(8, 0)},
    "overlap": {"x": entry(0, 8), "y": entry(4, 8, shape=(1,))},
    "hole": {"x": entry(4, 8, shape=(1,))},
    "bytes left over": {"x": entry(0, 4, shape=(1,))},
    "size unlike shape": {"x": entry(0, 8, shape=(3,))},
    "negative shape": {"x": entry(0, 8, shape=(-1, -2))},
    "many dimensions": {"x": entry(0, 8, shape=(1,) * 40 + (2,))},
    "unknown type": {"x": entry(0, 8, dtype="OBJECT")},
    "no offsets": {"x": {"dtype": "F32", "shape": (2,)}},
    "text for a number": {"x": {"dtype": "F32", "shape": ("2",), "data_offsets": (0, 8)}},
    "no object": [1, 2],
}


@pytest.mark.parametrize("case", LIES)
def test_a_header_that_lies_is_refused(case: str, folder: Path) -> None:
    write_header(folder / WEIGHTS, LIES[case])

    assert refused(folder).path == str(folder / WEIGHTS)


@pytest.mark.parametrize("length", [0, 1, 10**6, 2**40, 2**64 - 1])
def test_a_header_of_an_absurd_length_is_refused_without_reading_it(length: int, folder: Path) -> None:
    write_header(folder / WEIGHTS, {"x": entry(0, 8)}, length=length)

    assert "length of its header" in refused(folder).message


@pytest.mark.parametrize("data", [b"", b"\1", b"\0" * 8, b"\xff" * 64])
def test_a_file_of_a_few_bytes_is_refused(data: bytes, folder: Path) -> None:
    (folder / WEIGHTS).write_bytes(data)

    refused(folder)


def test_a_header_that_nests_without_end_is_refused(folder: Path) -> None:
    header = b'{"x":' * 100_000
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(header)) + header)

    refused(folder)


def index(folder: Path, weight_map: dict[str, str]) -> None:
    (folder / f"{WEIGHTS}.index.json").write_bytes(msgspec.json.encode({"weight_map": weight_map}))


@pytest.mark.parametrize(
    "name",
    ["../other/model.safetensors", "/etc/model.safetensors", "a/model.safetensors", "..\\m.safetensors", "m.bin",
     ".safetensors", "", "m.safetensors\0"],
)  # fmt: skip
def test_an_index_that_leads_elsewhere_is_refused(name: str, folder: Path) -> None:
    index(folder, {"model.norm.weight": name})

    assert refused(folder).path == str(folder / f"{WEIGHTS}.index.json")


def test_an_index_that_names_a_missing_file_is_refused(folder: Path) -> None:
    index(folder, {"model.norm.weight": "model-2.safetensors"})

    assert refused(folder).path == str(folder / "model-2.safetensors")


def test_an_index_that_promises_a_missing_tensor_is_refused(folder: Path) -> None:
    index(folder, {"model.other.weight": WEIGHTS})

    assert "promises the tensor" in refused(folder).message


def test_a_tensor_in_two_files_is_refused(folder: Path) -> None:
    shutil.copyfile(folder / WEIGHTS, folder / "model-2.safetensors")
    index(folder, {"model.norm.weight": WEIGHTS, "lm_head.weight": "model-2.safetensors"})

    assert "another file holds as well" in refused(folder).message


def test_several_files_without_an_index_are_refused(folder: Path) -> None:
    (folder / WEIGHTS).rename(folder / "a.safetensors")
    shutil.copyfile(folder / "a.safetensors", folder / "b.safetensors")

    refused(folder)


def test_every_tensor_says_where_its_bytes_lie(folder: Path) -> None:
    tensor = read_folder(folder)["model.norm.weight"]
    assert (tensor.dtype, tensor.elements, tensor.size) == ("F32", 2, 8)
    assert tensor.start + tensor.size == (folder / WEIGHTS).stat().st_size


@pytest.mark.parametrize(
    ("dtype", "size"), [("F64", 128), ("F32", 64), ("BF16", 32), ("F8_E8M0", 16), ("F6_E2M3", 12), ("F4", 8)]
)
def test_numbers_of_every_width_are_measured(dtype: str, size: int, folder: Path) -> None:
    write_header(folder / WEIGHTS, {"x": entry(0, size, shape=(16,), dtype=dtype)}, data=bytes(size))

    assert read_folder(folder)["x"].elements == 16


@pytest.mark.parametrize("table", [{"auto_map": {}}, {"attn_implementation": "sdpa"}, {"a": ["auto_map"]}, [], None])
def test_a_table_that_asks_for_nothing_is_taken(table: object) -> None:
    assert code_asked_for(table) is None


def test_a_table_that_asks_for_code_in_a_list_is_told_by_its_word() -> None:
    assert code_asked_for({"inner": [{"attn_implementation": "somebody/kernel"}]}) == "attn_implementation"
