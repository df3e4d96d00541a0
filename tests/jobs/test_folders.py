"""What a job's folder holds."""

from __future__ import annotations

from pathlib import Path

from hortus.jobs.folders import JobFolder


def test_a_folder_holds_the_sum_of_its_files_and_nothing_that_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"x" * 1000)
    folder = JobFolder(tmp_path / "ftjob-1")
    (folder.product / "model").mkdir(parents=True)
    (folder.product / "model" / "weights").write_bytes(b"x" * 70)
    folder.base_gguf.write_bytes(b"x" * 7)
    (folder.root / "link").symlink_to(tmp_path / "elsewhere")
    pointed = len(str(tmp_path / "elsewhere"))
    assert folder.measure() == 77 + pointed


def test_a_job_without_a_folder_holds_nothing(tmp_path: Path) -> None:
    assert JobFolder(tmp_path / "ftjob-1").measure() == 0
