"""The plots, as SVG that takes its colours from the style sheet.

A strip is one line of a table, as wide as its cell: its positions are shares of the width. A chart has axes of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from eval.report.markup import Markup, join, tag
from eval.statistics import Interval

_GRID = (0.0, 0.25, 0.5, 0.75, 1.0)
_LANE = 13.0
_BINS = 30
_WIDTH, _HEIGHT = 420.0, 280.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 24.0, 30.0, 44.0


@dataclass(frozen=True)
class Whisker:
    """A mean with its interval, 0..1, drawn in the colours of the class `kind`."""

    kind: str
    label: str
    mean: float
    interval: Interval


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, with (position, label) of the ticks."""

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def share(self, value: float) -> float:
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True)
class Series:
    """A line through (x, y, what the dot there says) in the colours of the class `kind`; without text there is no dot."""

    kind: str
    name: str
    points: tuple[tuple[float, float, str], ...]


def share_axis(label: str) -> Axis:
    return Axis(label, 0.0, 1.0, tuple((value, f"{value:.0%}") for value in _GRID))


def whisker_strip(whiskers: Sequence[Whisker], low: float = 0.0, high: float = 1.0) -> Markup:
    """Dots with their intervals, one under another, on a scale from `low` to `high`."""
    height = _LANE * len(whiskers) + 5

    def at(value: float) -> str:
        return _percent((value - low) / (high - low))

    parts = [_line(at(low + share * (high - low)), 0, height, "grid") for share in _GRID]
    if low < 0 < high:
        parts.append(_line(at(0), 0, height, "zero"))
    for lane, item in enumerate(whiskers):
        y = _LANE * lane + 9
        parts.append(
            tag(
                "g",
                tag("title", f"{item.label} {item.mean:.3f}（{item.interval.low:.3f} 至 {item.interval.high:.3f}）"),
                tag("line", x1=at(item.interval.low), x2=at(item.interval.high), y1=y, y2=y),
                *(_line(at(end), y - 3, y + 3) for end in (item.interval.low, item.interval.high)),
                tag("circle", cx=at(item.mean), cy=y, r=4.0),
                class_=f"whisker {item.kind}",
            )
        )
    said = "；".join(f"{item.label} {item.mean:.3f}" for item in whiskers)
    return tag("svg", *parts, class_="strip", height=height, role="img", aria_label=said)


def scale_strip(low: float = 0.0, high: float = 1.0) -> Markup:
    """The labels of the scale that the strips below it share."""
    values = [low + share * (high - low) for share in (0.0, 0.5, 1.0)]
    texts = [_said(value, signed=low < 0) for value in values]
    places = zip(("0%", "50%", "100%"), ("start", "middle", "end"), texts, strict=True)
    labels = [tag("text", text, x=x, y=11.0, text_anchor=anchor) for x, anchor, text in places]
    return tag("svg", *labels, class_="strip scale", height=14.0, aria_hidden="true")


def bar_strip(mean: float, interval: Interval, label: str) -> Markup:
    """A bar from 0 to a mean, with its interval."""
    ends = _percent(interval.low), _percent(interval.high)
    return tag(
        "svg",
        tag("title", f"{label} {mean:.3f}（{interval.low:.3f} 至 {interval.high:.3f}）"),
        tag("rect", x="0", y=3.0, width="100%", height=12.0, rx=2.0, class_="track"),
        tag("rect", x="0", y=3.0, width=_percent(mean), height=12.0, rx=2.0, class_="bar"),
        tag("line", x1=ends[0], x2=ends[1], y1=9.0, y2=9.0, class_="error"),
        *(_line(end, 6, 12, "error") for end in ends),
        class_="strip",
        height=18.0,
        role="img",
        aria_label=f"{label} {mean:.3f}",
    )


def line_chart(title: str, x: Axis, y: Axis, series: Sequence[Series], reference: Series | None = None) -> Markup:
    """Lines over two axes; `reference` is what would be perfect, or no better than chance."""
    parts = [tag("title", title), _axes(x, y)]
    if reference is not None:
        parts.append(_polyline(x, y, reference, "reference"))
    for line in series:
        parts.append(_polyline(x, y, line, f"series {line.kind}"))
        for across, up, text in line.points:
            if text:
                left, top = _place(x, y, across, up)
                dot = tag("circle", tag("title", f"{line.name} {text}"), cx=left, cy=top, r=3.5)
                parts.append(tag("g", dot, class_=f"series {line.kind}"))
    return _chart(parts, title)


