"""Charts as inline SVG without scripts: values are in the labels and in each mark's title.

A chart has a flexible width and a fixed height: horizontal positions are in per cent, so that the text keeps its
size on a phone. Lines and areas are stretched in an inner SVG. Colours come from CSS classes.
"""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from math import ceil, floor, log10
from typing import NamedTuple

from markupsafe import Markup, escape

from etstats.site.markup import day, html

_TOP, _BOTTOM = 12, 24  # pixels above the highest value, and for the labels below
_WIDE = 1000  # units of the stretched drawing
_LABEL = 130  # pixels left of the bars, reserved by the style sheet


class Point(NamedTuple):
    """A value with the title of its mark; `low` and `high` are its interval. None: no value."""

    value: float | None
    text: str
    low: float | None = None
    high: float | None = None


class Bar(NamedTuple):
    """A bar of a histogram or list: label, value, and the title of its mark."""

    label: str
    value: float
    text: str
    is_marked: bool = False


class Range(NamedTuple):
    """A value with its interval: label, and the title of its mark."""

    label: str
    value: float
    low: float
    high: float
    text: str


def line(
    label: str,
    points: Sequence[Point],
    ticks: Sequence[tuple[int, str]],
    *,
    trend: Sequence[float | None] = (),
) -> Markup:
    """Return points over time with their interval as a band and an optional trend line; `ticks`: index, label."""
    known = [value for point in points for value in (point.value, point.low, point.high) if value is not None]
    if not known:
        return html("")
    height = 200
    steps = _scale(min(known), max(known))
    low, high = steps[0], steps[-1]

    def y(value: float) -> float:
        return _TOP + (height - _TOP - _BOTTOM) * (high - value) / ((high - low) or 1)

    def x(index: int) -> float:
        return (index + 0.5) / len(points)

    band = [
        (x(index), y(point.low), y(point.high))
        for index, point in enumerate(points)
        if point.low is not None and point.high is not None
    ]
    parts = [_grid(steps, y)]
    inner = []
    if len(band) > 1:
        edge = [f"{_WIDE * at:.1f},{top:.1f}" for at, _, top in band]
        edge += [f"{_WIDE * at:.1f},{bottom:.1f}" for at, bottom, _ in reversed(band)]
        inner.append(f'<polygon class="band" points="{" ".join(edge)}"/>')
    followed = trend or [point.value for point in points]
    way = [f"{_WIDE * x(index):.1f},{y(value):.1f}" for index, value in enumerate(followed) if value is not None]
    if len(way) > 1:
        inner.append(f'<polyline class="line" points="{" ".join(way)}"/>')
    parts.append(_stretched(inner, height))
    radius = 3.5 if len(points) <= 40 else 2.5
    parts += [
        f'<circle class="dot" cx="{100 * x(index):.2f}%" cy="{y(point.value):.1f}" r="{radius}">'
        f"{_title(point.text)}</circle>"
        for index, point in enumerate(points)
        if point.value is not None
    ]
    parts += [_below(x(index), height, text) for index, text in ticks]
    return _chart(label, parts, height, margin="scaled")


def histogram(label: str, bars: Sequence[Bar], *, every: int = 1) -> Markup:
    """Return vertical bars; every `every`th has a label below, all have their value above."""
    if not bars:
        return html("")
    height = 180
    most = max(bar.value for bar in bars) or 1
    space = height - _TOP - _BOTTOM - 6
    width = 100 / len(bars)
    parts = []
    for index, bar in enumerate(bars):
        tall = space * bar.value / most
        at = height - _BOTTOM - tall
        kind = "bar marked" if bar.is_marked else "bar"
        parts.append(
            f'<rect class="{kind}" x="{width * (index + 0.08):.2f}%" y="{at:.1f}" '
            f'width="{width * 0.84:.2f}%" height="{tall:.1f}" rx="2">{_title(bar.text)}</rect>'
        )
        if bar.value and len(bars) <= 24:
            parts.append(_text((index + 0.5) / len(bars), at - 4, f"{bar.value:g}", "middle"))
        if index % every == 0:
            parts.append(_below((index + 0.5) / len(bars), height, bar.label))
    parts.append(f'<line class="axis" x1="0" x2="100%" y1="{height - _BOTTOM}" y2="{height - _BOTTOM}"/>')
    return _chart(label, parts, height)


