"""Layout of tables and lists: columns for a phone, fields split at rows, embeds within Discord's limits."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from etstats.domain.stats import ScoreLine
from etstats.post.render import message
from etstats.post.render.message import Embed, EmbedField
from etstats.post.render.text import ZERO_WIDTH_SPACE, cell

TABLE_COLUMNS = 34  # columns of a code block that a phone shows without wrapping

_NAME_COLUMNS = range(8, 15)
_FENCE = "```\n{}\n```"
_MORE_ROOM = 40  # reserved for the line with the number of omitted rows


class TextColumn(NamedTuple):
    """A number column of a table of players: its heading and the text of a value."""

    head: str
    value: Callable[[ScoreLine], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading with rows, which may become several fields; `head` is repeated on top of each.

    Rows and head are safe text; `code` puts them into a code block.
    """

    name: str
    rows: tuple[str, ...]
    head: str = ""
    code: bool = False


def table(name: str, players: Sequence[tuple[int | None, ScoreLine]], columns: Sequence[TextColumn]) -> Section:
    """Return a table of (rank, player) in the given order; numbers right-aligned, at most 34 columns."""
    values = [[column.value(player) for column in columns] for _, player in players]
    widths = [
        max([len(column.head), *(len(row[index]) for row in values)]) + 1 for index, column in enumerate(columns)
    ]
    ranked = any(rank is not None for rank, _ in players)
    available = TABLE_COLUMNS - sum(widths) - (3 if ranked else 0)
    name_width = min(max(available, _NAME_COLUMNS.start), _NAME_COLUMNS.stop - 1)

    def row(rank: str, first: str, numbers: Iterable[str]) -> str:
        cells = "".join(number.rjust(width) for number, width in zip(numbers, widths, strict=True))
        return (f"{rank:>2} " if ranked else "") + first + cells

    return Section(
        name=name,
        code=True,
        head=row("#", "Player".ljust(name_width), (column.head for column in columns)),
        rows=tuple(
            row("" if rank is None else str(rank), cell(player.clean_name, name_width), numbers)
            for (rank, player), numbers in zip(players, values, strict=True)
        ),
    )


def fill(embed: Embed, sections: Sequence[Section]) -> Embed:
    """Return the embed with the sections, as far as Discord's limits allow.

    A section is split into fields at its rows. A last line has the number of rows that do not fit.
    """
    for section in sections:
        fields, left = _split(section, message.ALL_EMBEDS - embed.length(), message.FIELDS - len(embed.fields))
        embed = replace(embed, fields=embed.fields + fields)
        if left:
            break
    return embed


def _split(section: Section, available: int, most: int) -> tuple[tuple[EmbedField, ...], int]:
    """Return at most `most` fields with at most `available` code points, and the number of omitted rows."""
    fields: list[EmbedField] = []
    rows: list[str] = []
    used = 0
    for done, row in enumerate(section.rows):
        grown = _field(section, [*rows, row], first=not fields)
        if rows and len(grown.value) > message.FIELD_VALUE - _MORE_ROOM:
            fields.append(_field(section, rows, first=not fields))
            used += len(fields[-1].name) + len(fields[-1].value)
            rows = []
            grown = _field(section, [row], first=False)
        if used + len(grown.name) + len(grown.value) > available - _MORE_ROOM or len(fields) == most:
            left = len(section.rows) - done
            if rows:
                fields.append(_field(section, [*rows, f"… and {left} more"], first=not fields))
            return tuple(fields), left
        rows.append(row)
    if rows:
        fields.append(_field(section, rows, first=not fields))
    return tuple(fields), 0


def _field(section: Section, rows: Sequence[str], *, first: bool) -> EmbedField:
    text = "\n".join([section.head, *rows] if section.head else rows)
    value = _FENCE.format(text) if section.code else text
    return EmbedField(name=section.name if first else ZERO_WIDTH_SPACE, value=value)
