"""Secrets appear nowhere: every command, every way to fail, and a search through all that was said and written."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from etstats.cli import command_tree
from etstats.demo.discord import StandIn
from etstats.post.webhook import client
from tests.conftest import CliResult
from tests.support.files import GUIDS, round_file
from tests.support.sftp_server import free_port

Cli = Callable[..., CliResult]

PASSWORD = "hunter2-p@ss/w:rd"
QUOTED = "hunter2-p%40ss%2Fw%3Ard"
PING = "ping-token-0123456789"
COMMANDS = (
    ["sync", "--post"],
    ["sync", "--dry-run"],
    ["import", "{folder}"],
    ["post"],
    ["post", "--refresh"],
    ["post", "--dry-run", "--round", "last"],
    ["rebuild", "--yes"],
    ["rebuild", "--verify"],
    ["validate"],
    ["diagnose"],
    ["explain", "last", GUIDS[0]],
    ["quarantine"],
    ["health"],
    ["health", "--json"],
    ["leaderboard"],
    ["player", GUIDS[0]],
    ["session"],
    ["round"],
    ["config", "show"],
    ["config", "show", "--json"],
    ["config", "check"],
    ["cron", "show"],
    ["db", "status"],
    ["db", "status", "--json"],
    ["db", "migrate"],
    ["backup"],
    ["export", "--to", "{home}/out"],
    ["links"],
    ["compare", GUIDS[0], GUIDS[1]],
    ["find", "e"],
    ["maps"],
    ["weapons"],
    ["records"],
    ["season"],
    ["sessions"],
    ["rounds"],
    ["awards"],
    ["achievements"],
    ["quarantine", "list"],
    ["quarantine", "retry"],
    ["quarantine", "show", "1"],
    ["quarantine", "discard", "1"],
    ["players"],
    ["rating"],
    ["teams", GUIDS[0], GUIDS[1]],
    ["duos"],
    ["rivals", GUIDS[0]],
    ["status"],
    ["recap", "week"],
    ["correct", "list"],
    ["correct", "merge", GUIDS[0], GUIDS[1]],
    ["correct", "split", GUIDS[1]],
    ["correct", "void", "last"],
    ["correct", "unvoid", "last"],
    ["correct", "rename", GUIDS[0], "renamed"],
    ["correct", "team-name", "last", "1", "named"],
    ["correct", "exclude-map", "supply"],
    ["correct", "include-map", "supply"],
    ["correct", "undo", "1"],
    ["db", "rename-server", "none", "other"],
    ["systemd", "show"],
    ["docs", "setup"],
    ["link", GUIDS[0], "100000000000000000"],
    ["unlink", GUIDS[0]],
    ["hide", GUIDS[0]],
    ["restore", "latest", "--yes"],
    ["forget", GUIDS[0], "--yes"],
    ["db", "start"],
    ["db", "stop"],
)
ELSEWHERE = {
    "site build": "writes pages from the database, which holds no secret",
    "site serve": "runs until it is stopped",
    "demo": "has settings of its own, and none of these",
    "init": "asks for them: tests/setup",
    "watch": "is `sync` again and again: tests/ops",
    "systemd install": "writes units and starts them: tests/admin/operations",
    "systemd remove": "removes units: tests/admin/operations",
    "cron install": "writes into a crontab: tests/ops",
    "cron remove": "writes into a crontab: tests/ops",
}
"""What cannot be called here, and why."""


def _names(group: Any, before: tuple[str, ...] = ()) -> Iterator[str]:
    for name, command in group.commands.items():
        path = (*before, name)
        if hasattr(command, "commands"):
            yield from _names(command, path)
        else:
            yield " ".join(path)


def test_every_command_is_tested() -> None:
    """A new command is in the list above, or has a reason that names another test."""
    called = {" ".join(words[:count]) for words in COMMANDS for count in (1, 2)}
    assert [name for name in _names(command_tree()) if name not in called | set(ELSEWHERE)] == []


@pytest.fixture
def discord() -> Iterator[StandIn]:
    """A Discord stand-in without faults."""
    with StandIn(limited=False) as stand_in:
        yield stand_in


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments of all started processes, as `ps` would show them."""
    lines: list[str] = []
    begin = subprocess.Popen.__init__

    def seen(self: Any, args: Any, *rest: Any, **options: Any) -> None:
        lines.append(repr(args))
        begin(self, args, *rest, **options)

    monkeypatch.setattr(subprocess.Popen, "__init__", seen)
    return lines


