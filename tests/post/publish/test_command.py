"""Tests of `etstats post` for users and cron."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etstats.demo.generator import GeneratedSession, generate_session
from tests.conftest import CliResult
from tests.post.publish.conftest import BEFORE, PLAIN, ZONE, Stage
from tests.post.render.faults import Fault

Cli = Callable[..., CliResult]


@pytest.fixture
def post(stage: Stage, cli: Cli) -> Cli:
    """Run `etstats post` with the stage's settings."""
    config = stage.write_config()

    def call(*words: str, quiet: bool = False) -> CliResult:
        return cli("--config", config, *(["-q"] if quiet else []), "post", *words)

    return call


def test_run_prints_what_it_posted(stage: Stage, session: GeneratedSession, post: Cli) -> None:
    """It prints what it posted; with -q nothing; a second run has nothing to do."""
    stage.switch_on()
    stage.load(*session.files[:2])
    assert post() == CliResult(code=0, out="", err="post: 4 posted\n")
    assert post(quiet=True) == CliResult(code=0, out="", err="")
    assert post() == CliResult(code=0, out="", err="post: nothing to post\n")


def test_first_run_reports_its_start(stage: Stage, session: GeneratedSession, post: Cli) -> None:
    """Old rounds are not posted; `--since` sets an earlier start."""
    stage.load(*session.files[:2])
    for _ in range(2):
        assert "etstats post --since" in post().err
    assert post("--since", "all").err == "post: 4 posted\n"
    assert post().err == "post: nothing to post\n"


def test_missing_webhook_is_refused(cli: Cli) -> None:
    """Without a webhook: exit 2, with the way to set one."""
    result = cli("post")
    assert result.code == 2
    assert "etstats init" in result.err


def test_named_round_is_posted_once(stage: Stage, session: GeneratedSession, post: Cli) -> None:
    """A named round is posted regardless of the start time, once; again it is only edited, on request."""
    stage.load(*session.files)
    stage.post(datetime.now(UTC))
    assert post("--round", "1").err == "post: 1 posted\n"
    again = post("--round", "1")
    assert (again.code, "posted already" in again.err) == (0, True)
    assert post("--round", "1", "--refresh").err == "post: nothing to post\n"
    stage.hide(session.rounds[0])
    assert post("--round", "1", "--refresh").err == "post: 1 edited\n"
    assert len(stage.discord.posts) == 1


def test_map_and_session_are_selected_by_id(stage: Stage, session: GeneratedSession, post: Cli) -> None:
    """Maps are given by match id, sessions by id or `last`."""
    stage.load(*session.files)
    stage.post(datetime.now(UTC))
    with stage.conn.transaction():
        ((match_id,),) = stage.conn.execute("SELECT match_id FROM rounds WHERE id = 3").fetchall()
    assert post("--match", match_id).err == "post: 1 posted\n"
    assert post("--session", "last").err == "post: 1 posted\n"
    assert post("--match", match_id, "--server", "main").code == 0
    assert [kind for kind, _ in stage.states()] == ["map", "session"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--round", "99"), "There is no round 99"),
        (("--round", "abc"), "expected an id"),
        (("--session", "99"), "There is no session 99"),
        (("--match", "nothing"), "there is no match nothing"),
        (("--match", "2025-10-02-200936-etl_sp_delivery"), "no round 2 yet"),
        (("--round", "1", "--session", "1"), "Give only one of"),
        (("--resolve", "1"), "must be used together"),
        (("--resolve", "1", "--as", "gone"), "expected sent"),
        (("--resolve", "all", "--as", "gone"), "expected sent"),
        (("--resolve", "none", "--as", "sent"), "expected the number of a post"),
        (("--resolve", "all", "--as", "sent", "--message", "1"), "--message needs"),
        (("--retry-failed", "--refresh"), "cannot be used with"),
        (("--resolve", "1", "--as", "sent"), "no post 1 to resolve"),
        (("--resolve", "last", "--as", "sent"), "no post to resolve"),
        (("--resolve", "1", "--as", "sent", "--message", "x"), "message's id is a number"),
        (("--since", "soon"), "not a valid time"),
    ],
)
def test_usage_errors_are_one_line(
    stage: Stage, session: GeneratedSession, post: Cli, words: tuple[str, ...], says: str
) -> None:
    """Each usage error is one line with the solution, and exit code 2."""
    stage.load(session.files[0])
    result = post(*words)
    assert result.code == 2
    assert says in result.err


def test_refresh_edits_outdated_messages(stage: Stage, session: GeneratedSession, post: Cli) -> None:
    """`--refresh` edits outdated messages only."""
    stage.switch_on()
    stage.load(*session.files[:2])
    post()
    assert post("--refresh").err == "post: nothing to post\n"
    stage.hide(session.rounds[0])
    assert post("--refresh").err == "post: 4 edited\n"
    assert post("--refresh").err == "post: nothing to post\n"


