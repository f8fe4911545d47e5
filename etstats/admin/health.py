"""One screen about everything that can quietly go wrong, judged."""

import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from etstats.admin.backup import Backup, backups, folder_of
from etstats.admin.crontab import play_hours
from etstats.config.schema import Config
from etstats.db import embedded, maintenance, migrations, server_status
from etstats.db.server_status import FileArrival, HealthFacts, ServerStatus
from etstats.domain.text import pluralize
from etstats.importer.anonymize import Pseudonyms, are_copies_current
from etstats.pipeline.database import open_database
from etstats.pipeline.poll_schedule import is_playing, is_script_dead

_LEAST_FREE_BYTES = 500_000_000
_CLOCK_AHEAD = timedelta(seconds=5)
_QUARTER, _SAVED_WITHIN = 900, 120
_ENOUGH_FILES = 3
_LOOK_OVERDUE = timedelta(hours=1)
_MISSED_FOR = timedelta(hours=1)
_FETCHED_LIVE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """One thing looked at: its name, whether it is well, and what there is to say, the way out included."""

    name: str
    ok: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """All signs, and the numbers they were judged by; sizes in bytes."""

    at: datetime
    signs: tuple[Sign, ...]
    facts: HealthFacts
    newest_backup: Backup | None
    free_bytes: int

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong."""
        return all(sign.ok for sign in self.signs)


def examine(config: Config, now: datetime) -> Health:
    """Look at base, servers, posts, backups and disk; DatabaseError when the database does not answer."""
    with open_database(config) as conn:
        is_anonymized = are_copies_current(Pseudonyms(conn), config.copies_root)
        missing = migrations.missing_objects(conn)
        facts, known, arrivals = (
            server_status.health_facts(conn),
            server_status.looks(conn),
            server_status.recent_arrivals(conn),
        )
        version = maintenance.base_facts(conn).server_version if config.database.url is None else None
    newest = next(iter(backups(folder_of(config))), None)
    free = min(_free(path) for path in (config.data_dir, config.state_dir, folder_of(config)))
    signs = (
        *_files(facts, config),
        *(sign for server in config.servers for sign in _server(server.name, known.get(server.name), config, now)),
        *_clocks(arrivals),
        _posts(facts),
        _quarantine(facts),
        Sign(name="base", ok=True, text=f"{facts.size_bytes / 1e6:,.0f} MB, {pluralize(facts.rounds, 'round')}"),
        *_schema(missing),
        *_embedded(version),
        _counts(facts),
        *_copies(config, is_anonymized=is_anonymized),
        _backup(newest, facts, config, now),
        _disk(free),
    )
    return Health(at=now, signs=signs, facts=facts, newest_backup=newest, free_bytes=free)


def _files(facts: HealthFacts, config: Config) -> Iterator[Sign]:
    if facts.last_import is None or facts.last_round is None:
        yield Sign(name="last file", ok=True, text="none yet; fetch with: etstats sync")
        return
    age = facts.at - facts.last_round
    text = f"{_moment(facts.last_round)}, {_ago(age)}; imported {_ago(facts.at - facts.last_import)}"
    if age > timedelta(days=config.health.max_file_age_days):
        yield Sign(
            name="last file", ok=False, text=f"{text}. Does the game server still write them? etstats diagnose"
        )
    else:
        yield Sign(name="last file", ok=True, text=text)


def _server(name: str, look: ServerStatus | None, config: Config, now: datetime) -> Iterator[Sign]:
    subject = f"server {name}"
    if look is None or look.polled_at is None:
        yield Sign(name=subject, ok=True, text="not polled yet; etstats sync")
        return
    age = now - look.polled_at
    text = f"looked at {_ago(age)}"
    if look.people is not None and is_playing(look, now):
        text += f", {look.people} playing"
    hour_ago = now - _LOOK_OVERDUE
    hours = play_hours(config.cron.hours)
    overdue = age > _LOOK_OVERDUE and {now.astimezone().hour, hour_ago.astimezone().hour} <= set(hours)
    if overdue:
        yield Sign(
            name=subject, ok=False, text=f"{text}, in play hours. Does cron run? etstats cron show; the log"
        )
    elif is_script_dead(look, now):
        yield Sign(
            name=subject,
            ok=False,
            text=f"{look.people} people play since {_moment(look.people_since or now)} and no file came: the game "
            "server's statistics script writes nothing any more; restart it there",
        )
    elif look.missed_since is not None and now - look.missed_since > _MISSED_FOR:
        yield Sign(
            name=subject,
            ok=False,
            text=f"{pluralize(look.missed, 'file')} cannot be had since {_moment(look.missed_since)}. "
            "See: etstats diagnose",
        )
    else:
        yield Sign(name=subject, ok=True, text=text)


def _clocks(arrivals: Iterable[FileArrival]) -> Iterator[Sign]:
    """The server's clock against ours, and its time zone against the names it gives."""
    by_server: dict[str, list[FileArrival]] = defaultdict(list)
    for arrival in arrivals:
        by_server[arrival.server].append(arrival)
    for server, files in sorted(by_server.items()):
        ahead = max(file.written_at - file.processed_at for file in files)
        offsets = {_zone_error(file) for file in files}
        wrong = next(iter(offsets)) if len(offsets) == 1 and len(files) >= _ENOUGH_FILES else None
        quickest = min(file.processed_at - file.written_at for file in files)
        if wrong:
            text = f"file names are {wrong / 3600:+.2g} h off the files' times: the zone is wrong. etstats init"
            yield Sign(name=f"clock {server}", ok=False, text=text)
        elif ahead > _CLOCK_AHEAD:
            text = f"{_span(ahead)} ahead of this machine's: set both by NTP"
            yield Sign(name=f"clock {server}", ok=False, text=text)
        elif quickest < _FETCHED_LIVE:
            yield Sign(name=f"clock {server}", ok=True, text=f"agrees; the quickest file took {_span(quickest)}")


