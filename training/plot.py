"""A line chart as one SVG file that needs no style sheet and reads on light and dark pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 520.0, 370.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 56.0, 24.0, 78.0, 48.0
_TICKS = 4
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.grid{stroke:#ddd}.frame{fill:#fff}polyline{fill:none;stroke-width:2}"
    ".s0{stroke:#1664ab}.s1{stroke:#b3541e;stroke-dasharray:6 3}.s2{stroke:#4d7c2f;stroke-dasharray:2 3}"
)


@dataclass(frozen=True)
class Line:
    """A named line through (x, y), x rising from 0 to 1."""

    name: str
    points: tuple[tuple[float, float], ...]


def line_chart(title: str, x: str, y: str, lines: Sequence[Line]) -> str:
    """The SVG of at most three lines over shares; x runs from 0 to 1, y from 0 to the next tenth above the highest point."""
    top = min(1.0, (int(max(up for line in lines for _, up in line.points) * 10) + 1) / 10)

    def place(across: float, up: float) -> tuple[float, float]:
        left = _LEFT + across * (_WIDTH - _LEFT - _RIGHT)
        return left, _HEIGHT - _BOTTOM - up / top * (_HEIGHT - _TOP - _BOTTOM)

    parts = [f'<rect class="frame" width="{_WIDTH:g}" height="{_HEIGHT:g}"/>', f"<title>{escape(title)}</title>"]
    for i in range(_TICKS + 1):
        share = i / _TICKS
        left, low = place(share, 0)
        _, here = place(0, share * top)
        parts.append(_text(left, low + 18, f"{share:.0%}", "middle"))
        parts.append(f'<line class="grid" x1="{_LEFT:g}" x2="{_WIDTH - _RIGHT:g}" y1="{here:.1f}" y2="{here:.1f}"/>')
        parts.append(_text(_LEFT - 8, here + 4, f"{share * top:.3g}", "end"))
    for i, line in enumerate(lines):
        points = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in line.points)
        parts.append(f'<polyline class="s{i}" points="{points}"/>')
        at = 16 + 18 * i
        parts.append(f'<polyline class="s{i}" points="{_WIDTH / 2 - 70:g},{at:g} {_WIDTH / 2 - 48:g},{at:g}"/>')
        parts.append(_text(_WIDTH / 2 - 42, at + 4, line.name, "start"))
    parts.append(_text(8, 16, y, "start"))
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 8, x, "middle"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" '
        f'aria-label="{escape(title)}"><style>{_STYLE}</style>{"".join(parts)}</svg>\n'
    )


def _text(left: float, top: float, words: str, anchor: str) -> str:
    return f'<text x="{left:.1f}" y="{top:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
