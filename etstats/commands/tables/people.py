"""Tables of all players, and of pairs that look like one person."""

from collections.abc import Sequence
from datetime import tzinfo

from etstats import output
from etstats.output import Table
from etstats.stats.people import IdentitySuggestion, ListedPlayer


def player_list(rows: Sequence[ListedPlayer], words: str, zone: tzinfo, empty: str) -> Table:
    """Return the players with rounds, last seen first."""
    columns = [
        output.name(),
        output.text("player_guid", "GUID"),
        output.whole("rounds", "Rounds"),
        output.when("last_seen", "Last seen"),
        output.whole("rating", "Rating"),
    ]
    shown = [
        row._replace(first_seen=row.first_seen.astimezone(zone), last_seen=row.last_seen.astimezone(zone))
        for row in rows
    ]
    return Table(title=f"Players{words}", columns=columns, rows=shown, empty=empty)


def suggestions(rows: Sequence[IdentitySuggestion], zone: tzinfo) -> Table:
    """Return pairs that look like one person, with the evidence."""
    columns = [
        output.text("player_guid", "GUID"),
        output.text("clean_name", "Player"),
        output.text("other_guid", "GUID"),
        output.text("other_clean_name", "Player"),
        output.sentence("evidence", "Evidence", importance=1),
    ]
    shown = [
        row._replace(
            first_seen=row.first_seen.astimezone(zone), other_last_seen=row.other_last_seen.astimezone(zone)
        )
        for row in rows
    ]
    notes = ["To merge a pair: etstats correct merge GUID GUID; to undo it: etstats correct undo"] if rows else []
    return Table(
        title="Pairs that look like one person",
        columns=columns,
        rows=shown,
        empty="No two players look like one person.",
        notes=notes,
    )