def _zone_error(file: FileArrival) -> int:
    """How many seconds, in whole quarter hours, the name is away from the mtime; 0 also when that says nothing."""
    difference = (file.ended_at - file.written_at).total_seconds()
    whole = round(difference / _QUARTER) * _QUARTER
    return whole if abs(difference - whole) <= _SAVED_WITHIN else 0


def _posts(facts: HealthFacts) -> Sign:
    last = f"last {_ago(facts.at - facts.last_post)}" if facts.last_post else "none yet"
    wrong = [
        f"{facts.posts_unknown} with an unknown fate" if facts.posts_unknown else "",
        f"{facts.posts_failed} refused by Discord" if facts.posts_failed else "",
        f"{facts.posts_late} waiting for over an hour" if facts.posts_late else "",
        f"{facts.channels_gone} webhooks gone" if facts.channels_gone else "",
    ]
    told = ", ".join(text for text in wrong if text)
    if told:
        return Sign(name="posts", ok=False, text=f"{told}; {last}. See: etstats post --help")
    return Sign(name="posts", ok=True, text=last + (f", {facts.posts_open} to go" if facts.posts_open else ""))


def _quarantine(facts: HealthFacts) -> Sign:
    # Discarded files are still kept, so there may be bytes without a file to poll.
    text = pluralize(facts.quarantined, "file") if facts.quarantined else "empty"
    if facts.quarantine_bytes:
        text += f", {facts.quarantine_bytes / 1e6:,.1f} MB kept"
    if facts.newly_quarantined:
        new = f"{text}, {facts.newly_quarantined} of them this week. See: etstats quarantine list"
        return Sign(name="quarantine", ok=False, text=new)
    return Sign(name="quarantine", ok=True, text=text)


def _schema(missing: list[str]) -> Iterator[Sign]:
    if missing:
        shown = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        text = f"missing or changed: {shown}. See: etstats db status"
        yield Sign(name="schema", ok=False, text=text)


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
    return Sign(name="counts", ok=True, text=f"a round for each of {facts.counting_files:,} good files")


def _copies(config: Config, *, is_anonymized: bool) -> Iterator[Sign]:
    """A finding when `forget`, or the next run after it, was killed before it rewrote the local copies."""
    if not is_anonymized:
        text = f"{config.copies_root} may still hold a forgotten player. Run: etstats sync"
        yield Sign(name="local copies", ok=False, text=text)


def _backup(newest: Backup | None, facts: HealthFacts, config: Config, now: datetime) -> Sign:
    oldest_allowed = timedelta(hours=config.health.max_backup_age_hours)
    if newest is None:
        is_young = facts.first_import is None or facts.at - facts.first_import < oldest_allowed
        return Sign(name="backup", ok=is_young, text=f"none in {folder_of(config)}. Make one: etstats backup")
    age = now - newest.made_at
    text = f"{_ago(age)}, {newest.size_bytes / 1e6:,.1f} MB, in {newest.path.parent}"
    if age > oldest_allowed:
        return Sign(name="backup", ok=False, text=f"{text}. Does the nightly one run? etstats cron show")
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
