"""Tests of init: every answer is tested, settings are kept, wrong answers are reported."""

import json
import shutil
import stat
import tomllib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from etstats.admin.setup.interview import PresetAnswers, interview
from etstats.config import loader as settings
from etstats.demo.discord import StandIn
from etstats.demo.generator import generate, write_files
from etstats.demo.sftp_server import SftpServer
from etstats.errors import ConfigError
from tests.conftest import CliResult
from tests.support.sftp_server import TestServer, client_key, free_port

Cli = Callable[..., CliResult]


@pytest.fixture
def file(home: Path) -> Path:
    """Return the path of the configuration."""
    return home / ".config" / "etstats" / "config.toml"


def flags(server: SftpServer) -> list[str]:
    """Return the answers about a server, as options."""
    place = ["--host", f"{server.user}@{server.host}", "--port", str(server.port)]
    return [*place, "--key-file", str(server.key_file), "--remote-path", server.remote_path]


def secret(folder: Path, text: str) -> str:
    """Write a file with a secret."""
    path = folder / "secret"
    path.write_text(text + "\n")
    path.chmod(0o600)
    return str(path)


def test_options_answer_all_questions(
    cli: Cli, server: SftpServer, discord: StandIn, file: Path, tmp_path: Path, db: psycopg.Connection, spool: Path
) -> None:
    """Without a terminal: answers tested, time zone detected, file private, files imported, cron suggested."""
    hook = discord.add_webhook()
    webhook = ["--webhook-url-file", secret(tmp_path, hook.url)]
    site = tmp_path / "site"
    then = ["--hours", "18-2", "--site", site, "--import", "--cron"]
    done = cli("init", "--yes", *flags(server), *webhook, "--trust", *then)
    assert done.code == 0, done.err
    assert "10 round files" in done.err
    assert "SHA256:" in done.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    written = tomllib.loads(file.read_text())
    (main,) = written["servers"]
    assert main["host"] == "127.0.0.1"
    assert settings.load(file).timezone("main").utcoffset(None) is None
    assert main["timezone"] == "Europe/Berlin", "the best known of the zones that share Ljubljana's clock"
    assert written["cron"]["hours"] == "18-2"
    assert written["site"]["path"] == str(site)
    assert len(list((site / "rounds").glob("*/index.html"))) == 10
    assert db.execute("SELECT count(*) FROM rounds").fetchone() == (10,)
    assert "--poll" in spool.read_text()
    assert discord.posts == []
    assert hook.url not in done.err + done.out
    assert "0-2,18-23" in spool.read_text()


def round_files(folder: Path, start: datetime) -> None:
    """Write the two rounds of one map, with times in UTC."""
    write_files(folder, generate(6, start=start, files=2, zone="UTC"))


def test_first_round_after_init_is_posted(
    cli: Cli, gamestats: Path, discord: StandIn, tmp_path: Path, db: psycopg.Connection
) -> None:
    """A round that ends between init and the first run is posted; init, post and health show the start time."""
    hook = secret(tmp_path, discord.add_webhook().url)
    words = ["--path", gamestats, "--timezone", "UTC", "--webhook-url-file", hook]
    done = cli("init", "--yes", *words)
    assert done.code == 0, done.err
    assert "Rounds that ended since 20" in done.err
    assert "rounds that ended since 20" in cli("health").out
    assert "Rounds that ended since 20" in cli("post").err
    round_files(gamestats, datetime.now(UTC))
    done = cli("sync", "--post")
    assert done.code == 0, done
    assert {kind for (kind,) in db.execute("SELECT kind FROM posts")} >= {"round", "map"}
    assert len(discord.posts) in {2, 3}, "of round 1, and of round 2 with its map"
    assert cli("post").err == "post: nothing to post\n"


