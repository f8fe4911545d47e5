"""Check the state of the database, servers, posts, backups and disk."""

import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from etstats.admin import crontab, repeats
from etstats.admin.backup import TOMORROW, Backup, backups, folder_of
from etstats.admin.backup import newest as newest_backup
from etstats.admin.repeats import not_fetched, quarantined, refused_name
from etstats.config.environment import default_state_dir
from etstats.config.schema import Config
from etstats.db import checks, embedded, maintenance, migrations, server_status
from etstats.db.backup_file import read_manifest
from etstats.db.quarantine import Quarantined, entries
from etstats.db.server_status import FileArrival, HealthFacts, NewestFile, ServerStatus
from etstats.domain.fields import FIELDS
from etstats.domain.rules.hours import hours_of
from etstats.domain.text import bytes_in_words, local_time, pluralize
from etstats.errors import BackupError, ParseError
from etstats.importer.anonymize import Pseudonyms
from etstats.parser.anomalies import are_counters_foreign
from etstats.parser.reader import parse
from etstats.pipeline.anonymized_copies import are_copies_current
from etstats.pipeline.database import open_database, stopwatch_hints
from etstats.pipeline.poll_schedule import is_playing, is_script_dead
from etstats.pipeline.site_update import NOT_UPDATED, outdated_since, zone_of
from etstats.post.publish.admin_channel import show_findings
from etstats.post.publish.destinations import has_webhook
from etstats.post.publish.manual import unresolved
from etstats.post.publish.report import PostReport
from etstats.post.render.admin_messages import HealthFinding