def bars(label: str, rows: Sequence[Bar], *, text: Callable[[float], str] = "{:,.0f}".format) -> Markup:
    """Return horizontal bars with label and value as text."""
    if not rows:
        return html("")
    most = max(row.value for row in rows) or 1
    step = 26
    parts = []
    for index, row in enumerate(rows):
        top = step * index
        length = 78 * row.value / most
        kind = "bar marked" if row.is_marked else "bar"
        parts.append(
            f"{_left(top, step, row.label)}"
            f'<rect class="{kind}" x="0" y="{top + 5}" width="{length:.2f}%" height="16" rx="2">'
            f"{_title(row.text)}</rect>"
            f'<text class="value" x="{length:.2f}%" y="{top + 17}" dx="5">{escape(text(row.value))}</text>'
        )
    return _chart(label, parts, step * len(rows), margin="labelled")


def ranges(label: str, rows: Sequence[Range]) -> Markup:
    """Return values with their intervals on a common scale, one per row, with label and value as text."""
    if not rows:
        return html("")
    least, most = min(row.low for row in rows), max(row.high for row in rows)
    step = 26

    def x(value: float) -> float:
        return 2 + 76 * (value - least) / ((most - least) or 1)

    parts = []
    for index, row in enumerate(rows):
        top = step * index
        parts.append(
            f"{_left(top, step, row.label)}"
            f'<rect class="range" x="{x(row.low):.2f}%" y="{top + 9}" width="{x(row.high) - x(row.low):.2f}%" '
            f'height="8" rx="4">{_title(row.text)}</rect>'
            f'<circle class="dot" cx="{x(row.value):.2f}%" cy="{top + 13}" r="5">{_title(row.text)}</circle>'
            f'<text class="value" x="100%" y="{top + 17}" text-anchor="end">{row.value:,.0f}</text>'
        )
    return _chart(label, parts, step * len(rows), margin="labelled")


def sparkline(label: str, values: Sequence[float | None], most: float) -> Markup:
    """Return a bar per value on a common scale, for a table cell; a gap for None."""
    step, high = 7, 22
    parts = [
        f'<rect class="bar" x="{step * index}" y="{high - tall:.1f}" width="{step - 2}" height="{tall:.1f}">'
        f"{_title(f'{value:,.0f}')}</rect>"
        for index, value in enumerate(values)
        if value is not None
        for tall in [max(1.0, high * value / (most or 1))]
    ]
    width = step * len(values)
    return html(
        f'<svg class="spark" role="img" aria-label="{escape(label)}" width="{width}" height="{high}" '
        f'viewBox="0 0 {width} {high}">{"".join(parts)}</svg>'
    )


def calendar(label: str, counts: dict[date, int], last: date, weeks: int, unit: str) -> Markup:
    """Return a square per day of some weeks up to a day: a column per week, Monday at the top."""
    cell = 12
    monday = last - timedelta(days=last.weekday(), weeks=weeks - 1)
    most = max([1, *(number for at, number in counts.items() if at >= monday)])
    parts = []
    month = 0
    for week in range(weeks):
        first = monday + timedelta(weeks=week)
        if first.month != month and first.day <= 7:
            parts.append(f'<text class="label" x="{cell * week}" y="10">{first:%b}</text>')
        month = first.month
        for weekday in range(7):
            at = first + timedelta(days=weekday)
            if at > last:
                break
            number = counts.get(at, 0)
            level = 0 if not number else min(4, 1 + floor(4 * (number - 1) / most))
            parts.append(
                f'<rect class="day level{level}" x="{cell * week}" y="{16 + cell * weekday}" '
                f'width="{cell - 2}" height="{cell - 2}" rx="2">'
                f"{_title(f'{day(at)}: {number} {unit}' + ('' if number == 1 else 's'))}</rect>"
            )
    width, height = cell * weeks, 16 + 7 * cell
    return html(
        f'<svg class="calendar" role="img" aria-label="{escape(label)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">{"".join(parts)}</svg>'
    )