def test_first_round_of_a_server_added_later_is_posted(
    cli: Cli, tmp_path: Path, discord: StandIn, file: Path
) -> None:
    """Posting starts when the server is first polled, not when its first file arrives."""
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    hook = secret(tmp_path, discord.add_webhook().url)
    assert cli("init", "--yes", "--path", folders[0], "--timezone", "UTC", "--webhook-url-file", hook).code == 0
    file.write_text(file.read_text() + f'\n[[servers]]\nname = "second"\npath = "{folders[1]}"\n')
    assert cli("sync", "--post").code == 0
    round_files(folders[1], datetime.now(UTC))
    assert cli("sync", "--post").code == 0
    assert len(discord.posts) in {2, 3}


def test_second_run_changes_only_the_given_settings(
    cli: Cli, server: SftpServer, file: Path, gamestats: Path
) -> None:
    """Comments, other servers, other settings and their order are kept."""
    file.parent.mkdir(parents=True)
    file.write_text(
        "# mine\n[log]\nformat = 'json'   # for the collector\n\n"
        "[[servers]]\nname = 'other'   # the second box\npath = '/nowhere'\n\n"
        f"[[servers]]\nname = 'main'\npath = '{gamestats}'  # local for now\ntimezone = 'Europe/Ljubljana' #ours\n"
        "\n[cron]\nhours = '20-23'\npoll = '3s' # quick\n"
    )
    done = cli("init", "--yes", "--name", "main", *flags(server), "--trust", "--hours", "18-2")
    assert done.code == 0, done.err
    text = file.read_text()
    for kept in ("# mine", "# for the collector", "# the second box", "#ours", "poll = '3s' # quick"):
        assert kept in text
    written = tomllib.loads(text)
    assert [server["name"] for server in written["servers"]] == ["other", "main"]
    assert "path" not in written["servers"][1]
    assert written["servers"][1]["timezone"] == "Europe/Ljubljana"
    assert written["cron"] == {"hours": "18-2", "poll": "3s"}
    before = text
    assert cli("init", "--yes", "--name", "main", "--hours", "18-2").code == 0
    assert file.read_text() == before


def test_unknown_host_key_is_not_trusted_by_default(cli: Cli, server: SftpServer, file: Path, home: Path) -> None:
    """Without --trust: exit code 4 and the fingerprint, nothing written; a wrong fingerprint: 2."""
    done = cli("init", "--yes", *flags(server))
    assert done.code == 4
    assert "SHA256:" in done.err
    assert "--trust" in done.err
    wrong = cli("init", "--yes", *flags(server), "--fingerprint", "SHA256:wrong")
    assert wrong.code == 2
    assert "SHA256:wrong" not in wrong.err.partition("shows")[2]
    assert not file.exists()
    assert not (home / ".ssh" / "known_hosts").exists()
    shown = next(word for word in done.err.split() if word.startswith("SHA256:"))
    assert cli("init", "--yes", *flags(server), "--fingerprint", shown).code == 0


def test_missing_answer_without_a_terminal_names_the_option(cli: Cli) -> None:
    """The message names the option to add."""
    assert "--yes" in cli("init").err
    done = cli("init", "--yes")
    assert done.code == 2
    assert "--host" in done.err
    assert "--path" in done.err


def _without(words: Sequence[str], flag: str, *instead: str) -> list[str]:
    at = list(words).index(flag)
    return [*words[:at], *instead, *words[at + 2 :]]


