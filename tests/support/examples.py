"""How many examples the property tests on a database try: few, and the same ones each time.

`ETSTATS_EXAMPLES=200 pytest tests/importer` tries more, and other ones each time.
"""

import os

from hypothesis import HealthCheck, Phase, settings

GIVEN = os.environ.get("ETSTATS_EXAMPLES")
EXAMPLES = int(GIVEN or "10")


def on_a_database(examples: int = EXAMPLES) -> settings:
    """Settings of a property whose examples share the database of their test, which they empty themselves.

    A failing example is not made smaller: that takes minutes and leaves one as hard to read.
    """
    return settings(
        max_examples=examples,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