_LEAST_FREE_BYTES = 500_000_000
_CLOCK_AHEAD = timedelta(seconds=5)
_QUARTER, _SAVED_WITHIN = 900, 120
_ENOUGH_FILES = 3
_POLL_OVERDUE = timedelta(hours=1)
_MISSED_FOR = timedelta(hours=1)
_UNREACHABLE_FOR = timedelta(minutes=10)
_SITE_OVERDUE = timedelta(minutes=10)
_FETCHED_LIVE = timedelta(minutes=5)
_NEW_FILE = timedelta(days=8)  # as in `health_facts`
_CLOCK_TOLERANCE = timedelta(minutes=1)  # the database's clock is another one than that of the backups


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A checked item: name, state, and a text with the solution.

    `problems` identify what is wrong, with the messages of a scheduled `sync` about the same; empty: the name.
    """

    name: str
    ok: bool
    text: str
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """All signs, and the numbers they are based on; sizes in bytes."""

    at: datetime
    signs: tuple[Sign, ...]
    facts: HealthFacts
    newest_backup: Backup | None
    free_bytes: int

    @property
    def is_well(self) -> bool:
        """Return whether there are no problems."""
        return all(sign.ok for sign in self.signs)


def examine(config: Config, now: datetime) -> Health:
    """Check database, servers, posts, backups and disk; DatabaseError if the database does not respond."""
    with open_database(config) as conn:
        reported = []
        if has_webhook(config.discord):  # first, because it deletes the states of channels that are not in use
            reported = unresolved(conn, config.discord, config.timezone, now).reported
        is_anonymized = are_copies_current(Pseudonyms(conn), config.copies_root)
        missing, has_wrong_time = migrations.missing_objects(conn), checks.finds(conn, "round_time_impossible")
        facts, known, arrivals = (
            server_status.health_facts(conn),
            server_status.statuses(conn),
            server_status.recent_arrivals(conn),
        )
        newest_files = server_status.newest_files(conn)
        hints = stopwatch_hints(conn, config)
        bad_files = entries(conn)
        version = maintenance.database_facts(conn).server_version if config.database.url is None else None
    all_backups = backups(folder_of(config))
    newest = newest_backup(all_backups, now)
    free = min(_free(path) for path in (config.data_dir, config.state_dir, folder_of(config)))
    signs = (
        *_settings(config),
        *_schedule(now),
        *_files(facts, config),
        *(sign for server in config.servers for sign in _server(server.name, known.get(server.name), config, now)),
        *(sign for server in config.servers for sign in _names(known.get(server.name), server.name)),
        *_clocks(arrivals),
        *(Sign(name=f"stopwatch {server}", ok=False, text=text) for server, text in hints.items()),
        *_dates(facts, known),
        *_scripts(newest_files),
        *_own_clock(facts, all_backups, now),
        _posts(facts, config, reported),
        _quarantine(facts, bad_files),
        *_site(outdated_since(config), now),
        _database(facts, all_backups),
        *_schema(missing),
        *_round_times(has_wrong_time=has_wrong_time),
        *_embedded(version),
        _counts(facts),
        *_copies(config, is_anonymized=is_anonymized),
        _backup(newest, facts, config, now),
        _disk(free),
    )
    return Health(at=now, signs=signs, facts=facts, newest_backup=newest, free_bytes=free)


def publish(config: Config, found: Health) -> PostReport:
    """Show the findings in the admin channel, if configured; DatabaseError: the database does not respond."""
    if config.discord.admin_webhook_url is None:
        return PostReport()
    findings = [HealthFinding(name=sign.name, text=sign.text) for sign in found.signs if not sign.ok]
    with open_database(config) as conn:
        return show_findings(
            conn,
            config.discord,
            found.at,
            zone_of(config),
            findings,
            limit_seconds=config.discord.run_limit,
        )


def _settings(config: Config) -> Iterator[Sign]:
    """Return a finding if no server is configured."""
    if not config.servers:
        yield Sign(name="servers", ok=False, text="none is configured; run: etstats init")


def _schedule(now: datetime) -> Iterator[Sign]:
    """Return whether cron runs the installed entries, and the time of the last run."""
    if not crontab.is_installed():
        return
    last = repeats.last_scheduled_run(default_state_dir())
    text = f"installed; last run {_ago(now - last)}" if last else "installed; no run yet"
    if not crontab.is_daemon_running():
        text += ", and no cron daemon is running. Start it, as root: systemctl enable --now cron"
        yield Sign(name="cron", ok=False, text=text)
    else:
        yield Sign(name="cron", ok=True, text=text)


def _files(facts: HealthFacts, config: Config) -> Iterator[Sign]:
    if facts.last_import is None or facts.last_round is None:
        yield Sign(name="last file", ok=True, text="none yet; fetch with: etstats sync")
        return
    age = facts.at - facts.last_round
    text = f"{_moment(facts.last_round)}, {_ago(age)}; imported {_ago(facts.at - facts.last_import)}"
    if age > timedelta(days=config.health.max_file_age_days):
        yield Sign(
            name="last file",
            ok=False,
            text=f"{text}. Does the game server still write files? Run: etstats diagnose",
        )
    else:
        yield Sign(name="last file", ok=True, text=text)


def _server(name: str, status: ServerStatus | None, config: Config, now: datetime) -> Iterator[Sign]:
    subject = f"server {name}"
    if status is not None and status.failure is not None and status.failed_since is not None:
        length = now - status.failed_since
        is_bad = status.is_refused or length > _UNREACHABLE_FOR
        text = f"{status.failure} (since {_moment(status.failed_since)})"
        shown = text if is_bad else f"no answer for {_span(length)}: {text}"
        yield Sign(name=subject, ok=not is_bad, text=shown, problems=(status.failure,))
        return
    if status is None or status.polled_at is None:
        yield Sign(name=subject, ok=True, text="not polled yet; run: etstats sync")
        return
    age = now - status.polled_at
    text = f"polled {_ago(age)}"
    if status.people is not None and is_playing(status, now):
        text += f", {status.people} playing"
    hour_ago = now - _POLL_OVERDUE
    hours = hours_of(config.cron.hours)
    overdue = age > _POLL_OVERDUE and {now.astimezone().hour, hour_ago.astimezone().hour} <= set(hours)
    if overdue:
        yield Sign(
            name=subject,
            ok=False,
            text=f"{text}, in play hours. Does cron run? See: etstats cron show, and the log",
        )
    elif is_script_dead(status, now):
        yield Sign(
            name=subject,
            ok=False,
            text=f"{status.people} players online since {_moment(status.people_since or now)}, but no file: "
            "the game server's statistics script does not write files; restart it",
            problems=(f"{name}: players, but no file",),
        )
    elif status.missed_since is not None and now - status.missed_since > _MISSED_FOR:
        yield Sign(
            name=subject,
            ok=False,
            text=f"{pluralize(status.missed, 'file')} cannot be fetched since {_moment(status.missed_since)}. "
            "See: etstats diagnose",
            problems=(not_fetched(name),),
        )
    else:
        yield Sign(name=subject, ok=True, text=text)


def _names(status: ServerStatus | None, name: str) -> Iterator[Sign]:
    """Return a finding for files that end like round files but have invalid names."""
    if status is not None and status.refused_names:
        first, *others = status.refused_names
        more = f" and {len(others)} more" if others else ""
        text = f"refused by name: {first}{more}. See: etstats diagnose"
        problems = tuple(refused_name(filename) for filename in status.refused_names)
        yield Sign(name=f"file names {name}", ok=False, text=text, problems=problems)


def _clocks(arrivals: Iterable[FileArrival]) -> Iterator[Sign]:
    """Compare the server's clock with ours, and its configured time zone with its file names."""
    by_server: dict[str, list[FileArrival]] = defaultdict(list)
    for arrival in arrivals:
        by_server[arrival.server].append(arrival)
    for server, files in sorted(by_server.items()):
        ahead = max(file.written_at - file.processed_at for file in files)
        offsets = {_zone_error(file) for file in files}
        wrong = next(iter(offsets)) if len(offsets) == 1 and len(files) >= _ENOUGH_FILES else None
        quickest = min(file.processed_at - file.written_at for file in files)
        if wrong:
            text = f"file names are {wrong / 3600:+.2g} h off the files' times: wrong time zone. Run: etstats init"
            yield Sign(name=f"clock {server}", ok=False, text=text, problems=(f"time zone {server}",))
        elif ahead > _CLOCK_AHEAD:
            text = f"{_span(ahead)} ahead of this machine's: set both with NTP"
            yield Sign(name=f"clock {server}", ok=False, text=text)
        elif quickest < _FETCHED_LIVE:
            yield Sign(name=f"clock {server}", ok=True, text=f"agrees; the fastest file took {_span(quickest)}")


