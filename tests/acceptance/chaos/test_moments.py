"""A few chosen moments of one command of each kind; `make attack` takes all commands and more moments."""

import pytest

from tests.support.commits import run_command
from tests.support.moments import run_case

KINDS = {
    "sync": "rows and local copies",
    "post": "messages to Discord",
    "restore": "all rows at once, after a backup",
    "init": "settings and crontab",
    "first start": "the database server itself",
}
"""Commands, and what only they change. `rebuild`, `forget` and `site build` are killed in tests of their own."""

MOMENTS = {"import": 4}
"""Cases that are killed at more moments, because a transaction of theirs has many messages."""


@pytest.mark.parametrize("name", KINDS)
def test_killed_command_is_completed_by_the_next_run(name: str) -> None:
    """Killed at a database message or a file change: nothing is lost, duplicated or left over."""
    result = run_case(name, seed=20261001, moments=MOMENTS.get(name, 2))
    assert result.fault == ""
    assert result.kills >= 1
    assert result.moments > 2


COMMANDS = ("sync --post", "post of a correction")
"""Commands of many transactions; `make attack` takes all commands and all transactions."""


@pytest.mark.parametrize("name", COMMANDS)
def test_kill_after_a_transaction_leaves_nothing_to_later_work(name: str) -> None:
    """After the command again and a poll with nothing new, each table holds what it holds without a kill."""
    outcome = run_command(name, seed=20261001, files=2, every=2)
    assert outcome.fault == ""
    assert outcome.kills > 2
