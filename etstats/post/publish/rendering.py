"""Render a stored round, map or session as its message."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import tzinfo

from etstats.db import pending_posts
from etstats.db import sessions as stored
from etstats.db.connection import Connection
from etstats.db.pending_posts import PendingPost
from etstats.domain.stats import ScoreLine
from etstats.domain.views import (
    AwardRow,
    MapResult,
    MatchView,
    MilestoneRow,
    Mvp,
    RecordRow,
    RoundView,
    SessionView,
)
from etstats.parser.names import clean_name, colour_runs
from etstats.post.render import facts, summaries
from etstats.post.render.message import Embed, Message
from etstats.post.settings import DiscordConfig
from etstats.stats import sessions


@dataclass(frozen=True, slots=True, kw_only=True)
class RenderedPost:
    """A message, and the facts that its pictures are drawn from."""

    message: Message
    facts: facts.Summary

    def pictures(self) -> dict[str, bytes]:
        """The pictures that the message names, drawn now: file name -> PNG."""
        if not self.message.attachments:
            return {}
        from etstats.post.render import charts

        match self.facts:
            case facts.MapSummary() as summary:
                return {summaries.SCOREBOARD_FILE: charts.scoreboard_png(summary)}
            case facts.SessionSummary() as summary:
                return {summaries.SESSION_FILE: charts.session_png(summary)}
        return {}


PageOf = Callable[[PendingPost], str | None]
"""The address of the page about something; None where it has none."""


def render(
    conn: Connection, item: PendingPost, settings: DiscordConfig, page_of: PageOf | None = None
) -> RenderedPost:
    """Return the message of a pending post from the database; NotFoundError when its rounds were deleted.

    Its title leads to the page that `page_of` names. Reads inside the caller's transaction.
    """
    summary: facts.Summary
    match item.kind:
        case "round":
            summary = round_facts(sessions.round_view(conn, item.round_id or 0))
            message = summaries.round_message(summary)
        case "map":
            summary = map_facts(sessions.match_view(conn, item.server_id, item.match_id or ""))
            message = summaries.map_message(summary, picture=settings.charts)
        case "session":
            view = sessions.session_view(conn, item.session_id or 0)
            summary = session_facts(view, with_milestones="round" not in settings.kinds)
            message = summaries.session_message(summary, picture=settings.charts)
        case "digest":
            summary = _digest_facts(conn, item)
            message = summaries.digest_message(summary)
    page = page_of(item) if page_of else None
    if page is not None:
        message = replace(message, embeds=(replace(message.embeds[0], url=page), *message.embeds[1:]))
    return RenderedPost(
        message=replace(message, silent=settings.silent, username=settings.username), facts=summary
    )


def joined_message(message: Message) -> Message:
    """Return the replacement of a session summary whose session became part of an earlier one."""
    card = message.embeds[0]
    text = "This turned out to be part of one longer session: its summary above has been brought up to date."
    shown = Embed(title=card.title, colour=card.colour, description=text, author=card.author)
    return Message(embeds=(shown,))


def thread_name(conn: Connection, item: PendingPost, zone: tzinfo) -> str:
    """Return the name of a session's forum thread: the local day on which it began, and the server."""
    rounds = stored.rounds_of_sessions(conn, [item.session_id]) if item.session_id is not None else []
    began = rounds[0].ended_at if rounds else item.first_at or item.ended_at
    return summaries.thread_title(item.server, f"{began.astimezone(zone):%Y-%m-%d}")


def round_facts(view: RoundView) -> facts.RoundSummary:
    """Return a round's facts for its post."""
    r = view.round
    return facts.RoundSummary(
        server=r.server,
        map_name=r.map_name,
        round_number=r.round_number,
        ended_at=r.ended_at,
        time_limit_seconds=r.time_limit_seconds,
        actual_time_seconds=r.actual_time_seconds,
        played_seconds=r.played_seconds,
        defender_team=r.defender_team,
        winner_team=r.winner_team,
        outcome=r.outcome,
        filename=r.filename,
        players=tuple(map(_player, view.players)),
        is_cumulative=r.is_cumulative,
        milestones=tuple(map(_milestone, view.milestones)),
    )


def map_facts(view: MatchView) -> facts.MapSummary:
    """Return a map's facts for its post."""
    return facts.MapSummary(
        server=view.server,
        map_name=view.map.map_name,
        ended_at=view.map.ended_at,
        rounds=tuple(
            facts.RoundResult(
                round_number=r.round_number,
                attackers=r.attackers,
                time_limit_seconds=r.time_limit_seconds,
                actual_time_seconds=r.actual_time_seconds,
                played_seconds=r.played_seconds,
                outcome=r.outcome,
            )
            for r in view.map.rounds
        ),
        score=view.map.score,
        winner=view.map.winner,
        players=tuple(map(_player, view.players)),
        mvp=view.mvp.player_guid if view.mvp else None,
        mvp_reason=_reason(view.mvp),
        filenames=view.filenames,
    )


