"""The number of examples of property tests on a database: few, and always the same.

`ETSTATS_EXAMPLES=200 pytest tests/importer` tries more, and other ones each time.
"""

import os

from hypothesis import HealthCheck, Phase, settings

GIVEN = os.environ.get("ETSTATS_EXAMPLES")
EXAMPLES = int(GIVEN or "10")


def on_a_database(examples: int = EXAMPLES) -> settings:
    """Return settings for a property whose examples share a database, which each of them empties.

    A failing example is not made smaller: that takes minutes and leaves one as hard to read.
    """
    return settings(
        max_examples=examples,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
