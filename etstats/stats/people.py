"""The list of all players, and pairs of players that may be one person."""

from datetime import datetime
from typing import NamedTuple

from etstats.db import players
from etstats.db.connection import Connection
from etstats.db.scope import Scope
from etstats.db.sessions import last_names
from etstats.domain.rules.identity_suggestions import CandidatePair, SeenName, candidates
from etstats.domain.text import pluralize
from etstats.stats import rating_lists

_ASKED_AT_ONCE = 200


class ListedPlayer(NamedTuple):
    """A player in the list; `rating` is None without a rating, and provisional after few rounds."""

    player_guid: str
    player_name: str
    clean_name: str
    rounds: int
    first_seen: datetime
    last_seen: datetime
    rating: int | None
    is_provisional: bool | None


class IdentitySuggestion(NamedTuple):
    """Two players that may be one person, last seen first, with the evidence."""

    player_guid: str
    clean_name: str
    rounds: int
    first_seen: datetime
    other_guid: str
    other_clean_name: str
    other_rounds: int
    other_last_seen: datetime
    names: tuple[str, ...]
    evidence: str


def everybody(conn: Connection, scope: Scope, most: int | None = None) -> list[ListedPlayer]:
    """Return the visible players with rounds in scope, or the first `most` of them, last seen first.

    Ratings cover all rounds, regardless of the scope.
    """
    standings = rating_lists.standings(conn, with_names=False, with_changes=False)
    rated = {row.player_guid: (row.value, row.is_provisional) for row in standings}
    return [
        ListedPlayer(*row, *rated.get(row.player_guid, (None, None)))
        for row in players.player_list(conn, scope, most)
    ]


def suggestions(conn: Connection, most: int) -> list[IdentitySuggestion]:
    """Return the most likely pairs; never hidden or anonymized players."""
    names = players.suggestible_names(conn)
    pairs = candidates(names)
    found: list[CandidatePair] = []
    for start in range(0, len(pairs), _ASKED_AT_ONCE):
        asked = pairs[start : start + _ASKED_AT_ONCE]
        met = players.pairs_that_met(conn, [(pair.guid, pair.other_guid) for pair in asked])
        found += [pair for pair in asked if (pair.guid, pair.other_guid) not in met]
        if len(found) >= most:
            break
    by_guid: dict[str, list[SeenName]] = {}
    for name in names:
        by_guid.setdefault(name.guid, []).append(name)
    shown = last_names(conn, {guid for pair in found[:most] for guid in (pair.guid, pair.other_guid)})
    return [_suggestion(pair, by_guid, shown) for pair in found[:most]]


def _suggestion(
    pair: CandidatePair, by_guid: dict[str, list[SeenName]], shown: dict[str, str]
) -> IdentitySuggestion:
    own, others = by_guid[pair.guid], by_guid[pair.other_guid]
    first_seen = min(name.first_seen for name in own)
    other_last_seen = max(name.last_seen for name in others)
    if pair.is_same_name:
        reasons = [f"same name: {', '.join(pair.names)}"]
    else:
        reasons = [f"{'similar names' if len(pair.names) > 1 else 'same tag'}: {', '.join(pair.names)}"]
    reasons.append("never in the same round")
    if pair.follows:
        days = (first_seen - other_last_seen).days
        reasons.append(f"one begins {pluralize(days, 'day')} after the other stops")
    return IdentitySuggestion(
        player_guid=pair.guid,
        clean_name=shown.get(pair.guid, pair.guid),
        rounds=sum(name.times_seen for name in own),
        first_seen=first_seen,
        other_guid=pair.other_guid,
        other_clean_name=shown.get(pair.other_guid, pair.other_guid),
        other_rounds=sum(name.times_seen for name in others),
        other_last_seen=other_last_seen,
        names=pair.names,
        evidence="; ".join(reasons),
    )
