"""`etstats post` as people and cron call it."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from etstats.demo.generator import GeneratedSession, generate_evening
from tests.conftest import CliResult
from tests.post.publish.conftest import BEFORE, PLAIN, ZONE, Stage
from tests.post.render.faults import Fault

Cli = Callable[..., CliResult]


@pytest.fixture
def post(stage: Stage, cli: Cli) -> Cli:
    """`etstats post` with the stage's settings."""
    config = stage.write_config()

    def call(*words: str, quiet: bool = False) -> CliResult:
        return cli("--config", config, *(["-q"] if quiet else []), "post", *words)

    return call


def test_a_run(stage: Stage, evening: GeneratedSession, post: Cli) -> None:
    """It says what it posted; with -q nothing, and a second run has nothing to do."""
    stage.switch_on()
    stage.load(*evening.files[:2])
    assert post() == CliResult(code=0, out="", err="post: 4 posted\n")
    assert post(quiet=True) == CliResult(code=0, out="", err="")
    assert post() == CliResult(code=0, out="", err="post: nothing to post\n")


def test_the_first_run_says_where_it_begins(stage: Stage, evening: GeneratedSession, post: Cli) -> None:
    """Nothing old goes out by itself; `--since` is how to begin earlier."""
    stage.load(*evening.files[:2])
    assert "etstats post --since" in post().err
    assert post().err == "post: nothing to post\n"
    assert post("--since", "all").err == "post: 4 posted\n"


def test_without_a_webhook(cli: Cli) -> None:
    """Usage: exit 2 with the way to set one."""
    result = cli("post")
    assert result.code == 2
    assert "etstats init" in result.err


def test_one_round_by_name(stage: Stage, evening: GeneratedSession, post: Cli) -> None:
    """A named round is posted whatever the watermark says, once; again it is only edited, when asked to."""
    stage.load(*evening.files)
    stage.post(datetime.now(UTC))
    assert post("--round", "1").err == "post: 1 posted\n"
    again = post("--round", "1")
    assert (again.code, "posted already" in again.err) == (0, True)
    assert post("--round", "1", "--refresh").err == "post: nothing to post\n"
    stage.hide(evening.rounds[0])
    assert post("--round", "1", "--refresh").err == "post: 1 edited\n"
    assert len(stage.discord.posts) == 1


def test_a_map_and_a_session_by_name(stage: Stage, evening: GeneratedSession, post: Cli) -> None:
    """Maps go by match id, sessions by id or `last`."""
    stage.load(*evening.files)
    stage.post(datetime.now(UTC))
    with stage.conn.transaction():
        match_id = stage.conn.execute("SELECT match_id FROM rounds WHERE id = 3").fetchone()[0]
    assert post("--match", match_id).err == "post: 1 posted\n"
    assert post("--session", "last").err == "post: 1 posted\n"
    assert post("--match", match_id, "--server", "main").code == 0
    assert [kind for kind, _ in stage.states()] == ["map", "session"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--round", "99"), "There is no round 99"),
        (("--round", "abc"), "an id is expected"),
        (("--session", "99"), "There is no session 99"),
        (("--match", "nothing"), "there is no match nothing"),
        (("--match", "2025-10-02-200936-etl_sp_delivery"), "no round 2 yet"),
        (("--round", "1", "--session", "1"), "Name one of"),
        (("--resolve", "1"), "go together"),
        (("--resolve", "1", "--as", "gone"), "say sent"),
        (("--resolve", "1", "--as", "sent"), "no post 1 to resolve"),
        (("--resolve", "1", "--as", "sent", "--message", "x"), "message's id is a number"),
        (("--since", "soon"), "not a time etstats understands"),
    ],
)
def test_wrong_words(
    stage: Stage, evening: GeneratedSession, post: Cli, words: tuple[str, ...], says: str
) -> None:
    """Each mistake is one line that says what to do, and exit code 2."""
    stage.load(evening.files[0])
    result = post(*words)
    assert result.code == 2
    assert says in result.err


def test_refresh(stage: Stage, evening: GeneratedSession, post: Cli) -> None:
    """`--refresh` brings every message up to date, and touches none that is."""
    stage.switch_on()
    stage.load(*evening.files[:2])
    post()
    assert post("--refresh").err == "post: nothing to post\n"
    stage.hide(evening.rounds[0])
    assert post("--refresh").err == "post: 4 edited\n"
    assert post("--refresh").err == "post: nothing to post\n"


