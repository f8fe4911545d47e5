"""The tables of one player, and of two side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from etstats import output
from etstats.commands.tables.formatting import heading, record_text, value_text
from etstats.db.players import OnMap, OnSide, Teammate
from etstats.domain.rules.boards import BOARDS
from etstats.domain.rules.records import RECORDS
from etstats.domain.text import pluralize
from etstats.output import Table
from etstats.stats.profiles import Comparison, Profile
from etstats.stats.rankings import Place

MAPS_SHOWN = 6
WEAPONS_SHOWN = 8
COMPANY_SHOWN = 5
_HEADING = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fact:
    """A line of words: what, how much, and where there is more to say the rank, the place or the day."""

    what: str
    value: str
    rank: str | None = None
    place: str | None = None
    day: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line of a comparison; `mark` points to the better one."""

    what: str
    one: str
    mark: str
    other: str


def profile_tables(profile: Profile, words: str, zone: tzinfo) -> list[Table]:
    """Everything of a profile."""
    tables = [_places(profile, words, zone)]
    if profile.sums is None:
        return tables
    return [
        *tables,
        _split("Sides", profile.sides, output.Column(key="is_attack", heading="Side", text=_side)),
        _split("Best maps", profile.maps[:MAPS_SHOWN], output.text("map_name", "Map")),
        _weapons(profile),
        _company("Plays with", profile.company, "with"),
        _company("Plays against", profile.company, "against"),
        _records(profile, zone),
        _achievements(profile),
        _names(profile, zone),
    ]


def profile_values(profile: Profile) -> Table:
    """The boards of a profile, with their plain numbers."""
    columns = [output.text(key, key) for key in ("board", "value", "rank", "players")]
    return Table(title=profile.clean_name, columns=columns, rows=profile.places, empty="")


def comparison_table(both: Comparison, words: str) -> Table:
    """The boards of both, the better value pointed at, and their meetings."""
    one, other = output.printable(both.clean_name), output.printable(both.other_clean_name)
    mine, theirs = (sums.player_guid if sums else "" for sums in (both.player, both.other))
    marks = {mine: "◀", theirs: "▶", None: ""}
    rows = [
        _Line(
            what=heading(BOARDS[duel.board]),
            one=value_text(BOARDS[duel.board], duel.value),
            mark=marks[duel.better],
            other=value_text(BOARDS[duel.board], duel.other_value),
        )
        for duel in both.duels
    ]
    columns = [
        output.text("what", "Board"),
        _right("one", _short(one)),
        output.text("mark", ""),
        _right("other", _short(other)),
    ]
    ahead = [sum(duel.better == guid for duel in both.duels) for guid in (mine, theirs)]
    notes = [
        f"Ahead: {one} on {pluralize(ahead[0], 'board')}, {other} on {ahead[1]}.",
        *_meetings(both, one, other),
    ]
    if both.player is None or both.other is None:
        notes = [f"{other if both.player else one} played none of these rounds."]
    empty = f"Neither played any of these rounds{words}."
    return Table(
        title=f"{one} and {other}{words}", columns=columns, rows=rows, empty=empty, notes=notes if rows else []
    )


def comparison_values(both: Comparison) -> Table:
    """The boards of both with their plain numbers; `better` is a GUID."""
    columns = [output.text(key, key) for key in ("board", "value", "other_value", "better")]
    return Table(title="", columns=columns, rows=both.duels, empty="")


def _places(profile: Profile, words: str, zone: tzinfo) -> Table:
    rows = [
        _Fact(what=heading(BOARDS[p.board]), value=value_text(BOARDS[p.board], p.value), rank=_rank(p))
        for p in profile.places
    ]
    columns = [output.text("what", "Board"), _right("value", "Value"), _right("rank", "Rank")]
    name = output.printable(profile.clean_name)
    last = output.moment(profile.last_seen.astimezone(zone))
    return Table(
        title=f"{name}{words}",
        columns=columns,
        rows=rows,
        empty=f"{name} ({profile.player_guid}, last seen {last}) is in none of these rounds{words}.",
        notes=[*_form(profile), f"Last seen {last}. GUID {profile.player_guid}."] if rows else [],
    )


