"""The curve of a training run as a picture and as characters, from the figures that its steps reported.

Pure: nothing here reads a file or needs a trainer; the command line draws with it as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from xml.sax.saxutils import escape

import msgspec

from hortus.jobs.reports import Metric

_WIDTH, _HEIGHT, _LEFT, _TOP, _RIGHT, _BOTTOM = 720, 360, 64, 40, 16, 44
_LINES = 4
_BRAILLE = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of a braille character: four rows of two."""


class Curves(msgspec.Struct, frozen=True):
    """The two curves of a run, as pairs of step and loss."""

    loss: tuple[tuple[float, float], ...]
    held_out: tuple[tuple[float, float], ...] = ()


class _Frame(msgspec.Struct, frozen=True):
    """The part of the plane that is drawn."""

    first: float
    last: float
    low: float
    high: float

    def across(self, step: float) -> float:
        return (step - self.first) / (self.last - self.first)

    def up(self, loss: float) -> float:
        return (loss - self.low) / (self.high - self.low)


def curves_of(metrics: Iterable[Metric]) -> Curves:
    """Return the curves of a run; of a step that was reported twice, after a kill, the later report counts."""
    by_step = {one.step: one for one in metrics}
    rows = [by_step[step] for step in sorted(by_step)]
    held_out = tuple((float(one.step), one.held_out_loss) for one in rows if one.held_out_loss is not None)
    return Curves(tuple((float(one.step), one.loss) for one in rows), held_out)


def svg(curves: Curves, *, title: str = "Loss") -> str:
    """Return a run's curves as an SVG document of its own."""
    frame = _frame(curves)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"',
        'font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="22" font-size="14">{escape(title)}</text>',
        *_grid(frame),
        _path(curves.loss, frame=frame, colour="#1b6ca8"),
        _path(curves.held_out, frame=frame, colour="#c2571a"),
        *_legend(bool(curves.held_out)),
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def terminal(curves: Curves, *, width: int = 72, height: int = 12) -> list[str]:
    """Return a run's loss as lines of braille characters: dots for training, a circle where held-out loss was taken."""
    frame = _frame(curves)
    columns, rows = max(8, width - 10), max(2, height - 2)
    cells = [[0] * columns for _ in range(rows)]
    for step, loss in _dense(curves.loss, count=columns * 2):
        across = min(columns * 2 - 1, int(frame.across(step) * (columns * 2 - 1) + 0.5))
        down = min(rows * 4 - 1, int((1 - frame.up(loss)) * (rows * 4 - 1) + 0.5))
        cells[down // 4][across // 2] |= _DOTS[down % 4][across % 2]
    canvas = [[chr(_BRAILLE + cell) if cell else " " for cell in row] for row in cells]
    for step, loss in curves.held_out:
        canvas[round((1 - frame.up(loss)) * (rows - 1))][round(frame.across(step) * (columns - 1))] = "o"
    labels = {0: f"{frame.high:.3g}", rows - 1: f"{frame.low:.3g}"}
    lines = [f"{labels.get(index, ''):>8} ┤{''.join(row).rstrip()}" for index, row in enumerate(canvas)]
    end = f"{frame.last:g}"
    return [*lines, " " * 9 + "└" + "─" * columns, " " * 10 + f"{frame.first:g}".ljust(columns - len(end)) + end]


def _frame(curves: Curves) -> _Frame:
    points = [*curves.loss, *curves.held_out] or [(0.0, 0.0)]
    steps, losses = [step for step, _ in points], [loss for _, loss in points]
    first, last, low, high = min(steps), max(steps), min(losses), max(losses)
    return _Frame(first, last if last > first else first + 1, low, high if high > low else low + 1)


def _dense(points: Sequence[tuple[float, float]], *, count: int) -> list[tuple[float, float]]:
    """Return the points with those between them, so that a curve of few points has no holes."""
    found = list(points)
    pieces = count // max(1, len(points) - 1)
    for (step, loss), (next_step, next_loss) in pairwise(points):
        for piece in range(1, pieces):
            share = piece / pieces
            found.append((step + (next_step - step) * share, loss + (next_loss - loss) * share))
    return found


def _place(point: tuple[float, float], frame: _Frame) -> tuple[float, float]:
    across = _LEFT + frame.across(point[0]) * (_WIDTH - _LEFT - _RIGHT)
    return across, _TOP + (1 - frame.up(point[1])) * (_HEIGHT - _TOP - _BOTTOM)


def _grid(frame: _Frame) -> list[str]:
    parts = []
    for line in range(_LINES + 1):
        share = line / _LINES
        loss = frame.low + (frame.high - frame.low) * share
        step = frame.first + (frame.last - frame.first) * share
        across, down = _place((step, loss), frame)
        parts.append(f'<path d="M{_LEFT} {down:.1f}H{_WIDTH - _RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{down + 4:.1f}" text-anchor="end">{loss:.3g}</text>')
        parts.append(f'<text x="{across:.1f}" y="{_HEIGHT - 22}" text-anchor="middle">{step:.0f}</text>')
    return [*parts, f'<text x="{_WIDTH / 2:.0f}" y="{_HEIGHT - 6}" text-anchor="middle">step</text>']


def _path(points: Sequence[tuple[float, float]], *, frame: _Frame, colour: str) -> str:
    if not points:
        return ""
    places = [_place(point, frame) for point in points]
    drawn = " ".join(f"{across:.1f},{down:.1f}" for across, down in places)
    if len(places) == 1:
        return f'<circle cx="{places[0][0]:.1f}" cy="{places[0][1]:.1f}" r="3" fill="{colour}"/>'
    return f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="1.6"/>'


def _legend(with_held_out: bool) -> list[str]:  # noqa: FBT001  # one argument, private
    names = [("#1b6ca8", "training")] + [("#c2571a", "held out")] * with_held_out
    return [
        f'<text x="{_WIDTH - _RIGHT - 90 * (len(names) - index)}" y="22" fill="{colour}">{name}</text>'
        for index, (colour, name) in enumerate(names)
    ]