def test_rebuild_changes_no_message(stage: Stage, session: GeneratedSession, post: Cli, cli: Cli) -> None:
    """After a rebuild messages are compared; without changes there are no requests."""
    stage.switch_on()
    stage.load(*session.files[:2])
    post()
    requests = len(stage.discord.requests)
    with stage.conn.transaction():
        stage.conn.execute("DELETE FROM rounds WHERE round_number = 2")
    assert cli("--config", stage.write_config(), "rebuild", "--yes").code == 0
    assert stage.count("changed_sessions") == 1
    assert stage.count("rounds") == 2
    assert post().err == "post: nothing to post\n"
    assert len(stage.discord.requests) == requests
    assert stage.count("changed_sessions") == 0


def test_unknown_post_is_listed_until_resolved(
    stage: Stage, session: GeneratedSession, post: Cli, cli: Cli
) -> None:
    """Each manual run lists it, cron reports it once, and resolving ends it."""
    stage.switch_on()
    stage.load(session.files[0])
    stage.discord.faults = [Fault.GATEWAY_TIMEOUT_AFTER]
    first = post(quiet=True)
    assert first.code == 3
    assert "--resolve 1 --as sent|failed" in first.err
    assert post(quiet=True).err == ""
    assert "--resolve 1 --as sent|failed" in post().err
    diagnosed = cli("--config", stage.write_config(), "diagnose", "--offline")
    assert (diagnosed.code, "--resolve 1 --as sent|failed" in diagnosed.err) == (3, True)
    assert post("--round", "1").code == 2
    assert post("--resolve", "last", "--as", "sent").err == "post 1 marked as sent\n"
    assert post("--round", "1").err.splitlines()[-1] == "post: nothing to post"
    assert post().err.endswith("post: 1 posted\n")
    assert post().err == "post: nothing to post\n"
    assert len([one for one in stage.discord.posts if "round" in str(one.payload["embeds"][0]["title"])]) == 1


def test_failed_post_is_sent_again_on_request(stage: Stage, session: GeneratedSession, post: Cli) -> None:
    """A post resolved as failed is only sent again if requested."""
    stage.switch_on()
    stage.load(session.files[0])
    stage.discord.faults = [Fault.SERVER_ERROR_BEFORE]
    post()
    post("--resolve", "1", "--as", "failed")
    post()
    assert stage.states()[0] == ("round", "failed")
    assert post("--round", "1").err.startswith("post: 1 posted")
    assert stage.states()[0] == ("round", "sent")


def test_posts_are_resolved_in_bulk(stage: Stage, session: GeneratedSession, post: Cli) -> None:
    """All unknown posts are resolved at once, and all failed ones sent again."""
    stage.switch_on()
    stage.load(*session.files[:4])
    stage.discord.faults = [Fault.SERVER_ERROR_BEFORE]
    post()
    with stage.conn.transaction():
        stage.conn.execute("UPDATE channel_states SET held_until = NULL")
    stage.discord.faults = [Fault.SERVER_ERROR_BEFORE]
    post()
    assert stage.count("posts WHERE state = 'unknown'") == 2
    assert post("--resolve", "all", "--as", "failed").err == "2 posts marked as failed\n"
    assert "2 posts; to try again: etstats post --retry-failed" in post().err
    assert post("--retry-failed").err == "post: 2 posted\n"
    assert post("--retry-failed").err == "post: nothing to post\n"
    assert len(stage.discord.posts) == len(set(stage.titles))
    assert post("--resolve", "all", "--as", "sent").err == "0 posts marked as sent\n"


def test_notice_is_resolved_like_a_post(stage: Stage, post: Cli) -> None:
    """Its number starts with n; it is included in bulk commands, and a failed one is sent again."""
    stage.load()
    insert = (
        "INSERT INTO notices (kind, subject, channel, state, reason, created_at)"
        " SELECT 'status', 'x' || n, repeat('a', 32), 'unknown', 'lost', now() FROM generate_series(1, 3) n"
    )
    with stage.conn.transaction():
        stage.conn.execute(insert)
    assert "etstats post --resolve n1 --as sent|failed" in post().err
    assert post("--resolve", "n1", "--as", "sent").err == "post n1 marked as sent\n"
    assert post("--resolve", "n9", "--as", "sent").code == 2
    assert post("--resolve", "all", "--as", "failed").err == "2 posts marked as failed\n"
    assert post("--retry-failed").code == 0
    assert stage.count("notices WHERE state = 'pending'") == 2


def test_closed_webhook_is_reported_until_config_check(
    stage: Stage, session: GeneratedSession, post: Cli, cli: Cli
) -> None:
    """While the webhook is gone every run exits with 3 and suggests `config check`, which reopens it."""
    stage.switch_on()
    stage.load(session.files[0])
    stage.discord.delete_webhook(stage.hook)
    for _ in range(3):
        result = post()
        assert result.code == 3
        assert "etstats config check" in result.err
    stage.discord.restore_webhook(stage.hook)
    assert "accepts posts again" in cli("--config", stage.write_config(), "config", "check").out
    assert post().err.endswith("post: 2 posted\n")


