"""Write docs/commands.md from the help texts.

python .ci/commands_page.py [FILE]
"""

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from etstats.cli import command_tree

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"


def page() -> str:
    """Return the page: the root command, then each command under its heading."""
    root = command_tree()
    text = "\n\n".join(["# Commands", *_section(root, root.make_context("etstats", [], resilient_parsing=True))])
    return text.replace("\\[", "[")  # escaped for the terminal


def _section(command: Any, context: Any) -> Iterator[str]:
    """Yield the paragraphs of a command and of the commands below it."""
    for paragraph in command.help.replace("<", r"\<").split("\n\n"):
        yield textwrap.fill(paragraph, 119, break_on_hyphens=False)
    yield f"```console\n$ {context.command_path} {' '.join(command.collect_usage_pieces(context))}\n```"
    records = [(param, param.get_help_record(context)) for param in command.get_params(context)]
    for title, kind in (("Arguments", "argument"), ("Options", "option")):
        rows = [record for param, record in records if record and param.param_type_name == kind]
        if rows:
            yield f"**{title}**:"
            yield "\n".join(f"* `{names}`: {text}" for names, text in rows)
    commands = getattr(command, "commands", {})
    if commands:
        yield "**Commands**:"
        yield "\n".join(f"* `{name}`: {sub.help.splitlines()[0]}" for name, sub in commands.items())
    for name, sub in commands.items():
        below = type(context)(sub, info_name=name, parent=context)
        yield f"{'#' * (below.command_path.count(' ') + 1)} `{below.command_path}`"
        yield from _section(sub, below)


if __name__ == "__main__":
    (Path(sys.argv[1]) if sys.argv[1:] else PAGE).write_text(page() + "\n", encoding="utf-8")