def _dates(facts: HealthFacts, known: Mapping[str, ServerStatus]) -> Iterator[Sign]:
    """Return a finding if dates in names differ from file times: the game server's clock is wrong."""
    names = sorted({*facts.future_files, *(name for status in known.values() for name in status.misdated_names)})
    if names:
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        text = (
            f"{names[-1]}{more}: date in the name and file time differ. Set the clock of the game server; for "
            "rounds dated in the future the file time is used"
        )
        yield Sign(name="file dates", ok=False, text=text)


def _scripts(files: Iterable[NewestFile]) -> Iterator[Sign]:
    """Return findings about the game server's script: newer layout, carried-over counters."""
    wrong: dict[str, list[str]] = defaultdict(list)
    newer: dict[str, int] = {}
    for file in files:
        with suppress(ParseError):  # `validate` reports it
            raw = parse(file.filename, file.content)
            if are_counters_foreign(raw):
                wrong[file.server].append(file.filename)
            if raw.extra_fields:
                newer[file.server] = max(newer.get(file.server, 0), len(FIELDS) + raw.extra_fields)
    for server, count in newer.items():
        text = f"lines have {count} fields; this version reads {len(FIELDS)} and keeps the rest in the archive"
        yield Sign(name=f"script {server}", ok=True, text=text)
    for server, names in wrong.items():
        text = (
            f"{pluralize(len(names), 'file')} of this week, such as {names[0]}: the K/D of most players is not "
            "that of their weapons; the game server carries counters over from another map. "
            "See: etstats docs format"
        )
        yield Sign(name=f"counters {server}", ok=False, text=text)


