"""Tables of even teams, duos and rivals."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from etstats import output
from etstats.commands.tables.formatting import match_count
from etstats.db.ratings import DuoResults, RivalResults
from etstats.output import Column, Table
from etstats.stats.matchups import EvenTeams, SplitOfTeams


class _Seat(NamedTuple):
    """A row with one player of each team."""

    name1: str | None
    rating1: int | None
    name2: str | None
    rating2: int | None


class _SplitRow(NamedTuple):
    """A split as a row."""

    rank: int
    team1: str
    team2: str
    chance1: float


class _PairRow(NamedTuple):
    """A pair, or an opponent, with shares in per cent."""

    rank: int
    name: str
    other: str
    matches: int
    record: str
    win_share: float
    expected_share: float
    difference: float


def teams_tables(teams: EvenTeams, ratings: Mapping[str, int]) -> list[Table]:
    """Return the most even teams player by player, and how the next best splits differ."""
    best, *others = teams.splits
    size = max(len(best.team1), len(best.team2))
    rows = [
        _Seat(
            *(_seat(best.team1, best.guids1, ratings, place)),
            *(_seat(best.team2, best.guids2, ratings, place)),
        )
        for place in range(size)
    ]
    columns = [
        output.text("name1", f"Team 1: {best.chance1:.0%} to win"),
        output.whole("rating1", "Rating"),
        output.text("name2", f"Team 2: {1 - best.chance1:.0%} to win"),
        output.whole("rating2", "Rating"),
    ]
    notes = []
    if others:
        notes.append("Next best (players of team 1 for players of team 2; the chance of team 1):")
        notes += [f"{split.chance1:4.0%}  {_exchange(best, split)}" for split in others]
    if teams.unrated:
        notes.append(f"Without a rating, counted as average: {', '.join(teams.unrated)}")
    return [Table(title="Even teams", columns=columns, rows=rows, empty="", notes=notes)]


def splits_table(teams: EvenTeams) -> Table:
    """Return the splits, one per row."""
    rows = [
        _SplitRow(place, ", ".join(split.team1), ", ".join(split.team2), split.chance1)
        for place, split in enumerate(teams.splits, start=1)
    ]
    columns = [
        output.whole("rank", "#"),
        output.text("team1", "Team 1"),
        output.text("team2", "Team 2"),
        output.share("chance1", "Team 1 wins"),
    ]
    return Table(title="Even teams", columns=columns, rows=rows, empty="")


def duos_table(duos: Sequence[DuoResults], limit: int, least: int, words: str) -> Table:
    """Return the pairs, best against expectation first."""
    rows = [_pair_row(place, duo.name1, duo.name2, duo) for place, duo in enumerate(duos[:limit], start=1)]
    columns = [output.whole("rank", "#"), output.name("name", "Player"), output.name("other", "With")]
    return Table(
        title=f"Duos{words}",
        columns=[*columns, *_RESULT_COLUMNS],
        rows=rows,
        empty=_no_results(least, words, "for the same team"),
        notes=[*_RESULT_NOTES, f"Pairs with at least {match_count(least)} together."] if rows else [],
    )


def rivals_tables(rivals: Sequence[RivalResults], limit: int, name: str, least: int, words: str) -> list[Table]:
    """Return the favourite and worst opponents; each opponent once."""
    rows = [_pair_row(place, rival.player_name, "", rival) for place, rival in enumerate(rivals, start=1)]
    half = min(limit, (len(rows) + 1) // 2)
    columns = [output.name("name", "Opponent"), *_RESULT_COLUMNS]
    favourite = Table(
        title=f"Favourite opponents of {name}{words}",
        columns=columns,
        rows=rows[:half],
        empty=_no_results(least, words, f"against {name}"),
    )
    worst = Table(
        title="Worst opponents",
        columns=columns,
        rows=rows[half:][::-1][:limit],
        empty="No other opponents.",
        notes=[*_RESULT_NOTES, f"Opponents in at least {match_count(least)}."],
    )
    return [favourite, worst] if rows else [favourite]


def duo_document(duos: Sequence[DuoResults]) -> list[dict[str, object]]:
    """Return the pairs as JSON."""
    return [
        {
            "rank": place,
            "player_guid1": duo.guid1,
            "player_name1": duo.name1,
            "clean_name1": duo.clean_name1,
            "player_guid2": duo.guid2,
            "player_name2": duo.name2,
            "clean_name2": duo.clean_name2,
            **_result_document(duo),
        }
        for place, duo in enumerate(duos, start=1)
    ]


def rival_document(rivals: Sequence[RivalResults]) -> list[dict[str, object]]:
    """Return the opponents as JSON, favourite first."""
    return [
        {
            "player_guid": rival.player_guid,
            "player_name": rival.player_name,
            "clean_name": rival.clean_name,
            **_result_document(rival),
        }
        for rival in rivals
    ]


def rivals_values(rivals: Sequence[RivalResults]) -> Table:
    """Return all opponents with plain numbers, favourite first."""
    columns = [output.text(key, key) for key in RivalResults._fields]
    return Table(title="", columns=columns, rows=rivals, empty="")


_RESULT_COLUMNS = (
    output.whole("matches", "Maps"),
    Column(key="record", heading="W-D-L", justify="right"),
    output.share("win_share", "Won"),
    output.share("expected_share", "Expected"),
    Column(key="difference", heading="Diff", text="{:+.0f} %".format, justify="right"),
)


_RESULT_NOTES = (
    "Expected: the mean chance before each map, from the ratings. A draw is half a win.",
    "Ordered by the difference, which is reduced for few maps.",
)


def _no_results(least: int, words: str, how: str) -> str:
    who = "two players" if "team" in how else "opponent"
    return (
        f"No {who} played {match_count(least)} with a result {how}{words}. "
        "Results come with both rounds of a map on stopwatch servers; --min-matches asks for fewer."
    )


def _pair_row(place: int, name: str, other: str, results: DuoResults | RivalResults) -> _PairRow:
    return _PairRow(
        place,
        name,
        other,
        results.matches,
        f"{results.won}-{results.drawn}-{results.lost}",
        results.win_share,
        results.expected_share,
        100 * (results.win_share - results.expected_share),
    )


def _result_document(results: DuoResults | RivalResults) -> dict[str, object]:
    return {
        "matches": results.matches,
        "won": results.won,
        "drawn": results.drawn,
        "lost": results.lost,
        "win_percent": 100 * results.win_share,
        "expected_percent": 100 * results.expected_share,
        "difference_percent": 100 * (results.win_share - results.expected_share),
    }


def _seat(
    names: Sequence[str], guids: Sequence[str], ratings: Mapping[str, int], place: int
) -> tuple[str | None, int | None]:
    return (names[place], ratings.get(guids[place])) if place < len(names) else (None, None)


def _exchange(best: SplitOfTeams, other: SplitOfTeams) -> str:
    """Return how a split differs from the best one, independent of the order of the teams."""
    leave = [name for name, key in zip(best.team1, best.guids1, strict=True) if key not in other.guids1]
    come = [name for name, key in zip(best.team2, best.guids2, strict=True) if key in other.guids1]
    return f"{', '.join(leave)} for {', '.join(come)}" if come else f"{', '.join(leave)} goes to team 2"
