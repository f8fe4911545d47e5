"""Tests of `etstats recap`: the summary of a time span, and its post."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest

from etstats.demo.discord import StandIn
from etstats.demo.generator import generate
from etstats.domain.rules.calendar_spans import span_before
from etstats.importer.importer import Importer
from tests.conftest import CliResult

Cli = Callable[..., CliResult]


@pytest.fixture
def etstats(cli: Cli, home: Path, discord: StandIn, db: psycopg.Connection) -> Cli:
    """Return `etstats` with a webhook and sessions in the middle of last month, last week and last quarter."""
    path = home / "config.toml"
    path.touch(mode=0o600)
    path.write_text(
        f'[[servers]]\nname = "main"\npath = "/x"\n[discord]\nwebhook_url = "{discord.add_webhook().url}"\n'
    )
    importer = Importer(db, "main", ZoneInfo("UTC"), timedelta(minutes=60))
    for seed, kind in enumerate(["season", "month", "week"], start=1):
        start = span_before(kind, datetime.now(UTC), UTC).since + timedelta(days=3, hours=seed)
        for file in generate(seed, start=start, players=6, maps=(1, 1)):
            importer.add(file.name, file.content, file.mtime)
    db.commit()
    return lambda *words: cli("--config", path, *words)


@pytest.mark.parametrize("span", ["week", "month", "season"])
def test_recap_of_a_time_span(etstats: Cli, span: str) -> None:
    """A table, a document with the time span, and a preview of the message."""
    name = span_before(span, datetime.now(UTC), UTC).name
    assert f"Recap of {name}" in etstats("recap", span).out
    document = json.loads(etstats("recap", span, "--json").out)
    assert (document["span"], document["name"]) == (span, name)
    assert document["rounds"] >= 2
    assert document["standings"]
    drawn = etstats("recap", span, "--dry-run")
    assert (drawn.code, "Standings" in drawn.out, "sizes:" in drawn.out) == (0, True, True)


def test_recap_is_posted_once(etstats: Cli, discord: StandIn) -> None:
    """A requested recap is posted even if its kind is disabled; the second time this is reported."""
    assert etstats("recap", "week", "--post").err == "recap: 1 posted\n"
    again = etstats("recap", "week", "--post")
    assert (again.code, "was posted already" in again.err) == (0, True)
    assert len(discord.posts) == 1


def test_calendar_without_enabled_kinds_prints_nothing(etstats: Cli, discord: StandIn) -> None:
    """The cron entry prints nothing and posts nothing."""
    assert etstats("-q", "recap", "--post") == CliResult(code=0, out="", err="")
    assert discord.requests == []


def test_forgotten_players_are_removed_from_the_recap(
    etstats: Cli, discord: StandIn, db: psycopg.Connection
) -> None:
    """After `forget` the next `post` edits the message."""
    etstats("recap", "season", "--post")
    (message,) = discord.posts
    name, guid = db.execute(
        "SELECT alias, guid FROM player_aliases WHERE position(alias IN %s) > 0 AND length(alias) > 4 LIMIT 1",
        [str(message.payload).replace("\\\\", "")],
    ).fetchone() or ("", "")
    db.commit()
    assert name
    assert etstats("forget", guid, "--yes").code == 0
    assert "1 edited" in etstats("post").err
    assert name not in str(message.payload).replace("\\\\", "")


def test_invalid_arguments_are_refused(etstats: Cli, cli: Cli) -> None:
    """An unknown span, a span that has not ended, no webhook: exit 2."""
    assert etstats("recap", "decade").code == 2
    assert etstats("recap", "week", "--post", "--current").code == 2
    assert cli("recap", "week", "--post").code == 2


def test_empty_database_is_reported(cli: Cli, db: psycopg.Connection) -> None:
    """If nothing was played, this is reported."""
    done = cli("recap", "week")
    assert (done.code, "nothing was played" in done.out + done.err) == (0, True)
    assert json.loads(cli("recap", "--json", "--current").out)["rounds"] == 0
    assert cli("recap", "--dry-run").err == "nothing to post\n"
