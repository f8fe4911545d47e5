"""init: from nothing to a tried configuration."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etstats.commands.context import Context, context_of

if TYPE_CHECKING:
    from etstats.admin.setup.interview import PresetAnswers

app = typer.Typer()
_SERVER, _WHERE, _THEN = "The game server", "Base and Discord", "Afterwards"


class _Terminal:
    """A person at the terminal; questions go to stderr, like all talk."""

    is_present = True

    def ask(self, question: str, default: str = "", *, secret: bool = False) -> str:
        shown = not secret and bool(default)
        return str(
            typer.prompt(question, default=default, show_default=shown, hide_input=secret, err=True)
        ).strip()

    def confirm(self, question: str, *, default: bool) -> bool:
        return bool(typer.confirm(question, default=default, err=True))

    def say(self, text: str) -> None:
        from etstats import output

        output.say(text)


class _Nobody(_Terminal):
    """No terminal, or --yes: every question has its default."""

    is_present = False

    def ask(self, question: str, default: str = "", *, secret: bool = False) -> str:  # as above
        return default

    def confirm(self, question: str, *, default: bool) -> bool:  # as above
        return default


class _Silent(_Nobody):
    """The same, with -q."""

    def say(self, text: str) -> None:
        pass


@app.command("init", rich_help_panel="Operate")
def init(
    ctx: typer.Context,
    *,
    name: Annotated[str | None, typer.Option("--name", help="What to call it.", rich_help_panel=_SERVER)] = None,
    host: Annotated[str | None, typer.Option(help="Host, or user@host, for SSH.", rich_help_panel=_SERVER)] = None,
    path: Annotated[
        str | None, typer.Option(help="A folder on this machine instead.", rich_help_panel=_SERVER)
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="SSH port.", rich_help_panel=_SERVER)] = None,
    user: Annotated[str | None, typer.Option(help="SSH user.", rich_help_panel=_SERVER)] = None,
    key_file: Annotated[str | None, typer.Option(help="Private key.", rich_help_panel=_SERVER)] = None,
    remote_path: Annotated[
        str | None, typer.Option(help="Folder of the round files there.", rich_help_panel=_SERVER)
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="Its clock, such as Europe/Ljubljana.", rich_help_panel=_SERVER)
    ] = None,
    query: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="The game's own UDP port, to ask who plays.", rich_help_panel=_SERVER
        ),
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Trust a host key that is not known yet.", rich_help_panel=_SERVER)
    ] = False,
    fingerprint: Annotated[
        str | None,
        typer.Option(metavar="SHA256:...", help="Trust the host key if it is this one.", rich_help_panel=_SERVER),
    ] = None,
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Use the bundled PostgreSQL.", rich_help_panel=_WHERE)
    ] = False,
    database_url_file: Annotated[
        Path | None,
        typer.Option(help="A file with the URL of a PostgreSQL; - reads it here.", rich_help_panel=_WHERE),
    ] = None,
    webhook_url_file: Annotated[
        Path | None, typer.Option(help="A file with the webhook's URL; - reads it here.", rich_help_panel=_WHERE)
    ] = None,
    no_webhook: Annotated[
        bool, typer.Option("--no-webhook", help="Post nowhere.", rich_help_panel=_WHERE)
    ] = False,
    post_hello: Annotated[
        bool, typer.Option("--post-hello", help="Post one line to try the webhook.", rich_help_panel=_WHERE)
    ] = False,
    hours: Annotated[
        str | None, typer.Option(metavar="18-2", help="Play hours for cron.", rich_help_panel=_THEN)
    ] = None,
    site: Annotated[
        str | None,
        typer.Option("--site", metavar="DIR", help="Keep a site in this folder.", rich_help_panel=_THEN),
    ] = None,
    first_import: Annotated[
        bool | None, typer.Option("--import/--no-import", help="Fetch everything now.", rich_help_panel=_THEN)
    ] = None,
    cron: Annotated[
        bool | None, typer.Option("--cron/--no-cron", help="Install the cron lines.", rich_help_panel=_THEN)
    ] = None,
    from_env: Annotated[
        Path | None, typer.Option(metavar=".env", help="Take answers from an existing bot's settings.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: flags, what is set, and defaults.")] = False,
) -> int:
    """Set up: ask for server, base and webhook, try each one as it is answered, and write the configuration.

    A second run changes what is asked and keeps the rest of the file. Nothing is written before all is answered.

    Example: etstats init

    Exit codes: 0 done, 2 an answer is wrong, 3 the webhook is gone, 4 key or host key refused, 75 no connection.
    """
    from etstats import output
    from etstats.admin.setup import interview as talk
    from etstats.admin.setup import settings_file
    from etstats.config import loader
    from etstats.errors import ConfigError

    context = context_of(ctx)
    if not yes and not sys.stdin.isatty():
        raise ConfigError("init asks questions, and there is no terminal: add --yes and answer with its flags")
    if embedded and database_url_file:
        raise ConfigError("--embedded and --database-url-file exclude each other; keep one")
    if no_webhook and webhook_url_file:
        raise ConfigError("--no-webhook and --webhook-url-file exclude each other; keep one")
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
        webhook="" if no_webhook else _secret(webhook_url_file, "--webhook-url-file"),
        hours=hours,
        site=site,
        fingerprint=fingerprint,
        trust=trust,
        post_hello=post_hello,
    )
    asker = _Silent() if yes and context.verbosity < 0 else _Nobody() if yes else _Terminal()
    if from_env is not None:
        given = _with_env(given, from_env, asker)
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
    code = 0
    wanted = asker.confirm("Fetch and import everything now?", default=True) if not yes else False
    if first_import or (first_import is None and wanted):
        code = _first_import(context)
    wanted = asker.confirm("Let cron do it from now on?", default=True) if not yes else False
    if cron or (cron is None and wanted):
        from etstats.commands.cron import add_to_crontab

        add_to_crontab(context)
    elif context.verbosity >= 0:
        output.say("Cron does the rest: etstats cron install. All tests again at any time: etstats config check")
    return code


def _first_import(context: Context) -> int:
    from datetime import UTC, datetime

    from etstats import output
    from etstats.commands.sync import tell, watcher
    from etstats.pipeline import sync_run

    with output.progress("files") as move:
        report = sync_run.sync(context.config, now=datetime.now(UTC), since="all", watcher=watcher(move))
    return tell("import", report, quiet=context.verbosity < 0)


def _secret(file: Path | None, flag: str) -> str | None:
    """A secret from a file or from the input, never from the command line, where every user could read it."""
    from etstats.errors import ConfigError

    if file is None:
        return None
    try:
        text = sys.stdin.readline() if str(file) == "-" else file.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{flag} {file}: cannot be read: {error}") from error
    if not text.strip():
        raise ConfigError(f"{flag} {file}: is empty")
    return text.strip()


def _with_env(given: "PresetAnswers", file: Path, asker: _Terminal) -> "PresetAnswers":
    """What the flags leave open, from an existing bot's settings."""
    from dataclasses import replace

    from etstats.admin.setup.from_env import read_env

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
    return replace(
        given,
        database=given.database or moved.database_url,
        gap_minutes=moved.gap_minutes,
        lookback_hours=moved.lookback_hours,
    )
