"""The columns of the large tables, and the SQL lists derived from them.

A query contains a placeholder such as `{player_columns}`, which `with_columns` replaces. So a new column needs no
edit of the INSERT, of its ON CONFLICT UPDATE, or of the SELECT that compares a rebuild with the stored rows.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import get_args, get_type_hints

from etstats.db.queries import query
from etstats.db.sums import career_column, sum_lists
from etstats.domain.rounds import PlayerRound, WeaponStats
from etstats.domain.rules.achievements import ACHIEVEMENTS
from etstats.domain.stats import ScoreLine

FILE_COLUMNS = (
    "id", "server_id", "filename", "file_hash", "size_bytes", "content", "source_hash", "source_size",
    "source_mtime", "success", "error_message", "error_line", "duplicate_of",
)  # fmt: skip
"""The columns of `processed_files` that every import of a file sets."""

ROUND_COLUMNS = (
    "id", "server_id", "file_id", "match_id", "round_number", "round_date", "round_time", "ended_at", "map_name",
    "config", "defender_team", "winner_team", "time_limit_seconds", "actual_time_seconds", "played_seconds",
    "duration_seconds", "held", "round_outcome", "round1_id", "is_cumulative", "gaming_session_id", "bots",
    "anonymous", "has_enough_humans", "is_voided", "is_repeat", "series_id", "axis_team",
)  # fmt: skip
"""The columns of `rounds` that derive from the archive."""

PLAYER_COLUMNS = PlayerRound._fields[:-1]
"""The columns of a player in a round; the last field of PlayerRound is the weapons."""

WEAPON_COLUMNS = ("round_id", "player_guid", "weapon_name", *WeaponStats._fields[1:])
"""The columns of a weapon of a player in a round."""

# The sums of a career that are of several columns; the others have the name of their column.
_CAREER_PARTS = {
    "objectives": ("objectives_stolen", "objectives_returned"),
    "multikills": ("multi_kills", "mega_kills"),
}

# Columns of a player that are not counts: text, a side, a flag; and the two that may be below zero.
_NO_COUNTS = {"player_guid", "player_name", "clean_name", "team", "was_reset", "xp", "tank_meatshield"}
# The scoreboard computes these in another way than as a plain sum.
_NO_SUMS = {"denied_playtime", "killing_spree_best", "death_spree_worst"}

_WON, _LOST = (
    "count(*) FILTER (WHERE r.winner_team = p.team)",
    "count(*) FILTER (WHERE r.winner_team = 3 - p.team)",
)
# How a player did in some rounds.
_RESULTS = {
    "rounds": "count(*)",
    "won": _WON,
    "lost": _LOST,
    "win_share": f"{_WON}::double precision / nullif({_WON} + {_LOST}, 0)",
    "kills": "sum(p.kills)",
    "deaths": "sum(p.deaths)",
    "kd_ratio": "coalesce(sum(p.kills)::double precision / nullif(sum(p.deaths), 0), sum(p.kills))",
    "dpm": "60 * sum(p.damage_given)::double precision / nullif(sum(p.time_played_seconds), 0)",
}

_LIST = re.compile(r"\{([a-z_]+)\}")


def with_columns(sql: str, *, sealed: bool = False, only: frozenset[str] | None = None) -> str:
    """Fill the column lists into a query.

    `sealed`: its rounds are those of no sealed period. `only`: limits the columns of boards, and the awards.
    """
    return _LIST.sub(lambda found: _lists(sealed=sealed, only=only)[found[1]], sql)


@cache
def query_with_columns(name: str, *, sealed: bool = False, only: frozenset[str] | None = None) -> str:
    """Return a named query with its column lists; see `with_columns`."""
    return with_columns(query(name), sealed=sealed, only=only)


@cache
def _lists(*, sealed: bool = False, only: frozenset[str] | None = None) -> Mapping[str, str]:
    floats = {name for name, kind in get_type_hints(PlayerRound).items() if float in (kind, *get_args(kind))}
    sums = [name for name in ScoreLine._fields if name in PLAYER_COLUMNS and name not in _NO_COUNTS | _NO_SUMS]
    types = {"round_id": "bigint", "player_guid": "text", "weapon_name": "text"}
    return {
        "file_columns": _join(FILE_COLUMNS),
        "file_updates": _updates(FILE_COLUMNS[3:]),  # without the key
        "round_columns": _join(ROUND_COLUMNS),
        "round_updates": _updates(ROUND_COLUMNS[3:]),
        "player_columns": _join(("round_id", *PLAYER_COLUMNS)),
        # numeric would become Decimal
        "player_values": _join(
            f"{name}::double precision" if name in floats else name for name in ("round_id", *PLAYER_COLUMNS)
        ),
        "player_counts": _join(name for name in PLAYER_COLUMNS if name not in _NO_COUNTS),
        "result_sums": _join(f"{value} AS {name}" for name, value in _RESULTS.items()),
        "player_sums": _join(f"sum({name})::integer AS {name}" for name in sums),
        "weapon_columns": _join(WEAPON_COLUMNS),
        "weapon_arrays": _join(f"%(weapons_{name})s::{types.get(name, 'integer')}[]" for name in WEAPON_COLUMNS),
        **_career_lists(),
        **sum_lists(sealed=sealed, only=only),
    }


def _career_lists() -> dict[str, str]:
    """Return the lists of what achievements count, in their order; a value that is not known counts as 0."""
    gains, sums = {"rounds": "1"}, {"rounds": "count(*)"}
    for name in (achievement.key for achievement in ACHIEVEMENTS if achievement.key != "rounds"):
        columns = _CAREER_PARTS.get(name, (name,))
        gains[name] = " + ".join(f"coalesce(p.{column}, 0)" for column in columns)
        sums[name] = " + ".join(f"coalesce(sum(p.{column}), 0)" for column in columns)
    return {
        "career_names": _join(sums),
        "career_gains": _join(gains.values()),
        "career_sums": _join(f"({value})::bigint AS {name}" for name, value in sums.items()),
        "career_sealed": _join(f"{career_column(name)} AS {name}" for name in sums),
        "career_totals": _join(f"sum({name})::bigint AS {name}" for name in sums),
        "career_running_sums": _join(f"sum({name}) OVER w" for name in sums),
    }


def _updates(columns: Iterable[str]) -> str:
    return _join(f"{name}=excluded.{name}" for name in columns)


def _join(parts: Iterable[str]) -> str:
    # Without blanks: psycopg does not cache parsed statements of more than 4,096 bytes.
    return ",".join(parts)
