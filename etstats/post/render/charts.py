"""The pictures of the posts, as PNG files 1080 pixels wide.

matplotlib is loaded at the first picture, which costs about half a second; a run without pictures never pays it.
"""

import logging

from etstats.post.render.facts import MapSummary, SessionSummary

# It warns of slow font caches and of homes that cannot be written, which cron would mail each time.
logging.getLogger("matplotlib").setLevel(logging.ERROR)


def scoreboard_png(summary: MapSummary) -> bytes:
    """The scoreboard of a map: both line-ups, bars of damage and kills, names in their in-game colours."""
    from etstats.post.render.pictures import scoreboard

    return scoreboard(summary)


def session_png(summary: SessionSummary) -> bytes:
    """An evening: its score line, DPM over the rounds, bars of damage and kills."""
    from etstats.post.render.pictures import session

    return session(summary)
