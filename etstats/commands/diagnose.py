"""diagnose: where every file is, and what to do about missing ones."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Annotated, NamedTuple

import typer

from etstats import output
from etstats.admin.audit import diagnose as audit_diagnose
from etstats.admin.audit.diagnose import ServerDiagnosis
from etstats.commands import options
from etstats.commands.context import context_of
from etstats.commands.option_groups import bundled
from etstats.domain.files import CountTrend, FileFinding, Trend, Verdict
from etstats.output import Format, Table

app = typer.Typer()
_EXAMPLES = 3
_DAYS = 10


@app.command()
@bundled
def diagnose(
    ctx: typer.Context,
    *,
    server: Annotated[str | None, typer.Option("--server", metavar="NAME", help="Only this server.")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Do not connect to the game servers.")] = False,
    restore: Annotated[
        bool,
        typer.Option("--restore", help="Restore missing local files from the archive or server."),
    ] = False,
    written: options.OutputFormat,
) -> int:
    """Explain where files differ: server, local folder, database.

    Posts that need a decision are listed too.

    --csv and --markdown write the differences only.

    Example: etstats diagnose --offline

    Exit codes: 0 nothing to do, 2 wrong usage, 3 a difference needs attention, 4 key or host key refused, 75 a
    server or the database is down.
    """
    context = context_of(ctx)
    result = audit_diagnose.diagnose(
        context.config, now=datetime.now(UTC), server=server, offline=offline, restore=restore
    )
    if written.style is Format.JSON:
        output.write_json(result.servers)
    elif written.style is Format.TABLE:
        for one in result.servers:
            _draw(one, options.zone_of(context.config, one.server))
    else:
        output.show(_findings_table(result.servers), written.style)
        for one in result.servers:
            if one.problem is not None:
                output.say(f"diagnose: no listing of {one.server}: {one.problem}")
    for line in result.posts:
        output.say(line)
    return result.exit_code


class _Place(NamedTuple):
    """A row of the table of locations."""

    place: str
    files: int | None
    course: CountTrend | None


class _Difference(NamedTuple):
    """A finding of one server as a row."""

    server: str
    files: int
    title: str
    verdict: str
    because: str
    recent: int
    old: int
    to_do: str


def _findings_table(servers: Sequence[ServerDiagnosis]) -> Table:
    rows = [
        _Difference(
            server=one.server,
            files=finding.files,
            title=finding.title,
            verdict=str(finding.verdict),
            because=finding.because,
            recent=finding.recent,
            old=finding.old,
            to_do=finding.to_do,
        )
        for one in servers
        for finding in one.findings
    ]
    columns = [
        output.text("server", "Server"),
        output.whole("files", "Files"),
        output.text("title", "Which"),
        output.text("verdict", "Verdict"),
        output.sentence("because", "Because"),
        output.whole("recent", "Recent"),
        output.whole("old", "Old"),
        output.sentence("to_do", "To do"),
    ]
    return output.Table(title="Differences", columns=columns, rows=rows, empty="No differences.")


def _draw(one: ServerDiagnosis, zone: tzinfo) -> None:
    """Print the headline, the counts, a paragraph for each finding, and the days with gaps."""
    output.write(f"{one.server}: {one.headline}", bold=True)
    if one.problem is not None:
        output.write(f"look at this: no listing of the server: {one.problem}", indent=2)
    if not one.is_anonymized:
        output.write("local copies may still contain a forgotten player; run: etstats sync", indent=2)
    if one.hint is not None:
        output.write(f"look at this: {one.hint}", indent=2)
    for name, reason in one.refused_names.items():
        output.write(f"look at this: invalid file name: {name}: {reason}", indent=2)
    if one.restored is not None:
        output.write(_restored_files(one), indent=2)
        for reason in one.restored.failed:
            output.write(f"not restored: {reason}", indent=2)
    counts, courses = one.counts, one.courses
    rows = [
        _Place(place="on the server", files=counts.on_server, course=courses.get("on_server")),
        _Place(place="in the local folder", files=counts.in_folder, course=courses["in_folder"]),
        _Place(place="processed", files=counts.processed, course=courses["processed"]),
        _Place(place="  good", files=counts.good, course=courses["good"]),
        _Place(place="  duplicates", files=counts.duplicates, course=courses["duplicates"]),
        _Place(place="  in quarantine", files=counts.quarantined, course=courses["in_quarantine"]),
        _Place(place="rounds", files=counts.rounds, course=courses["rounds"]),
    ]
    columns = (
        output.text("place", "Where"),
        output.whole("files", "Files"),
        output.Column(
            key="course", heading="Compared with earlier runs", text=lambda trend: in_words(trend, zone)
        ),
    )
    output.show(output.Table(title="", columns=columns, rows=rows, empty=""))
    for finding in one.findings:
        _draw_finding(finding, zone)
    if one.gap_days:
        output.show(_gap_table(one))


def _draw_finding(finding: FileFinding, zone: tzinfo) -> None:
    files = "file" if finding.files == 1 else "files"
    output.write(f"{finding.files:,} {files} {finding.title}", bold=True)
    is_fine = finding.verdict is Verdict.FINE
    output.write(f"{finding.verdict}{', because ' if is_fine else ': '}{finding.because}", indent=2)
    months = ", ".join(f"{month}: {count:,}" for month, count in finding.months.items())
    output.write(
        f"{finding.recent:,} recent, {finding.old:,} old; {in_words(finding.course, zone)}; {months}", indent=2
    )
    if not is_fine:
        more = len(finding.filenames) - _EXAMPLES
        names = ", ".join(finding.filenames[-_EXAMPLES:])
        output.write(f"{names}{f' and {more:,} older (--json names all)' if more > 0 else ''}", indent=2)
    output.write(f"to do: {finding.to_do}", indent=2)
    output.out().print()


def _gap_table(one: ServerDiagnosis) -> Table:
    more = len(one.gap_days) - _DAYS
    return output.Table(
        title="Days with play and gaps",
        columns=(
            output.when("day", "Day"),
            output.whole("stored", "Stored"),
            output.whole("missing", "Missing"),
            output.whole("unpaired", "Unpaired"),
            output.text("verdict", "Verdict"),
        ),
        rows=one.gap_days[:_DAYS],
        empty="",
        notes=[f"and {more:,} older days; --json lists all"] if more > 0 else [],
    )


def _restored_files(one: ServerDiagnosis) -> str:
    assert one.restored is not None  # noqa: S101  # only with --restore
    back, fetched = one.restored.from_archive, one.restored.from_server
    return f"restored to {one.folder}: {back:,} from the archive, {fetched:,} from the server"


def in_words(course: CountTrend, zone: tzinfo) -> str:
    """Return `stable since 2025-10-01`, `growing (3,207 on 2025-10-01)` or `not counted before`."""
    if course.since is None:
        return str(course.trend)
    day = f"{course.since.astimezone(zone):%Y-%m-%d}"
    return f"stable since {day}" if course.trend is Trend.STABLE else f"{course.trend} ({course.was:,} on {day})"
