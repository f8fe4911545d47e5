"""Tables of one player, and of two compared players."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import NamedTuple

from etstats import output
from etstats.commands.tables.formatting import heading, record_text, value_text
from etstats.commands.tables.ratings import gained_text
from etstats.db.players import OnMap, OnSide, Teammate
from etstats.domain.rules.boards import BOARDS
from etstats.domain.rules.rating import PROVISIONAL_ROUNDS
from etstats.domain.rules.records import RECORDS
from etstats.domain.text import pluralize
from etstats.output import Table
from etstats.stats.profiles import Comparison, Profile
from etstats.stats.rankings import Place
from etstats.stats.rating_lists import RatingSummary

MAPS_SHOWN = 6
WEAPONS_SHOWN = 8
COMPANY_SHOWN = 5
RATED_MAPS_SHOWN = 8
_HEADING = 14


class _Fact(NamedTuple):
    """A row of text: name, value, and optionally the rank, the map or the day."""

    what: str
    value: str
    rank: str | None = None
    place: str | None = None
    day: str | None = None


class _Line(NamedTuple):
    """A row of a comparison; `mark` points to the better player."""

    what: str
    one: str
    mark: str
    other: str


def profile_tables(profile: Profile, words: str, zone: tzinfo) -> list[Table]:
    """Return all tables of a profile."""
    tables = [_places(profile, words, zone)]
    if profile.sums is None:
        return tables
    return [
        *tables,
        *_rating(profile, zone),
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
    """Return the boards of a profile with plain numbers."""
    columns = [output.text(key, key) for key in ("board", "value", "rank", "players")]
    return Table(title=profile.clean_name, columns=columns, rows=profile.places, empty="")


def comparison_table(both: Comparison, words: str) -> Table:
    """Return the boards of both players, with a mark at the better value, and their common matches."""
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
    empty = f"No rounds of either player{words}."
    return Table(
        title=f"{one} and {other}{words}", columns=columns, rows=rows, empty=empty, notes=notes if rows else []
    )


def comparison_values(both: Comparison) -> Table:
    """Return the boards of both players with plain numbers; `better` is a GUID."""
    columns = [output.text(key, key) for key in ("board", "value", "other_value", "better")]
    return Table(title="", columns=columns, rows=both.duels, empty="")


def _places(profile: Profile, words: str, zone: tzinfo) -> Table:
    rows = [
        _Fact(
            what=heading(BOARDS[place.board]),
            value=value_text(BOARDS[place.board], place.value),
            rank=_rank(place),
        )
        for place in profile.places
    ]
    columns = [output.text("what", "Board"), _right("value", "Value"), _right("rank", "Rank")]
    name = output.printable(profile.clean_name)
    last = f"{profile.last_seen.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    return Table(
        title=f"{name}{words}",
        columns=columns,
        rows=rows,
        empty=f"{name} ({profile.player_guid}, last seen {last}) has no rounds{words}.",
        notes=[*_form(profile), f"Last seen {last}. GUID {profile.player_guid}."] if rows else [],
    )


def _rating(profile: Profile, zone: tzinfo) -> list[Table]:
    """Return the last rated maps, newest first, with the rating, all results and the streaks as notes."""
    if profile.rating is None:
        return []
    rating = profile.rating
    columns = [
        output.day("ended_at", "When"),
        output.text("map_name", "Map"),
        output.share("chance", "Chance"),
        output.Column(key="result", heading="Result", text=_result),
        output.whole("value", "Rating"),
        output.Column(key="gained", heading="Gained", text=gained_text, justify="right"),
    ]
    steps = [step._replace(ended_at=step.ended_at.astimezone(zone)) for step in reversed(rating.history)]
    rank = f"rank {rating.rank} of {rating.players}"
    place = rank if rating.rank else f"provisional, {rating.rounds} of {PROVISIONAL_ROUNDS} rounds"
    return [
        Table(
            title=f"Rating {rating.value:,} (95 %: {rating.low:,} to {rating.high:,}), {place}",
            columns=columns,
            rows=steps[:RATED_MAPS_SHOWN],
            empty="",
            notes=_streaks(rating),
        )
    ]


def _result(result: float) -> str:
    return {1.0: "won", 0.5: "draw", 0.0: "lost"}[result]


def _streaks(rating: RatingSummary) -> list[str]:
    if not rating.matches_won + rating.matches_drawn + rating.matches_lost:
        return []
    won, drawn, lost = rating.matches_won, rating.matches_drawn, rating.matches_lost
    now = rating.streaks.current
    current = f"; now {abs(now)} {'won' if now > 0 else 'lost'} in a row" if abs(now) > 1 else ""
    return [
        f"Maps won {won:,}, drawn {drawn:,}, lost {lost:,}{current}. "
        f"Longest: {rating.streaks.longest_won} won, {rating.streaks.longest_lost} lost in a row."
    ]


def _form(profile: Profile) -> list[str]:
    dpms = [round_.dpm for round_ in profile.form.rounds]
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
    return Table(title=title, columns=columns, rows=rows, empty=f"{title}: none.")


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
    met = sorted(
        (teammate for teammate in company if getattr(teammate, f"rounds_{how}")),
        key=lambda teammate: -getattr(teammate, f"rounds_{how}"),
    )
    columns = [output.name(), output.whole(f"rounds_{how}", "Rounds"), output.share(f"win_share_{how}", "Won")]
    return Table(title=title, columns=columns, rows=met[:COMPANY_SHOWN], empty=f"{title}: none yet.")


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
            day=f"{alias.last_seen.astimezone(zone):%Y-%m-%d}",
        )
        for alias in profile.aliases
    ]
    columns = [output.text("what", "Name"), _right("value", "Rounds"), output.text("day", "Last seen")]
    return Table(title="Names", columns=columns, rows=rows, empty="")


def _short(name: str) -> str:
    """Return a name short enough for two columns."""
    return name if len(name) <= _HEADING else f"{name[: _HEADING - 1]}…"


def _meetings(both: Comparison, one: str, other: str) -> list[str]:
    met = both.meetings
    if met is None:
        return ["No common matches."]
    return [
        f"Against each other: {pluralize(met.rounds_against, 'round')}; "
        f"{one} won {met.won_against:,}, {other} won {met.lost_against:,}.",
        f"On the same team: {pluralize(met.rounds_with, 'round')}; won {met.won_with:,}, lost {met.lost_with:,}.",
    ]
