"""The tables of awards: of one session, of many, and which there are."""

from collections.abc import Sequence
from dataclasses import dataclass

from etstats import output
from etstats.commands.options import no_rounds
from etstats.domain.rules.awards import AWARDS, SHARE
from etstats.domain.views import AwardCount, SessionView
from etstats.output import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class _AwardKind:
    """One kind of award; `is_rate`: only for those who played most of the session."""

    key: str
    title: str
    formula: str
    bound: str
    need: float
    is_rate: bool


def awards_table(view: SessionView) -> Table:
    """The awards of a session, and its MVP."""
    notes = hidden_note(view.hidden)
    if view.mvp is not None:
        notes.insert(
            0,
            f"MVP: {output.printable(view.mvp.clean_name)}, rated {view.mvp.rating:.2f} (1 is the average): "
            f"{view.mvp.kills} kills, {view.mvp.deaths} deaths, {view.mvp.dpm:.0f} DPM",
        )
    return Table(
        title=f"Awards of session {view.id} · {output.moment(view.began)}",
        columns=_columns(),
        rows=view.awards,
        empty="No awards: nobody passed a threshold. They are listed by: etstats awards --list",
        notes=notes,
    )


def no_awards() -> Table:
    """What stands in their place when nothing was played."""
    return Table(title="", columns=_columns(), rows=[], empty=no_rounds(""))


def award_counts_table(counts: Sequence[AwardCount], words: str) -> Table:
    """Who took which award how often."""
    return Table(
        title=f"Awards{words}",
        columns=[
            output.text("title", "Award"),
            output.name(),
            output.whole("times", "Times"),
            output.text("text", "Best"),
        ],
        rows=counts,
        empty=f"No awards{words}: no session, or nobody passed a threshold (etstats awards --list).",
    )


def award_list_table() -> Table:
    """What each award is for."""
    return Table(
        title="Awards of a session",
        columns=[
            output.text("key", "Key"),
            output.text("title", "Award"),
            output.text("formula", "For"),
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
        notes=[f"Ratios are for those who played at least {SHARE:.0%} of what the busiest player did."],
    )


def _columns() -> list[output.Column]:
    return [output.text("title", "Award"), output.name(), output.text("text", "For")]


def hidden_note(hidden: int) -> list[str]:
    """Says that somebody is in the totals and not shown; nothing when nobody is."""
    if not hidden:
        return []
    return [f"{hidden} hidden player{'s are' if hidden > 1 else ' is'} in the totals and not shown."]
