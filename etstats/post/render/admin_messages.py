"""The message to admins: the findings of `health`, and their resolution."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from etstats.domain.text import pluralize
from etstats.post.render.message import Embed, EmbedField, Message
from etstats.post.render.text import escape

_RED, _GREEN = 0xB4413C, 0x5B8C5A
_LISTED = 20
_TEXT = 300  # columns, escapes not counted


class HealthFinding(NamedTuple):
    """A failed check: its name, the problem and the solution."""

    name: str
    text: str


def findings_message(findings: Sequence[HealthFinding], now: datetime) -> Message:
    """Return the message with the findings."""
    fields = [EmbedField(name=escape(one.name, 80), value=escape(one.text, _TEXT)) for one in findings[:_LISTED]]
    left = len(findings) - len(fields)
    embed = Embed(
        title=f"{pluralize(len(findings), 'problem')} found by health",
        colour=_RED,
        description=f"and {pluralize(left, 'more problem')}" if left > 0 else "",
        fields=tuple(fields),
        footer="etstats health",
        timestamp=now,
    )
    while embed.length() > 5500 and len(embed.fields) > 1:
        embed = Embed(
            title=embed.title,
            colour=_RED,
            description="and more: etstats health",
            fields=embed.fields[:-1],
            footer=embed.footer,
            timestamp=now,
        )
    return Message(embeds=(embed,))


def resolved_message(since: datetime, now: datetime) -> Message:
    """Return the message that replaces the findings after the last one."""
    text = f"No problem is left. The first was found <t:{since.timestamp():.0f}:f>."
    embed = Embed(title="Resolved", colour=_GREEN, description=text, footer="etstats health", timestamp=now)
    return Message(embeds=(embed,))
