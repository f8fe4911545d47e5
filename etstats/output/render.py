"""Write tables and documents to stdout in the requested format."""

import sys
from collections.abc import Iterable, Mapping

from etstats.output import formats
from etstats.output.sanitize import in_markdown
from etstats.output.table import Format, Table

_envelope: Mapping[str, object] | None = None


def show(table: Table, style: Format = Format.TABLE) -> None:
    """Write a table to stdout in a format; an empty one is `[]`, a header line, or a sentence."""
    if style is Format.JSON:
        write_json(table.rows)
    elif style is Format.CSV:
        sys.stdout.write(formats.as_csv(table.columns, table.rows))
    elif style is Format.MARKDOWN:
        sys.stdout.write(formats.as_markdown(table.columns, table.rows, table.empty))
    else:
        from etstats.output.terminal_table import draw  # noqa: PLC0415  # rich

        draw(table)


def show_all(tables: Iterable[Table], style: Format = Format.TABLE) -> None:
    """Write several tables; in Markdown each with its heading and notes."""
    for table in tables:
        if style is Format.MARKDOWN:
            sys.stdout.write(f"### {in_markdown(' '.join(table.title.split()))}\n\n")
        show(table, style)
        if style is Format.MARKDOWN:
            sys.stdout.write("".join(f"\n{in_markdown(note)}\n" for note in table.all_notes()) + "\n")


def set_envelope(scope: Mapping[str, object] | None) -> None:
    """Wrap later JSON documents as `{"scope": ..., "units": ..., "rows": ...}`; None: do not wrap."""
    global _envelope  # noqa: PLW0603  # one stdout per process
    _envelope = scope


def add_to_envelope(scope: object) -> None:
    """Set the scope of the envelope, if one was requested."""
    if _envelope is not None:
        set_envelope(formats.plain_fields(scope))


def write_json(value: object) -> None:
    """Write one document: dataclasses as objects, times in ISO 8601, decimals as numbers."""
    if _envelope is not None:
        value = {"scope": _envelope, "units": formats.units(value), "rows": value}
    # In other encodings, use escapes instead of replacement characters.
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    sys.stdout.write(formats.as_json(value, ascii_only=not is_unicode))