class Workspace:
    """Settings full of secrets, and a search for them."""

    def __init__(self, cli: Cli, home: Path, started: list[str], folder: Path) -> None:
        self.cli, self.home, self.started, self.folder = cli, home, started, folder
        self.said: list[str] = []

    def configure(self, webhook: str, database: str | None) -> Path:
        """Write settings with these URLs."""
        path = self.home / "secret.toml"
        path.touch(mode=0o600)
        lines = [f'[[servers]]\nname = "main"\npath = "{self.folder}"\n[discord]\nwebhook_url = "{webhook}"']
        lines += ["charts = false", "session_end_minutes = 1", "[health]"]
        lines += [f'ping_url = "http://127.0.0.1:{free_port()}/{PING}"']
        lines += [f'[database]\nurl = "{database}"'] if database else []
        path.write_text("\n".join(lines) + "\n")
        return path

    def run(self, *words: str | Path, code: set[int] | None = None) -> CliResult:
        """Run a command with all its output."""
        done = self.cli(*words)
        self.said.append(f"{words}: {done.out}{done.err}")
        assert code is None or done.code in code, (words, done)
        return done

    def assert_not_shown(self, *secrets: str) -> None:
        """Assert that no output, no other file of the home folder and no process has one of the secrets."""
        for secret in secrets:
            assert not [line for line in self.started if secret in line]
            assert not [text for text in self.said if secret in text]
            for path in self.home.rglob("*"):
                if path.is_file() and path.suffix not in (".toml", ".secret"):
                    assert secret.encode() not in path.read_bytes(), path


@pytest.fixture
def workspace(cli: Cli, home: Path, started: list[str], tmp_path: Path) -> Workspace:
    """One map of a server that is a local folder."""
    folder = tmp_path / "gamestats"
    folder.mkdir()
    for file in (round_file("2025-10-02-213000"), round_file("2025-10-02-214000", 2, limit="5:00")):
        (folder / file.name).write_bytes(file.content)
    return Workspace(cli, home, started, folder)