def test_invalid_answers_are_refused(
    cli: Cli, server: SftpServer, file: Path, tmp_path: Path, gamestats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wrong port, host, key, passphrase, folder, zone, hours, database or webhook: exit code and message."""
    good = [*flags(server), "--trust"]
    other = client_key(tmp_path, "other_key")
    locked = client_key(tmp_path, "locked_key", passphrase="words")
    slack = secret(tmp_path, "https://hooks.slack.com/services/T0/B0/XYZXYZ")
    cases: list[tuple[list[str], int, str]] = [
        (_without(good, "--port", "--port", str(free_port())), 75, "connection refused"),
        (_without(good, "--host", "--host", "no-such-host.invalid"), 75, "check name and DNS"),
        (_without(good, "--key-file", "--key-file", str(other)), 4, "key"),
        (_without(good, "--key-file", "--key-file", str(locked)), 4, "passphrase"),
        (_without(good, "--key-file", "--key-file", str(tmp_path / "none")), 2, "ssh-keygen"),
        (_without(good, "--remote-path", "--remote-path", "/nowhere"), 75, "remote_path"),
        ([*good, "--timezone", "Europe/Lublana"], 2, "Europe/Ljubljana"),
        ([*good, "--hours", "18-30"], 2, "18-2"),
        ([*good, "--webhook-url-file", slack], 2, "Slack"),
        ([*good, "--webhook-url-file", str(tmp_path / "none")], 2, "cannot be read"),
        ([*good, "--database-url-file", secret(tmp_path / "keys", "mysql://x")], 2, "postgresql://"),
        (["--path", str(tmp_path / "none")], 75, "does not exist"),
        (["--path", str(gamestats / "notes.txt")], 75, "not a folder"),
        ([*good, "--embedded", "--database-url-file", slack], 2, "exclude"),
    ]
    for words, code, message in cases:
        done = cli("init", "--yes", *words)
        assert (done.code, message in done.err) == (code, True), (words, done)
        assert "Traceback" not in done.err
        assert "XYZXYZ" not in done.err
        assert not file.exists()


def test_deleted_webhook_is_reported(
    cli: Cli, gamestats: Path, discord: StandIn, tmp_path: Path, file: Path
) -> None:
    """Discord's error is reported, and nothing is written."""
    hook = discord.add_webhook()
    discord.delete_webhook(hook)
    done = cli("init", "--yes", "--path", gamestats, "--webhook-url-file", secret(tmp_path, hook.url))
    assert done.code == 3
    assert "gone" in done.err
    assert hook.token not in done.err
    assert not file.exists()


def test_empty_folder_is_accepted_with_a_notice(cli: Cli, tmp_path: Path, file: Path) -> None:
    """A new server has no files yet: reported, but not as an error."""
    empty = tmp_path / "empty"
    empty.mkdir()
    done = cli("init", "--yes", "--path", empty)
    assert done.code == 0, done.err
    assert "no round file there yet: the folder is empty" in done.err
    assert file.exists()


def test_unwritable_settings_folder_changes_nothing(cli: Cli, gamestats: Path, home: Path) -> None:
    """A file in place of the folder: exit code 2 and an alternative."""
    (home / ".config").write_text("in the way")
    done = cli("init", "--yes", "--path", gamestats)
    assert done.code == 2
    assert "--config FILE" in done.err


def test_invalid_settings_file_is_not_overwritten(cli: Cli, gamestats: Path, file: Path) -> None:
    """An error in the admin's file is reported, and the file is unchanged."""
    file.parent.mkdir(parents=True)
    file.write_text("[sesions]\ngap_minutes = 3\n")
    done = cli("init", "--yes", "--path", gamestats)
    assert done.code == 2
    assert "did you mean sessions?" in done.err
    assert "sesions" in file.read_text()


def test_settings_of_a_bot_are_adopted(
    cli: Cli, server: SftpServer, file: Path, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSH_*, REMOTE_STATS_PATH, gap and lookback are read; an invalid value is reported."""
    env = tmp_path / ".env"
    env.write_text(
        f"# the bot\nexport SSH_HOST={server.host}\nSSH_PORT='{server.port}'\nSSH_USER=\"{server.user}\"\n"
        f"SSH_KEY_PATH={server.key_file}\nREMOTE_STATS_PATH={server.remote_path}\nSESSION_GAP_MINUTES=45\n"
        "SSH_STARTUP_LOOKBACK_HOURS=48\nSSH_STRICT_HOST_KEY=false\nDISCORD_BOT_TOKEN=not-ours\n"
    )
    done = cli("init", "--yes", "--from-env", env, "--trust")
    assert done.code == 0, done.err
    assert "SSH_STRICT_HOST_KEY" in done.err
    written = tomllib.loads(file.read_text())
    assert written["sessions"]["gap_minutes"] == 45
    assert written["sync"]["lookback_hours"] == 48
    assert written["servers"][0]["remote_path"] == server.remote_path
    assert "not-ours" not in file.read_text()
    env.write_text("SSH_HOST=x\nSSH_PORT=abc\n")
    done = cli("init", "--yes", "--from-env", env)
    assert (done.code, "SSH_PORT is 'abc'" in done.err) == (2, True)
    env.write_text("OTHER=1\n")
    assert "right file" in cli("init", "--yes", "--from-env", env).err
    assert cli("init", "--yes", "--from-env", tmp_path / "none").code == 2


def test_config_check_tests_every_setting(
    cli: Cli, server: SftpServer, discord: StandIn, file: Path, tmp_path: Path
) -> None:
    """Without problems, then with a deleted webhook and a wrong zone: all reported, worst exit code."""
    hook = discord.add_webhook()
    cli("init", "--yes", *flags(server), "--trust", "--webhook-url-file", secret(tmp_path, hook.url))
    done = cli("config", "check")
    assert done.code == 0, done
    assert [line[:3] for line in done.out.splitlines()] == ["ok ", "ok ", "ok "]
    discord.delete_webhook(hook)
    file.write_text(file.read_text().replace("Europe/Berlin", "America/New_York"))
    done = cli("config", "check")
    assert done.code == 2
    assert "BAD server main: timezone America/New_York does not match" in done.out
    assert "the webhook is gone" in done.out
    assert "1 webhook gone" in cli("health").out
    assert hook.token not in done.out + done.err
    assert '"exit_code": 3' in cli("config", "check", "--json").out


def test_config_check_stores_a_trusted_key(cli: Cli, server: SftpServer, home: Path) -> None:
    """An unknown host key exits with 4 and the fingerprint; with --trust it is stored, and `health` agrees."""
    file = home / "config.toml"
    file.write_text(
        f'[[servers]]\nname = "main"\nhost = "{server.host}"\nport = {server.port}\nuser = "{server.user}"\n'
        f'key_file = "{server.key_file}"\nremote_path = "{server.remote_path}"\ntimezone = "Europe/Ljubljana"\n'
    )
    assert cli("--config", file, "config", "check").code == 4
    assert "BAD server main" in cli("--config", file, "health").out
    trusted = cli("--config", file, "config", "check", "--trust")
    assert trusted.code == 0, trusted
    assert "is now trusted" in trusted.out
    assert "ok  server main" in cli("--config", file, "health").out
    assert cli("--config", file, "config", "check").code == 0


def test_config_show_hides_secrets(cli: Cli, home: Path) -> None:
    """Defaults are included, secrets are masked."""
    file = home / "config.toml"
    file.write_text('[discord]\nwebhook_url = "https://discord.com/api/webhooks/1/TOKENTOKEN"\n')
    file.chmod(0o600)
    for words in (["config", "show"], ["config", "show", "--json"]):
        done = cli("--config", file, *words)
        assert done.code == 0
        assert "(set)" in done.out
        assert "gap_minutes" in done.out
        assert "TOKENTOKEN" not in done.out + done.err


class Person:
    """A user at a terminal, with answers by question."""

    is_present = True

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers = answers
        self.said: list[str] = []

    def ask(self, question: str, default: str = "", *, secret: bool = False) -> str:
        self.said.append(f"? {question}" + ("" if secret else f" [{default}]"))
        assert len(self.said) < 100, "the questions never end: " + "\n".join(self.said[-9:])
        for key, given in self.answers.items():
            if key in question and given:
                return given.pop(0)
        return default

    def confirm(self, question: str, *, default: bool) -> bool:
        self.said.append(f"? {question}")
        return self.answers.get("Trust", ["no"])[0] == "yes" if "Trust" in question else default

    def say(self, text: str) -> None:
        self.said.append(text)


def test_failed_answer_repeats_only_its_question(
    home: Path, server: SftpServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed test repeats only its question: port, key, folder, zone, database, hours."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", database_url)
    shutil.copy(server.key_file, home / "key")
    (home / "key.pub").write_text("ssh-ed25519 AAAA et\n")
    person = Person(
        {
            "Game server": [
                f"{server.user}@",
                f"{server.user}@{server.host}:port",
                f"{server.user}@{server.host}:{free_port()}",
                f"{server.user}@{server.host}:{server.port}",
            ],
            "Private key": [str(home / "key.pub"), str(home / "key")],
            "Folder of the round files": ["/nowhere", server.remote_path],
            "Time zone": ["Mars/Base", "Europe/Ljubljana"],
            "Database": ["mysql://x", "keep"],
            "Play hours": ["evening", "k", "18-2"],
            "Trust": ["yes"],
        }
    )
    answers = interview(PresetAnswers(), settings.load(None), person)
    assert answers.server.port == server.port
    assert answers.server.key_file == str(home / "key")
    assert answers.server.timezone == "Europe/Ljubljana"
    assert answers.config.cron.hours == "18-2"
    assert answers.contents.round_files == 10
    text = "\n".join(person.said)
    for words in (
        f'"{server.user}@" has no host',
        'port "port" is not valid',
        "connection refused",
        "ssh-keygen",
        "public half",
        "/nowhere",
        "invalid time zone",
        "postgresql://",
        "expected a range such as 18-2",
        "SHA256:",
    ):
        assert words in text
    assert text.count("? Game server") == 4
    assert text.count("? Private key") == 2
    assert all(not answers for question, answers in person.answers.items() if question != "Trust")


def test_host_typed_as_a_folder_is_detected(
    home: Path, server: SftpServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host typed as a folder, and an address typed as a user name, are detected at once."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", database_url)
    address = f"{server.host}:{server.port}"
    person = Person(
        {
            "Game server": ["/nowhere", address],
            "User on": [f"{server.user}@{address}", server.user],
            "Trust": ["yes"],
        }
    )
    given = PresetAnswers(key_file=str(server.key_file), remote_path=server.remote_path, webhook="")
    answers = interview(given, settings.load(None), person)
    assert (answers.server.path, answers.server.user, answers.server.port) == (None, server.user, server.port)
    text = "\n".join(person.said)
    assert "the folder /nowhere does not exist" in text
    assert f'"{server.user}@{address}" is not a valid user name' in text


def test_folder_without_round_files_offers_subfolders(home: Path, gamestats: Path, tmp_path: Path) -> None:
    """The subfolders are listed; Enter selects the one with the most files."""
    files = [path for path in gamestats.iterdir() if path.name.endswith(".txt") and path.name[0] == "2"]
    for name in ("empty", "full", "old"):
        (gamestats / name).mkdir()
    for path in files[:2]:
        path.rename(gamestats / "old" / path.name)
    for path in files[2:]:
        path.rename(gamestats / "full" / path.name)
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    with TestServer(gamestats, keys) as server:
        place = PresetAnswers(
            host=f"et@127.0.0.1:{server.port}",
            key_file=str(server.key_file),
            remote_path="/",
            database="embedded",
            trust=True,
        )
        person = Person({"[k": ["k"]})
        answers = interview(place, settings.load(None), person)
    assert answers.server.remote_path == "/full"
    assert answers.contents.round_files == 8
    text = "\n".join(person.said)
    assert "no round file there yet, but empty/, full/, old/, notes.txt" in text
    assert "/old has 2" in text


def test_failed_answer_can_be_kept_or_setup_left(home: Path, tmp_path: Path) -> None:
    """A server that is down can be saved; `q` writes nothing."""
    given = PresetAnswers(database="embedded", webhook="")
    later = str(tmp_path / "later")
    kept = interview(given, settings.load(None), Person({"[k": ["k", "k"], "Game server": [later]}))
    assert kept.server.path == later
    with pytest.raises(ConfigError, match="was not written"):
        interview(PresetAnswers(path=later), settings.load(None), Person({"[k": ["q"]}))


def test_setting_can_be_removed(home: Path, gamestats: Path, cli: Cli, file: Path) -> None:
    """An empty option, or `none` as the answer, removes it."""
    words = ["--path", gamestats, "--query", "127.0.0.1:1", "--site", home / "site"]
    assert cli("init", "--yes", *words).code == 0
    person = Person({"Folder of the site": ["none"]})
    answers = interview(PresetAnswers(query="", webhook=""), settings.load(file), person)
    assert answers.server.query is None
    assert answers.sections["site"] == {"path": None}


@pytest.mark.parametrize(
    "words",
    [
        ["--path", "x", "--host", "y"],
        ["--path", "x", "--key-file", "y"],
        ["--path", "x", "--trust"],
        ["--host", "x", "--trust", "--fingerprint", "y"],
        ["--path", "x", "--no-webhook", "--post-hello"],
    ],
)
def test_contradictory_options_are_refused(cli: Cli, words: list[str]) -> None:
    """Contradictory options: exit code 2, and both are named."""
    done = cli("init", "--yes", *words)
    assert done.code == 2
    assert "exclude each other" in done.err


def test_readable_secret_file_is_refused(cli: Cli, gamestats: Path, tmp_path: Path) -> None:
    """A file with a secret that others can read is refused; for the bot's file there is a warning."""
    path = tmp_path / "open"
    path.write_text("https://discord.com/api/webhooks/1/x\n")
    path.chmod(0o644)
    for flag in ("--webhook-url-file", "--database-url-file"):
        done = cli("init", "--yes", "--path", gamestats, flag, path)
        assert (done.code, "chmod 600" in done.err) == (2, True)
    path.write_text("SSH_HOST=x\nPOSTGRES_PASSWORD=hunter2\n")
    done = cli("init", "--yes", "--path", gamestats, "--from-env", path)
    assert "chmod 600" in done.err
    assert "hunter2" not in done.err


@pytest.fixture
def bot_url(empty_database_url: str, gamestats: Path) -> str:
    """Return a database of a bot: tables with our names and other columns, about two players of the files."""
    text = min(path for path in gamestats.iterdir() if path.name[0] == "2").read_bytes().decode()
    guids = [line.split("\\")[0] for line in text.splitlines()[1:]][:2]
    with psycopg.connect(empty_database_url) as conn:
        conn.execute("CREATE TABLE rounds (id serial PRIMARY KEY, map_name text)")
        conn.execute("CREATE TABLE player_links (discord_id bigint, et_guid text, display_name text)")
        conn.execute("CREATE TABLE session_teams (session_start_date text, team_name text, player_guids jsonb)")
        for number, guid in enumerate(guids):
            conn.execute(
                "INSERT INTO player_links VALUES (%s, %s, %s)", (10**17 + 10**18 * number, guid, f"known{number}")
            )
        conn.execute("INSERT INTO player_links VALUES (1, 'no guid', NULL)")
    return empty_database_url


def env_file(folder: Path, url: str) -> Path:
    """Return an `.env` with a database."""
    parts = conninfo_to_dict(url)
    names = {"HOST": "host", "PORT": "port", "DATABASE": "dbname", "USER": "user", "PASSWORD": "password"}
    path = folder / ".env"
    path.write_text("".join(f"POSTGRES_{name}={parts[key]}\n" for name, key in names.items() if key in parts))
    path.chmod(0o600)
    return path


def test_database_of_a_bot_is_detected_and_its_links_adopted(
    cli: Cli, gamestats: Path, bot_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: Path
) -> None:
    """Its tables do not change: the error lists the options, and a separate schema works."""
    monkeypatch.delenv("ETSTATS_DATABASE_URL")
    env = env_file(tmp_path, bot_url)
    words = ["init", "--yes", "--path", gamestats, "--from-env", env, "--import"]
    refused = cli(*words)
    assert refused.code == 2
    for way in ("--embedded", "--schema etstats", "--database-url-file"):
        assert way in refused.err
    assert not file.exists()
    done = cli(*words, "--schema", "etstats")
    assert done.code == 0, done.err
    assert "copied from the bot: 2 links, 2 names, 0 team names" in done.err
    assert [row["clean_name"] for row in json.loads(cli("links", "--json").out)] == ["known0", "known1"]
    assert "copied from" not in cli(*words, "--schema", "etstats").err.split("Written")[1]
    with psycopg.connect(bot_url) as conn:
        assert conn.execute("SELECT count(*) FROM public.player_links").fetchone() == (3,)
        assert conn.execute("SELECT count(*) FROM public.rounds").fetchone() == (0,)


def test_team_names_of_a_bot_apply_to_the_same_players(
    cli: Cli, gamestats: Path, bot_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Team names apply with a substitute too, not to another line-up or day; unreadable rows are skipped."""
    monkeypatch.delenv("ETSTATS_DATABASE_URL")
    words = ["init", "--yes", "--path", gamestats, "--from-env", env_file(tmp_path, bot_url), "--import"]
    words += ["--schema", "etstats"]
    assert cli(*words).code == 0
    session = json.loads(cli("sessions", "--limit", "1", "--json").out)[0]
    with psycopg.connect(bot_url) as conn:
        found = conn.execute(
            "SELECT team, array_agg(player_guid ORDER BY player_guid) FROM etstats.session_teams"
            " WHERE session_id = %s GROUP BY team ORDER BY team",
            [session["id"]],
        ).fetchall()
        own, other = (guids for _, guids in found)
        day = session["began"][:10]
        for row in (
            (day, "red herrings", json.dumps([*own[:3], *other[:3]])),
            (day, "alpha", json.dumps([guid.lower() + "0" * 24 for guid in own])),
            (day, "beta", json.dumps([*other[1:], "99999999"])),
            ("2024-01-01", "another day", json.dumps(own)),
            ("no day", "gamma", json.dumps(own)),
            (day, "delta", json.dumps({"of": own})),
            (day, "x" * 200, json.dumps(["not a guid"])),
        ):
            conn.execute("INSERT INTO public.session_teams VALUES (%s, %s, %s)", row)
    assert "0 links, 0 names, 2 team names" in cli(*words).err
    shown = json.loads(cli("sessions", "--limit", "1", "--json").out)[0]
    assert shown["team_names"] == ["alpha", "beta"]
    assert [
        row["reason"] for row in json.loads(cli("correct", "list", "--json").out) if row["kind"] == "team_name"
    ] == ["copied from the bot"] * 2
    assert "copied from" not in cli(*words).err.split("Written")[1]
    numbers = [row["id"] for row in json.loads(cli("correct", "list", "--json").out)]
    assert cli("correct", "undo", str(numbers[-1])).code == 0
    assert "copied from" not in cli(*words).err.split("Written")[1]
    again = cli("correct", "team-name", str(session["id"]), "1", "alpha")
    assert (again.code, "already named alpha" in again.err) == (2, True)


def test_question_offers_a_separate_schema(home: Path, gamestats: Path, bot_url: str) -> None:
    """The question offers the separate schema."""
    person = Person({"Database": [bot_url, "schema"]})
    answers = interview(PresetAnswers(path=str(gamestats), webhook=""), settings.load(None), person)
    assert answers.config.database.schema == "etstats"
    assert answers.sections["database"] == {"url": bot_url, "url_file": None, "schema": "etstats"}
    assert "answer `schema`" in "\n".join(person.said)
