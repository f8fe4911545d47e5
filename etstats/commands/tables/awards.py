"""Tables of awards: of one session, of several sessions, and the list of awards."""

from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

from etstats import output
from etstats.commands.options import no_rounds
from etstats.domain.rules.awards import AWARDS, SHARE
from etstats.domain.views import AwardCount, SessionView
from etstats.output import Table


class _AwardKind(NamedTuple):
    """An award; `is_rate`: only for players with at least half of the longest time played."""

    key: str
    title: str
    formula: str
    bound: str
    need: float
    is_rate: bool


def awards_table(view: SessionView, zone: ZoneInfo) -> Table:
    """Return the awards of a session, and its MVP."""
    notes = hidden_note(view.hidden)
    if view.mvp is not None:
        notes.insert(
            0,
            f"MVP: {output.printable(view.mvp.clean_name)}, score {view.mvp.rating:.2f} (1 is the average): "
            f"{view.mvp.kills} kills, {view.mvp.deaths} deaths, {view.mvp.dpm:.0f} DPM",
        )
    return Table(
        title=f"Awards of session {view.id} · {output.server_time(view.began, zone)}",
        columns=_columns(),
        rows=view.awards,
        empty="No awards: no player reached a threshold. List them with: etstats awards --list",
        notes=notes,
    )


def no_awards() -> Table:
    """Return the empty table for when nothing was played."""
    return Table(title="", columns=_columns(), rows=[], empty=no_rounds(""))


def award_counts_table(counts: Sequence[AwardCount], words: str) -> Table:
    """Return the number of awards per player and award."""
    return Table(
        title=f"Awards{words}",
        columns=[
            output.text("title", "Award"),
            output.name(),
            output.whole("times", "Times"),
            output.text("text", "Best"),
        ],
        rows=counts,
        empty=f"No awards{words}: no session, or no player reached a threshold (etstats awards --list).",
    )


def award_list_table() -> Table:
    """Return the list of awards with their thresholds."""
    return Table(
        title="Awards of a session",
        columns=[
            output.text("key", "Key", importance=-1),
            output.text("title", "Award", least=20),
            output.sentence("formula", "For", least=30),
            output.text("bound", "Takes"),
            output.Column(key="need", heading="", text="{:g}".format, justify="right"),
        ],
        rows=[
            _AwardKind(
                key=award.key,
                title=award.title,
                formula=award.formula,
                need=award.need,
                bound="at most" if award.lowest else "at least",
                is_rate=award.is_rate,
            )
            for award in AWARDS
        ],
        empty="",
        notes=[f"Ratios require at least {SHARE:.0%} of the longest time played."],
    )


def _columns() -> list[output.Column]:
    return [output.text("title", "Award"), output.name(), output.sentence("text", "For")]


def hidden_note(hidden: int) -> list[str]:
    """Return a note if the totals include hidden players, else an empty string."""
    if not hidden:
        return []
    return [f"{hidden} hidden player{'s are' if hidden > 1 else ' is'} in the totals and not shown."]
