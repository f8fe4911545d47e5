"""Fixtures: the game server and database of the pipeline tests."""

from tests.pipeline.conftest import database, files, game, local, log, start_server

__all__ = ["database", "files", "game", "local", "log", "start_server"]
