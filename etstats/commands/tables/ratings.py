"""Tables of ratings."""

from collections.abc import Sequence
from datetime import tzinfo

from etstats import output
from etstats.domain.rules.rating import PROVISIONAL_ROUNDS
from etstats.domain.text import pluralize
from etstats.output import Column, Format, Table
from etstats.stats.rating_lists import RatingStanding


def ratings_table(
    rows: Sequence[RatingStanding], limit: int | None, zone: tzinfo, style: Format, *, by_gain: bool = False
) -> Table:
    """Return the rated players, those without a rank last; or the most improved first."""
    shown = [row._replace(last_rated=row.last_rated.astimezone(zone)) for row in rows]
    has_change = any(row.change is not None for row in rows)
    columns = [
        output.whole("rank", "#"),
        *([Column(key="change", heading="±", text=places_text, justify="right")] if has_change else []),
        output.name(),
        output.whole("value", "Rating"),
        output.whole("low", "From"),
        output.whole("high", "To"),
        Column(key="gained", heading="Gained", text=gained_text, justify="right"),
        output.whole("rounds", "Rounds"),
        output.day("last_rated", "Last played"),
    ]
    if style is Format.CSV:
        columns += [output.text("is_provisional", "Provisional"), output.text("player_guid", "GUID")]
    provisional = sum(row.is_provisional for row in shown[:limit])
    notes = ["1500 is the average new player; From and To are the 95 % interval."]
    if provisional:
        notes.append(f"Without a rank: provisional, fewer than {PROVISIONAL_ROUNDS} rated rounds.")
    if limit is not None and len(shown) > limit:
        notes.append(f"{pluralize(len(shown) - limit, 'more player')}: --limit {len(shown)}")
    return Table(
        title="Most improved" if by_gain else "Ratings",
        columns=columns,
        rows=shown[:limit],
        empty="No ratings yet. Import rounds: etstats sync, or etstats import FOLDER",
        notes=notes if shown else [],
    )


def places_text(places: int) -> str:
    """Return the change of rank as text."""
    return "=" if places == 0 else f"▲{places}" if places > 0 else f"▼{-places}"


def gained_text(gained: int) -> str:
    """Return the change of rating as text."""
    return f"{gained:+,}" if gained else "0"