def histogram(title: str, label: str, values: Sequence[float], marks: Sequence[tuple[str, float]]) -> Markup:
    """How many of the values lie where, in bins of equal width, with marks over them; the last bin holds the long tail."""
    ordered = sorted(values)
    reach = 1.15 * ordered[ceil(0.99 * len(ordered)) - 1]
    step = _round_step(reach / _BINS)
    last = max(1, ceil(reach / step))
    counts = [0] * last
    for value in ordered:
        counts[min(last - 1, int(value / step))] += 1
    every = max(1, ceil(last / 6))
    x = Axis(label, 0.0, last * step, tuple((i * step, f"{i * step:g}") for i in range(0, last + 1, every)))
    tick = max(1, int(_round_step(max(counts) / 4)))
    top = tick * ceil((max(counts) + 0.001) / tick)
    y = Axis("题数", 0.0, float(top), tuple((float(i), str(i)) for i in range(0, top + 1, tick)))
    parts = [tag("title", title), _axes(x, y)]
    for i, count in enumerate(counts):
        (left, upper), (right, lower) = _place(x, y, i * step, count), _place(x, y, (i + 1) * step, 0)
        more = " 以上" if i == last - 1 else f" 至 {(i + 1) * step:g}"
        said = tag("title", f"{i * step:g}{more} 毫秒：{count} 题")
        parts.append(
            tag(
                "rect",
                said,
                x=left + 0.5,
                y=upper,
                width=max(right - left - 1, 0.5),
                height=lower - upper,
                class_="bar",
            )
        )
    for i, (name, value) in enumerate(marks):
        left, upper = _place(x, y, min(value, x.high), y.high)
        near_end = x.share(value) > 0.7
        upper += 15 * i  # each line begins under the labels before it
        parts.append(_line(left, upper, _HEIGHT - _BOTTOM, "mark"))
        text_at = left - 4 if near_end else left + 4
        anchor = "end" if near_end else "start"
        parts.append(tag("text", name, x=text_at, y=upper + 10, text_anchor=anchor, class_="mark-label"))
    return _chart(parts, title)


def _axes(x: Axis, y: Axis) -> Markup:
    parts = []
    for value, label in y.ticks:
        left, top = _place(x, y, x.low, value)
        parts.append(tag("line", x1=left, x2=_WIDTH - _RIGHT, y1=top, y2=top, class_="grid"))
        parts.append(tag("text", label, x=left - 7, y=top + 4, text_anchor="end"))
    for value, label in x.ticks:
        left, bottom = _place(x, y, value, y.low)
        parts.append(_line(left, bottom, bottom + 4, "axis"))
        parts.append(tag("text", label, x=left, y=bottom + 18, text_anchor="middle"))
    left, bottom = _place(x, y, x.low, y.low)
    parts.append(tag("line", x1=left, x2=_WIDTH - _RIGHT, y1=bottom, y2=bottom, class_="axis"))
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(tag("text", x.label, x=middle, y=_HEIGHT - 6, text_anchor="middle", class_="label"))
    parts.append(tag("text", y.label, x=2.0, y=10.0, class_="label"))
    return join(parts)


def _chart(parts: Sequence[Markup], title: str) -> Markup:
    return tag("svg", *parts, class_="chart", viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}", role="img", aria_label=title)


def _polyline(x: Axis, y: Axis, line: Series, kind: str) -> Markup:
    places = [_place(x, y, across, up) for across, up, _ in line.points]
    return tag("polyline", points=" ".join(f"{left:.1f},{top:.1f}" for left, top in places), class_=kind)


def _place(x: Axis, y: Axis, across: float, up: float) -> tuple[float, float]:
    left = _LEFT + x.share(across) * (_WIDTH - _LEFT - _RIGHT)
    return left, _HEIGHT - _BOTTOM - y.share(up) * (_HEIGHT - _TOP - _BOTTOM)


def _line(x: str | float, top: float, bottom: float, kind: str | None = None) -> Markup:
    return tag("line", x1=x, x2=x, y1=float(top), y2=float(bottom), class_=kind)


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


def _said(value: float, *, signed: bool) -> str:
    return f"{value:+.2f}" if signed and value else f"{value:g}"


def _round_step(least: float) -> float:
    """The least of 1, 2, 5, 10, 20 … that is not under `least`."""
    scale = 1.0
    while True:
        for step in (1.0, 2.0, 5.0):
            if step * scale >= least:
                return step * scale
        scale *= 10
