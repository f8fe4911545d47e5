"""Rounds, maps and evenings as people ask for them: stored rows put together by the rules of the game.

Everything is read from the base at the moment of asking. What comes out is in `views.py`.
"""

from etstats.reading.evenings.finding import find_round, find_session
from etstats.reading.evenings.honours import award_counts, award_rows
from etstats.reading.evenings.showing import match_view, round_view, session_rows, session_view

__all__ = [
    "award_counts",
    "award_rows",
    "find_round",
    "find_session",
    "match_view",
    "round_view",
    "session_rows",
    "session_view",
]
