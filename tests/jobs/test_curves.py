"""The picture of a run: valid SVG, lines that fit the terminal, and no trainer needed for either."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from hortus.jobs.curves import Curves, curves_of, svg, terminal
from hortus.jobs.reports import Metric

FALLING = curves_of(
    Metric(step, 50, 4.0 / step, 0.01, held_out_loss=4.5 / step if step % 10 == 0 else None) for step in range(1, 51)
)


def test_the_later_report_of_a_step_counts() -> None:
    metrics = [Metric(2, 3, 9.0, 0.1), Metric(1, 3, 5.0, 0.1), Metric(2, 3, 4.0, 0.1, held_out_loss=4.5)]
    assert curves_of(metrics) == Curves(((1.0, 5.0), (2.0, 4.0)), ((2.0, 4.5),))


def test_the_svg_has_both_curves_and_its_title() -> None:
    root = ET.fromstring(svg(FALLING, title="Loss of <a & b>"))  # noqa: S314  # our own document
    lines = [one for one in root if one.tag.endswith("polyline")]
    assert [len((one.get("points") or "").split()) for one in lines] == [50, 5]
    assert "Loss of <a & b>" in "".join(root.itertext())


@pytest.mark.parametrize("curves", [Curves(()), Curves(((1.0, 2.0),)), Curves(((1.0, 2.0), (2.0, 2.0)))])
def test_few_points_are_drawn_all_the_same(curves: Curves) -> None:
    ET.fromstring(svg(curves))  # noqa: S314  # our own document
    assert len(terminal(curves, width=40, height=8)) == 8


def test_the_terminal_gets_as_many_lines_as_wide_as_it_asked_for() -> None:
    lines = terminal(FALLING, width=60, height=10)
    assert len(lines) == 10
    assert max(len(line) for line in lines) <= 60


def test_a_falling_loss_falls_on_the_terminal() -> None:
    lines = terminal(FALLING, width=60, height=10)
    assert lines[0][10:12].strip()
    assert not lines[0][30:].strip()
    assert lines[7][40:].strip()
    assert "o" in "".join(lines)


def test_nobody_needs_a_trainer_to_draw() -> None:
    told = "import sys, hortus.jobs.curves; sys.exit('torch' in sys.modules or 'pyarrow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", told]).returncode == 0
