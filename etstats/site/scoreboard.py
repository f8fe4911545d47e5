"""The columns of scoreboards: each number of a player's row, with its definition."""

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

from markupsafe import Markup

from etstats.domain.stats import ScoreLine
from etstats.site import markup
from etstats.site.markup import NOTHING, Col, clock, percent, two, whole
from etstats.site.pages import Pages


def number(key: str, heading: str, meaning: str, text: Callable[[Any], str] | None = None) -> Col:
    """Return a column of one attribute of the row; default format: whole numbers."""
    value = attrgetter(key)
    if text is None:  # most cells of a site use this; avoids a further call
        return Col(heading, lambda row: NOTHING if (found := value(row)) is None else f"{found:,}", meaning)
    return Col(heading, lambda row: text(value(row)), meaning)


MAIN = (
    number("kills", "K", "Kills"),
    number("deaths", "D", "Deaths"),
    number("kd_ratio", "K/D", "Kills per death", two),
    number("dpm", "DPM", "Damage given per minute played", whole),
    number("damage_given", "Damage", "Damage given, HP"),
    number("damage_received", "Taken", "Damage received, HP"),
    number("accuracy", "Acc", "Hits per shot, bullet weapons", percent),
    number("hs_percent", "HS", "Hits on the head per hit, bullet weapons", percent),
    number("revives_given", "Rev", "Team mates revived"),
    number("gibs", "Gibs", "Bodies gibbed"),
    number("time_played_seconds", "Played", "Time played", clock),
)
"""The columns that players look for first."""

REST = (
    number("efficiency", "Eff", "Kills per kill and death", percent),
    number("headshot_kills", "HS kills", "Kills by headshot"),
    number("headshots", "HS hits", "Hits on the head"),
    number("hits", "Hits", "Hits with bullet weapons"),
    number("shots", "Shots", "Shots with bullet weapons"),
    number("bullets_fired", "Fired", "Shots with all weapons"),
    number("kill_assists", "Assists", "Kill assists"),
    number("kill_steals", "Steals", "Kill steals"),
    number("most_useful_kills", "Useful", "Most useful kills"),
    number("useless_kills", "Useless", "Useless kills"),
    number("killing_spree_best", "Spree", "Best killing spree in one round"),
    number("death_spree_worst", "Death spree", "Worst death spree in one round"),
    number("double_kills", "2×", "Double kills"),
    number("triple_kills", "3×", "Triple kills"),
    number("quad_kills", "4×", "Quad kills"),
    number("multi_kills", "5×", "Multi kills"),
    number("mega_kills", "6×", "Mega kills"),
    number("times_revived", "Revived", "Times revived by team mates"),
    number("objectives_stolen", "Stolen", "Objectives stolen"),
    number("objectives_returned", "Returned", "Objectives returned"),
    number("dynamites_planted", "Planted", "Dynamites planted"),
    number("dynamites_defused", "Defused", "Dynamites defused"),
    number("constructions", "Built", "Repairs and constructions"),
    number("self_kills", "Self kills", "Self kills"),
    number("full_selfkills", "Full self kills", "Self kills at full health"),
    number("team_kills", "Team kills", "Team mates killed"),
    number("team_gibs", "Team gibs", "Team mates gibbed"),
    number("team_damage_given", "Team dmg", "Damage given to team mates, HP"),
    number("team_damage_received", "Team dmg taken", "Damage received from team mates, HP"),
    number("time_dead_seconds", "Dead", "Time dead", clock),
    number("time_dead_ratio", "Dead %", "Time dead per time played", percent),
    number("denied_playtime", "Denied", "Playtime taken from opponents", clock),
    number("xp", "XP", "Experience points"),
)
"""Every other number that the files hold."""


def player_column(pages: Pages, up: str) -> Col:
    """Return the column of players' names, with links."""
    return Col("Player", lambda row: pages.person(row.player_guid, row.player_name, up), kind="h")


def board(pages: Pages, up: str, caption: str, players: Iterable[ScoreLine], extra: Sequence[Col] = ()) -> Markup:
    """Return a scoreboard of the main columns, followed by `extra` columns."""
    return markup.table(caption, [player_column(pages, up), *MAIN, *extra], players, classes="board")


def everything(
    pages: Pages, up: str, caption: str, players: Iterable[ScoreLine], extra: Sequence[Col] = ()
) -> Markup:
    """Return the columns that are not on the main scoreboard."""
    return markup.table(caption, [player_column(pages, up), *REST, *extra], players, classes="board")
