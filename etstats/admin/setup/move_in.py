"""Copy links, display names and team names from the tables of a bot, which are only read."""

from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from etstats.admin import correct
from etstats.admin.correct import NewCorrection
from etstats.db import corrections, identity, players, sessions
from etstats.db.bot_tables import BotTables, BotTeam
from etstats.db.connection import Connection
from etstats.domain.names import clean_name
from etstats.domain.rules.corrections import CorrectionKind
from etstats.domain.text import pluralize
from etstats.errors import EtstatsError

_REASON = "copied from the bot"
_ENOUGH = 0.6  # of a team's players


class MovedIn(NamedTuple):
    """Number of copied entries of each kind."""

    links: int
    names: int
    teams: int

    def __str__(self) -> str:
        """Return the numbers as text."""
        kinds = (pluralize(self.links, "link"), pluralize(self.names, "name"), pluralize(self.teams, "team name"))
        return f"copied from the bot: {', '.join(kinds)}"


def move_in(conn: Connection, found: BotTables) -> MovedIn:
    """Copy entries that are not set here; running it again changes nothing. The connection holds the run lock."""
    there = {link.player_guid for link in identity.links(conn)} | {
        str(link.discord_user_id) for link in identity.links(conn)
    }
    links = 0
    for guid, account in found.accounts.items():
        if not there & {guid, str(account)}:
            identity.link(conn, guid, account, wants_mention=False)
            there |= {guid, str(account)}
            links += 1
    conn.commit()
    present = {
        guid: clean_name(name.player_name) for guid, name in players.present_names(conn, found.names).items()
    }
    conn.commit()
    names = sum(
        _is_made(conn, NewCorrection(kind=CorrectionKind.RENAME, subject=guid, value=name, reason=_REASON))
        for guid, name in found.names.items()
        if guid in present and present[guid] != name
    )
    return MovedIn(links=links, names=names, teams=sum(_is_named(conn, team) for team in found.teams))


def _is_named(conn: Connection, team: BotTeam) -> bool:
    """Name the team of that day with the same players; False if there is none, or it has the name."""
    for session_id in sessions.sessions_of_day(conn, team.day, None):
        for number, guids in sessions.teams_of_session(conn, session_id).items():
            if _are_same(team.guids, guids):
                try:
                    name = correct.valid_name(team.name, "team name", 24)
                    wanted = correct.named_team(conn, session_id, "", str(number), name)
                    return _is_made(conn, replace(wanted, reason=_REASON))
                except EtstatsError:  # several series in the session, or an invalid name
                    return False
    return False


def _are_same(one: Collection[str], other: Collection[str]) -> bool:
    common = len(set(one) & set(other))
    return common >= _ENOUGH * max(len(one), len(other))


def _is_made(conn: Connection, wanted: NewCorrection) -> bool:
    """Make a correction, unless an admin has named this player or team, or has undone this correction."""
    if any(correct.concerns_the_same(made, wanted) for made in corrections.corrections(conn)):
        return False
    try:
        correct.make(conn, wanted)
    except EtstatsError:  # no effect, or an invalid name
        conn.rollback()
        return False
    conn.commit()  # end the transaction of earlier reads
    return True
