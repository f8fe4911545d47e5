"""Number of maps and sessions in which a player was MVP."""

from collections import Counter
from typing import NamedTuple

from etstats.db import award_sums, players
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.db.sums import MAP_MVP, MAPS, SESSION_MVP
from etstats.domain.rules.boards import BOARDS
from etstats.stats import rankings


class MvpStanding(NamedTuple):
    """A player's rank by maps as MVP; if equal, by `sessions` as MVP."""

    rank: int
    player_guid: str
    player_name: str
    clean_name: str
    value: int
    sessions: int
    maps: int
    rounds: int


def standings(conn: Connection, scope: Scope, min_rounds: int = 0, most: int | None = None) -> list[MvpStanding]:
    """Return the visible players, or the first `most`, who were MVP of a map or a session, most maps first."""
    field = rankings.population(conn, scope, boards=[BOARDS["games"]], with_before=False, with_names=False)
    shown = {player.player_guid: player for player in field.now}
    counts = {award: Counter[str]() for award in (SESSION_MVP, MAP_MVP, MAPS)}
    for part in award_sums.mvps_of_scope(conn, scope):
        counts[part.award][part.player_guid] = part.times
    of_sessions, of_maps, maps = counts.values()
    found = sorted(
        (
            player
            for guid, player in shown.items()
            if of_maps[guid] + of_sessions[guid] and player.rounds >= min_rounds
        ),
        key=lambda player: (-of_maps[player.player_guid], -of_sessions[player.player_guid], player.player_guid),
    )
    names = players.present_names(conn, [player.player_guid for player in found[:most]])
    scores = [(of_maps[player.player_guid], of_sessions[player.player_guid]) for player in found]
    ranks: dict[tuple[int, int], int] = {}
    for place, score in enumerate(scores, 1):
        ranks.setdefault(score, place)
    return [
        MvpStanding(
            rank=ranks[score],
            player_guid=player.player_guid,
            **names[player.player_guid]._asdict(),
            value=score[0],
            sessions=score[1],
            maps=maps[player.player_guid],
            rounds=player.rounds,
        )
        for player, score in zip(found[:most], scores[:most], strict=True)
    ]
