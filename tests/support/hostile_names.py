"""Hypothesis strategies of hostile player names."""

from hypothesis import strategies as st

from tests.support.hostile import HOSTILE

# Everything that means something to Discord, to a terminal or to a layout, mixed with ordinary letters.
PIECES = [
    *HOSTILE, *"\\*_~|`<>[]():@#-+1.! ab\n\r\t\x00\x1b\x7f", "@here", "http://", "https://x.y", "<@&1>", "```",
    "\u200b", "\u200d", "\u200e", "\u200f", "\u202a", "\u202e", "\u2066", "\u2069", "\u2028", "\u061c", "\ufeff",
    "\u00ad", "\ufe0f", "\u20e3", "\u0301", "\u3164", "\u115f", "\U000e0041", "\U0001f3fb", "\U0001f1e9", "\ud800",
    "👨\u200d👩\u200d👧", "\u0627\u0644", "漢", "\uff57", "**", "\ue000", "\ufff0",
]  # fmt: skip


hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=12).map("".join)
