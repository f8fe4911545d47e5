"""Output: the two consoles, and rows as a terminal table, JSON, CSV or Markdown.

    output.show(Table(title=..., columns=[name(), whole("kills", "Kills")], rows=lines, empty=...), style)
    output.say("fetched 3 files")     # messages go to stderr, data to stdout

A table has columns over dataclass rows; all formats use the same rows. Text from outside is escaped. rich is
loaded on first use.
"""

from etstats.output.columns import (
    NOTHING,
    Column,
    clock,
    day,
    decimal,
    filename,
    minutes_seconds,
    moment,
    name,
    sentence,
    server_time,
    share,
    sparkline,
    text,
    when,
    whole,
)
from etstats.output.consoles import (
    err,
    hide,
    is_due,
    limit_repeats,
    note,
    out,
    progress,
    say,
    say_exception,
    set_quiet,
    wrapped,
    write,
)
from etstats.output.guard import guarded_stdout
from etstats.output.render import add_to_envelope, set_envelope, show, show_all, write_json
from etstats.output.sanitize import printable
from etstats.output.table import Format, Table

__all__ = [
    "NOTHING",
    "Column",
    "Format",
    "Table",
    "add_to_envelope",
    "clock",
    "day",
    "decimal",
    "err",
    "filename",
    "guarded_stdout",
    "hide",
    "is_due",
    "limit_repeats",
    "minutes_seconds",
    "moment",
    "name",
    "note",
    "out",
    "printable",
    "progress",
    "say",
    "say_exception",
    "sentence",
    "server_time",
    "set_envelope",
    "set_quiet",
    "share",
    "show",
    "show_all",
    "sparkline",
    "text",
    "when",
    "whole",
    "wrapped",
    "write",
    "write_json",
]
