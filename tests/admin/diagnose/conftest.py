"""The same game server and base as the line's tests."""

from tests.pipeline.conftest import base, files, game, local, log, start_server

__all__ = ["base", "files", "game", "local", "log", "start_server"]