def _own_clock(facts: HealthFacts, all_backups: Sequence[Backup], now: datetime) -> Iterator[Sign]:
    """Return a finding if stored times of this machine are in the future: its clock was wrong."""
    misdated = [backup.path.name for backup in all_backups if backup.made_at > now + TOMORROW][:3]
    wrong = [*facts.wrong_times, *misdated]
    if wrong:
        text = (
            f"in the future: {', '.join(wrong)}. This machine's clock was or is wrong; check it with: timedatectl"
        )
        if misdated:
            text += ". Rename or delete backups dated in the future"
        yield Sign(name="clock", ok=False, text=text, problems=tuple(f"in the future: {what}" for what in wrong))


def _zone_error(file: FileArrival) -> int:
    """Return the difference of name and mtime in seconds, in whole quarter hours; 0 also if it is meaningless."""
    difference = (file.ended_at - file.written_at).total_seconds()
    whole = round(difference / _QUARTER) * _QUARTER
    return whole if abs(difference - whole) <= _SAVED_WITHIN else 0


def _posts(facts: HealthFacts, config: Config, reported: Sequence[str]) -> Sign:
    if facts.last_post:
        last = f"last {_ago(facts.at - facts.last_post)}"
    elif not has_webhook(config.discord):
        last = "no webhook is set, so nothing is posted. Set one with: etstats init"
    elif facts.posting_since is None:
        last = "none yet; rounds that end after the next run are posted: etstats sync --post"
    else:
        last = f"none yet; rounds that ended since {local_time(facts.posting_since)} are posted"
    wrong = (
        (
            facts.channels_gone,
            f"{pluralize(facts.channels_gone, 'webhook')} gone: set a new one with etstats init",
        ),
        (
            facts.channels_held,
            f"{pluralize(facts.channels_held, 'channel')} held after failures: etstats config check",
        ),
        (
            facts.posts_unknown,
            f"{facts.posts_unknown} with unknown delivery: look in the channel, then "
            "etstats post --resolve all --as sent (or failed)",
        ),
        (facts.posts_failed, f"{facts.posts_failed} refused by Discord: etstats post --retry-failed"),
        (facts.posts_late, f"{facts.posts_late} waiting for over an hour: etstats post"),
    )
    problems = "; ".join(text for count, text in wrong if count)
    if problems:
        # Posts also wait because of another problem.
        reasons = tuple(reported) or ("posts wait",)
        return Sign(name="posts", ok=False, text=f"{problems}; {last}", problems=reasons)
    return Sign(name="posts", ok=True, text=last + (f", {facts.posts_open} to go" if facts.posts_open else ""))


def _site(changed_at: datetime | None, now: datetime) -> Iterator[Sign]:
    """Return a finding if the site lacks a change for longer than a build takes."""
    if changed_at is not None and now - changed_at > _SITE_OVERDUE:
        text = f"not updated since {_moment(changed_at)}. Run: etstats site build"
        yield Sign(name="site", ok=False, text=text, problems=(NOT_UPDATED,))


def _quarantine(facts: HealthFacts, bad_files: Sequence[Quarantined]) -> Sign:
    # Discarded files are kept too, so there may be bytes without a listed file.
    text = pluralize(facts.quarantined, "file") if facts.quarantined else "empty"
    if facts.quarantine_bytes:
        text += f", {bytes_in_words(facts.quarantine_bytes)} kept"
    if facts.newly_quarantined:
        new = f"{text}, {facts.newly_quarantined} of them this week. See: etstats quarantine list"
        first_day = f"{facts.at - _NEW_FILE:%Y-%m-%d}"
        problems = tuple(
            quarantined(file.filename, (f"line {file.line}: " if file.line else "") + file.reason)
            for file in bad_files
            if file.filename > first_day
        )
        return Sign(name="quarantine", ok=False, text=new, problems=problems)
    return Sign(name="quarantine", ok=True, text=text)


