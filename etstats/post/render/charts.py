"""The pictures of the posts, as PNG files 1080 pixels wide.

Pillow is loaded at the first picture, which costs about 0.1 s; a run without pictures does not pay for it.
"""

from etstats.post.render.facts import MapSummary, SessionSummary


def scoreboard_png(summary: MapSummary) -> bytes:
    """The scoreboard of a map: both line-ups, bars of damage and kills, names in their in-game colours."""
    from etstats.post.render.pictures import scoreboard

    return scoreboard(summary)


def session_png(summary: SessionSummary) -> bytes:
    """A session: its score line, DPM over the rounds, bars of damage and kills."""
    from etstats.post.render.pictures import session

    return session(summary)
