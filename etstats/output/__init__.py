"""The room of all that people see: the two consoles, and typed rows as a drawn table, JSON, CSV or Markdown.

    output.show(Table(title=..., columns=[name(), whole("kills", "Kills")], rows=lines, empty=...), style)
    output.say("fetched 3 files")     # talk goes to stderr, data to stdout

A table is columns over dataclass rows; the same rows give every format, so no number can differ between them.
Text from outside never styles, breaks or escapes what is drawn. rich is loaded when something is drawn or said.
"""

from etstats.output.columns import (
    NOTHING,
    Column,
    clock,
    day,
    decimal,
    minutes_seconds,
    moment,
    name,
    share,
    sparkline,
    text,
    when,
    whole,
)
from etstats.output.consoles import err, hide, out, progress, say, say_exception, write
from etstats.output.guard import guarded_stdout
from etstats.output.render import show, show_all, write_json
from etstats.output.sanitize import printable
from etstats.output.table import Format, Table

__all__ = [
    "NOTHING",
    "Column",
    "Format",
    "Table",
    "clock",
    "day",
    "decimal",
    "err",
    "guarded_stdout",
    "hide",
    "minutes_seconds",
    "moment",
    "name",
    "out",
    "printable",
    "progress",
    "say",
    "say_exception",
    "share",
    "show",
    "show_all",
    "sparkline",
    "text",
    "when",
    "whole",
    "write",
    "write_json",
]
