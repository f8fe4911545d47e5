"""init: every answer tried for real, a file that keeps what was there, and every wrong answer told in words."""

import stat
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import psycopg
import pytest

from etstats.admin.setup.interview import PresetAnswers, interview
from etstats.config import loader as settings
from etstats.demo.discord import StandIn
from etstats.demo.sftp_server import SftpServer
from etstats.errors import ConfigError
from tests.conftest import CliResult
from tests.sync.server import client_key, free_port

Cli = Callable[..., CliResult]


@pytest.fixture
def file(home: Path) -> Path:
    """Where the configuration goes."""
    return home / ".config" / "etstats" / "config.toml"


def flags(server: SftpServer) -> list[str]:
    """The answers about a server, as flags."""
    place = ["--host", f"{server.user}@{server.host}", "--port", str(server.port)]
    return [*place, "--key-file", str(server.key_file), "--remote-path", server.remote_path]


def secret(folder: Path, text: str) -> str:
    """A file that holds a secret."""
    path = folder / "secret"
    path.write_text(text + "\n")
    path.chmod(0o600)
    return str(path)


def test_flags_answer_everything(
    cli: Cli, server: SftpServer, discord: StandIn, file: Path, tmp_path: Path, db: psycopg.Connection, spool: Path
) -> None:
    """No terminal: everything tried, the clock found, the file private, the files imported, cron told."""
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


def test_a_second_run_changes_what_is_asked_and_keeps_the_rest(
    cli: Cli, server: SftpServer, file: Path, gamestats: Path
) -> None:
    """Comments, other servers, other settings and the order of things stay."""
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
    assert [s["name"] for s in written["servers"]] == ["other", "main"]
    assert "path" not in written["servers"][1]
    assert written["servers"][1]["timezone"] == "Europe/Ljubljana"
    assert written["cron"] == {"hours": "18-2", "poll": "3s"}
    before = text
    assert cli("init", "--yes", "--name", "main", "--hours", "18-2").code == 0
    assert file.read_text() == before


def test_an_unknown_host_key_is_not_trusted_unasked(cli: Cli, server: SftpServer, file: Path, home: Path) -> None:
    """Without --trust: exit code 4, the fingerprint and the way out, nothing written; a wrong fingerprint: 2."""
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


def test_no_terminal_and_no_answers_is_said(cli: Cli) -> None:
    """What to add is in the message."""
    assert "--yes" in cli("init").err
    done = cli("init", "--yes")
    assert done.code == 2
    assert "--host" in done.err
    assert "--path" in done.err


def _without(words: Sequence[str], flag: str, *instead: str) -> list[str]:
    at = list(words).index(flag)
    return [*words[:at], *instead, *words[at + 2 :]]


