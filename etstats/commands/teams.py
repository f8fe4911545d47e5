"""teams, duos, rivals."""

from typing import Annotated

import typer

from etstats import output
from etstats.commands import completion, options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.commands.tables import matchups as tables
from etstats.config.schema import Config
from etstats.db import ratings as stored
from etstats.db.connection import Connection
from etstats.db.sessions import last_names
from etstats.domain.rules.rating import points
from etstats.domain.text import pluralize
from etstats.errors import ConfigError, SourceError
from etstats.output import Format
from etstats.pipeline.database import open_for_reading
from etstats.stats import live_servers, matchups, ratings
from etstats.stats.matchups import TeamPlayer
from etstats.sync import game_query

app = typer.Typer()
_MIN_MATCHES = typer.Option("--min-matches", min=1, metavar="N", help="Only with at least N matches.")


@app.command()
@bundled
def teams(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="The players, 2 to 64.", autocompletion=completion.players),
    ] = None,
    *,
    from_server: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Add the players on this game server now.",
            autocompletion=completion.servers,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, metavar="N", help="The N most even splits.")] = 5,
    written: options.OutputFormat,
) -> int:
    """Split players into the two most even teams.

    The chance to win comes from the ratings; players without a rating count as average. With an odd number, team 1
    has one more player.

    Example: etstats teams bob alice carol dave

    Exit codes: 0 done, 2 no such player or server, or a player named twice, 75 the database is down, or the game
    server does not answer.
    """
    config = context_of(ctx).config
    answers = [] if from_server is None else game_query.ask(_address(config, from_server))
    with open_for_reading(config, ratings.update) as conn:
        people = _people(conn, names or [])
        for server in live_servers.shown(conn, answers):
            if server.error is not None:
                raise SourceError(server.error)
            online = matchups.online_players(conn, server, [person.key for person in people])
            people += online.people
            if online.hidden:
                output.say(f"{pluralize(online.hidden, 'hidden player')} on {server.server}: left out")
        if len(people) < 2:
            who = f"; got only {people[0].name}" if people else ""
            raise ConfigError(f"teams need at least 2 players{who}; name more, or use --from-server")
        found = matchups.even_teams(conn, people, limit)
        book = stored.book_of(conn, [person.key for person in people])
    if written.style is Format.JSON:
        output.write_json(found)
    elif written.style is Format.TABLE:
        shown = {key: points(state.mu) for key, state in book.players.items()}
        output.show_all(tables.teams_tables(found, shown), written.style)
    else:
        output.show(tables.splits_table(found), written.style)
    return 0


@app.command()
@bundled
def duos(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="The first N pairs.")] = 10,
    min_matches: Annotated[int, _MIN_MATCHES] = 5,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """Rank pairs of players by results against expectation.

    A pair ranks high if it wins more maps on the same team than the ratings of all players predict.

    Example: etstats duos --season 2025-Q4

    Exit codes: 0 done, 2 no such map, season or server, 75 the database is down.
    """
    with about.question(ctx, ratings.update) as asked:
        found = matchups.duos(asked.conn, asked.scope, min_matches)
    if written.style is Format.JSON:
        output.write_json(tables.duo_document(found[:limit]))
    else:
        output.show(tables.duos_table(found, limit, min_matches, asked.words), written.style)
    return 0


@app.command()
@bundled
def rivals(
    ctx: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="PLAYER",
            help="A current or former name, a GUID, or a Discord id.",
            autocompletion=completion.players,
        ),
    ],
    *,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="N favourite and N worst opponents.")] = 5,
    min_matches: Annotated[int, _MIN_MATCHES] = 5,
    about: options.RoundFilter,
    written: options.OutputFormat,
) -> int:
    """Show whom a player beats and loses to against expectation.

    Example: etstats rivals bob

    Exit codes: 0 done, 2 no such player, or more than one, 75 the database is down.
    """
    with about.question(ctx, ratings.update) as asked:
        guid = options.player(asked.conn, name)
        if guid in stored.unrated_persons(asked.conn):
            raise ConfigError(f"{name}: hidden and forgotten players have no rating, so no rivals")
        found = matchups.rivals(asked.conn, asked.scope, guid, min_matches)
        shown = output.printable(last_names(asked.conn, [guid]).get(guid, guid))
    if written.style is Format.JSON:
        output.write_json(tables.rival_document(found))
    elif written.style is Format.CSV:
        output.show(tables.rivals_values(found), written.style)
    else:
        output.show_all(tables.rivals_tables(found, limit, shown, min_matches, asked.words), written.style)
    return 0


def _address(config: Config, name: str) -> dict[str, str]:
    """Return the name and the game's address of a server. ConfigError: no such server, or no address."""
    server = config.server(name)
    if server.query is None:
        raise ConfigError(
            f'the server {name} has no query setting; add one, such as query = "game.example.org:27960"'
        )
    return {server.name: server.query}


def _people(conn: Connection, names: list[str]) -> list[TeamPlayer]:
    """Return the players of these names. ConfigError when two names are those of one player."""
    found: dict[str, str] = {}
    for name in names:
        guid = options.player(conn, name)
        if guid in found:
            also = "" if found[guid] == name else f" (also as {found[guid]})"
            raise ConfigError(f"{name} is named twice{also}; name each player once")
        found[guid] = name
    shown = last_names(conn, found)
    return [TeamPlayer(guid, shown.get(guid, guid)) for guid in found]
