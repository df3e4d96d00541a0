"""A verdict as a picture: bars of base and product with their bounds, as an SVG document of its own."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

import msgspec

from hortus.evals.verdict import Score, Verdict

_WIDTH, _NAMES, _BAR, _RIGHT, _TOP = 720, 200, 380, 130, 56
_THICK, _APART = 14, 12
_COLOURS = {"base": "#9a9a9a", "product": "#1f6f54"}
_NAME_LETTERS = 28
_FONT = 'font-family="sans-serif" font-size="12"'


class _Bars(msgspec.Struct, frozen=True):
    name: str
    product: Score
    base: Score | None

    @property
    def height(self) -> int:
        return _APART + _THICK * (1 if self.base is None else 2)


def draw(verdict: Verdict) -> str:
    """Return the picture of a verdict."""
    rows = list(_rows(verdict))
    height = _TOP + sum(row.height for row in rows) + 28
    title = "Gate: " + ("passed" if verdict.passed else "barred")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img" {_FONT}>',
        f"<title>{title}</title>",
        f"<desc>{escape(' '.join(_told(row) for row in rows))}</desc>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="16" y="24" font-size="15" font-weight="bold">{title}</text>',
        f'<text x="{_NAMES}" y="24">share of right answers, with bounds at {100 * verdict.confidence:g} %</text>',
        *_scale(height),
    ]
    top = _TOP
    for row in rows:
        parts += _drawn(row, top)
        top += row.height
    return "\n".join([*parts, "</svg>"])


def _rows(verdict: Verdict) -> Iterator[_Bars]:
    for suite in verdict.suites:
        yield _Bars(suite.key, suite.product, suite.base)
        yield from (_Bars(f"· {group.name}", group.product, group.base) for group in suite.groups)


def _told(row: _Bars) -> str:
    base = "" if row.base is None else f"base {100 * row.base.value:.1f} %, "
    return f"{row.name}: {base}product {100 * row.product.value:.1f} %."


def _scale(height: int) -> Iterator[str]:
    for share in (0, 25, 50, 75, 100):
        x = _across(share / 100)
        yield f'<line x1="{x}" y1="{_TOP - 8}" x2="{x}" y2="{height - 24}" stroke="#ddd"/>'
        yield f'<text x="{x}" y="{height - 8}" text-anchor="middle">{share}</text>'


def _drawn(row: _Bars, top: int) -> Iterator[str]:
    name = row.name if len(row.name) <= _NAME_LETTERS else row.name[: _NAME_LETTERS - 1] + "…"
    yield f'<text x="{_NAMES - 8}" y="{top + _THICK - 3}" text-anchor="end">{escape(name)}</text>'
    for who, score in (("base", row.base), ("product", row.product)):
        if score is None:
            continue
        middle = top + _THICK / 2
        low, high = _across(score.bounds.low), _across(score.bounds.high)
        yield (
            f'<rect x="{_NAMES}" y="{top + 2}" width="{_across(score.value) - _NAMES:.1f}" height="{_THICK - 4}" '
            f'fill="{_COLOURS[who]}"/>'
        )
        yield f'<path d="M{low} {middle}H{high}M{low} {middle - 3}v6M{high} {middle - 3}v6" stroke="#000" fill="none"/>'
        yield f'<text x="{_WIDTH - _RIGHT + 12}" y="{top + _THICK - 3}">{who} {100 * score.value:.1f} %</text>'
        top += _THICK


def _across(share: float) -> float:
    return round(_NAMES + share * _BAR, 1)
