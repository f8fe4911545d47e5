"""The Atom feed of sessions. Without the site's address its links are relative, which feed readers resolve."""

import re
from collections.abc import Sequence
from uuid import NAMESPACE_URL, uuid5

from markupsafe import escape

from etstats.domain.views import RoundRow, SessionRow
from etstats.site import markup, paths
from etstats.site.settings import SiteConfig

LISTED = 20
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_EPOCH = "1970-01-01T00:00:00+00:00"


def atom(options: SiteConfig, sessions: Sequence[tuple[SessionRow, Sequence[RoundRow]]]) -> bytes:
    """Return the feed of these sessions with their rounds, newest first; ids use file names."""
    base = f"{options.url}/" if options.url else ""
    updated = sessions[0][0].ended_at.isoformat() if sessions else _EPOCH
    entries = "".join(_entry(base, row, rounds) for row, rounds in sessions)
    document = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<title>{escape(markup.visible(options.title))}</title>\n"
        f"<id>urn:uuid:{uuid5(NAMESPACE_URL, f'{base}feed')}</id>\n"
        f"<updated>{updated}</updated>\n"
        "<author><name>etstats</name></author>\n"
        f'<link rel="self" type="application/atom+xml" href="{escape(base)}feed.xml"/>\n'
        f'<link rel="alternate" type="text/html" href="{escape(base)}{paths.PAGE}"/>\n'
        f"{entries}</feed>\n"
    )
    return _NOT_XML.sub("", document).encode()


def _entry(base: str, row: SessionRow, rounds: Sequence[RoundRow]) -> str:
    id_ = uuid5(NAMESPACE_URL, f"session/{rounds[0].server}/{rounds[0].filename}")
    maps = ", ".join(markup.visible(name, 60) for name in dict.fromkeys(one.map_name for one in rounds))
    summary = (
        f"{row.team_names[0]} {markup.score(row.score)} {row.team_names[1]}. "
        f"{markup.count(row.players, 'player')}, {markup.span(row.seconds)}. Maps: {maps}."
    )
    return (
        "<entry>\n"
        f"<title>{escape(markup.visible(row.server))}, {markup.weekday(row.began)}</title>\n"
        f"<id>urn:uuid:{id_}</id>\n"
        f"<updated>{row.ended_at.isoformat()}</updated>\n"
        f'<link rel="alternate" type="text/html" href="{escape(base)}{paths.session(row.id)}/{paths.PAGE}"/>\n'
        f"<summary>{escape(summary)}</summary>\n"
        "</entry>\n"
    )
