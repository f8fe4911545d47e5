"""Write the numbers of `health` for Prometheus, as a file for node_exporter's textfile collector."""

import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from etstats.admin.health import Health
from etstats.errors import ConfigError


def write(path: Path, health: Health) -> None:
    """Replace the metrics file atomically. Raises ConfigError."""
    text = "".join(_lines(health))
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        new = Path(name)
        try:
            with os.fdopen(number, "w", encoding="utf-8") as file:
                file.write(text)
                os.fchmod(number, 0o644)  # another user collects it, and it contains no secrets
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(
            f"the metrics cannot be written to {path}: {reason}; set [health] metrics_file"
        ) from error


def _lines(health: Health) -> Iterator[str]:
    facts = health.facts
    yield from _gauge("up", "1 if all checks are ok.", health.is_well)
    yield "# HELP etstats_sign_ok 1 if this check is ok.\n# TYPE etstats_sign_ok gauge\n"
    for sign in health.signs:
        yield f'etstats_sign_ok{{sign="{_label(sign.name)}"}} {int(sign.ok)}\n'
    yield from _gauge("rounds", "Rounds in the database.", facts.rounds)
    yield from _gauge("quarantined_files", "Files in quarantine.", facts.quarantined)
    yield from _gauge("quarantine_bytes", "Bytes kept of quarantined and discarded files.", facts.quarantine_bytes)
    yield from _gauge("posts_unknown", "Posts whose delivery is unknown.", facts.posts_unknown)
    yield from _gauge("posts_failed", "Posts that Discord refused.", facts.posts_failed)
    yield from _gauge("posts_open", "Posts that are still to be sent.", facts.posts_open)
    yield from _gauge("database_size_bytes", "Size of the database.", facts.size_bytes)
    yield from _gauge("disk_free_bytes", "Free space on the fullest disk in use.", health.free_bytes)
    yield from _moment("last_round", "The newest round ended.", facts.last_round)
    yield from _moment("last_import", "The last file was imported.", facts.last_import)
    yield from _moment("last_post", "The last post was sent.", facts.last_post)
    made_at = health.newest_backup.made_at if health.newest_backup else None
    yield from _moment("last_backup", "The newest verified backup was made.", made_at)
    yield from _moment("examined", "The checks were made.", health.at)


def _gauge(name: str, text: str, value: float) -> Iterator[str]:
    yield f"# HELP etstats_{name} {text}\n# TYPE etstats_{name} gauge\netstats_{name} {float(value):.15g}\n"


def _moment(name: str, text: str, moment: datetime | None) -> Iterator[str]:
    if moment is not None:
        yield from _gauge(f"{name}_timestamp_seconds", text, round(moment.timestamp(), 3))


def _label(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
