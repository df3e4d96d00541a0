"""The verdict as text and as a picture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

from eval_ground import Bench, right, wrong

from hortus.evals.plots import draw
from hortus.evals.rendering import render


def test_showing_a_verdict_loads_no_large_library() -> None:
    code = "import sys, hortus.evals.rendering, hortus.evals.plots; sys.exit('pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


async def test_the_text_says_first_what_was_decided(tmp_path: Path) -> None:
    shown = render(await Bench(tmp_path).judge_models(right)).splitlines()
    assert shown[0] == "passed: the product may be promoted"


async def test_the_text_marks_the_check_that_bars(tmp_path: Path) -> None:
    shown = render(await Bench(tmp_path).judge_models(wrong))
    assert shown.startswith("barred")
    assert " NO  references: The engine gave 0 of 6 of the trainer's greedy answers." in shown


async def test_the_text_has_base_product_and_gain_with_bounds(tmp_path: Path) -> None:
    shown = render(await Bench(tmp_path).judge_models(right))
    row = next(line for line in shown.splitlines() if line.startswith("held_out"))
    assert row.split("  ")[-1].strip() == "+100.0 (91.5 to 100.0)"
    assert "0.0 % (0.0 to 6.0)" in row


async def test_the_text_has_a_row_for_each_group(tmp_path: Path) -> None:
    shown = render(await Bench(tmp_path).judge_models(right))
    assert [line.split()[0] for line in shown.splitlines() if line.startswith("  ")][-3:] == ["parks", "roads", "waste"]


async def test_the_text_of_a_product_from_scratch_has_no_base(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.scratch = True
    row = next(line for line in render(await bench.judge_models(right)).splitlines() if line.startswith("held_out"))
    assert row.split()[2] == "-"


async def test_the_picture_is_a_document_that_says_in_words_what_it_shows(tmp_path: Path) -> None:
    picture = ET.fromstring(draw(await Bench(tmp_path).judge_models(right)))  # noqa: S314 -- we wrote it
    told = picture.findtext("{http://www.w3.org/2000/svg}desc")
    assert told is not None
    assert told.startswith("held_out: base 0.0 %, product 100.0 %.")


async def test_names_of_groups_are_escaped_in_the_picture(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.add_suite("a", [("Q", "<b>")], group="<de&fr>")
    picture = draw(await bench.judge_models(lambda text: "<b>" if text == "Q" else right(text), base=lambda text: "x"))
    assert "&lt;de&amp;fr&gt;" in picture
    assert ET.fromstring(picture) is not None  # noqa: S314 -- we wrote it
