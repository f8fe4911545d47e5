"""`python -m etstats`."""

from etstats.cli import run

run()