def _form(profile: Profile) -> list[str]:
    dpms = [r.dpm for r in profile.form.rounds]
    if not dpms:
        return []
    bars = output.sparkline(dpms, profile.form.average_dpm)
    return [
        f"Form, last {len(dpms)} rounds: {bars}  last {dpms[-1]:,.0f} DPM, average {profile.form.average_dpm:,.0f}"
    ]


def _rank(place: Place) -> str:
    return f"{place.rank} of {place.players}" if place.rank else output.NOTHING


def _side(is_attack: bool) -> str:
    return "Attack" if is_attack else "Defence"


def _right(key: str, title: str) -> output.Column:
    return output.Column(key=key, heading=title, text=output.printable, justify="right")


def _split(title: str, rows: Sequence[OnMap] | Sequence[OnSide], what: output.Column) -> Table:
    columns = [
        what,
        output.whole("rounds", "Rounds"),
        output.share("win_share", "Won"),
        output.decimal("kd_ratio", "K/D", 2),
        output.decimal("dpm", "DPM", 0),
    ]
    return Table(title=title, columns=columns, rows=rows, empty=f"{title}: no round was played on a side.")


def _weapons(profile: Profile) -> Table:
    columns = [
        output.text("weapon_name", "Weapon"),
        output.whole("kills", "Kills"),
        output.whole("deaths", "Deaths by it"),
        output.decimal("accuracy", "Accuracy %"),
        output.decimal("headshot_share", "HS %"),
    ]
    return Table(
        title="Weapons", columns=columns, rows=profile.weapons[:WEAPONS_SHOWN], empty="Weapons: none used."
    )


def _company(title: str, company: Sequence[Teammate], how: str) -> Table:
    met = sorted((c for c in company if getattr(c, f"rounds_{how}")), key=lambda c: -getattr(c, f"rounds_{how}"))
    columns = [output.name(), output.whole(f"rounds_{how}", "Rounds"), output.share(f"win_share_{how}", "Won")]
    return Table(title=title, columns=columns, rows=met[:COMPANY_SHOWN], empty=f"{title}: nobody yet.")


def _records(profile: Profile, zone: tzinfo) -> Table:
    rows = [
        _Fact(
            what=RECORDS[feat.record].heading,
            value=record_text(feat.record, feat.value),
            place=feat.played_on,
            day=f"{feat.ended_at.astimezone(zone):%Y-%m-%d}",
        )
        for feat in profile.records
    ]
    columns = [
        output.text("what", "Best"),
        _right("value", "In one round"),
        output.text("place", "Map"),
        output.text("day", "When"),
    ]
    return Table(title="Records", columns=columns, rows=rows, empty="Records: none yet.")


def _achievements(profile: Profile) -> Table:
    columns = [
        output.Column(key="title", heading="Achievement"),
        output.whole("value", "Now"),
        output.whole("reached", "Reached"),
        output.whole("next", "Next"),
        output.text("unit", "Of"),
    ]
    return Table(
        title="Achievements, of all time",
        columns=columns,
        rows=profile.achievements,
        empty="Achievements: none yet.",
    )


def _names(profile: Profile, zone: tzinfo) -> Table:
    rows = [
        _Fact(
            what=alias.alias or "(no name)",
            value=f"{alias.times_seen:,}",
            day=output.moment(alias.last_seen.astimezone(zone)),
        )
        for alias in profile.aliases
    ]
    columns = [output.text("what", "Name"), _right("value", "Rounds"), output.text("day", "Last seen")]
    return Table(title="Names", columns=columns, rows=rows, empty="")


def _short(name: str) -> str:
    """A name that leaves room for the other one's column."""
    return name if len(name) <= _HEADING else f"{name[: _HEADING - 1]}…"


def _meetings(both: Comparison, one: str, other: str) -> list[str]:
    met = both.meetings
    if met is None:
        return ["They never met."]
    return [
        f"Against each other: {pluralize(met.rounds_against, 'round')}; "
        f"{one} won {met.won_against:,}, {other} won {met.lost_against:,}.",
        f"Side by side: {pluralize(met.rounds_with, 'round')}; won {met.won_with:,}, lost {met.lost_with:,}.",
    ]