def session_facts(view: SessionView, *, with_milestones: bool) -> facts.SessionSummary:
    """Return a session's facts for its post, with milestones where no round's post had them."""
    return facts.SessionSummary(
        server=view.server,
        started_at=view.started_at,
        ended_at=view.ended_at,
        rounds=len(view.rounds),
        maps=tuple(map(_map_score, view.maps)),
        score=view.score if any(m.score for m in view.maps) else None,
        players=tuple(map(_player, view.players)),
        mvp=view.mvp.player_guid if view.mvp else None,
        mvp_reason=_reason(view.mvp),
        awards=tuple(map(_award, view.awards)),
        records=tuple(map(_record, view.records)),
        milestones=tuple(map(_milestone, view.milestones)) if with_milestones else (),
        round_labels=tuple(f"{r.map_name} R{r.round_number}" for r in view.rounds),
        dpm_series=tuple(facts.DpmLine(guid=s.player_guid, values=s.values) for s in view.series),
    )


def _digest_facts(conn: Connection, item: PendingPost) -> facts.Digest:
    first_at, last_at = item.first_at or item.ended_at, item.last_at or item.ended_at
    rounds = stored.rounds(conn, pending_posts.rounds_of_span(conn, item.server_id, first_at, last_at))
    lines = stored.scoreboards(conn, dict.fromkeys([r.id for r in rounds], 0)).get(0, [])
    maps: dict[str, int] = {}
    for r in rounds:
        maps[r.map_name] = maps.get(r.map_name, 0) + 1
    return facts.Digest(
        server=item.server,
        first_at=first_at,
        last_at=last_at,
        rounds=len(rounds),
        maps=tuple(maps.items()),
        players=tuple(_player(line) for line in lines if not line.is_hidden),
    )


def _player(line: ScoreLine) -> facts.PlayerLine:
    return facts.PlayerLine(
        guid=line.player_guid,
        name=line.clean_name,
        team=line.team if line.team in (facts.AXIS, facts.ALLIES) else 0,
        kills=line.kills,
        deaths=line.deaths,
        kd=line.kd_ratio,
        dpm=line.dpm,
        damage_given=line.damage_given,
        damage_received=line.damage_received,
        accuracy=line.accuracy,
        headshots=line.headshots,
        headshot_kills=line.headshot_kills,
        hs_percent=line.hs_percent,
        revives_given=line.revives_given,
        times_revived=line.times_revived,
        gibs=line.gibs,
        time_played_seconds=line.time_played_seconds,
        time_dead_seconds=line.time_dead_seconds,
        denied_playtime=line.denied_playtime,
        double_kills=line.double_kills,
        triple_kills=line.triple_kills,
        quad_kills=line.quad_kills,
        multi_kills=line.multi_kills,
        mega_kills=line.mega_kills,
        most_useful_kills=line.most_useful_kills,
        best_spree=line.killing_spree_best,
        dynamites_planted=line.dynamites_planted,
        dynamites_defused=line.dynamites_defused,
        objectives_taken=line.objectives_stolen,
        objectives_returned=line.objectives_returned,
        constructions=line.constructions,
        rounds=line.rounds,
        colour_runs=colour_runs(line.player_name),
    )


def _map_score(played: MapResult) -> facts.MapScore:
    times = {
        r.round_number: r.played_seconds if r.outcome == "surrender" else r.actual_time_seconds
        for r in played.rounds
    }
    outcomes = {r.round_number: r.outcome for r in played.rounds}
    return facts.MapScore(
        map_name=played.map_name,
        times=(times.get(1), times.get(2)),
        score=played.score,
        winner=played.winner,
        outcomes=(outcomes.get(1, ""), outcomes.get(2, "")),
    )


def _reason(best: Mvp | None) -> str:
    return f"rating {best.rating:.2f} · {best.kills}/{best.deaths} · {best.dpm:.0f} DPM" if best else ""


def _award(row: AwardRow) -> facts.AwardLine:
    return facts.AwardLine(title=row.title, name=clean_name(row.player_name), value=row.text)


def _record(row: RecordRow) -> facts.BrokenRecord:
    return facts.BrokenRecord(
        title=f"{'All-time' if row.is_all_time else 'Own'} best {row.title}",
        name=clean_name(row.player_name),
        value=f"{row.value:,.0f}",
        before="" if row.before is None else f"{row.before:,.0f}",
    )


def _milestone(row: MilestoneRow) -> facts.Milestone:
    return facts.Milestone(
        name=clean_name(row.player_name),
        text=f"{row.title}: {row.threshold:,} {row.unit}",
        mention=None if row.discord_user_id is None else str(row.discord_user_id),
    )