@pytest.mark.parametrize("loud", ["-v", "-q"])
def test_no_successful_command_shows_a_secret(
    workspace: Workspace, discord: StandIn, database_url: str, loud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every command, talkative and quiet, with a password in the database's address and a token in the
    webhook's."""
    monkeypatch.setenv("ETSTATS_DATABASE_URL", database_url.replace("etstats@", f"etstats:{QUOTED}@"))
    hook = discord.add_webhook()
    settings = workspace.configure(hook.url, None)
    for words in COMMANDS:
        arguments = [word.format(folder=workspace.folder, home=workspace.home) for word in words]
        done = workspace.run(loud, "--config", settings, *arguments)
        assert "--help" not in done.err, "these words are not understood, so nothing was tried"
    workspace.run(loud, "--config", settings, "post", "--since", "all", code={0, 75})
    assert discord.posts
    workspace.assert_not_shown(PASSWORD, QUOTED, hook.token, PING)


def _refused(url: str) -> str:
    return url.replace(url.partition("/api/")[0], f"http://127.0.0.1:{free_port()}")


@pytest.mark.parametrize(
    "breakage",
    [
        pytest.param(_refused, id="nobody listens"),
        pytest.param(lambda url: url.replace("127.0.0.1", "no-such-host.invalid"), id="no such host"),
        pytest.param(lambda url: url.replace("/webhooks/", "/webhooks/1"), id="unknown webhook"),
        pytest.param(lambda url: url.replace("secret-token", "secret-token-wrong"), id="wrong token"),
        pytest.param(lambda url: url.replace("http://", "ftp://"), id="not http"),
        pytest.param(lambda url: url.replace("/api/webhooks", ""), id="no webhook"),
    ],
)
def test_failing_webhook_is_not_shown(
    workspace: Workspace, discord: StandIn, breakage: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With any wrong or unreachable URL, neither the URL nor its token is printed, even with -v."""
    monkeypatch.setattr(client, "_ATTEMPTS", 1)  # each says the same, after longer and longer pauses
    hook = discord.add_webhook()
    settings = workspace.configure(breakage(hook.url), None)
    for words in (
        ["import", workspace.folder],
        ["post", "--since", "all"],
        ["sync", "--post"],
        ["config", "check"],
        ["health"],
    ):
        workspace.run("-v", "--config", settings, *words)
    workspace.assert_not_shown(hook.token, "secret-token", PING)


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://u:{QUOTED}@127.0.0.1:{{port}}/base",
        f"postgresql://u:{QUOTED}@no-such-host.invalid/base",
        f"postgresql://u:{PASSWORD}@127.0.0.1:{{port}}/base",
        f"host=127.0.0.1 port={{port}} password={PASSWORD}",
        f"postgresql://u:{QUOTED}@127.0.0.1:{{port}}/base?bogus=1",
        f"mysql://u:{QUOTED}@127.0.0.1/base",
        f"postgresql://u:{QUOTED}@[::1/base",
    ],
)
def test_password_of_an_unreachable_database_is_not_shown(
    workspace: Workspace, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With any wrong or unreachable URL, the password is not printed in any encoding, even with -v."""
    monkeypatch.delenv("ETSTATS_DATABASE_URL")
    settings = workspace.configure(
        "https://discord.com/api/webhooks/1/secret-token-1", address.format(port=free_port())
    )
    for words in (
        ["sync"],
        ["leaderboard", "--top", "kd"],
        ["config", "check"],
        ["config", "show"],
        ["db", "status"],
    ):
        workspace.run("-v", "--config", settings, *words)
    workspace.assert_not_shown(PASSWORD, QUOTED, "hunter2", "secret-token-1")


def test_password_of_an_unreachable_replica_is_not_shown(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This also holds for read_url, from the settings and from the environment."""
    address = f"postgresql://u:{QUOTED}@127.0.0.1:{free_port()}/base"
    settings = workspace.configure("https://discord.com/api/webhooks/1/secret-token-1", None)
    settings.write_text(settings.read_text() + f'[database]\nread_url = "{address}"\n')
    for words in (["sessions"], ["config", "show"], ["config", "check"], ["db", "status"], ["health"]):
        workspace.run("-v", "--config", settings, *words)
    monkeypatch.setenv("ETSTATS_DATABASE_READ_URL", address.replace("hunter2", "hunter3"))
    workspace.run("-v", "--config", settings, "sessions", code={75})
    workspace.assert_not_shown(PASSWORD, QUOTED, "hunter2", "hunter3")


@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://u:{QUOTED}@127.0.0.1/base",
        f"postgresql://u:{PASSWORD}@127.0.0.1/base",
        f"postgresql://127.0.0.1/base?password={QUOTED}",
        f"host=127.0.0.1 password={PASSWORD}",
    ],
)
def test_password_on_the_command_line_is_not_repeated(workspace: Workspace, address: str) -> None:
    """Other users can read it there: the error names safer places and does not repeat the password."""
    done = workspace.cli("-v", "--read-url", address, "sessions")
    assert done.code in (2, 75)
    assert "ETSTATS_DATABASE_READ_URL" in done.err
    workspace.said.append(done.out + done.err)
    workspace.assert_not_shown(PASSWORD, QUOTED, "hunter2")


@pytest.mark.parametrize(
    "text",
    [
        '[discord]\nwebhook_url = ["https://discord.com/api/webhooks/1/secret-token-1"]\n',
        '[discord]\nwebhook_url = "https://discord.com/api/webhooks/1/secret-token-1\n',
        '[discord]\nwebhok_url = "https://discord.com/api/webhooks/1/secret-token-1"\n',
        '[database]\nurl = {password = "secret-token-1"}\n',
        '[discord]\nthread_id = "secret-token-1"\nkinds = ["secret-token-1"]\n',
    ],
)
def test_invalid_settings_are_not_quoted(workspace: Workspace, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error in the file is reported by its position, not by its text."""
    monkeypatch.delenv("ETSTATS_DATABASE_URL")
    path = workspace.home / "wrong.secret"
    path.touch(mode=0o600)
    path.write_text(text)
    done = workspace.run("-v", "--config", path, "config", "show", code={2})
    assert "wrong.secret" in done.err
    workspace.assert_not_shown("webhooks/1")


def test_internal_error_shows_no_secret(
    workspace: Workspace, discord: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected exception whose message contains the URL is redacted, in traceback and log too."""
    hook = discord.add_webhook()
    settings = workspace.configure(hook.url, None)

    def broken(*_: object, **__: object) -> None:
        raise requests.exceptions.InvalidSchema(f"cannot POST {hook.url}?wait=true")

    monkeypatch.setattr("etstats.pipeline.sync_run.open_database", broken)
    done = workspace.run("-v", "--config", settings, "sync", code={1})
    assert "cannot POST ***" in done.err
    assert "Traceback" in done.err
    workspace.assert_not_shown(hook.token)