def test_a_rebuild_changes_no_message(stage: Stage, evening: GeneratedSession, post: Cli, cli: Cli) -> None:
    """What a rebuild writes again is polled; what is shown stays the same, so there is not one request."""
    stage.switch_on()
    stage.load(*evening.files[:2])
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


def test_an_unknown_post_is_shown_until_it_is_resolved(stage: Stage, evening: GeneratedSession, post: Cli) -> None:
    """Each run by hand names it, cron hears of it once, and resolving ends it."""
    stage.switch_on()
    stage.load(evening.files[0])
    stage.discord.faults = [Fault.GATEWAY_TIMEOUT_AFTER]
    first = post(quiet=True)
    assert first.code == 3
    assert "--resolve 1 --as sent|failed" in first.err
    assert post(quiet=True).err == ""
    assert "--resolve 1 --as sent|failed" in post().err
    assert post("--round", "1").code == 2
    assert post("--resolve", "1", "--as", "sent").err == "post 1 counts as sent from now on\n"
    assert post("--round", "1").err.splitlines()[-1] == "post: nothing to post"
    assert post().err == "post: nothing to post\n"
    assert len([one for one in stage.discord.posts if "round" in str(one.payload["embeds"][0]["title"])]) == 1


def test_what_is_not_there_can_be_posted_again(stage: Stage, evening: GeneratedSession, post: Cli) -> None:
    """A post that was resolved as failed goes out when somebody names it, and not before."""
    stage.switch_on()
    stage.load(evening.files[0])
    stage.discord.faults = [Fault.SERVER_ERROR_BEFORE]
    post()
    post("--resolve", "1", "--as", "failed")
    post()
    assert stage.states()[0] == ("round", "failed")
    assert post("--round", "1").err.startswith("post: 1 posted")
    assert stage.states()[0] == ("round", "sent")


def test_dry_run(stage: Stage, evening: GeneratedSession, post: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """The messages are drawn with their sizes; nothing is written, nothing is sent."""
    stage.load(*evening.files)
    result = post("--dry-run", "--round", "last")
    assert result.code == 0
    assert "round 2" in result.out
    assert "text of all embeds" in result.out
    assert post("--dry-run").err.startswith("nothing is due")
    everything = post("--dry-run", "--since", "all").out
    assert everything.count("map complete") == 3
    assert everything.count("Session complete") == 1
    assert stage.discord.requests == []
    assert stage.count("posts") == stage.count("post_watermarks") == 0


def test_dry_run_names_its_pictures(
    stage: Stage, evening: GeneratedSession, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pictures are written to files, and the drawing says where."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stage.load(*evening.files)
    config = stage.write_config()
    config.write_text(config.read_text().replace("charts = false", "charts = true"))
    result = cli("--config", config, "post", "--dry-run", "--session", "last")
    assert result.code == 0
    path = Path(next(line for line in result.out.splitlines() if "picture: " in line).partition("picture: ")[2])
    assert path.is_relative_to(tmp_path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_pictures_go_with_maps_and_evenings(stage: Stage, evening: GeneratedSession) -> None:
    """With `charts` the map's and the session's messages carry a picture, replaced when they are edited."""
    stage.set(charts=True)
    stage.switch_on()
    stage.load(*evening.files[:2])
    stage.post(datetime.now(UTC))
    assert [list(one.files) for one in stage.discord.posts] == [[], [], ["scoreboard.png"], ["session.png"]]
    before = stage.discord.posts[2].files["scoreboard.png"]
    stage.hide(evening.rounds[0])
    stage.change_all()
    assert stage.post(datetime.now(UTC)).counts["edited"] == 4
    assert stage.discord.posts[2].files["scoreboard.png"] != before
    stage.set(charts=False)
    stage.change_all()
    assert stage.post(datetime.now(UTC)).counts["edited"] == 2
    assert [one.files for one in stage.discord.posts] == [{}] * 4


def test_hostile_names_reach_the_channel_as_text(stage: Stage, post: Cli) -> None:
    """From the file to the message: no ping, no link, no escape; and the same in the terminal."""
    names = [b"@everyone", b"<@123456>", b"```", b"](http://evil.example)", "\u202egnp".encode(), b"[bold]**x**"]
    played = generate_evening(8, start=BEFORE, zone=ZONE, maps=(1, 1), players=6, quirks=PLAIN)
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
