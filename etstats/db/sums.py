"""The sums and bests of players: their computation from rounds, and their combination over several periods.

`sealed_players`, `sealed_player_maps` and `sealed_maps` have columns for them. Queries name groups of them:
`{board_sums}` computes a group from rounds, `{board_names}` reads it from sealed periods, and `{board_totals}`
combines both.

In the expressions `s` is a round with `earliness` (17179869183 - its end in seconds since 1970), `p` a row of
`person_stats`, `dead` its plausible time dead, `odd` its headshots by weapons that fire no bullets.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from etstats.domain.rules.awards import AWARDS, MVP


class SumColumn(NamedTuple):
    """A stored column; `total` is the aggregate that combines its values, `kind` the type of the result."""

    name: str
    value: str
    total: str = "sum"
    kind: str = "bigint"


_SINGLE = "NOT s.is_cumulative"


def _added(*columns: str) -> str:
    return " + ".join(f"coalesce(sum(p.{column}), 0)" for column in columns)


def _best(name: str, value: str) -> SumColumn:
    """Return the column for the best of a single round."""
    return SumColumn(f"best_{name}", f"max({value}) FILTER (WHERE {_SINGLE})", "max", "integer")


def _record(name: str, value: str, condition: str = "") -> SumColumn:
    """Return the column for a value and its earliness as one number; see the query round_records."""
    where = _SINGLE + (condition and f" AND {condition}")
    code = f"max(({value}) * 17179869184 + s.earliness) FILTER (WHERE {where})"
    return SumColumn(f"record_{name}", code, "max")


def _side(name: str, condition: str) -> list[SumColumn]:
    """Return the columns for sums in attack or defence; a cumulative round was played on both sides."""
    where = f"{_SINGLE} AND p.team IN (1, 2) AND {condition}"
    values = {
        "rounds": f"count(*) FILTER (WHERE {where})",
        "won": f"count(*) FILTER (WHERE {where} AND s.winner_team = p.team)",
        "lost": f"count(*) FILTER (WHERE {where} AND s.winner_team = 3 - p.team)",
        "kills": f"sum(p.kills) FILTER (WHERE {where})",
        "deaths": f"sum(p.deaths) FILTER (WHERE {where})",
        "damage": f"sum(p.damage_given) FILTER (WHERE {where})",
        "seconds": f"sum(p.time_played_seconds) FILTER (WHERE {where})",
    }
    return [SumColumn(f"{name}_{key}", value) for key, value in values.items()]


_MULTIKILLS = ("double_kills", "triple_kills", "quad_kills", "multi_kills", "mega_kills")
_OBJECTIVES = ("objectives_stolen", "objectives_returned", "dynamites_planted", "dynamites_defused")
# In tenths, so that all values are integers; as in the view player_feats.
_DPM, _ACCURACY = "round(p.dpm * 10)::integer", "round(p.accuracy * 10)::integer"

RECORD_SUMS: tuple[SumColumn, ...] = (
    _record("kills", "p.kills"),
    _record("damage", "p.damage_given"),
    _record("dpm", _DPM, "p.time_played_seconds >= %(dpm_seconds)s"),
    _record("accuracy", _ACCURACY, f"p.shots >= %(accuracy_shots)s AND {_ACCURACY} <= 1000"),
    _record("headshot_kills", "p.headshot_kills"),
    _record("spree", "p.killing_spree_best"),
    _record("multikills", " + ".join(f"p.{column}" for column in _MULTIKILLS)),
    _record("gibs", "p.gibs"),
    _record("revives", "p.revives_given"),
    _record("assists", "p.kill_assists"),
    _record("objectives", " + ".join(f"p.{column}" for column in _OBJECTIVES)),
    _record("useful", "p.most_useful_kills"),
    _record("xp", "p.xp"),
)
"""The bests of single rounds, in `sealed_maps` of everybody and in `sealed_players`."""

_BEST_DPM = SumColumn(
    "best_dpm",
    f"max(p.dpm) FILTER (WHERE {_SINGLE} AND p.time_played_seconds >= %(dpm_seconds)s)",
    "max",
    "double precision",
)
_BESTS = (
    _best("kills", "p.kills"),
    _best("damage_given", "p.damage_given"),
    _best("headshot_kills", "p.headshot_kills"),
    _best("killing_spree", "p.killing_spree_best"),
    _best("revives_given", "p.revives_given"),
    _best("gibs", "p.gibs"),
    _best("most_useful_kills", "p.most_useful_kills"),
    _BEST_DPM,
)
PLAYER_SUMS: tuple[SumColumn, ...] = (
    SumColumn("rounds", "count(*)"),
    SumColumn("first_seen", "min(s.ended_at)", "min", "timestamptz"),
    SumColumn("last_seen", "max(s.ended_at)", "max", "timestamptz"),
    SumColumn("won", f"count(*) FILTER (WHERE {_SINGLE} AND s.winner_team = p.team)"),
    SumColumn("lost", f"count(*) FILTER (WHERE {_SINGLE} AND s.winner_team = 3 - p.team)"),
    SumColumn("kills", "sum(p.kills)"),
    SumColumn("deaths", "sum(p.deaths)"),
    SumColumn("hits", "sum(p.hits)"),
    SumColumn("shots", "sum(p.shots)"),
    SumColumn("headshots", "sum(p.headshots)"),
    SumColumn("bullet_headshots", "sum(p.headshots - coalesce(odd.headshots, 0))"),
    SumColumn("headshot_kills", f"sum(p.headshot_kills) FILTER (WHERE {_SINGLE})"),
    SumColumn("kills_of_single_rounds", f"sum(p.kills) FILTER (WHERE {_SINGLE})"),
    SumColumn("damage_given", "sum(p.damage_given)"),
    SumColumn("damage_received", "sum(p.damage_received)"),
    SumColumn("team_damage_given", "sum(p.team_damage_given)"),
    SumColumn("time_played_seconds", "sum(p.time_played_seconds)"),
    SumColumn("clocked_seconds", "sum(p.time_played_seconds) FILTER (WHERE dead.is_true)"),
    SumColumn("alive_seconds", "sum(p.time_played_seconds - dead.seconds) FILTER (WHERE dead.is_true)"),
    SumColumn("clocked_damage", "sum(p.damage_given) FILTER (WHERE dead.is_true)"),
    SumColumn("gibs", "sum(p.gibs)"),
    SumColumn("self_kills", "sum(p.self_kills)"),
    SumColumn("team_kills", "sum(p.team_kills)"),
    SumColumn("xp", "sum(p.xp)"),
    SumColumn("kill_assists", "sum(p.kill_assists)"),
    SumColumn("objectives", _added(*_OBJECTIVES)),
    SumColumn("multikills", _added(*_MULTIKILLS)),
    SumColumn("revives_given", "sum(p.revives_given)"),
    SumColumn("times_revived", "sum(p.times_revived)"),
    SumColumn("useful_kills", "sum(p.most_useful_kills) FILTER (WHERE p.useless_kills IS NOT NULL)"),
    SumColumn("useless_kills", "sum(p.useless_kills)"),
    # Without more time denied than all opponents played.
    SumColumn(
        "denied_playtime",
        "sum(p.denied_playtime) FILTER (WHERE coalesce(p.denied_playtime, 0) <= p.time_played_seconds"
        " OR p.denied_playtime <= p.time_played_seconds * (SELECT count(*) FROM player_comprehensive_stats o"
        " WHERE o.round_id = p.round_id AND o.team = 3 - p.team))",
    ),
    SumColumn("killing_spree_best", f"max(p.killing_spree_best) FILTER (WHERE {_SINGLE})", "max", "integer"),
    SumColumn("all_won", "count(*) FILTER (WHERE s.winner_team = p.team)"),
    SumColumn("all_lost", "count(*) FILTER (WHERE s.winner_team = 3 - p.team)"),
    SumColumn("all_headshot_kills", "sum(p.headshot_kills)"),
    SumColumn("all_useful_kills", "sum(p.most_useful_kills)"),
    SumColumn("dynamites_planted", "sum(p.dynamites_planted)"),
    SumColumn("dynamites_defused", "sum(p.dynamites_defused)"),
    SumColumn("documents", _added("objectives_stolen", "objectives_returned")),
    SumColumn("constructions", "sum(p.constructions)"),
    SumColumn("large_multikills", _added("multi_kills", "mega_kills")),
    *RECORD_SUMS,
    _BEST_DPM,
    *_side("attack", "p.team <> s.defender_team"),
    *_side("defence", "p.team = s.defender_team"),
)
"""The columns of `sealed_players` behind its key."""

_COMPLETED, _OUTCOME = "s.round_outcome = 'completed'", "count(*) FILTER (WHERE s.round_outcome = '{}')"
MAP_SUMS: tuple[SumColumn, ...] = (
    SumColumn("rounds", "count(*)"),
    SumColumn("decided", "count(*) FILTER (WHERE s.winner_team > 0)"),
    SumColumn("attacks_won", "count(*) FILTER (WHERE s.winner_team NOT IN (0, s.defender_team))"),
    SumColumn("attacks_timed", f"count(s.duration_seconds) FILTER (WHERE {_COMPLETED})"),
    SumColumn("attack_seconds", f"sum(s.duration_seconds) FILTER (WHERE {_COMPLETED})"),
    SumColumn("best_attack_seconds", f"min(s.duration_seconds) FILTER (WHERE {_COMPLETED})", "min", "integer"),
    SumColumn("full_holds", _OUTCOME.format("fullhold")),
    SumColumn("limit_holds", "count(*) FILTER (WHERE s.held = 'limit')"),
    SumColumn("set_time_holds", "count(*) FILTER (WHERE s.held = 'set_time')"),
    SumColumn("surrenders", _OUTCOME.format("surrender")),
    SumColumn("last_played", "max(s.ended_at)", "max", "timestamptz"),
    SumColumn("played_seconds", "sum(s.duration_seconds)"),
)
"""The sums of rounds in `sealed_maps`; times are of attacks that succeeded."""

_SESSION_VALUES = (
    "kills", "damage", "headshot_kills", "multikills", "gibs", "revives", "assists", "objectives", "useful", "xp",
)  # fmt: skip
# DPM in tenths, rounded in integer arithmetic.
_SESSION_SUMS = {name: f"sum(f.{name})" for name in _SESSION_VALUES[:2]} | {
    "dpm": "CASE WHEN sum(f.time_played_seconds) >= %(session_dpm_seconds)s"
    " THEN (600 * sum(f.damage) + sum(f.time_played_seconds) / 2) / sum(f.time_played_seconds) END",
    **{name: f"sum(f.{name})" for name in _SESSION_VALUES[2:]},
}
UNKNOWN_FLAGS = {"gibs": 2, "xp": 4, "kill_assists": 8, "revives_given": 16, "denied_playtime": 32}
"""The bits of `sealed_players.flags` of values that a round may lack; bit 1: bots played."""

SESSION_MVP, MAP_MVP, MAPS = MVP.key, "map_mvp", "maps"
"""Counted with the awards: the MVP of a session, the MVP of a map, and the maps that a player was in."""
AWARD_KEYS = (SESSION_MVP, *(award.key for award in AWARDS), MAP_MVP, MAPS)
"""What `sealed_awards` counts, in the order of its arrays."""
LOWEST_AWARDS = {award.key for award in AWARDS if award.lowest}
_GIVEN_AWARDS = (
    "SELECT guid, times::integer[], bests::double precision[]"
    " FROM unnest(%(guids)s::text[], %(times)s::text[], %(bests)s::text[]) AS g (guid, times, bests)"
)

_NAMES = tuple(column.name for column in PLAYER_SUMS)
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "sealed": _NAMES,
    "best": tuple(column.name for column in _BESTS),
    "side": tuple(name for name in _NAMES if name.startswith(("attack_", "defence_"))),
    "list": ("rounds", "first_seen", "last_seen"),
    "outcome": ("rounds", "all_won", "all_lost", "kills", "deaths", "damage_given", "time_played_seconds"),
    "on_map": (*_NAMES[: _NAMES.index("all_won")], "all_won", "all_lost"),
    "board": tuple(name for name in _NAMES[: _NAMES.index("all_won")] if name != "first_seen"),
    "record": tuple(column.name for column in RECORD_SUMS),
    "map": tuple(column.name for column in MAP_SUMS),
}

_FLAGS = " + ".join(
    ["(s.bots > 0)::integer", *(f"{bit} * (p.{name} IS NULL)::integer" for name, bit in UNKNOWN_FLAGS.items())]
)
_KNOWN = " ".join(f"WHEN '{name}' THEN p.{name} IS NOT NULL" for name in UNKNOWN_FLAGS)

# The rows of players in the rounds `scope`.
_LINES = """scope s JOIN person_stats p ON p.round_id = s.id
    LEFT JOIN (SELECT w.round_id, w.player_guid, sum(w.headshots) AS headshots
               FROM scope o JOIN weapon_comprehensive_stats w ON w.round_id = o.id
               WHERE w.headshots > 0 AND NOT is_bullet_weapon(w.weapon_name)
               GROUP BY w.round_id, w.player_guid) odd
           ON odd.round_id = p.round_id AND odd.player_guid = p.recorded_guid
    CROSS JOIN LATERAL (
        SELECT round(p.time_dead_ratio * p.time_played_seconds / 100)::integer AS seconds,
               NOT s.is_cumulative AND p.time_played_seconds > 0
               AND (p.time_dead_ratio < 100 OR p.time_dead_minutes * 60 <= p.time_played_seconds) AS is_true
    ) dead"""

_SCOPE = "%(since)s, %(until)s, %(map_name)s, %(server)s"
_IN_SCOPE = f"rounds_in_scope({_SCOPE}, %(last_rounds)s, %(last_sessions)s)"
_UNSEALED = "unsealed_rounds(%(servers)s, %(starts)s, %(stops)s, %(map_name)s)"


_WEAPON_USED = (
    "EXISTS (SELECT FROM weapon_comprehensive_stats w"
    " WHERE w.round_id = r.id AND w.weapon_name || '' = %(weapon)s)"
)
_WEAPON_USED_IN_MANY = (
    "r.id IN (SELECT w.round_id FROM weapon_comprehensive_stats w WHERE w.weapon_name = %(weapon)s)"
)
_BOT_RECORDS = "ARRAY(SELECT id FROM servers WHERE bot_records)"
# The rounds of records: in scope, found by their end where sums of sealed periods give it.
_RECORD_ROUNDS = "scope r ON r.earliness = b.code & 17179869183 AND r.map_name = coalesce(b.map_name, r.map_name)"
_SEALED_RECORD_ROUNDS = (
    f"rounds_in_scope({_SCOPE}, NULL, NULL) r"
    " ON r.ended_at = to_timestamp(17179869183 - (b.code & 17179869183)) AND NOT r.is_cumulative"
    f" AND r.map_name = coalesce(b.map_name, r.map_name) AND (r.bots = 0 OR r.server_id = ANY ({_BOT_RECORDS}))"
)
# The rounds of sessions that are in no sealed sums: those of the other parts of time, and of sessions that go on
# outside of their period.
_SESSION_ROUNDS = f"""(
    SELECT u.* FROM {_UNSEALED} u
    UNION ALL
    SELECT x.* FROM rounds x
    WHERE x.gaming_session_id = ANY (%(split_sessions)s) AND x.is_counted
      AND (%(map_name)s::text IS NULL OR x.map_name = %(map_name)s)
      AND EXISTS (SELECT FROM sealed d WHERE d.id = ANY (%(sealed_ids)s) AND d.server_id = x.server_id
                  AND x.ended_at >= d.start AND x.ended_at < d.stop))"""
# The bests in `sealed_players` that are parts of a record.
_BEST_RECORDS = {
    "best_kills": "kills",
    "best_damage_given": "damage",
    "best_headshot_kills": "headshot_kills",
    "best_killing_spree": "spree",
    "best_revives_given": "revives",
    "best_gibs": "gibs",
    "best_most_useful_kills": "useful",
}
# The columns of `sealed_players` that careers are made of, where they have another name.
_CAREER_COLUMNS = {
    "headshot_kills": "all_headshot_kills",
    "objectives": "documents",
    "most_useful_kills": "all_useful_kills",
    "multikills": "large_multikills",
}


def sum_lists(*, sealed: bool, only: Collection[str] | None = None) -> dict[str, str]:
    """Return the lists of these columns and the rounds of a query: those in scope, or those not sealed of them.

    `only`: limits the columns of boards, and the awards.
    """
    awards = [(place, key) for place, key in enumerate(AWARD_KEYS, 1) if only is None or key in only]
    lists = {
        "rounds": _UNSEALED if sealed else _IN_SCOPE,
        "record_rounds": _SEALED_RECORD_ROUNDS if sealed else _RECORD_ROUNDS,
        "session_rounds": _SESSION_ROUNDS if sealed else _IN_SCOPE,
        # Of few rounds all weapons are read: for a search by name too, the planner expects one for each player.
        "weapon_name": "w.weapon_name || ''" if sealed else "w.weapon_name",
        "given_awards": _GIVEN_AWARDS,
        "award_times": _join(f"sum(times[{place}])" for place, _ in awards),
        "award_bests": _join(
            f"{'min' if key in LOWEST_AWARDS else 'max'}(bests[{place}])" for place, key in awards
        ),
        "weapon_used": _WEAPON_USED if sealed else _WEAPON_USED_IN_MANY,
        "player_flags": _FLAGS,
        "known_cases": _KNOWN,
        "player_lines": _LINES,
        "session_sums": _join(f"{value} AS {name}" for name, value in _SESSION_SUMS.items()),
        "session_codes": _join(f"{name} * 17179869184 + earliness AS record_{name}" for name in _SESSION_SUMS),
        "session_names": _join(f"record_{name}" for name in _SESSION_SUMS),
        "career_bests": _join(f"coalesce(max({name}), 0) AS {name}" for name in _GROUPS["best"]),
        "best_sealed": _join(
            f"(record_{_BEST_RECORDS[name]} >> 34)::integer AS {name}" if name in _BEST_RECORDS else name
            for name in _GROUPS["best"]
        ),
        "session_names_on_map": _join(f"session_{name}" for name in _SESSION_SUMS),
        "session_codes_on_map": _join(
            f"max({name} * 17179869184 + earliness) AS session_{name}" for name in _SESSION_SUMS
        ),
        "session_bests_on_map": _join(f"max(session_{name}) AS session_{name}" for name in _SESSION_SUMS),
        "session_names_of_x": _join(f"x.record_{name}" for name in _SESSION_SUMS),
        "session_bests": _join(f"max(record_{name}) AS record_{name}" for name in _SESSION_SUMS),
        "session_places": _join(
            f"({place}, '{name}', b.record_{name}, s.record_{name})" for place, name in enumerate(_SESSION_SUMS, 1)
        ),
        "session_matches": " OR ".join(f"s.record_{name} = b.record_{name}" for name in _SESSION_SUMS),
        "record_places": _join(
            f"({place}, '{name.removeprefix('record_')}', b.{name})"
            for place, name in enumerate(_GROUPS["record"], 1)
        ),
    }
    columns = {column.name: column for column in (*PLAYER_SUMS, *_BESTS)}
    for group, names in _GROUPS.items():
        used = [name for name in names if group != "board" or only is None or name in only]
        chosen = MAP_SUMS if group == "map" else [columns[name] for name in used]
        lists[f"{group}_sums"] = _join(f"{column.value} AS {column.name}" for column in chosen)
        if group not in {"sealed", "on_map", "best"}:
            lists[f"{group}_names"] = _join(used)
        if group not in {"best", "on_map"}:
            lists[f"{group}_totals"] = _join(
                f"{column.total}({column.name})::{column.kind} AS {column.name}" for column in chosen
            )
    return lists


def career_column(name: str) -> str:
    """Return what a sum of a career is in `sealed_players`; a value that is not known counts as 0."""
    return f"coalesce({_CAREER_COLUMNS.get(name, name)}, 0)"


def _join(parts: Iterable[str]) -> str:
    return ", ".join(parts)
