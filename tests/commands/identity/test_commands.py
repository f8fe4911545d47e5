"""Tests of the commands link, unlink, links, hide and forget."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg import Connection

from etstats.db.locks import run_lock
from tests.conftest import CliResult
from tests.stats.sessions.rows import add_round, add_session, guid, line

Cli = Callable[..., CliResult]
ACCOUNT = "123456789012345678"


@pytest.fixture
def played(db: Connection) -> Connection:
    """Return a database with one round of bob and alice."""
    add_round(db, add_session(db), [line(1, 1, "bob", kills=30), line(2, 2, "alice", kills=20)])
    db.commit()
    return db


def test_link_is_added_listed_and_removed(cli: Cli, played: Connection) -> None:
    """A player is linked by name; the list has player and account."""
    assert cli("link", "bob", ACCOUNT, "--mention").code == 0
    (row,) = json.loads(cli("links", "--json").out)
    assert (row["player_guid"], row["clean_name"], row["discord_user_id"], row["wants_mention"]) == (
        guid(1), "bob", ACCOUNT, True,
    )  # fmt: skip
    assert ACCOUNT in cli("links").out
    assert cli("unlink", "bob").code == 0
    assert cli("unlink", "bob").code == 0
    assert cli("links", "--json").out == "[]\n"
    assert "No linked players" in cli("links").out


def test_new_link_replaces_earlier_links(cli: Cli, played: Connection) -> None:
    """A new link replaces earlier ones of the player and of the account."""
    other = "223456789012345678"
    for player, account in (("bob", ACCOUNT), ("alice", other), ("alice", f"<@{ACCOUNT}>")):
        assert cli("link", player, account).code == 0
    rows = json.loads(cli("links", "--json").out)
    assert [(row["clean_name"], row["discord_user_id"]) for row in rows] == [("alice", ACCOUNT)]


@pytest.mark.parametrize(
    "account",
    ["12", "bob", "1234567890123456789012", "99999999999999999999", "\uff11" * 18],
)
def test_invalid_account_is_refused(cli: Cli, played: Connection, account: str) -> None:
    """An invalid account id exits with 2, and the message says where to find it."""
    result = cli("link", "bob", account)
    assert result.code == 2
    assert "Copy User ID" in result.err


def test_unknown_player_is_refused(cli: Cli, played: Connection) -> None:
    """Each command exits with 2 for an unknown player, and suggests a similar one."""
    for arguments in (
        ["link", "bobb", ACCOUNT],
        ["unlink", "bobb"],
        ["hide", "bobb"],
        ["forget", "bobb", "--yes"],
    ):
        result = cli(*arguments)
        assert result.code == 2
        assert "bob" in result.err


def test_hidden_player_is_not_shown(cli: Cli, played: Connection) -> None:
    """A hidden player is not on the scoreboard, but in its totals."""
    assert "bob" in cli("round").out
    assert cli("hide", "bob").code == 0
    assert "was hidden already" in cli("hide", "bob").err
    shown = cli("round").out
    assert "bob" not in shown
    assert "1 player: 30 kills" in shown
    assert "1 hidden player is in the totals" in shown
    assert [row["clean_name"] for row in json.loads(cli("hide", "--json").out)] == ["bob"]
    assert cli("hide", "bob", "--undo").code == 0
    assert "bob" in cli("round").out
    assert cli("hide").out == "No hidden players.\n"
    assert cli("hide", "--undo").code == 2


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_forget_requires_a_confirmation(cli: Cli, played: Connection, answer: str) -> None:
    """ "No" or no answer: exit 2, no changes; the question lists the names that would be replaced."""
    result = cli("forget", "bob", stdin=answer)
    assert result.code == 2
    assert "bob" in result.err
    assert "cannot be undone" in result.err
    assert "bob" in cli("round").out


def test_forget_replaces_the_player(cli: Cli, played: Connection) -> None:
    """After a confirmation or --yes the pseudonym is shown."""
    assert cli("forget", "bob", stdin="y\n").code == 0
    assert cli("forget", "alice", "--yes").code == 0
    shown = cli("round").out
    assert "bob" not in shown
    assert "alice" not in shown
    assert shown.count("forgotten-") == 3  # twice on the board, once as the MVP
    again = cli("forget", shown[shown.index("forgotten-") :].split()[0], "--yes")
    assert again.code == 2
    assert "anonymized before" in again.err
    assert played.execute("SELECT count(*) FROM player_aliases WHERE alias LIKE 'forgotten-%'").fetchone() == (2,)


def test_forget_is_refused_during_another_run(cli: Cli, played: Connection, home: Path) -> None:
    """Exit 75 while another run holds the lock of the database."""
    with run_lock(played):
        assert cli("forget", "bob", "--yes", "--wait", "0").code == 75
    assert "bob" in cli("round").out
