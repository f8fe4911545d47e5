"""The table of the file's fields, and the code derived from it."""

import re

from etstats.domain.fields import FIELDS, LAYOUTS, MISSING
from etstats.domain.rounds import CUMULATIVE, PER_ROUND, PlayerRound
from tests.support.paths import ROOT

A_FIELD = "full_selfkills"  # stored and shown on scoreboards; no award or achievement counts it
PLACES_OF_A_FIELD = {
    "etstats/domain/rounds.py",  # the table of fields and the row of a player
    "sql/dictionary.toml",  # docs/database.md is written from it
    "etstats/domain/stats.py",  # the line of a scoreboard
    "etstats/site/scoreboard.py",  # the page that shows it; the CSV of the commands has all fields of the line
}


def test_field_is_named_in_few_files() -> None:
    """A new field needs a migration and an edit in each of these files, and in no other."""
    files = [*(ROOT / "etstats").rglob("*.py"), *(ROOT / "sql").rglob("*.*")]
    naming = [path for path in files if re.search(rf"\b{A_FIELD}\b", path.read_text(encoding="utf-8"))]
    found = {str(path.relative_to(ROOT)) for path in naming if path.parent.name != "migrations"}
    assert found == PLACES_OF_A_FIELD


def test_player_row_has_the_column_order() -> None:
    """The split of round 2 fills the row by position: cumulative fields, then per-round fields."""
    computed = {"bullets_fired", "time_played_minutes"}
    totals = [field.name for field in FIELDS if field.behaviour == CUMULATIVE and field.name not in computed]
    per_round = [field.name for field in FIELDS if field.behaviour == PER_ROUND]
    weapon_sums = ["kills", "deaths", "headshots", "hits", "shots", "bullets_fired"]
    assert list(PlayerRound._fields) == [
        *("player_guid", "player_name", "clean_name", "team", "was_reset"),
        *weapon_sums,
        *totals,
        *("time_played_seconds", "time_played_percent"),
        *per_round,
        "weapons",
    ]


def test_layouts_have_their_number_of_fields() -> None:
    """Each layout has as many fields as its number, and lacks the other fields of the newest."""
    assert list(LAYOUTS) == [33, 36, 37, 38]
    for count, layout in LAYOUTS.items():
        assert len(layout) == count
        assert [*layout, *(FIELDS[place] for place in MISSING[count])] == sorted(
            FIELDS, key=lambda field: (field.since > count, FIELDS.index(field))
        )
