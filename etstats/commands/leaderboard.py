"""leaderboard."""

import typer

app = typer.Typer()