def _database(facts: HealthFacts, all_backups: Sequence[Backup]) -> Sign:
    """Return a finding if all files were imported after a backup that has rounds: the database was lost."""
    text = f"{bytes_in_words(facts.size_bytes)}, {pluralize(facts.rounds, 'round')}"
    for backup in all_backups:
        if backup.is_before_restore or not _is_older(backup.made_at, facts):
            continue
        with suppress(BackupError):
            manifest = read_manifest(backup.path)
            rounds = manifest.rows_of("rounds")
            if rounds and _is_older(manifest.made_at, facts):
                text += (
                    f", newer than the backup of {_moment(manifest.made_at)} with {pluralize(rounds, 'round')}. "
                    f"If the database was lost, run: etstats restore {backup.path}. If not, delete that backup"
                )
                return Sign(name="database", ok=False, text=text)
    return Sign(name="database", ok=True, text=text)


def _is_older(made_at: datetime, facts: HealthFacts) -> bool:
    """Return whether all files were imported after a backup."""
    return facts.first_import is None or made_at + _CLOCK_TOLERANCE < facts.first_import


def _schema(missing: list[str]) -> Iterator[Sign]:
    if missing:
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        text = f"missing or changed: {shown}. See: etstats db status"
        yield Sign(name="schema", ok=False, text=text, problems=tuple(f"schema: {name}" for name in missing))


def _round_times(*, has_wrong_time: bool) -> Iterator[Sign]:
    if has_wrong_time:
        yield Sign(name="round times", ok=False, text="a round has an impossible time. See: etstats validate")


def _embedded(version: str | None) -> Iterator[Sign]:
    """Compare the embedded server's release with the installed one."""
    if version is None:
        return
    if newer := embedded.newer_version(version):
        text = f"{version} is running, {newer} is installed. Restart it: etstats db stop"
        yield Sign(name="PostgreSQL", ok=False, text=text)
    else:
        yield Sign(name="PostgreSQL", ok=True, text=version)


def _counts(facts: HealthFacts) -> Sign:
    if facts.counting_files != facts.rounds:
        text = f"{pluralize(facts.counting_files, 'good file')}, but {pluralize(facts.rounds, 'round')}"
        text += ". See: etstats rebuild --verify"
        return Sign(name="counts", ok=False, text=text)
    return Sign(name="counts", ok=True, text=f"{facts.counting_files:,} files, {facts.counting_files:,} rounds")


def _copies(config: Config, *, is_anonymized: bool) -> Iterator[Sign]:
    """Return a finding if `forget`, or the run after it, was killed before it rewrote the local copies."""
    if not is_anonymized:
        text = f"{config.copies_root} may still contain a forgotten player. Run: etstats sync"
        yield Sign(name="local copies", ok=False, text=text)


def _backup(newest: Backup | None, facts: HealthFacts, config: Config, now: datetime) -> Sign:
    oldest_allowed = timedelta(hours=config.health.max_backup_age_hours)
    if newest is None:
        is_young = facts.first_import is None or facts.at - facts.first_import < oldest_allowed
        return Sign(
            name="backup", ok=is_young, text=f"none in {folder_of(config)}. Create one with: etstats backup"
        )
    age = now - newest.made_at
    text = f"{_ago(age)}, {bytes_in_words(newest.size_bytes)}, in {newest.path.parent}"
    if age > oldest_allowed:
        return Sign(name="backup", ok=False, text=f"{text}. Does the nightly backup run? See: etstats cron show")
    return Sign(name="backup", ok=True, text=text)


def _disk(free: int) -> Sign:
    text = f"{free / 1e9:,.1f} GB free"
    if free < _LEAST_FREE_BYTES:
        return Sign(name="disk", ok=False, text=f"{text}: free some space")
    return Sign(name="disk", ok=True, text=text)


def _free(path: Path) -> int:
    existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    return shutil.disk_usage(existing).free


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _ago(age: timedelta) -> str:
    return f"{_span(age)} ago" if age >= timedelta(seconds=1) else "just now"


def _span(length: timedelta) -> str:
    seconds = max(0, round(length.total_seconds()))
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
