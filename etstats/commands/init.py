"""init: ask for the settings, test them and write the configuration."""

import shutil
import sys
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from etstats import output
from etstats.admin import crontab, systemd
from etstats.admin.backup import Backup, restorable
from etstats.admin.setup import interview as talk
from etstats.admin.setup import settings_file
from etstats.admin.setup.from_env import read_env
from etstats.admin.setup.interview import PresetAnswers
from etstats.admin.setup.move_in import move_in
from etstats.commands.context import Context, context_of
from etstats.commands.cron import add_to_crontab
from etstats.commands.lock_wait import exclusive_database, patience, wait_notice
from etstats.commands.progress import ProgressBar
from etstats.commands.sync import show_report
from etstats.config import loader
from etstats.config.convert import refuse_if_others_can_read
from etstats.config.schema import Config
from etstats.db.bot_tables import read_bot_tables
from etstats.domain.text import local_time
from etstats.errors import ConfigError, EtstatsError
from etstats.pipeline import sync_run
from etstats.sync.regular_file import read_regular

app = typer.Typer()
_ANSWER = 12  # columns
_CONFLICTS = (
    ("path", "host", "port", "user", "key_file", "remote_path", "trust", "fingerprint"),
    ("embedded", "database_url_file", "schema"),
    ("no_webhook", "webhook_url_file", "post_hello"),
    ("trust", "fingerprint"),
)
"""The first option of each tuple excludes the others."""

_server_option = partial(typer.Option, rich_help_panel="Game server")
_place_option = partial(typer.Option, rich_help_panel="Database and Discord")
_later_option = partial(typer.Option, rich_help_panel="Afterwards")


def _wrapped(question: str) -> str:
    """Wrap a question, so that its last line has room for a short answer."""
    return output.wrapped(question, shutil.get_terminal_size().columns - _ANSWER)


class _Terminal:
    """Asks the user at the terminal; questions go to stderr, like all messages."""

    is_present = True

    def ask(self, question: str, default: str = "", *, secret: bool = False) -> str:
        shown = f"{question} [{default}]" if default and not secret else question
        answer = typer.prompt(_wrapped(shown), default=default, show_default=False, hide_input=secret, err=True)
        return str(answer).strip()

    def confirm(self, question: str, *, default: bool) -> bool:
        return bool(typer.confirm(_wrapped(question), default=default, err=True))

    def say(self, text: str) -> None:
        output.say(text)


class _Defaults(_Terminal):
    """Answers every question with its default: no terminal, or --yes."""

    is_present = False

    def ask(self, question: str, default: str = "", *, secret: bool = False) -> str:  # as above
        return default

    def confirm(self, question: str, *, default: bool) -> bool:  # as above
        return default


class _QuietDefaults(_Defaults):
    """Answers like `_Defaults` and prints nothing: -q."""

    def say(self, text: str) -> None:
        pass


@app.command("init")
def init(
    ctx: typer.Context,
    *,
    name: Annotated[str | None, _server_option("--name", metavar="NAME", help="Name of the server.")] = None,
    host: Annotated[str | None, _server_option(metavar="HOST", help="Host, or user@host, for SSH.")] = None,
    path: Annotated[
        str | None, _server_option(metavar="DIR", help="A folder on this machine instead of SSH.")
    ] = None,
    port: Annotated[int | None, _server_option(min=1, max=65535, metavar="N", help="SSH port.")] = None,
    user: Annotated[str | None, _server_option(metavar="USER", help="SSH user.")] = None,
    key_file: Annotated[str | None, _server_option(metavar="FILE", help="Private key.")] = None,
    remote_path: Annotated[
        str | None, _server_option(metavar="DIR", help="Folder of the round files on the server.")
    ] = None,
    timezone: Annotated[
        str | None, _server_option(metavar="ZONE", help="Time zone, such as Europe/Ljubljana.")
    ] = None,
    query: Annotated[
        str | None, _server_option(metavar="HOST:PORT", help="UDP port of the game, to query the players.")
    ] = None,
    trust: Annotated[bool, _server_option("--trust", help="Trust an unknown host key.")] = False,
    fingerprint: Annotated[
        str | None, _server_option(metavar="SHA256:...", help="Trust the host key with this fingerprint.")
    ] = None,
    embedded: Annotated[bool, _place_option("--embedded", help="Use the bundled PostgreSQL.")] = False,
    database_url_file: Annotated[
        Path | None, _place_option(metavar="FILE", help="File with the URL of a PostgreSQL; -: stdin.")
    ] = None,
    schema: Annotated[str | None, _place_option(metavar="NAME", help="Keep the tables in this schema.")] = None,
    webhook_url_file: Annotated[
        Path | None, _place_option(metavar="FILE", help="File with the URL of the webhook; -: stdin.")
    ] = None,
    no_webhook: Annotated[bool, _place_option("--no-webhook", help="Do not post.")] = False,
    post_hello: Annotated[bool, _place_option("--post-hello", help="Post one line to test the webhook.")] = False,
    hours: Annotated[str | None, _later_option(metavar="18-2", help="Play hours for cron.")] = None,
    site: Annotated[
        str | None, _later_option("--site", metavar="DIR", help="Write the site to this folder.")
    ] = None,
    first_import: Annotated[
        bool | None, _later_option("--import/--no-import", help="Import all files now.")
    ] = None,
    cron: Annotated[bool | None, _later_option("--cron/--no-cron", help="Install the crontab entries.")] = None,
    from_env: Annotated[
        Path | None, typer.Option(metavar=".env", help="Read answers from the .env file of a bot.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: use options, settings and defaults.")] = False,
) -> int:
    """Set up etstats: server, database and webhook.

    Each answer is tested when it is given. The configuration is written after the last one.

    A second run changes the answered settings and keeps the rest of the file. A trusted host key and the embedded
    database are kept even if you quit.

    Example: etstats init

    Exit codes: 0 done, 2 an answer is wrong, 3 the webhook is gone, 4 key or host key refused, 75 no connection.
    """
    context = context_of(ctx)
    if not yes and not sys.stdin.isatty():
        raise ConfigError(
            "init asks questions, and there is no terminal: add --yes and give the answers as options"
        )
    flags = {name for name, value in ctx.params.items() if value not in {None, False}}
    for one, *others in _CONFLICTS:
        for other in others:
            if {one, other} <= flags:
                raise ConfigError(f"{_flag(one)} and {_flag(other)} exclude each other; keep one")
    file = context.config_file or loader.default_path()
    given = talk.PresetAnswers(
        name=name,
        host=host,
        path=path,
        port=port,
        user=user,
        key_file=key_file,
        remote_path=remote_path,
        timezone=timezone,
        query=query,
        database=talk.EMBEDDED if embedded else _secret(database_url_file, "--database-url-file"),
        schema=schema,
        webhook="" if no_webhook else _secret(webhook_url_file, "--webhook-url-file"),
        hours=hours,
        site=site,
        fingerprint=fingerprint,
        trust=trust,
        post_hello=post_hello,
    )
    asker = _QuietDefaults() if yes and context.verbosity < 0 else _Defaults() if yes else _Terminal()
    bot_url = None
    if from_env is not None:
        given, bot_url = _with_env(given, from_env, asker)
    current = loader.load(file, may_be_missing=True)
    answers = talk.interview(given, current, asker)
    settings_file.update(
        file,
        top=loader.folders_in_environment(),
        sections=answers.sections,
        server=(answers.server.name, talk.server_section(answers.server)),
        check=loader.load,
    )
    asker.say(f"Written: {file}")
    context = Context(config_file=file, verbosity=context.verbosity)
    backup = _restorable(context, current, asker)
    _begin_posting(context, asker)
    code = 0
    asks = not yes and backup is None  # a restore comes before the first import and cron
    if first_import is None:
        first_import = asks and asker.confirm("Fetch and import all files now?", default=True)
    if first_import:
        code = _first_import(context)
    if bot_url is not None:
        _move_in(context, bot_url, asker)
    if cron is None:
        cron = asks and asker.confirm("Install the cron entries?", default=True)
    if cron:
        add_to_crontab(context)
    if backup is not None:
        asker.say("Next: etstats restore latest")
    if not (cron or crontab.is_installed() or systemd.is_installed()):
        asker.say(
            "Next: etstats cron install, or etstats systemd install. To test all settings: etstats config check"
        )
    return code