@pytest.mark.parametrize("fault", [None, Fault.TOO_LARGE, Fault.DROP_AFTER, Fault.NOT_PERMITTED])
def test_scheduled_runs_report_a_problem_of_posts_once(
    stage: Stage, session: GeneratedSession, cli: Cli, fault: Fault | None
) -> None:
    """`health` does not repeat what `post` has reported on that day; another problem is reported at once."""
    stage.switch_on()
    stage.load(session.files[0])
    if fault is None:
        stage.discord.delete_webhook(stage.hook)
    else:
        stage.discord.faults = [fault]
    config = ("--config", stage.write_config(), "-q")
    scheduled = (*config, "--remind", "24h")
    assert "etstats" in cli(*scheduled, "post").err
    assert "BAD posts" in cli(*config, "health").out
    assert "BAD posts" not in cli(*scheduled, "health").out
    stage.conn.execute("UPDATE posts SET state = 'unknown', reason = 'another reason', message_id = NULL")
    stage.conn.commit()
    assert "BAD posts" in cli(*scheduled, "health").out


def test_dry_run_stores_and_sends_nothing(
    stage: Stage, session: GeneratedSession, post: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The messages are shown with their sizes; nothing is stored or sent."""
    stage.load(*session.files)
    result = post("--dry-run", "--round", "last")
    assert result.code == 0
    assert "round 2" in result.out
    assert "text of all embeds" in result.out
    assert post("--dry-run").err.startswith("no pending posts")
    everything = post("--dry-run", "--since", "all").out
    assert everything.count("map complete") == 3
    assert everything.count("Session complete") == 1
    assert stage.discord.requests == []
    assert stage.count("posts") == stage.count("post_watermarks") == 0


@pytest.mark.parametrize("words", [("--match", "last"), ("--since", "all")], ids=" ".join)
def test_dry_run_shows_rating_changes(
    stage: Stage, session: GeneratedSession, post: Cli, words: tuple[str, str]
) -> None:
    """Ratings are updated before the preview, as before the post."""
    stage.set(style="compact")
    stage.write_config()
    stage.load(*session.files[:2])
    drawn = post("--dry-run", *words).out
    assert "Rating: " in drawn
    stage.post(datetime.now(UTC), since=BEFORE)
    (sent,) = (post for post in stage.discord.posts if "Rating: " in post.payload["embeds"][0]["description"])
    line = next(line for line in sent.payload["embeds"][0]["description"].splitlines() if "Rating: " in line)
    assert "".join(line.split()) in "".join(drawn.replace("│", "").split())


def test_dry_run_prints_picture_paths(
    stage: Stage, session: GeneratedSession, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures are written to files, and the preview has their paths."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stage.load(*session.files)
    config = stage.write_config()
    config.write_text(config.read_text().replace("charts = false", "charts = true"))
    result = cli("--config", config, "post", "--dry-run", "--session", "last")
    assert result.code == 0
    path = Path(next(line for line in result.out.splitlines() if "picture: " in line).partition("picture: ")[2])
    assert path.is_relative_to(tmp_path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_maps_and_sessions_have_pictures(stage: Stage, session: GeneratedSession) -> None:
    """With `charts` the messages of map and session have a picture, replaced by edits."""
    stage.set(charts=True)
    stage.switch_on()
    stage.load(*session.files[:2])
    stage.post(datetime.now(UTC))
    assert [list(one.files) for one in stage.discord.posts] == [[], [], ["scoreboard.png"], ["session.png"]]
    before = stage.discord.posts[2].files["scoreboard.png"]
    stage.hide(session.rounds[0])
    stage.change_all()
    assert stage.post(datetime.now(UTC)).counts["edited"] == 4
    assert stage.discord.posts[2].files["scoreboard.png"] != before
    stage.set(charts=False)
    stage.change_all()
    assert stage.post(datetime.now(UTC)).counts["edited"] == 2
    assert [one.files for one in stage.discord.posts] == [{}] * 4


def test_hostile_names_are_text_in_the_channel(stage: Stage, post: Cli) -> None:
    """No ping, link or escape passes from the file to the message, or to the terminal."""
    names = [b"@everyone", b"<@123456>", b"```", b"](http://evil.example)", "\u202egnp".encode(), b"[bold]**x**"]
    played = generate_session(8, start=BEFORE, zone=ZONE, maps=(1, 1), players=6, quirks=PLAIN)
    stage.switch_on(now=BEFORE)
    for file in played.files:
        lines = file.content.split(b"\n")
        for number, name in enumerate(names, 1):
            guid, _, rest = lines[number].split(b"\\", 2)
            lines[number] = b"\\".join([guid, name, rest])
        stage.load(type(file)(file.name, b"\n".join(lines), file.mtime))
    drawn = post("--dry-run", "--round", "1").out
    assert post().code == 0
    assert stage.discord.pinged == set()
    assert "\u202e" not in drawn + str([one.payload for one in stage.discord.posts])
    assert "@everyone" in drawn
    assert all(one.payload["allowed_mentions"] == {"parse": []} for one in stage.discord.posts)
