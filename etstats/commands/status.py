"""status: the players on the game servers now."""

from collections.abc import Sequence
from typing import NamedTuple

import typer

from etstats import output
from etstats.commands import options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.domain.live import LiveServer
from etstats.domain.text import pluralize
from etstats.errors import ConfigError
from etstats.output import Format, Table
from etstats.pipeline.database import open_for_reading
from etstats.stats import live_servers
from etstats.sync import game_query

app = typer.Typer()


class StatusRow(NamedTuple):
    """A player of one server, for CSV and Markdown."""

    server: str
    map: str
    player: str
    score: int
    side: str


@app.command()
@bundled
def status(ctx: typer.Context, *, written: options.OutputFormat) -> int:
    """Show who is on the configured game servers now.

    Asks each server that has a `query` setting over UDP. A server that does not answer is reported.

    Example: etstats status

    Exit codes: 0 done, 2 no server has a `query` setting, 75 the database is down.
    """
    config = context_of(ctx).config
    addresses = {server.name: server.query for server in config.servers if server.query is not None}
    if not addresses:
        raise ConfigError(
            'no server has a query setting; add one below [[servers]], such as query = "game.example.org:27960"'
        )
    answers = game_query.ask(addresses)
    with open_for_reading(config) as conn:
        servers = live_servers.shown(conn, answers)
    if written.style is Format.JSON:
        output.write_json(servers)
        return 0
    for server in servers:
        if server.error is not None:
            output.say(f"{server.server}: {server.error}")
    if written.style is Format.TABLE:
        output.show_all([_table(server) for server in servers if server.online], written.style)
    else:
        output.show(_all_players(servers), written.style)
    return 0


def _table(server: LiveServer) -> Table:
    bots = f" and {pluralize(server.bots, 'bot')}" if server.bots else ""
    slots = f" of {server.places}" if server.places else ""
    limit = f" · time limit {server.time_limit_minutes} min" if server.time_limit_minutes else ""
    players = f"{len(server.players)}{slots} players{bots}"
    title = f"{server.server} · {server.map or 'unknown map'} · {players}{limit}"
    columns = [output.text("name", "Player"), output.whole("score", "Score"), output.text("side", "Side")]
    return Table(title=title, columns=columns, rows=server.players, empty=f"{title}. No players.")


def _all_players(servers: Sequence[LiveServer]) -> Table:
    rows = [
        StatusRow(server.server, server.map or "", player.name, player.score, player.side or "")
        for server in servers
        for player in server.players
    ]
    columns = [
        output.text("server", "Server"),
        output.text("map", "Map"),
        output.text("player", "Player"),
        output.whole("score", "Score"),
        output.text("side", "Side"),
    ]
    return Table(title="Players online", columns=columns, rows=rows, empty="No players on the servers.")
