"""Tests of the journal of notices with killed and concurrent processes."""

import sys
from datetime import timedelta

import pytest

from etstats.db import journal, notices
from etstats.post.publish.live import ServerSnapshot, post_live
from tests.post.publish.conftest import START, Stage
from tests.post.publish.servers import GAP, server, show
from tests.support.processes import run, until

_KILLED = """
import os, sys
from datetime import datetime, timedelta
from etstats.config import loader
from etstats.db import notices
from etstats.db.connection import connect
from etstats.post.publish.channels import Channels
from etstats.post.publish.live import ServerSnapshot, post_live
from etstats.post.webhook.client import Webhook
from tests.post.publish.servers import server

moment = sys.argv[2]
send = Webhook.send

def dying(*args, **kwargs):
    if moment == "before":
        os._exit(9)
    send(*args, **kwargs)
    os._exit(9)

Webhook.send = dying
settings = loader.load(__import__("pathlib").Path(sys.argv[1]))
now = datetime.fromisoformat(sys.argv[3])
with connect(settings.database.url) as conn:
    post_live(conn, settings.discord, settings.timezone, now, [ServerSnapshot(server(7), None, now)],
              gap=timedelta(hours=1), limit_seconds=20)
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_process_leaves_an_unknown_message(stage: Stage, moment: str) -> None:
    """Killed while sending: the message is not sent again, and the next run says what to do."""
    stage.load()
    stage.set(kinds=("game_on",))
    path = stage.write_config()
    path.write_text(path.read_text() + 'kinds = ["game_on"]\n')
    command = [sys.executable, "-c", _KILLED, str(path), moment, START.isoformat()]
    done = run(command)
    assert done.returncode == 9, done.stderr
    until(lambda: _is_unlocked(stage))  # the server notices a little later that the process is gone
    report = show(stage, START + timedelta(minutes=1), server(7))
    assert report.exit_code == 3
    assert "etstats post --resolve n1 --as sent|failed" in report.lines[0]
    assert show(stage, START + timedelta(minutes=2), server(7)).counts == {}
    assert len(stage.discord.posts) == (moment == "after")
    assert stage.count("notices WHERE state = 'unknown'") == 1


def _is_unlocked(stage: Stage) -> bool:
    with journal.poster_lock(stage.conn) as is_ours:
        return is_ours


def test_second_process_sends_nothing(stage: Stage) -> None:
    """While another process posts, this one sends and prints nothing."""
    stage.load()
    stage.set(kinds=("game_on",), status=True)
    from etstats.db.connection import connect

    with connect(stage.url) as other, journal.poster_lock(other) as is_ours:
        assert is_ours
        report = post_live(
            stage.conn,
            stage.settings,
            stage.config.timezone,
            START,
            [ServerSnapshot(server(7), None, START)],
            gap=GAP,
            limit_seconds=20,
            clock=stage.clock,
            sleep=stage.clock.sleep,
        )
        assert (report.exit_code, report.lines) == (0, [])
    assert stage.discord.requests == []
    assert show(stage, START, server(7)).counts == {"posted": 2}


def test_failed_moment_is_dropped_and_failed_status_repeated(stage: Stage) -> None:
    """A message that is no longer true is not sent later."""
    stage.load()
    insert = (
        "INSERT INTO notices (kind, subject, channel, state, reason, created_at)"
        " SELECT kind, kind, repeat('a', 32), 'failed', 'refused', now()"
        " FROM unnest(ARRAY['status', 'game_on', 'session_start', 'recap_week']) AS kind"
    )
    with stage.conn.transaction():
        stage.conn.execute(insert)
    assert [notice.kind for notice in notices.retry_failed(stage.conn)] == ["status", "recap_week"]
    assert stage.count("notices") == 2