def steps(label: str, scores: Sequence[tuple[int, int]], texts: Sequence[str]) -> Markup:
    """Return the score of two teams after each map, as two step lines."""
    if not scores:
        return html("")
    height = 150
    most = max(max(pair) for pair in scores) or 1
    whole = [(0, 0), *scores]

    def y(value: float) -> float:
        return _TOP + (height - _TOP - _BOTTOM) * (most - value) / most

    inner, parts = [], [_grid(sorted({0, most // 2, most}), y)]
    for team in (0, 1):
        way = [f"0,{y(0):.1f}"]
        for index, pair in enumerate(whole[1:], 1):
            at = _WIDE * (index - 0.5) / len(scores)
            way += [f"{at:.1f},{y(whole[index - 1][team]):.1f}", f"{at:.1f},{y(pair[team]):.1f}"]
        way.append(f"{_WIDE},{y(whole[-1][team]):.1f}")
        inner.append(f'<polyline class="line team{team + 1}" points="{" ".join(way)}"/>')
    parts.append(_stretched(inner, height))
    for index, (pair, text) in enumerate(zip(scores, texts, strict=True)):
        for team in (0, 1):
            parts.append(
                f'<circle class="dot team{team + 1}" cx="{100 * (index + 0.5) / len(scores):.2f}%" '
                f'cy="{y(pair[team]):.1f}" r="4">{_title(text)}</circle>'
            )
        parts.append(_below((index + 0.5) / len(scores), height, str(index + 1)))
    return _chart(label, parts, height, margin="scaled")


def _scale(low: float, high: float) -> list[float]:
    """Return three to six round values from below the lowest to above the highest."""
    if high <= low:
        high = low + (abs(low) or 1)
    rough = (high - low) / 4
    power = 10 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first, last = floor(low / step), ceil(high / step)
    return [step * number for number in range(first, last + 1)]


def _grid(values: Sequence[float], y: Callable[[float], float]) -> str:
    return "".join(
        f'<line class="grid" x1="0" x2="100%" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        f'<text class="scale" x="-8" y="{y(value) + 4:.1f}" text-anchor="end">{value:,.0f}</text>'
        for value in values
    )


def _stretched(parts: Sequence[str], height: int) -> str:
    return (
        f'<svg x="0" y="0" width="100%" height="{height}" viewBox="0 0 {_WIDE} {height}" '
        f'preserveAspectRatio="none">{"".join(parts)}</svg>'
        if parts
        else ""
    )


def _left(top: int, step: int, text: str) -> str:
    """A label of a row, cut where the drawing begins."""
    return (
        f'<svg x="{-_LABEL}" y="{top}" width="{_LABEL - 6}" height="{step}">'
        f'<text class="label" x="0" y="17">{escape(text)}</text></svg>'
    )


def _below(at: float, height: int, text: str) -> str:
    anchor = "start" if at < 0.06 else "end" if at > 0.94 else "middle"
    return _text(at, height - 7, text, anchor)


def _text(at: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="scale" x="{100 * at:.2f}%" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _title(text: str) -> str:
    return f"<title>{escape(text)}</title>"


def _chart(label: str, parts: Sequence[str], height: int, *, margin: str = "") -> Markup:
    """Return an SVG; `margin`: the CSS class that reserves space for a scale or labels on the left."""
    classes = f"chart {margin}".strip()
    return html(
        f'<svg class="{classes}" role="img" aria-label="{escape(label)}" width="100%" height="{height}">'
        f"{''.join(parts)}</svg>"
    )
