"""The players of some rounds: visible players, team totals, and the MVP."""

from collections.abc import Iterable, Mapping, Sequence

from etstats.domain.names import coded_name, colour_runs
from etstats.domain.rules.team_names import untagged_part
from etstats.domain.stats import Performance, ScoreLine
from etstats.domain.views import DpmSeries, Mvp, RoundRow, TeamTotal


def mvp_of(ratings: Mapping[str, float], lines: Sequence[ScoreLine]) -> Mvp | None:
    """Return the visible player with the highest rating; if equal, with the higher damage."""
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
    """Return the rows of visible players."""
    return tuple(line for line in lines if not line.is_hidden)


def hidden_in(lines: Iterable[ScoreLine]) -> int:
    """Return the number of hidden players."""
    return sum(line.is_hidden for line in lines)


def totals(lines: Sequence[ScoreLine]) -> tuple[TeamTotal, ...]:
    """Return the totals of team 1 and team 2, including hidden players."""
    return tuple(
        TeamTotal(
            team=team,
            players=len(own),
            kills=sum(line.kills for line in own),
            deaths=sum(line.deaths for line in own),
            damage_given=sum(line.damage_given for line in own),
            damage_received=sum(line.damage_received for line in own),
            revives_given=sum(line.revives_given or 0 for line in own),
            gibs=sum(line.gibs or 0 for line in own),
            time_played_seconds=sum(line.time_played_seconds for line in own),
        )
        for team in (1, 2)
        for own in [[line for line in lines if line.team == team]]
    )


def dpm_series(
    rounds: Sequence[RoundRow], played: Mapping[int, Sequence[Performance]], lines: Iterable[ScoreLine]
) -> tuple[DpmSeries, ...]:
    """Return the DPM per round of each visible player."""
    dpm = {
        (round_.id, player.player_guid): player.dpm
        for round_ in rounds
        for player in played[round_.id]
        if player.time_played_seconds
    }
    return tuple(
        DpmSeries(
            player_guid=line.player_guid,
            player_name=line.player_name,
            team=line.team,
            values=tuple(dpm.get((round_.id, line.player_guid)) for round_ in rounds),
        )
        for line in visible(lines)
    )


def without_tags(players: Iterable[ScoreLine], tags: Sequence[str]) -> tuple[ScoreLine, ...]:
    """Return the players of team 1 and 2 without the tag that their team's names share."""
    by_team = dict(enumerate(tags, 1))
    return tuple(_without_tag(player, by_team.get(player.team, "")) for player in players)


def _without_tag(player: ScoreLine, tag: str) -> ScoreLine:
    name = player.clean_name
    start, end = untagged_part(name, tag)
    if (start, end) == (0, len(name)):
        return player
    runs = colour_runs(player.player_name)
    whole_name = "".join(text for _, text in runs)
    at = len(whole_name.lstrip()) - len(whole_name)
    cut: list[tuple[str, str]] = []
    for colour, text in runs:
        cut.append((colour, text[max(0, start - at) : max(0, end - at)]))
        at += len(text)
    return player._replace(clean_name=name[start:end], player_name=coded_name(cut))
