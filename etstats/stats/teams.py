"""The people of some rounds: who is shown, what teams come to, and who was the most valuable."""

from collections.abc import Iterable, Mapping, Sequence

from etstats.domain.rules import mvp
from etstats.domain.stats import Performance, ScoreLine
from etstats.domain.views import DpmSeries, Mvp, RoundRow, TeamTotal


def ratings_of(rounds: Sequence[RoundRow], played: Mapping[int, Sequence[Performance]]) -> dict[str, float]:
    """Rated by single rounds; rounds that hold two are rated only where there is nothing else."""
    single = [r for r in rounds if not r.is_cumulative] or rounds
    return mvp.ratings(played[r.id] for r in single)


def mvp_of(ratings: Mapping[str, float], lines: Sequence[ScoreLine]) -> Mvp | None:
    """Who has the highest rating, the higher damage deciding a tie; never a hidden player."""
    candidates = [line for line in lines if not line.is_hidden and line.player_guid in ratings]
    if not candidates:
        return None
    best = max(candidates, key=lambda line: (ratings[line.player_guid], line.damage_given, line.player_guid))
    return Mvp(
        player_guid=best.player_guid,
        player_name=best.player_name,
        clean_name=best.clean_name,
        rating=ratings[best.player_guid],
        kills=best.kills,
        deaths=best.deaths,
        dpm=best.dpm,
    )


def visible(lines: Iterable[ScoreLine]) -> tuple[ScoreLine, ...]:
    """The lines of those who are shown."""
    return tuple(line for line in lines if not line.is_hidden)


def hidden_in(lines: Iterable[ScoreLine]) -> int:
    """How many are not."""
    return sum(line.is_hidden for line in lines)


def totals(lines: Sequence[ScoreLine]) -> tuple[TeamTotal, ...]:
    """What team 1 and team 2 come to, with those who are hidden."""
    return tuple(
        TeamTotal(
            team=team,
            players=len(own),
            kills=sum(line.kills for line in own),
            deaths=sum(line.deaths for line in own),
            damage_given=sum(line.damage_given for line in own),
            damage_received=sum(line.damage_received for line in own),
            revives_given=sum(line.revives_given or 0 for line in own),
            gibs=sum(line.gibs for line in own),
            time_played_seconds=sum(line.time_played_seconds for line in own),
        )
        for team in (1, 2)
        for own in [[line for line in lines if line.team == team]]
    )


def series(
    rounds: Sequence[RoundRow], played: Mapping[int, Sequence[Performance]], lines: Iterable[ScoreLine]
) -> tuple[DpmSeries, ...]:
    """The DPM of each player who is shown, round by round."""
    dpm = {(r.id, p.player_guid): p.dpm for r in rounds for p in played[r.id] if p.time_played_seconds}
    return tuple(
        DpmSeries(
            player_guid=line.player_guid,
            player_name=line.player_name,
            team=line.team,
            values=tuple(dpm.get((r.id, line.player_guid)) for r in rounds),
        )
        for line in visible(lines)
    )
