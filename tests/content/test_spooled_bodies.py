"""Spooled bodies: what is written comes back, little of it is ever in memory, and a full disk is said."""

from __future__ import annotations

import random
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

import pytest

from hortus.canon.errors import StorageFull
from hortus.content.spool import PIECE_BYTES, Spool, files_in

CONTENT = random.Random(7).randbytes(3 * PIECE_BYTES + 1000)


def never() -> BinaryIO:
    raise AssertionError("no file is wanted")


def full() -> BinaryIO:
    return Path("/dev/full").open("r+b", buffering=0)


async def spooled(content: bytes, directory: Path) -> Spool:
    spool = Spool(files_in(directory), spared_bytes=0)
    for start in range(0, len(content), 100_000):
        await spool.write(content[start : start + 100_000])
    return spool


async def test_a_short_body_never_touches_the_disk() -> None:
    spool = Spool(never)

    await spool.write(b"abc")

    assert await spool.read(1, 10) == b"bc"


@pytest.mark.parametrize(
    ("start", "size"),
    [
        (0, PIECE_BYTES),
        (PIECE_BYTES - 5, 10),
        (3 * PIECE_BYTES - 5, 10),
        (3 * PIECE_BYTES, 1000),
        (3 * PIECE_BYTES + 990, 500),
        (4 * PIECE_BYTES, 5),
    ],
)
async def test_bytes_come_back_from_any_place(tmp_path: Path, start: int, size: int) -> None:
    spool = await spooled(CONTENT, tmp_path)

    assert await spool.read(start, size) == CONTENT[start : start + size]
    spool.close()


async def test_only_one_piece_of_a_long_body_is_in_memory(tmp_path: Path) -> None:
    spool = Spool(files_in(tmp_path), spared_bytes=0)
    for _ in range(40):
        await spool.write(bytes(100_000))

        assert spool.held_bytes <= PIECE_BYTES
    spool.close()


async def test_the_file_has_no_name(tmp_path: Path) -> None:
    spool = await spooled(CONTENT, tmp_path / "spool")

    assert list((tmp_path / "spool").iterdir()) == []
    spool.close()


async def test_a_full_disk_is_said() -> None:
    spool = Spool(full, spared_bytes=0)

    with pytest.raises(StorageFull, match="no room"):
        await spool.write(CONTENT)
    spool.close()


async def test_what_is_left_for_the_journal_is_not_taken() -> None:
    spool = Spool(TemporaryFile, spared_bytes=1 << 62)

    with pytest.raises(StorageFull):
        await spool.write(CONTENT)
    spool.close()


async def test_a_directory_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    spool = Spool(files_in(tmp_path / "file" / "spool"))

    with pytest.raises(StorageFull):
        await spool.write(CONTENT)


async def test_a_closed_body_is_neither_read_nor_written(tmp_path: Path) -> None:
    spool = await spooled(CONTENT, tmp_path)
    spool.close()

    with pytest.raises(StorageFull):
        await spool.read(0, 10)
    with pytest.raises(StorageFull):
        await spool.write(CONTENT)


async def test_a_file_that_lost_its_end_is_not_sent_as_if_it_were_whole(tmp_path: Path) -> None:
    spool = Spool(lambda: (tmp_path / "named").open("w+b", buffering=0), spared_bytes=0)
    await spool.write(CONTENT)
    (tmp_path / "named").write_bytes(b"short")

    with pytest.raises(StorageFull):
        await spool.read(0, 1000)
    spool.close()
