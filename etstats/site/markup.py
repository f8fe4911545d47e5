"""Text, numbers and names as HTML. All text from outside is escaped here or by the templates' autoescape."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, tzinfo
from functools import lru_cache
from typing import Any, NamedTuple

from markupsafe import Markup, escape

from etstats.domain.names import colour_runs
from etstats.output.sanitize import clean_part
from etstats.site import paths

NOTHING = "–"
NO_NAME = "(no name)"
_LONGEST_NAME = 48  # maximum characters; longer text is truncated, except in the JSON
_TAGS = {
    "n": ("<td>", "</td>"),
    "t": ('<td class="t">', "</td>"),
    "w": ('<td class="t wide">', "</td>"),
    "h": ('<th scope="row">', "</th>"),
}
_LONGEST_TEXT = 120


class Col(NamedTuple):
    """A column: heading, definition, and a function from a row to the HTML of its cell.

    `kind`: "n" number, "t" text, "w" wrapped text, "h" row heading.
    """

    heading: str
    cell: Callable[[Any], str]
    meaning: str = ""
    kind: str = "n"


def visible(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Return one line of visible text: at most two combining marks per letter, and `longest` characters."""
    if text.isascii() and text.isprintable() and len(text) <= longest:
        return text
    shown = clean_part(text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


@lru_cache(maxsize=8192)
def name(raw: str) -> Markup:
    """Return a player's name in its in-game colours, as classes, because the CSP forbids inline styles."""
    parts: list[str] = []
    left = _LONGEST_NAME
    for colour, run in colour_runs(raw):
        if left <= 0:
            parts.append("…")
            break
        shown = visible(run, left)
        left -= len(shown)
        if shown:
            parts.append(f'<span class="{colour_class(colour)}">{escape(shown)}</span>')
    inner = "".join(parts) if plain_name(raw) != NO_NAME else f'<span class="muted">{NO_NAME}</span>'
    return Markup(f'<bdi class="name">{inner}</bdi>')  # noqa: S704  # its texts are escaped above


@lru_cache(maxsize=8192)
def plain_name(raw: str) -> str:
    """Return a player's name without colours, for titles and search."""
    return visible("".join(run for _, run in colour_runs(raw)), _LONGEST_NAME).strip() or NO_NAME


def colour_class(colour: str) -> str:
    """Return the CSS class of one of the game's colours (`#rrggbb`)."""
    return f"k{colour[1:]}"


def html(text: str) -> Markup:
    """Mark HTML that was built here as safe."""
    return Markup(text)  # noqa: S704  # callers escape their texts


def whole(value: float | None) -> str:
    """Return a whole number with thousands separators."""
    return NOTHING if value is None else f"{value:,.0f}"


def one(value: float | None) -> str:
    """Return a number with one decimal."""
    return NOTHING if value is None else f"{value:,.1f}"


def two(value: float | None) -> str:
    """Return a number with two decimals."""
    return NOTHING if value is None else f"{value:,.2f}"


def percent(value: float | None) -> str:
    """Return a value of 0 to 100 in per cent."""
    return NOTHING if value is None else f"{value:.1f}%"


def share(value: float | None) -> str:
    """Return a value of 0 to 1 in per cent."""
    return NOTHING if value is None else f"{100 * value:.0f}%"


def clock(seconds: float | None) -> str:
    """Return seconds as M:SS, or H:MM:SS from an hour on."""
    if seconds is None:
        return NOTHING
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}" if minutes >= 60 else f"{minutes}:{rest:02}"


def span(seconds: float) -> str:
    """Return a duration: `2 h 05 min`, `48 min`."""
    minutes = round(seconds / 60)
    return f"{minutes // 60:,} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


def day(moment: date) -> str:
    """Return a day: `2 Oct 2025`."""
    return f"{moment.day} {moment:%b %Y}"


def weekday(moment: date) -> str:
    """Return a day with its weekday: `Thu 2 Oct 2025`."""
    return f"{moment:%a} {day(moment)}"


def minute(moment: datetime) -> str:
    """Return a time to the minute: `2 Oct 2025 21:30`."""
    return f"{day(moment)} {moment:%H:%M}"


def score(points: tuple[int, int] | None) -> str:
    """Return the points of two teams: `8:10`, or `–` without a score."""
    return "–" if points is None else f"{points[0]}:{points[1]}"


def count(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 round`, `1,204 rounds`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def table(
    caption: str,
    columns: Sequence[Col],
    rows: Iterable[Any],
    *,
    classes: str = "",
) -> Markup:
    """Return a sortable table in a box that scrolls if it is too wide; `caption` is for screen readers."""
    heads = "".join([_head(column.heading, column.meaning, column.kind) for column in columns])
    cells = [(column.cell, *_TAGS[column.kind]) for column in columns]
    body = "".join(
        f"<tr>{''.join([f'{opened}{cell(row)}{closed}' for cell, opened, closed in cells])}</tr>\n" for row in rows
    )
    kind = f"sortable {classes}" if classes else "sortable"
    label = escape(caption)
    return html(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"><table{_class(kind)}>'
        f'<caption class="unseen">{label}</caption>\n<thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{body}</tbody></table></div>"
    )


@lru_cache(maxsize=1024)
def _head(heading: str, meaning: str, kind: str) -> str:
    label = escape(heading)
    if meaning:
        label = html(f'<abbr title="{escape(meaning)}">{label}</abbr>')
    return f'<th scope="col"{_class("t" if kind != "n" else "")}>{label}</th>'


def _class(names: str) -> str:
    return f' class="{names}"' if names else ""


def text(value: str | None) -> Markup:
    """Return text from outside as HTML."""
    return escape(NOTHING if value is None else visible(value))


def moment(at: datetime, *, with_time: bool = False) -> Markup:
    """Return a time as text, with the exact value for programs."""
    return html(f'<time datetime="{at.isoformat()}">{minute(at) if with_time else day(at)}</time>')


def link(folder: str, content: str) -> Markup:
    """Return a link to the page in a folder; content other than Markup is escaped."""
    return html(f'<a href="{folder}/{paths.PAGE}">{escape(content)}</a>')


def when(up: str, zone: tzinfo, place: Callable[[int], str] = paths.round_) -> Col:
    """Return the column of the day on which a row's round ended, linked to the page of its id."""
    return Col("When", lambda row: link(up + place(row.id), moment(row.ended_at.astimezone(zone))), kind="t")


def map_link(map_name: str, up: str) -> Markup:
    """Return a map's name as a link to its page."""
    return link(up + paths.map_(map_name), text(map_name))


def weapon_link(weapon_name: str, up: str) -> Markup:
    """Return a weapon's name as a link to its page."""
    return link(up + paths.weapon(weapon_name), text(weapon_name))
