"""One page of each kind of the generated site."""

KINDS = (
    "index.html sessions/index.html sessions/1/index.html rounds/1/index.html players/index.html "
    "leaderboards/index.html leaderboards/kd/index.html leaderboards/rating/index.html "
    "leaderboards/seasons/2025-Q2/index.html maps/index.html weapons/index.html weapons/MP40/index.html "
    "records/index.html seasons/index.html seasons/2025-Q2/index.html about/index.html"
).split()
