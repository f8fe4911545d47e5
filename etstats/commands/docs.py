"""docs: the pages of the manual in the terminal."""

import sys
from typing import Annotated

import typer
from rich.markdown import Markdown

from etstats import output
from etstats.admin import manual

app = typer.Typer()


@app.command("docs")
def docs(
    name: Annotated[str | None, typer.Argument(metavar="[PAGE]", help="A page, such as setup.")] = None,
) -> None:
    """Show a page of the manual, or list the pages.

    On a terminal the page is formatted; in a pipe it is plain Markdown.

    Example: etstats docs setup

    Exit codes: 0 done, 2 no such page.
    """
    if name is None:
        found = manual.pages()
        width = max(len(page.name) for page in found)
        for page in found:
            output.out().print(f"{page.name:<{width}}  {page.title}", markup=False, soft_wrap=True)
        return
    text = manual.page(name).path.read_text(encoding="utf-8")
    if not output.out().is_terminal:
        sys.stdout.write(text)
        return
    output.out().print(Markdown(text))