def _restorable(context: Context, before: Config, asker: _Terminal) -> Backup | None:
    """Return and report the backup to restore next; None also if the database cannot be reached."""
    try:
        moved = before.database != context.config.database
        found = restorable(context.config, datetime.now(UTC), moved=moved)
    except EtstatsError:
        return None
    if found is not None:
        asker.say(f"This database does not have the rounds of the backup of {local_time(found.made_at)}.")
    return found


def _begin_posting(context: Context, asker: _Terminal) -> None:
    """Record the time from which rounds are posted, before any file is fetched."""
    try:
        since = sync_run.begin_posting(context.config, datetime.now(UTC))
    except EtstatsError as error:  # the answer was kept although its test failed
        asker.say(f"Posting begins with the first successful `etstats sync --post`: {error}")
        return
    if since is not None:
        asker.say(f"Rounds that ended since {local_time(since)} are posted to Discord, older ones are not.")


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _first_import(context: Context) -> int:
    with output.progress("files") as move:
        report = sync_run.sync(
            context.config,
            now=datetime.now(UTC),
            since="all",
            patience=patience(None, context),
            progress=ProgressBar(move, wait_notice(context)),
        )
    return show_report("import", report, quiet=context.verbosity < 0)


def _secret(file: Path | None, flag: str) -> str | None:
    """Return a secret from a file or stdin; every user could read it on the command line."""
    if file is None:
        return None
    try:
        text = sys.stdin.readline() if str(file) == "-" else read_regular(file.expanduser()).decode()
    except OSError as error:
        raise ConfigError(f"{flag} {file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{flag} {file}: cannot be read: {error}") from error
    if not text.strip():
        raise ConfigError(f"{flag} {file}: is empty")
    if file.expanduser().is_file():
        refuse_if_others_can_read(file.expanduser())
    return text.strip()


def _move_in(context: Context, url: str, asker: _Terminal) -> None:
    """Copy links and names from the bot's database; report tables that cannot be read, and continue."""
    try:
        found = read_bot_tables(url)
        with exclusive_database(context, None) as conn:
            moved = move_in(conn, found)
    except EtstatsError as error:
        asker.say(f"no links or names copied from the bot's database: {error}")
        return
    if any(moved):
        asker.say(str(moved))


def _with_env(given: PresetAnswers, file: Path, asker: _Terminal) -> tuple[PresetAnswers, str | None]:
    """Return the options completed from an existing bot's settings, and the URL of its database."""
    moved = read_env(file.expanduser())
    for note in moved.notes:
        asker.say(f"{file.name}: {note}")
    if given.path is None:
        given = replace(
            given,
            host=given.host or moved.host,
            port=given.port or moved.port,
            user=given.user or moved.user,
            key_file=given.key_file or moved.key_file,
            remote_path=given.remote_path or moved.remote_path,
        )
    given = replace(
        given,
        database=given.database or moved.database_url,
        gap_minutes=moved.gap_minutes,
        lookback_hours=moved.lookback_hours,
    )
    return given, moved.database_url