def test_wrong_answers_are_told_in_words(
    cli: Cli, server: SftpServer, file: Path, tmp_path: Path, gamestats: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Port, host, key, passphrase, folder, zone, hours, base, webhook of another service: code, words, no file."""
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
        (["--path", str(tmp_path / "none")], 75, "there is no folder"),
        (["--path", str(gamestats / "notes.txt")], 75, "not a folder"),
        ([*good, "--embedded", "--database-url-file", slack], 2, "exclude"),
    ]
    for words, code, told in cases:
        done = cli("init", "--yes", *words)
        assert (done.code, told in done.err) == (code, True), (words, done)
        assert "Traceback" not in done.err
        assert "XYZXYZ" not in done.err
        assert not file.exists()


def test_a_gone_webhook_is_told(cli: Cli, gamestats: Path, discord: StandIn, tmp_path: Path, file: Path) -> None:
    """Discord's own refusal, and nothing written."""
    hook = discord.add_webhook()
    discord.delete_webhook(hook)
    done = cli("init", "--yes", "--path", gamestats, "--webhook-url-file", secret(tmp_path, hook.url))
    assert done.code == 3
    assert "gone" in done.err
    assert hook.token not in done.err
    assert not file.exists()


def test_a_folder_without_files_is_taken_with_a_word(cli: Cli, tmp_path: Path, file: Path) -> None:
    """A new server has none yet: it is said, and it is no fault."""
    empty = tmp_path / "empty"
    empty.mkdir()
    done = cli("init", "--yes", "--path", empty)
    assert done.code == 0, done.err
    assert "no round file there yet" in done.err
    assert file.exists()


def test_a_folder_that_cannot_be_written_to_changes_nothing(cli: Cli, gamestats: Path, home: Path) -> None:
    """A file where the folder should be: exit code 2 and where to put it instead."""
    (home / ".config").write_text("in the way")
    done = cli("init", "--yes", "--path", gamestats)
    assert done.code == 2
    assert "--config FILE" in done.err


def test_a_file_with_a_mistake_is_not_overwritten(cli: Cli, gamestats: Path, file: Path) -> None:
    """The admin's own mistake is named, and their file stays."""
    file.parent.mkdir(parents=True)
    file.write_text("[sesions]\ngap_minutes = 3\n")
    done = cli("init", "--yes", "--path", gamestats)
    assert done.code == 2
    assert "did you mean sessions?" in done.err
    assert "sesions" in file.read_text()


def test_an_existing_bots_settings_are_taken_over(
    cli: Cli, server: SftpServer, file: Path, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSH_*, REMOTE_STATS_PATH, the gap and the lookback; an odd value is named with its variable."""
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


def test_config_check_tries_everything_again(
    cli: Cli, server: SftpServer, discord: StandIn, file: Path, tmp_path: Path
) -> None:
    """All well; then the webhook deleted and the zone set wrong: each told, with the worst exit code."""
    hook = discord.add_webhook()
    cli("init", "--yes", *flags(server), "--trust", "--webhook-url-file", secret(tmp_path, hook.url))
    done = cli("config", "check")
    assert done.code == 0, done
    assert [line[:3] for line in done.out.splitlines()] == ["ok ", "ok ", "ok "]
    discord.delete_webhook(hook)
    file.write_text(file.read_text().replace("Europe/Berlin", "America/New_York"))
    done = cli("config", "check")
    assert done.code == 2
    assert "BAD server main: timezone America/New_York does not fit" in done.out
    assert "the webhook is gone" in done.out
    assert hook.token not in done.out + done.err
    assert '"exit_code": 3' in cli("config", "check", "--json").out


def test_config_check_can_trust_a_key(cli: Cli, server: SftpServer, home: Path) -> None:
    """Unknown: exit code 4 and the fingerprint; with --trust it is written down and all is well from then on."""
    file = home / "config.toml"
    file.write_text(
        f'[[servers]]\nname = "main"\nhost = "{server.host}"\nport = {server.port}\nuser = "{server.user}"\n'
        f'key_file = "{server.key_file}"\nremote_path = "{server.remote_path}"\ntimezone = "Europe/Ljubljana"\n'
    )
    assert cli("--config", file, "config", "check").code == 4
    trusted = cli("--config", file, "config", "check", "--trust")
    assert trusted.code == 0, trusted
    assert "is trusted now" in trusted.out
    assert cli("--config", file, "config", "check").code == 0


def test_config_show_hides_secrets(cli: Cli, home: Path) -> None:
    """Defaults included, secrets only said to be set."""
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
    """Somebody at a terminal, who answers by the question."""

    is_present = True

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self.answers = answers
        self.said: list[str] = []

    def ask(self, question: str, default: str = "", *, secret: bool = False) -> str:
        self.said.append(f"? {question}" + ("" if secret else f" [{default}]"))
        for key, given in self.answers.items():
            if key in question and given:
                return given.pop(0)
        return default

    def confirm(self, question: str, *, default: bool) -> bool:
        self.said.append(f"? {question}")
        return self.answers.get("Trust", ["no"])[0] == "yes" if "Trust" in question else default

    def say(self, text: str) -> None:
        self.said.append(text)


def test_a_person_is_asked_again_until_it_works(
    home: Path, server: SftpServer, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong port, a wrong folder, a wrong zone, a wrong base: each told, asked again, and then right."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", database_url)
    person = Person(
        {
            "Game server": [f"{server.user}@{server.host}"] * 3,
            "Port": [str(free_port()), str(server.port), str(server.port)],
            "Private key": [str(server.key_file)] * 3,
            "Folder of the round files there": ["/gamestats", "/nowhere", server.remote_path],
            "Time zone": ["Mars/Base", "Europe/Ljubljana"],
            "Database": ["mysql://x", "keep"],
            "Play hours": ["evening", "18-2"],
            "static site": [str(Path(__file__).parent), str(home / "site")],
            "Trust": ["yes"],
        }
    )
    answers = interview(PresetAnswers(), settings.load(None), person)
    assert answers.server.port == server.port
    assert answers.server.timezone == "Europe/Ljubljana"
    assert answers.config.cron.hours == "18-2"
    assert answers.sections["site"] == {"path": str(home / "site")}
    assert answers.seen.round_files == 10
    told = "\n".join(person.said)
    for words in (
        "connection refused",
        "/nowhere",
        "no such time zone",
        "postgresql://",
        "expected a range such as 18-2",
        "holds no site of etstats",
        "SHA256:",
    ):
        assert words in told


def test_a_person_may_keep_a_wrong_answer_or_leave(home: Path, tmp_path: Path) -> None:
    """A server that is not up yet can be written down; `q` writes nothing."""
    answers = {"Where": [], "ssh or folder": ["folder"], "Folder": [str(tmp_path / "later")], "(a)nswer": ["k"]}
    kept = interview(
        PresetAnswers(), settings.load(None), Person({**answers, "Database": ["embedded"], "(a)": ["k"]})
    )
    assert kept.server.path == str(tmp_path / "later")
    with pytest.raises(ConfigError, match="nothing was written"):
        interview(PresetAnswers(path=str(tmp_path / "none")), settings.load(None), Person({"(a)nswer": ["q"]}))
