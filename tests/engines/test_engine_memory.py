"""How much a model is thought to need, and how much there is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hortus.engines.cgroups import memory_left_bytes, processors
from hortus.engines.errors import MemoryShortError
from hortus.engines.gguf import GgufHeader, read_header
from hortus.engines.memory import MIB, admit, available_bytes, estimate_need_bytes

GIB = 1024 * MIB


@pytest.fixture
def eight_billion(tiny_model: Path) -> GgufHeader:
    """A model of the usual eight-billion shape in four bits."""
    return msgspec.structs.replace(
        read_header(tiny_model),
        vocabulary=128_256,
        layers=32,
        width=4096,
        feed_forward=14_336,
        heads=32,
        kv_heads=8,
        key_length=128,
        value_length=128,
        file_bytes=4_900 * MIB,
    )


def test_counts_weights_context_and_scratch(eight_billion: GgufHeader) -> None:
    need = estimate_need_bytes(eight_billion, context_tokens=8192, slots=4, prompt_cache_bytes=0)
    context = 4 * GIB  # 128 KiB a token, four slots of 8192
    assert 4_900 * MIB + context < need < 4_900 * MIB + context + GIB


def test_more_slots_need_more(eight_billion: GgufHeader) -> None:
    needs = [
        estimate_need_bytes(eight_billion, context_tokens=2048, slots=slots, prompt_cache_bytes=0) for slots in (1, 4)
    ]
    assert needs[0] < needs[1]


def test_what_is_starting_counts_as_taken() -> None:
    admit(GIB, available=2 * GIB, reserved=GIB, name="a")
    with pytest.raises(
        MemoryShortError, match=r"deployment a: memory is short: needs 1.0 GiB, has 512.0 MiB"
    ) as caught:
        admit(GIB, available=2 * GIB, reserved=GIB + 512 * MIB, name="a")
    assert not caught.value.is_fatal


def _proc(tmp_path: Path, cgroup: str, *, available_kib: int = 8 * 1024 * 1024) -> Path:
    proc = tmp_path / "proc"
    (proc / "self").mkdir(parents=True)
    (proc / "self" / "cgroup").write_text(cgroup)
    (proc / "meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable: {available_kib} kB\n")
    return proc


def _write(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(text + "\n")
    return folder


def test_without_a_limit_the_machine_decides(tmp_path: Path) -> None:
    proc = _proc(tmp_path, "0::/\n")
    sys = _write(tmp_path / "sys", memory__max="max", memory__current="100")
    assert available_bytes(proc=proc, sys=sys) == 8 * GIB


def test_the_tightest_limit_on_the_way_up_decides_and_droppable_pages_are_free(tmp_path: Path) -> None:
    proc = _proc(tmp_path, "0::/outer/inner\n")
    sys = _write(tmp_path / "sys")
    _write(sys / "outer", memory__max=str(2 * GIB), memory__current=str(GIB), memory__stat=f"inactive_file {GIB // 2}")
    _write(sys / "outer" / "inner", memory__max=str(4 * GIB), memory__current="0")
    assert available_bytes(proc=proc, sys=sys) == GIB + GIB // 2


def test_reads_the_older_kind_of_cgroups(tmp_path: Path) -> None:
    proc = _proc(tmp_path, "4:memory:/box\n3:cpu,cpuacct:/box\n0::/\n")
    sys = tmp_path / "sys"
    _write(sys / "memory" / "box", memory__limit_in_bytes=str(GIB), memory__usage_in_bytes=str(GIB // 4))
    _write(sys / "memory", memory__limit_in_bytes="9223372036854771712", memory__usage_in_bytes="1")
    _write(sys / "cpu" / "box", cpu__cfs_quota_us="50000", cpu__cfs_period_us="100000")
    assert memory_left_bytes(proc=proc, sys=sys) == GIB - GIB // 4
    assert processors(proc=proc, sys=sys) == 1


def test_a_quota_of_processors_is_rounded_up_and_none_means_the_affinity(tmp_path: Path) -> None:
    proc = _proc(tmp_path, "0::/box\n")
    sys = tmp_path / "sys"
    _write(sys / "box", cpu__max="max 100000")
    unbound = processors(proc=proc, sys=sys)
    _write(sys / "box", cpu__max="110000 100000")
    assert processors(proc=proc, sys=sys) == min(2, unbound)


def test_a_limit_that_is_used_up_leaves_nothing(tmp_path: Path) -> None:
    proc = _proc(tmp_path, "0::/\n")
    sys = _write(tmp_path / "sys", memory__max="100", memory__current="200")
    assert memory_left_bytes(proc=proc, sys=sys) == 0


def test_this_machine_has_memory_and_processors() -> None:
    assert available_bytes() > 0
    assert processors() >= 1
